"""How the window comes up: an ordered start, nothing heavy before it is on the screen, and an end that leaves nothing.

Knows the order. Knows no widget but the window itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QApplication

from app.settings import SettingsStore
from app.theme.icons import application_icon
from app.theme.theme import Theme
from app.window.controller import Controller
from app.window.main_window import MainWindow
from app.window.metrics import Metrics

_log = logging.getLogger("ringside.app.window")

_SWITCH_INTERVAL_S = 0.001


def run(arguments: Sequence[str] = ()) -> int:
    """Open the window and stay until it is closed; returns the exit code.

    Arguments: --autostart starts at once; --source, --model and --title choose what a person could choose in the window;
    --settings FILE keeps settings elsewhere; --metrics FILE writes figures about the run when the window closes.
    """
    began_at_s = time.perf_counter()
    options = _parse(arguments)
    # A thread that wants Python's lock waits this long before it may ask for it: the window is one of half a dozen.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    # 1. The application.
    application = _application()
    # 2. What is remembered.
    store = SettingsStore(options.settings or _settings_file())
    # 3. Colours and sizes.
    theme = Theme(application, name=store.settings.theme, scale_percent=store.settings.text_scale_percent)
    # 4. The loop, the window, and their life.
    import qasync

    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    try:
        with loop:
            loop.run_until_complete(_live(options, store, theme, loop, began_at_s))
    finally:
        asyncio.set_event_loop(None)
    return 0


async def _live(
    options: argparse.Namespace,
    store: SettingsStore,
    theme: Theme,
    loop: asyncio.AbstractEventLoop,
    began_at_s: float,
) -> None:
    controller = Controller(store, loop)
    window = MainWindow(controller, theme)
    metrics = Metrics(window, began_at_s)
    closed = asyncio.Event()
    window.closed.connect(closed.set)
    is_on_screen = asyncio.Event()
    window.shown.connect(is_on_screen.set)
    _choose(options, controller)
    with _signals_close(window, loop):
        window.show()
        await is_on_screen.wait()
        metrics.window_is_shown()
        # 5. Only now what takes time: threads, model, first pictures.
        controller.open()
        await closed.wait()
        metrics.stop()
        await controller.close()
    if options.metrics is not None:
        options.metrics.write_text(json.dumps(metrics.figures(), indent=2) + "\n", encoding="utf-8")
    window.deleteLater()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ringside", description="Open Ringside's window.")
    parser.add_argument("--autostart", action="store_true", help="start at once")
    parser.add_argument("--source", type=Path, help="a video to watch in place of the last one")
    parser.add_argument("--model", help="demo, or a checkpoint folder")
    parser.add_argument("--title", help="what the video is")
    parser.add_argument("--settings", type=Path, help="file in which settings are kept")
    parser.add_argument("--metrics", type=Path, help="write figures about the run to this file")
    return parser.parse_args(list(arguments))


def _application() -> QApplication:
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName("ringside")
    application.setApplicationDisplayName("Ringside")
    application.setDesktopFileName("ringside")
    application.setWindowIcon(application_icon())
    # The end has an order of its own; the last window is not the last thing.
    application.setQuitOnLastWindowClosed(False)
    return application


def _settings_file() -> Path:
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericConfigLocation)
    return Path(folder) / "ringside" / "settings.json"


def _choose(options: argparse.Namespace, controller: Controller) -> None:
    if options.source is not None:
        controller.choose_file(str(options.source))
    if options.model is not None:
        controller.remember(model=options.model)
    if options.title is not None:
        controller.set_title(options.title)
    if options.autostart:
        controller.start()


@contextmanager
def _signals_close(window: MainWindow, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Ctrl+C in the terminal and a polite kill close the window, also while Python has nothing to do."""
    if os.name != "posix":
        yield
        return
    ours, pythons = socket.socketpair()
    ours.setblocking(False)
    pythons.setblocking(False)

    def close_window() -> None:
        ours.recv(64)
        window.close()

    kinds = (signal.SIGINT, signal.SIGTERM)
    former_wakeup = signal.set_wakeup_fd(pythons.fileno())
    former = {kind: signal.signal(kind, lambda *_: None) for kind in kinds}
    loop.add_reader(ours.fileno(), close_window)
    try:
        yield
    finally:
        loop.remove_reader(ours.fileno())
        for kind, handler in former.items():
            signal.signal(kind, handler)
        signal.set_wakeup_fd(former_wakeup)
        ours.close()
        pythons.close()
