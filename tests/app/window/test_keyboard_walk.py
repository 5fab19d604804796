"""From the first start to a saved transcript with nothing but a keyboard, on a real screen, in the real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.app.window.screen import screen
from tests.app.window.test_overlay import needs_screen

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 60.0
# The program as it is, but for a witness who writes down what a screen reader is told.
OPEN = """
import sys
from app.window import announcer
from app.window.main import run
told = open(sys.argv.pop(1), "a", buffering=1)
announce = announcer.announce
def witnessed(widget, words, **how):
    announce(widget, words, **how)
    print(words, file=told)
announcer.announce = witnessed
sys.exit(run(sys.argv[1:]))
"""
MOST_KEYS_TO_FIRST_CAPTION = 6


class Keyboard:
    """Presses real keys on a screen, and counts them; Tab does not count."""

    def __init__(self, display: str, program: subprocess.Popen[bytes]) -> None:
        self._display = display
        self._program = program
        self.num_pressed = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.num_pressed += "Tab" not in key
            self._tell("key", key)

    def write(self, text: str) -> None:
        self._tell("type", "--delay", "20", text)

    def until(self, condition: Callable[[], bool]) -> None:
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert self._program.poll() is None, "the program ended"
            assert time.monotonic() < end_s, "it never came true"
            time.sleep(0.1)

    def _tell(self, *words: str) -> None:
        environment = {**os.environ, "DISPLAY": self._display}
        subprocess.run(["xdotool", *words], env=environment, check=True, timeout=WAIT_S)

    def is_in(self, title: str) -> bool:
        """Whether keys go to a dialog with these words in its title. (With no dialog, they go where the mouse is.)"""
        return title in self._ask("getwindowfocus", "getwindowname")

    def titles(self) -> str:
        """Of the windows that are on the screen."""
        return self._ask("search", "--onlyvisible", "--name", ".", "getwindowname", "%@")

    def _ask(self, *words: str) -> str:
        environment = {**os.environ, "DISPLAY": self._display}
        found = subprocess.run(
            ["xdotool", *words], env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False
        )
        return found.stdout


@needs_screen
def test_from_the_first_start_to_a_saved_transcript_without_a_mouse(tmp_path: Path, tiny_model: Path) -> None:
    settings, told = tmp_path / "config" / "settings.json", tmp_path / "told"
    told.touch()
    command = [sys.executable, "-c", OPEN, str(told), "--settings", str(settings), "--model", str(tiny_model)]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "WAYLAND"))}
    with screen() as display:
        environment = {**kept, "DISPLAY": display, "HOME": str(tmp_path)}
        with subprocess.Popen(command, cwd=ROOT, env=environment) as program:
            try:
                keyboard = Keyboard(display, program)
                keyboard.until(lambda: "Ringside" in keyboard.titles() and "Welcome" in told.read_text())
                # The first start: Start has the keyboard, the demo match is chosen.
                keyboard.press("space")
                keyboard.until(lambda: any("text" in line for line in journal(settings)))
                assert keyboard.num_pressed <= MOST_KEYS_TO_FIRST_CAPTION

                # What can be done is listed, and the list is left again.
                keyboard.press("F1")
                keyboard.until(lambda: keyboard.is_in("Shortcuts"))
                keyboard.press("Escape")
                keyboard.until(lambda: "Shortcuts" not in keyboard.titles())
                # A setting, by keys: the search, then Tab to what was found.
                keyboard.press("ctrl+comma")
                keyboard.until(lambda: keyboard.is_in("Settings"))
                keyboard.press("ctrl+f")
                keyboard.write("keep the last")
                keyboard.until(lambda: "1 setting found" in told.read_text())
                keyboard.press("Tab", "Tab", "space", "Escape", "Escape")
                keyboard.until(lambda: "Settings" not in keyboard.titles())
                keyboard.until(lambda: not read(settings).get("caption_stays", True))

                # The transcript, saved where a person writes.
                keyboard.press("ctrl+s")
                keyboard.until(lambda: keyboard.is_in("Save the transcript"))
                keyboard.press("ctrl+a")
                target = tmp_path / "match.srt"
                keyboard.write(str(target))
                keyboard.press("Return")
                keyboard.until(lambda: target.is_file() and "Save" not in keyboard.titles())
                assert "-->" in target.read_text(encoding="utf-8")
                keyboard.press("space")
                keyboard.press("ctrl+q")
                assert program.wait(WAIT_S) == 0
            finally:
                if program.poll() is None:
                    program.kill()
    assert read(settings)["source"] in ("", "demo")


def read(settings: Path) -> dict[str, object]:
    found = json.loads(settings.read_text(encoding="utf-8")) if settings.is_file() else {}
    assert isinstance(found, dict)
    return found


def journal(settings: Path) -> list[str]:
    """Lines of the session that is kept while it runs."""
    files = sorted((settings.parent / "sessions").rglob("*.jsonl"))
    return files[-1].read_text(encoding="utf-8").splitlines() if files else []
