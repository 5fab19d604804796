"""The screen as a device: a monitor, a part of the desktop, or one window, taken by mss.

Knows that our own windows are never in a picture, however they are moved while it is taken. Knows no chunks, and asks
the desktop's adapter (``app.sources.desktop``) for everything that depends on the system.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import cv2
import mss
import numpy as np
from mss.exception import ScreenShotError

from app.sources.desktop import Desktop, WindowInfo, desktop
from app.sources.device import Device, Pixels, Shot, within_limit
from app.sources.errors import (
    MonitorGoneError,
    NoScreenError,
    RegionGoneError,
    WindowGoneError,
    WindowHiddenError,
)
from app.sources.rect import Rect
from app.sources.spec import RegionSpec, ScreenSpec, WindowSpec

_RETRY_S = 2.0
_LOOK_FOR_MONITORS_S = 2.0


class Grabber:
    """Takes pictures of the desktop without our windows; made, used and closed in one thread.

    The constructor raises NoScreenError.
    """

    def __init__(self, *, has_cursor: bool = False, display: str | None = None) -> None:
        self._options: dict[str, Any] = {}
        if sys.platform not in ("win32", "darwin"):
            self._options = {"display": display, "with_cursor": has_cursor}
        self.desktop: Desktop = desktop(display)
        try:
            self._mss = mss.MSS(**self._options)
        except (ScreenShotError, OSError) as error:
            self.desktop.close()
            raise NoScreenError(str(error)) from error
        self._monitors: list[Rect] = []
        self._looked_at_s = 0.0

    def close(self) -> None:
        """Let go of the desktop."""
        with contextlib.suppress(ScreenShotError, OSError):
            self._mss.close()
        self.desktop.close()

    @property
    def monitors(self) -> list[Rect]:
        """The monitors that are connected now, in the system's order. Raises NoScreenError."""
        if time.monotonic() - self._looked_at_s > _LOOK_FOR_MONITORS_S:
            # mss keeps the list that it had first; a new one has a new list.
            with self._in_words(), mss.MSS(**self._options) as fresh:
                self._monitors = [_rect(monitor) for monitor in fresh.monitors[1:]]
            self._looked_at_s = time.monotonic()
        return self._monitors

    def shoot(self, area: Rect) -> Pixels:
        """What would be seen in a part of the desktop if our windows were not there; blue, green, red, anything."""
        before = self.desktop.places_to_hide()
        with self._in_words():
            shot = self._mss.grab(
                {"left": area.left, "top": area.top, "width": area.width, "height": area.height}
            )
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        # One that came while the picture was taken is in the second answer, one that went in the first.
        places = tuple({*before, *self.desktop.places_to_hide()})
        if any(place.common(area) for place in places):
            if not pixels.flags.writeable:
                pixels = pixels.copy()
            self.desktop.look_behind(pixels, area, places)
        return pixels

    def shoot_window(self, window_id: int) -> Pixels:
        """The inside of a window. Raises WindowGoneError and WindowHiddenError."""
        whole = self.desktop.window_pixels(window_id)
        if whole is not None:
            return whole
        seen = self._on_screen(self.desktop.window_rect(window_id))
        if seen is None:
            raise WindowHiddenError(f"{window_id:#x}")
        return self.shoot(seen)

    def region(self, wanted: Rect) -> Rect:
        """The part of a region that lies on the desktop. Raises RegionGoneError."""
        seen = self._on_screen(wanted)
        if seen is None:
            raise RegionGoneError
        return seen

    def _on_screen(self, rect: Rect) -> Rect | None:
        monitors = self.monitors
        if not monitors:
            return None
        left, top = min(m.left for m in monitors), min(m.top for m in monitors)
        right, bottom = max(m.right for m in monitors), max(m.bottom for m in monitors)
        return rect.common(Rect(left, top, right - left, bottom - top))

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (ScreenShotError, OSError) as error:
            raise NoScreenError(str(error)) from error


def _rect(monitor: dict[str, Any]) -> Rect:
    return Rect(monitor["left"], monitor["top"], monitor["width"], monitor["height"])


def to_rgb(pixels: Pixels) -> Pixels:
    """From blue, green, red and anything to red, green, blue, at most as large as is of use."""
    return np.asarray(cv2.cvtColor(within_limit(pixels), cv2.COLOR_BGRA2RGB), dtype=np.uint8)


def find_window(windows: list[WindowInfo], wanted: WindowSpec) -> WindowInfo:
    """The one that is meant: by its number, else its title, else a part of title or program. Raises WindowGoneError."""
    text = wanted.title.casefold()
    tests = (
        lambda w: wanted.window_id and w.window_id == wanted.window_id,
        lambda w: w.title == wanted.title,
        lambda w: text in w.title.casefold(),
        lambda w: text in w.application.casefold(),
    )
    for test in tests:
        for window in windows:
            if test(window):
                return window
    raise WindowGoneError(wanted.title)


class ScreenDevice(Device):
    """A monitor, a region or a window."""

    noun: ClassVar[str] = "screen"
    preview_fps: ClassVar[float] = 4.0
    longest_wait_s: ClassVar[float] = _RETRY_S

    def __init__(
        self,
        spec: ScreenSpec | RegionSpec | WindowSpec,
        *,
        has_cursor: bool = False,
        display: str | None = None,
    ) -> None:
        self._spec = spec
        self._has_cursor = has_cursor
        self._display = display
        self._grabber: Grabber | None = None
        self._window_id = 0

    def open(self) -> None:
        """Find what is to be seen."""
        self.close()
        self._grabber = Grabber(has_cursor=self._has_cursor, display=self._display)
        if isinstance(self._spec, WindowSpec):
            self._window_id = find_window(self._grabber.desktop.windows(), self._spec).window_id
        self._take(self._grabber)

    def newest(self) -> Shot | None:
        """A picture taken now."""
        if self._grabber is None:
            raise NoScreenError("it was closed")
        pixels = self._take(self._grabber)
        return Shot(to_rgb(pixels), time.monotonic())

    def close(self) -> None:
        """Let go of the desktop."""
        grabber, self._grabber = self._grabber, None
        if grabber is not None:
            grabber.close()

    def _take(self, grabber: Grabber) -> Pixels:
        match self._spec:
            case ScreenSpec(number=number):
                monitors = grabber.monitors
                if number > len(monitors):
                    raise MonitorGoneError(number, len(monitors))
                return grabber.shoot(monitors[number - 1])
            case RegionSpec(rect=rect):
                return grabber.shoot(grabber.region(rect))
            case WindowSpec(title=title):
                try:
                    return grabber.shoot_window(self._window_id)
                except WindowGoneError:
                    raise WindowGoneError(title) from None
                except WindowHiddenError:
                    raise WindowHiddenError(title) from None


class WindowDevice(ScreenDevice):
    """One window; in sentences it is called so."""

    noun: ClassVar[str] = "window"


def screen_device(
    spec: ScreenSpec | RegionSpec | WindowSpec, *, has_cursor: bool = False, display: str | None = None
) -> ScreenDevice:
    """The device for any of the three."""
    kind = WindowDevice if isinstance(spec, WindowSpec) else ScreenDevice
    return kind(spec, has_cursor=has_cursor, display=display)
