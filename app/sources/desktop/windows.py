"""Windows: which windows there are, and how ours are kept out of pictures of the screen.

Knows three calls of user32. The system itself leaves our windows out of every picture, also those that other programs
take: people who stream the overlay use the browser source. Not tried on Windows.
"""

from __future__ import annotations

import ctypes
import threading
from ctypes import wintypes
from typing import Any

from app.sources.desktop.base import PlainDesktop, WindowInfo
from app.sources.desktop.exclusion import Exclusion
from app.sources.errors import WindowGoneError, WindowHiddenError
from app.sources.own_windows import OwnWindows, own_windows
from app.sources.rect import Rect

_EXCLUDED, _USUAL = 0x11, 0x0  # WDA_EXCLUDEFROMCAPTURE (Windows 10 2004 and later), WDA_NONE
_SMALLEST_WINDOW_PX = 64

_lock = threading.Lock()
_known: dict[int, Exclusion] = {}


class WindowsDesktop(PlainDesktop):
    """The desktop of this process."""

    def __init__(self, own: OwnWindows = own_windows) -> None:
        super().__init__(own)
        self._user32 = _load_user32()
        self._is_open = True
        self._exclusion = _exclusion(own)
        self._exclusion.take()

    def close(self) -> None:
        """Our windows can be seen again, if nobody else takes pictures."""
        if self._is_open:
            self._is_open = False
            self._exclusion.release()

    def own_places(self) -> tuple[Rect, ...]:
        """Only those that the system does not leave out, or not yet; these are painted over."""
        return self._exclusion.places_to_hide()

    def windows(self) -> list[WindowInfo]:
        """Windows of other programs, the front one first."""
        found: list[WindowInfo] = []

        def look(handle: int, _: int) -> bool:
            title = self._title(handle)
            if title and handle not in self._own.ids and self._user32.IsWindowVisible(handle):
                try:
                    rect = self.window_rect(handle)
                except (WindowGoneError, WindowHiddenError):
                    return True
                if min(rect.width, rect.height) >= _SMALLEST_WINDOW_PX:
                    found.append(WindowInfo(handle, title, "", rect))
            return True

        kind: Any = getattr(ctypes, "WINFUNCTYPE")(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)  # noqa: B009 - as above
        self._user32.EnumWindows(kind(look), 0)
        return found

    def window_rect(self, window_id: int) -> Rect:
        """The inside of one window."""
        inside, corner = wintypes.RECT(), wintypes.POINT(0, 0)
        if not self._user32.GetClientRect(window_id, ctypes.byref(inside)):
            raise WindowGoneError(f"{window_id:#x}")
        if self._user32.IsIconic(window_id):
            raise WindowHiddenError(self._title(window_id))
        self._user32.ClientToScreen(window_id, ctypes.byref(corner))
        return Rect(corner.x, corner.y, inside.right, inside.bottom)

    def _title(self, handle: int) -> str:
        text = ctypes.create_unicode_buffer(512)
        self._user32.GetWindowTextW(handle, text, len(text))
        return text.value


def _load_user32() -> Any:
    # By name, because type checkers elsewhere do not know it.
    return getattr(ctypes, "WinDLL")("user32", use_last_error=True)  # noqa: B009 - see above


def _exclusion(own: OwnWindows) -> Exclusion:
    """The one for a list of windows, which every desktop of this process shares."""
    user32 = _load_user32()

    def leave_out(window_id: int, is_left_out: bool) -> bool:
        return bool(user32.SetWindowDisplayAffinity(window_id, _EXCLUDED if is_left_out else _USUAL))

    with _lock:
        return _known.setdefault(id(own), Exclusion(leave_out, own))
