"""How long it takes from the stop key to silence while the window comments on the demo match.

    python -m tests.app.window.measure_stop_key [NUM]

Everything runs as it does for a person: the demo model, captions, speech, and the key pressed in the window. The moment of
silence is when the last loud sample arrives at a recorder behind the sound server. Prints milliseconds; ends with 1 if the
slowest took more than 50.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.app.speech.sound_server import sound_server, timed_recording

LOUD = 60.0
BAR_MS = 50.0


async def _measure(num: int, folder: Path, environment: dict[str, str]) -> list[float]:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from app.settings import SettingsStore
    from app.theme.theme import Theme
    from app.window.controller import Controller
    from app.window.main_window import MainWindow

    application = QApplication.instance()
    assert isinstance(application, QApplication)
    controller = Controller(SettingsStore(folder / "settings.json"), asyncio.get_running_loop())
    window = MainWindow(controller, Theme(application, name="dark", scale_percent=100))
    controller.remember(is_speech_on=True)
    window.show()
    controller.open()
    controller.choosing.demo()
    controller.start()
    took_ms: list[float] = []
    with timed_recording(environment) as heard:
        end_s = time.monotonic() + 150
        while len(took_ms) < num and time.monotonic() < end_s:
            await asyncio.sleep(0.01)
            # In the middle of words, not in a pause between two.
            if not (controller.state.speech.is_speaking and heard.is_loud(0.03, LOUD)):
                continue
            await asyncio.sleep(0.15)
            if not heard.is_loud(0.03, LOUD):
                continue
            pressed_at_s = time.monotonic()
            QTest.keyClick(window, Qt.Key.Key_Escape)
            await asyncio.sleep(0.25)
            took_ms.append(1000 * (heard.last_loud_at_s(LOUD, until_s=pressed_at_s + 0.25) - pressed_at_s))
            await asyncio.sleep(0.5)
    window.close()
    await controller.close()
    return took_ms


def main(num: int) -> int:
    """Measure `num` times; returns the exit code."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.setswitchinterval(0.001)
    with tempfile.TemporaryDirectory() as name, sound_server(Path(name)) as environment:
        os.environ["XDG_RUNTIME_DIR"] = environment["XDG_RUNTIME_DIR"]
        import qasync
        from PySide6.QtWidgets import QApplication

        application = QApplication(sys.argv[:1])
        application.setQuitOnLastWindowClosed(False)
        loop = qasync.QEventLoop(application)
        asyncio.set_event_loop(loop)
        took_ms = loop.run_until_complete(_measure(num, Path(name), environment))
    sys.stdout.write(
        f"{len(took_ms)} presses: median {np.median(took_ms):.1f} ms, slowest {max(took_ms):.1f} ms "
        f"(each: {', '.join(f'{ms:.0f}' for ms in took_ms)})\n"
    )
    return 0 if max(took_ms) <= BAR_MS else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
