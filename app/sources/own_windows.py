"""Our own windows: what is never to be seen in a picture of the screen.

Knows the numbers that the desktop gave our windows, and for desktops that tell no more, where they are. Whoever takes
pictures of the screen leaves them out (``app.sources.screen``). Knows no Qt and no pixels.
"""

from __future__ import annotations

import dataclasses
import threading

from app.sources.rect import Rect


@dataclasses.dataclass(frozen=True)
class OwnWindow:
    """One of our windows."""

    window_id: int
    """The desktop's number for it: X11's window, Windows' HWND."""
    place: Rect | None
    """Where it is, in the desktop's pixels; None while it is hidden."""


class OwnWindows:
    """The list of them; any thread may ask or change it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[int, OwnWindow] = {}
        self._version = 0

    @property
    def version(self) -> int:
        """Another number whenever a window came or went."""
        return self._version

    @property
    def windows(self) -> tuple[OwnWindow, ...]:
        """All of them, hidden ones too."""
        with self._lock:
            return tuple(self._windows.values())

    @property
    def ids(self) -> frozenset[int]:
        """Their numbers."""
        with self._lock:
            return frozenset(self._windows)

    def put(self, window_id: int, place: Rect | None = None) -> None:
        """A window is new, or lies elsewhere."""
        with self._lock:
            if window_id not in self._windows:
                self._version += 1
            self._windows[window_id] = OwnWindow(window_id, place)

    def remove(self, window_id: int) -> None:
        """A window is no more."""
        with self._lock:
            if self._windows.pop(window_id, None) is not None:
                self._version += 1


own_windows = OwnWindows()
"""Those of this process. The window package keeps the list; every picture of the screen asks it."""
