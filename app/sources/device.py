"""What gives pictures, seen from a live source: something that is opened, asked for its newest picture, and closed.

Knows the thread that keeps emptying a device that sends by itself (a camera, a stream), and what happens when that
thread hangs in a driver. Does not know chunks, and not what is said to people when.
"""

from __future__ import annotations

import abc
import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from app.sources.errors import DeviceLostError, LiveSourceError, StoppedError
from app.sources.video_info import MAX_PIXELS

_log = logging.getLogger("ringside.app.sources")

Pixels = npt.NDArray[np.uint8]
Raw = TypeVar("Raw")

_JOIN_S = 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class Shot:
    """One picture."""

    pixels: Pixels
    """RGB, uint8, shape (height, width, 3), contiguous; nobody writes to it again."""
    taken_at_s: float
    """On the monotonic clock."""


class Device(abc.ABC):
    """Used by one thread, but for `interrupt`."""

    noun: ClassVar[str]
    """What it is called in a sentence: "The camera stopped sending pictures."."""
    preview_fps: ClassVar[float] = 15.0
    """How often a person is shown a picture of it."""
    frozen_after_s: ClassVar[float | None] = None
    """After so long without any difference it is called frozen; None for what may well stand still."""
    reopens_when_frozen: ClassVar[bool] = False
    longest_wait_s: ClassVar[float] = 10.0
    """Between two tries to get it back."""

    @abc.abstractmethod
    def open(self) -> None:
        """Get it ready and wait for a first picture. Raises LiveSourceError."""

    @abc.abstractmethod
    def newest(self) -> Shot | None:
        """The newest picture; None if none came since the last time. Raises LiveSourceError when it is lost."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let it go; may be opened again."""

    def interrupt(self) -> None:  # noqa: B027 - most have nothing to wait for
        """End an `open` that waits; from any thread."""


class SendingDevice(Device, Generic[Raw]):
    """A device that sends by itself. A thread of its own takes every picture; the newest is kept as it came.

    A driver may hang for good. Its thread is left alone then, and taken up again if it ever comes back: a second one
    would only find the device busy.
    """

    def __init__(self, *, open_timeout_s: float) -> None:
        self._open_timeout_s = open_timeout_s
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_wanted = False
        self._is_interrupted = False
        self._newest: tuple[Raw, float] | None = None
        self._failure: LiveSourceError | None = None

    @abc.abstractmethod
    def receive(self, keep: Callable[[Raw], bool]) -> None:
        """Connect, and give every picture to `keep` until that says False; then let go. Raises LiveSourceError.

        Called in a thread of its own.
        """

    @abc.abstractmethod
    def to_rgb(self, raw: Raw) -> Pixels:
        """The pixels of a picture that was kept."""

    @abc.abstractmethod
    def too_slow(self) -> LiveSourceError:
        """What to say if no first picture comes in time."""

    def open(self) -> None:
        """Start receiving and wait for the first picture."""
        with self._changed:
            self._is_wanted, self._newest, self._failure = True, None, None
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=f"ringside-{self.noun}", daemon=True)
                self._thread.start()
            until_s = time.monotonic() + self._open_timeout_s
            while not self._is_settled and (rest_s := until_s - time.monotonic()) > 0:
                self._changed.wait(rest_s)
            if self._has_newest:
                return
            failure = self._why_not()
        self.close()
        raise failure

    def newest(self) -> Shot | None:
        """The newest picture, turned into pixels only now."""
        with self._changed:
            raw, self._newest = self._newest, None
            failure = self._failure
        if raw is not None:
            return Shot(self.to_rgb(raw[0]), raw[1])
        if failure is not None:
            raise failure
        return None

    def close(self) -> None:
        """Ask the thread to end; it does so with the next picture, or when its driver returns."""
        with self._changed:
            self._is_wanted = False
            thread = self._thread
        if thread is not None:
            thread.join(_JOIN_S)

    def interrupt(self) -> None:
        """End an `open` that waits, for good."""
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()

    @property
    def _has_newest(self) -> bool:
        return self._newest is not None

    @property
    def _is_settled(self) -> bool:
        return self._has_newest or self._failure is not None or self._is_interrupted

    def _run(self) -> None:
        failure: LiveSourceError
        try:
            self.receive(self._keep)
            failure = DeviceLostError(f"the {self.noun}")
        except LiveSourceError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - nothing may end the thread unheard: passed on in words
            _log.exception("the %s failed", self.noun)
            failure = DeviceLostError(f"the {self.noun}", f"failed ({error})")
        with self._changed:
            self._thread = None
            self._failure = failure
            self._changed.notify_all()

    def _why_not(self) -> LiveSourceError:
        if self._is_interrupted:
            return StoppedError()
        return self._failure or self.too_slow()

    def _keep(self, raw: Raw) -> bool:
        with self._changed:
            was_empty = self._newest is None
            self._newest = (raw, time.monotonic())
            if was_empty:
                self._changed.notify_all()
            return self._is_wanted


def within_limit(pixels: Pixels) -> Pixels:
    """The picture, brought down to what is of any use to a model; contiguous. Any number of channels."""
    height, width = pixels.shape[:2]
    scale = (MAX_PIXELS / (height * width)) ** 0.5
    if scale >= 1:
        return np.ascontiguousarray(pixels)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def letterboxed(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """RGB pixels in the middle of a black picture of another (height, width), in their own shape."""
    if pixels.shape[:2] == size:
        return pixels
    scale = min(size[0] / pixels.shape[0], size[1] / pixels.shape[1])
    height = min(size[0], max(1, round(pixels.shape[0] * scale)))
    width = min(size[1], max(1, round(pixels.shape[1] * scale)))
    room = np.zeros((*size, 3), dtype=np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    room[top : top + height, left : left + width] = cv2.resize(
        pixels, (width, height), interpolation=cv2.INTER_AREA
    )
    return room
