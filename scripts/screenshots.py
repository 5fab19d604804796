"""Pictures of every page, in every theme, at the smallest and the largest text, small enough to keep.

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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZE = (1280, 720)
NUM_COLOURS = {"first-start": 160, "watching": 160}
USUAL_NUM_COLOURS = 24
THEMES = ("light", "dark", "high-contrast")
SCALES_PERCENT = (100, 200)
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

    application = QApplication.instance()
    assert isinstance(application, QApplication)
    store = SettingsStore(settings_file)
    store.change(theme=theme_name, text_scale_percent=scale_percent)
    theme = Theme(application, name=store.settings.theme, scale_percent=scale_percent)
    controller = Controller(store, asyncio.get_running_loop())
    window = MainWindow(controller, theme)

    def keep(widget: QWidget, name: str, ground: str = "") -> None:
        picture = widget.grab()
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
    controller.open()
    await asyncio.sleep(4)
    keep(window, "first-start")
    controller.remember(has_finished_first_start=True, has_seen_warning=True, is_hud_on=True)
    controller.start()
    for _ in range(300):
        await asyncio.sleep(0.1)
        if len(controller.state.transcript.rows) >= 4:
            break
    keep(window, "watching")
    controller.start_or_stop()
    controller.state.captions.clear()
    controller.state.captions.push_piece(0.0, f" {WORDS} ")
    controller.remember(is_hud_on=False, is_overlay_on=True)
    for _ in range(50):
        await asyncio.sleep(0.1)
        if window.overlay.window is not None and window.overlay.window.isVisible():
            keep(window.overlay.window, "overlay", "#3C6E47")
            break
    controller.remember(is_overlay_on=False)
    controller.actions.trigger("settings")
    settings = window.settings_page.window
    assert settings is not None
    await asyncio.sleep(2)
    for page in PAGES:
        settings.go_to(page)
        await asyncio.sleep(0.4)
        keep(settings, f"settings-{page}")
    settings.search_box.setText("caption")
    await asyncio.sleep(0.4)
    keep(settings, "settings-search")
    settings.close()
    controller.actions.trigger("shortcuts")
    await asyncio.sleep(0.4)
    assert window.shortcuts is not None
    keep(window.shortcuts, "shortcuts")
    window.close()
    await controller.close()
    window.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    application.setStyleSheet("")


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
