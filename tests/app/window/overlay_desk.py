"""A window with its overlay in a process of its own, told what to do line by line; run by test_overlay.

Also `game`: a green window over the whole screen that says when it is clicked.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from tests.app.window.conftest import Desk


def say(words: str) -> None:
    """To whoever started us."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


class Game(QWidget):
    """Green; says "click"."""

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Somebody clicked."""
        say("click")


def game() -> None:
    """Run the green window."""
    application = QApplication(["game"])
    window = Game()
    window.setWindowFlag(Qt.WindowType.FramelessWindowHint)
    window.setStyleSheet("background: #00C800")
    window.setGeometry(application.primaryScreen().geometry())
    window.show()
    say("ready")
    application.exec()


def ringside(settings_file: Path) -> None:
    """Run the window; lines of standard input: "say WORDS", "set NAME=VALUE", "place", "quit"."""
    desk = Desk(QApplication(["ringside"]), settings_file)

    async def play() -> None:
        desk.window.show()
        desk.window.move(0, 0)
        await asyncio.sleep(0.3)
        say("ready")
        while True:
            line = await desk.loop.run_in_executor(None, sys.stdin.readline)
            command, _, rest = line.strip().partition(" ")
            if command == "say":
                desk.state.captions.push_piece(0.0, f" {rest} ")
            elif command == "set":
                name, _, value = rest.partition("=")
                known = type(getattr(desk.controller.settings, name))
                desk.controller.remember(**{name: value == "True" if known is bool else known(value)})
            elif command == "keys":
                keys = desk.window.global_keys
                say(keys.words or ("all keys" if keys.are_taken else "no keys"))
                continue
            elif command == "get":
                say(str(getattr(desk.controller.settings, rest)))
                continue
            elif command == "minimise":
                desk.window.showMinimized()
            elif command in ("quit", ""):
                break
            await asyncio.sleep(0.3)
            overlay = desk.window.overlay.window
            if overlay is not None:
                place = overlay.frameGeometry()
                say(f"{place.x()} {place.y()} {place.width()} {place.height()} {overlay.isVisible()}")
            else:
                say("none")
        desk.window.close()
        await desk.controller.close()

    desk.loop.run_until_complete(play())
    desk.window.deleteLater()
    desk.loop.close()


if __name__ == "__main__":
    if sys.argv[1] == "game":
        game()
    else:
        ringside(Path(sys.argv[2]))
