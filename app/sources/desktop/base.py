"""What every desktop's adapter can do, and the least that can be done on any of them.

Knows rectangles and pixels. Knows no system.
"""

from __future__ import annotations

import abc
import collections
import dataclasses
import time
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from app.sources.errors import WindowsUnknownError
from app.sources.own_windows import OwnWindows, own_windows
from app.sources.rect import Rect

Pixels = npt.NDArray[np.uint8]

_FILL = 40
"""Grey of a place that cannot be seen into."""

_MOST_PLACES = 8
"""More than these, and one place around all of them is quicker to look behind."""

_LINGERS_S = 0.3
"""A desktop may go on showing a window that was moved or closed for so long."""


@dataclasses.dataclass(frozen=True)
class WindowInfo:
    """A window that a person could want to watch."""

    window_id: int
    title: str
    application: str
    """As the program calls itself; may be empty."""
    rect: Rect
    """What is inside its frame, in the desktop's pixels."""


class Desktop(abc.ABC):
    """Used by one thread."""

    def __init__(self, own: OwnWindows = own_windows) -> None:
        self._own = own
        self._seen: collections.deque[tuple[float, tuple[Rect, ...]]] = collections.deque()

    @abc.abstractmethod
    def windows(self) -> list[WindowInfo]:
        """Windows of other programs, the front one first. Raises WindowsUnknownError where that cannot be told."""

    @abc.abstractmethod
    def own_places(self) -> tuple[Rect, ...]:
        """Where our own windows are seen just now."""

    @abc.abstractmethod
    def look_behind(self, pixels: Pixels, area: Rect, places: tuple[Rect, ...]) -> None:
        """Paint over `places` in a picture (height, width, 4) of an area, in blue, green, red and anything."""

    @abc.abstractmethod
    def window_pixels(self, window_id: int) -> Pixels | None:
        """The inside of one window, (height, width, 4), whatever lies over it; None where that cannot be had.

        Raises WindowGoneError and WindowHiddenError.
        """

    @abc.abstractmethod
    def window_rect(self, window_id: int) -> Rect:
        """The inside of one window on the desktop. Raises WindowGoneError and WindowHiddenError."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Let go of the system."""

    def places_to_hide(self) -> tuple[Rect, ...]:
        """Where our windows are, and where they were a moment ago; ask before and after taking a picture."""
        now_s = time.monotonic()
        self._seen.append((now_s, self.own_places()))
        while now_s - self._seen[0][0] > _LINGERS_S and len(self._seen) > 1:
            self._seen.popleft()
        places = {place for _, places in self._seen for place in places}
        return tuple(places) if len(places) <= _MOST_PLACES else (_around(places),)


class PlainDesktop(Desktop):
    """A desktop that tells nothing: our windows are where the window package says, and nobody sees behind them.

    Used on macOS, whose pixels are points here as they are for Qt. Not tried on a Mac.
    """

    def windows(self) -> list[WindowInfo]:
        """Not known."""
        raise WindowsUnknownError

    def own_places(self) -> tuple[Rect, ...]:
        """As the window package says."""
        return tuple(window.place for window in self._own.windows if window.place is not None)

    def look_behind(self, pixels: Pixels, area: Rect, places: tuple[Rect, ...]) -> None:
        """Grey."""
        # On a dense screen a point is more than one pixel.
        scale = pixels.shape[1] / area.width
        for place in places:
            inside = place.common(area)
            if inside is not None:
                seen = inside.seen_from(area)
                dense = Rect(
                    *(round(scale * value) for value in (seen.left, seen.top, seen.width, seen.height))
                )
                fill(pixels, dense)

    def window_pixels(self, window_id: int) -> Pixels | None:
        """Cannot be had."""
        return None

    def window_rect(self, window_id: int) -> Rect:
        """Not known."""
        raise WindowsUnknownError


def _around(places: Collection[Rect]) -> Rect:
    left, top = min(place.left for place in places), min(place.top for place in places)
    right, bottom = max(place.right for place in places), max(place.bottom for place in places)
    return Rect(left, top, right - left, bottom - top)


def fill(pixels: Pixels, place: Rect) -> None:
    """Paint a place grey."""
    pixels[place.slices] = _FILL
