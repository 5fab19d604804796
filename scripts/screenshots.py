"""Pictures of every page and dialog, in every theme, at the smallest and the largest text, small enough to keep.

Run it from the repository's root: `python scripts/screenshots.py [FOLDER [light-100 ...]]`. It needs Xvfb, or a
screen of its own.
Knows which pages there are and how they come up. Knows nothing of what they look like.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZE = (1280, 720)
NUM_COLOURS = {
    "first-start": 160,
    "watching": 160,
    "asking": 160,
    "details": 160,
    "error": 160,
    "choose-screen": 160,
}
USUAL_NUM_COLOURS = 24
THEMES = ("light", "dark", "high-contrast")
SCALES_PERCENT = (100, 200)
WAIT_S = 60.0
WORDS = "Lions win it back, Okafor shoots, and it is in! Lions lead one nil after a long ball from Lind."


async def take(theme_name: str, scale_percent: int, folder: Path, settings_file: Path) -> None:
    """All pages in one look."""
    from PySide6.QtCore import QCoreApplication, QEvent, QPoint
    from PySide6.QtGui import QColor, QPainter, QPixmap
    from PySide6.QtWidgets import QApplication, QWidget

    from app.settings import PAGES, SettingsStore
    from app.theme.theme import Theme
    from app.window.controller import Controller
    from app.window.main_window import MainWindow
    from app.window.state.messages import Message
    from app.window.state.session import StatusKind

    application = QApplication.instance()
    assert isinstance(application, QApplication)
    store = SettingsStore(settings_file)
    store.change(theme=theme_name, text_scale_percent=scale_percent)
    theme = Theme(application, name=store.settings.theme, scale_percent=scale_percent)
    controller = Controller(store, asyncio.get_running_loop())
    window = MainWindow(controller, theme)

    async def keep(widget: QWidget, name: str, ground: str = "", *, moves: bool = False) -> None:
        """What does not move is waited for until it has its place."""
        picture = widget.grab()
        end_s = time.monotonic() + WAIT_S
        while not moves and time.monotonic() < end_s:
            await asyncio.sleep(0.3)
            before, picture = picture, widget.grab()
            if picture.toImage() == before.toImage():
                break
        if ground:  # what is half-transparent needs something behind it
            behind = QPixmap(picture.size())
            behind.fill(QColor(ground))
            painter = QPainter(behind)
            painter.drawPixmap(QPoint(0, 0), picture)
            painter.end()
            picture = behind
        file = folder / f"{name}-{theme_name}-{scale_percent}.png"
        picture.save(str(file))
        make_small(file, NUM_COLOURS.get(name, USUAL_NUM_COLOURS))

    window.resize(*SIZE)
    window.show()
    window.activateWindow()
    controller.open()
    session = controller.state.session
    await until(lambda: session.status.kind is StatusKind.READY)
    await until(lambda: "This computer" in window.first_start.words.text())
    await keep(window, "first-start")
    controller.remember(has_finished_first_start=True, has_seen_warning=True, is_hud_on=True)
    controller.start()
    await until(lambda: len(controller.state.transcript.rows) >= 4)
    await keep(window, "watching", moves=True)
    window.say.question.open()
    window.say.question.box.setText("Who has the ball?")
    await keep(window, "asking", moves=True)
    window.escape()
    controller.start_or_stop()
    window.top_bar.details_button.setChecked(True)
    await keep(window, "details")
    window.top_bar.details_button.setChecked(False)
    controller.state.messages.show(
        Message(
            text="The camera stopped sending pictures. Another program uses it, or its plug is loose.",
            details="CameraError: /dev/video0: Device or resource busy\nTried 3 times in 2.5 s.",
            action="Choose another…",
        )
    )
    window.message_bar.details_button.setChecked(True)
    await keep(window, "error")
    controller.state.messages.dismiss()
    menu = window.exporting.menu
    menu.popup(window.mapToGlobal(QPoint(0, 0)))
    await keep(menu, "export-menu")
    menu.hide()
    window.speaking.open_dialog()
    assert window.speaking.dialog is not None
    window.speaking.dialog.file_box.setText("match-narrated.mp4")  # no folder of whoever takes the pictures
    await keep(window.speaking.dialog, "narrated-video")
    window.speaking.dialog.close()
    screens = window.source_ways.open("screen")
    await until(lambda: bool(screens.cards))
    await keep(screens, "choose-screen")
    screens.close()
    address = window.source_ways.open_address()
    await keep(address, "choose-address")
    address.close()
    controller.state.captions.clear()
    controller.state.captions.push_piece(0.0, f" {WORDS} ")
    controller.remember(is_hud_on=False, is_overlay_on=True)
    await until(lambda: window.overlay.window is not None and window.overlay.window.isVisible())
    assert window.overlay.window is not None
    await keep(window.overlay.window, "overlay", "#3C6E47")
    controller.remember(is_overlay_on=False)
    controller.actions.trigger("settings")
    settings = window.settings_page.window
    assert settings is not None
    for page in PAGES:
        settings.go_to(page)
        await keep(settings, f"settings-{page}")
    settings.search_box.setText("caption")
    await keep(settings, "settings-search")
    settings.close()
    controller.actions.trigger("shortcuts")
    assert window.shortcuts is not None
    await keep(window.shortcuts, "shortcuts")
    window.close()
    await controller.close()
    window.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    application.setStyleSheet("")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true. Raises TimeoutError."""
    end_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError("It never came true.")
        await asyncio.sleep(0.05)


def make_small(file: Path, num_colours: int) -> None:
    """Few colours, so that a picture of a window takes a few kilobytes."""
    import cv2
    import numpy as np
    from PIL import Image

    picture = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
    Image.fromarray(np.ascontiguousarray(picture)).quantize(num_colours, dither=Image.Dither.NONE).save(
        file, optimize=True
    )


def main() -> int:
    """Take them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "assets" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("DISPLAY"):
        command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24 -noreset", sys.executable, __file__]
        command += [str(folder), *sys.argv[2:]]
        return subprocess.run(command, check=False).returncode
    sys.path.insert(0, str(ROOT))
    import qasync
    from PySide6.QtWidgets import QApplication

    application = QApplication(["ringside"])
    application.setQuitOnLastWindowClosed(False)
    # A caret that does not blink, so that it is seen when a picture is complete.
    application.setCursorFlashTime(0)
    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    only = sys.argv[2:]
    with loop, tempfile.TemporaryDirectory() as settings:
        for theme_name in THEMES:
            for percent in SCALES_PERCENT:
                if not only or f"{theme_name}-{percent}" in only:
                    file = Path(settings) / f"{theme_name}-{percent}" / "settings.json"
                    loop.run_until_complete(take(theme_name, percent, folder, file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
