"""Cameras, through OpenCV.

Knows how cameras are found and named on each system, and how one is opened at a wanted size. A file name in place of a
number (a device file, a named pipe) or an address is opened as it is. Does not know chunks.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from app.sources.device import Pixels, SendingDevice, within_limit
from app.sources.errors import CameraError, LiveSourceError
from app.sources.spec import CameraSpec

_log = logging.getLogger("ringside.app.sources")

_OPEN_TIMEOUT_S = 10.0
_READ_TIMEOUT_MS = 5000
_NUM_FAILED_READS = 3
_MOST_CAMERAS = 4
_V4L = Path("/sys/class/video4linux")

SIZES: tuple[tuple[int, int], ...] = ((480, 640), (720, 1280), (1080, 1920))
"""(height, width) that most cameras know."""


@dataclasses.dataclass(frozen=True)
class CameraInfo:
    """A camera that is connected."""

    device: str
    """As `CameraSpec` wants it."""
    name: str
    """As its maker calls it."""


def list_cameras(folder: Path = _V4L) -> list[CameraInfo]:
    """Cameras that are connected now. On Linux none is opened for that; elsewhere each is, which takes a while."""
    if sys.platform == "linux":
        return _listed_by_linux(folder)
    found = []
    for number in range(_MOST_CAMERAS):
        capture = cv2.VideoCapture(number)
        if capture.isOpened():
            found.append(CameraInfo(str(number), f"Camera {number + 1}"))
        capture.release()
    return found


def _listed_by_linux(folder: Path) -> list[CameraInfo]:
    found = []
    for device in sorted(folder.glob("video*"), key=lambda path: int(re.sub(r"\D", "", path.name) or 0)):
        try:
            # A camera has further device files, for data about pictures; they come after the first.
            is_first = int((device / "index").read_text(encoding="ascii")) == 0
            name = (device / "name").read_text(encoding="utf-8", errors="replace").strip()
        except (OSError, ValueError):
            continue
        if is_first:
            found.append(CameraInfo(re.sub(r"\D", "", device.name), name or device.name))
    return found


class CameraDevice(SendingDevice[Pixels]):
    """One camera, kept emptied so that its newest picture is never an old one."""

    noun: ClassVar[str] = "camera"
    frozen_after_s: ClassVar[float | None] = 5.0
    reopens_when_frozen: ClassVar[bool] = True

    def __init__(self, spec: CameraSpec, *, open_timeout_s: float = _OPEN_TIMEOUT_S) -> None:
        super().__init__(open_timeout_s=open_timeout_s)
        self._spec = spec
        self._name = _called(spec.device)

    def receive(self, keep: Callable[[Pixels], bool]) -> None:
        """Read until nobody wants more, or the camera gives nothing."""
        capture = cv2.VideoCapture()
        try:
            self._open(capture)
            num_failed = 0
            while num_failed < _NUM_FAILED_READS:
                came, pixels = capture.read()
                if not came or pixels is None:
                    num_failed += 1
                    continue
                num_failed = 0
                if not keep(np.asarray(pixels, dtype=np.uint8)):
                    return
        finally:
            capture.release()

    def to_rgb(self, raw: Pixels) -> Pixels:
        """OpenCV's blue, green, red turned round."""
        return np.asarray(cv2.cvtColor(within_limit(raw), cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def too_slow(self) -> LiveSourceError:
        """It is there, but silent."""
        return CameraError(self._name, "sends no pictures")

    def _open(self, capture: cv2.VideoCapture) -> None:
        device = self._spec.device
        try:
            if device.isdecimal():
                is_open = capture.open(int(device))
            elif sys.platform == "linux" and re.fullmatch(r"/dev/video\d+", device):
                is_open = capture.open(device, cv2.CAP_V4L2)
            else:
                timeouts = [
                    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _READ_TIMEOUT_MS,
                    cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_TIMEOUT_MS,
                ]  # fmt: skip
                is_open = capture.open(device, cv2.CAP_FFMPEG, timeouts)
        except cv2.error as error:
            raise CameraError(self._name, f"cannot be opened ({error.err})") from error
        if not is_open:
            raise CameraError(self._name, "cannot be opened")
        if self._spec.size is not None:
            height, width = self._spec.size
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            got = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
            if got != (width, height):
                _log.info("%s was asked for %dx%d and gives %.0fx%.0f", self._name, width, height, *got)


def _called(device: str) -> str:
    if device.isdecimal():
        return f"Camera {device}"
    if "://" in device:
        parts = urllib.parse.urlsplit(device)
        return f"The camera at {parts.netloc.rpartition('@')[2]}"
    return f"The camera {device}"
