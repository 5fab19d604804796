"""Pictures on their way from a source's thread to the screen: brought to the screen's size before they get there.

Knows the latest picture and the size at which it is wanted; older ones are forgotten. Knows no Qt widget and no
source.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

# Not later: a library that is loaded while torch's is, waits for it with Python's lock in hand.
import cv2
import numpy as np
import numpy.typing as npt

from app.sources import Preview


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture, ready to be drawn as it is."""

    pixels: npt.NDArray[np.uint8]
    """uint8, shape (height, width, 4), blue, green, red and 255, contiguous."""
    time_s: float
    """When it is shown, in seconds of the stream."""


def fit_within(height: int, width: int, room_height: int, room_width: int) -> tuple[int, int]:
    """The largest (height, width) of the same shape within a room; at least 1 x 1."""
    scale = min(room_height / height, room_width / width)
    return max(1, round(height * scale)), max(1, round(width * scale))


class PictureBox:
    """Holds the newest picture. `put` in the source's thread, `take` in the window's."""

    def __init__(self, on_arrival: Callable[[], None]) -> None:
        """`on_arrival` is called in the source's thread when a picture lies here and none did before."""
        self._on_arrival = on_arrival
        self._lock = threading.Lock()
        self._picture: Picture | None = None
        self._room: tuple[int, int] | None = None
        self.num_put = 0
        """Pictures that came."""

    def set_room(self, height: int, width: int) -> None:
        """How large pictures may be, in pixels of the screen."""
        self._room = (height, width)

    def put(self, preview: Preview) -> None:
        """Bring a picture to size and leave it here in place of the one before."""
        picture = Picture(self._scaled(preview.frame), preview.time_s)
        with self._lock:
            was_empty = self._picture is None
            self._picture = picture
            self.num_put += 1
        if was_empty:
            self._on_arrival()

    def take(self) -> Picture | None:
        """The newest picture, if one came since the last time."""
        with self._lock:
            picture, self._picture = self._picture, None
            return picture

    def _scaled(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        # One picture is small work; threads of its own would stay for good and take the model's place.
        cv2.setNumThreads(1)
        height, width = frame.shape[:2]
        if self._room is not None:
            wanted_height, wanted_width = fit_within(height, width, *self._room)
            if (wanted_height, wanted_width) != (height, width):
                how = cv2.INTER_AREA if wanted_height < height else cv2.INTER_CUBIC
                frame = np.asarray(
                    cv2.resize(frame, (wanted_width, wanted_height), interpolation=how), dtype=np.uint8
                )
        return np.ascontiguousarray(cv2.cvtColor(frame, cv2.COLOR_RGB2BGRA), dtype=np.uint8)
