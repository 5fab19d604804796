"""Which processes of a run are alive, told by files that they touch: processes on many machines share nothing else.

Knows one file a process, and that whoever has not touched it for long is gone. Compares no clocks: a file that changes
is a sign of life. Knows nothing of what the processes do.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

SILENT_S = 180.0
"""A process that has not been heard of for so long is gone; a shared disk may tell of a change a minute late."""
EVERY_S = 5.0
"""How often a process touches its file."""


@contextmanager
def beating(folder: Path, rank: int) -> Iterator[None]:
    """Touch this process's file from now on, until the end of the block."""
    path = _path(folder, rank)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(EVERY_S):
            path.touch()

    thread = threading.Thread(target=beat, name="ringside-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Listener:
    """Hears of other processes from when it is made."""

    def __init__(self, folder: Path, ranks: Iterable[int]) -> None:
        self._paths = {rank: _path(folder, rank) for rank in ranks}
        self._first = {rank: _touched(path) for rank, path in self._paths.items()}
        self._last = dict(self._first)
        self._heard_s = dict.fromkeys(self._paths, time.monotonic())

    def listen(self) -> None:
        """Look who has touched their files since the last time."""
        for rank, path in self._paths.items():
            touched = _touched(path)
            if touched != self._last[rank]:
                self._last[rank] = touched
                self._heard_s[rank] = time.monotonic()

    def has_heard(self, rank: int) -> bool:
        """Whether a process has touched its file since this one began to listen."""
        return self._last[rank] != self._first[rank]

    def is_gone(self, rank: int) -> bool:
        """Whether nothing was heard of a process for SILENT_S."""
        return time.monotonic() - self._heard_s[rank] > SILENT_S


def _path(folder: Path, rank: int) -> Path:
    return folder / "processes" / str(rank)


def _touched(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
