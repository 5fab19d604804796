"""How the window is opened from a command line, and closed by a signal.

Knows options and signals. Knows no step of the start but that there are some (`app.window.start`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.window.main_window import MainWindow
from app.window.start import BEFORE_THE_LOOP, AlreadyOpenError, Start, live, take, undone


def run(arguments: Sequence[str] = ()) -> int:
    """Open the window and stay until it is closed; returns the exit code.

    Arguments: --autostart starts at once; --source, --model, --device and --title choose what a person could choose in
    the window; --settings FILE keeps settings elsewhere; --safe-mode touches no settings at all; --metrics FILE writes
    figures about the run when the window closes. If a window is open already, it comes to the front instead. Raises
    RingsideError.
    """
    start = Start(_parse(arguments), time.perf_counter())
    with undone(start):
        try:
            take(BEFORE_THE_LOOP, start)
        except AlreadyOpenError:
            return 0
        start.loop.run_until_complete(live(start, _signals_close))
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ringside", description="Open Ringside's window.")
    parser.add_argument("--autostart", action="store_true", help="start at once")
    parser.add_argument(
        "--source", help="what to watch in place of the last one: a video, screen, camera:0, an address"
    )
    parser.add_argument("--model", help="demo, or a checkpoint folder")
    parser.add_argument("--device", help="auto, cpu, cuda or cuda:1: where the model runs")
    parser.add_argument("--title", help="what the video is")
    parser.add_argument("--settings", type=Path, help="file in which settings are kept")
    parser.add_argument("--safe-mode", action="store_true", help="usual settings, nothing kept, demo model")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")
    parser.add_argument("--metrics", type=Path, help="write figures about the run to this file")
    return parser.parse_args(list(arguments))


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
