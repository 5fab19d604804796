"""What is to be watched, named in one line of text: how it is written, read and called.

    demo · /path/match.mp4 · screen · screen:2 · region:100,50,1280x720 · window:Match - Player · camera:0
    camera:/dev/video2@1280x720 · rtsp://host/stream

Knows the forms and the words for them. Opens nothing, and does not know whether a source exists.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from pathlib import Path

from app.sources.errors import SourceSpecError
from app.sources.rect import Rect

DEMO = "demo"

_ADDRESS = re.compile(r"(rtsps?|rtmps?|rtp|udp|tcp|srt|https?|mmsh?)://[^\s]+", re.IGNORECASE)
_REGION = re.compile(r"(-?\d+),(-?\d+),(\d+)x(\d+)")
_CAMERA_SIZE = re.compile(r"(.+)@(\d+)x(\d+)")
_SMALLEST_REGION_PX = 32


@dataclasses.dataclass(frozen=True)
class DemoSpec:
    """The match that ships with Ringside."""

    kind = "demo"
    noun = "demo match"

    def __str__(self) -> str:
        return DEMO

    @property
    def name(self) -> str:
        """What a person calls it."""
        return "Demo match"


@dataclasses.dataclass(frozen=True)
class FileSpec:
    """A video file."""

    path: str
    kind = "file"
    noun = "video"

    def __str__(self) -> str:
        return self.path

    @property
    def name(self) -> str:
        """What a person calls it."""
        return Path(self.path).name


@dataclasses.dataclass(frozen=True)
class ScreenSpec:
    """A whole monitor, counted from 1."""

    number: int = 1
    kind = "screen"
    noun = "screen"

    def __str__(self) -> str:
        return f"screen:{self.number}"

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"Screen {self.number}"


@dataclasses.dataclass(frozen=True)
class RegionSpec:
    """A part of the desktop, in its pixels."""

    rect: Rect
    kind = "region"
    noun = "screen"

    def __str__(self) -> str:
        return f"region:{self.rect.left},{self.rect.top},{self.rect.width}x{self.rect.height}"

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"Part of the screen, {self.rect.width}x{self.rect.height}"


@dataclasses.dataclass(frozen=True)
class WindowSpec:
    """A window by its title; while it is open, by the desktop's number for it."""

    title: str
    window_id: int = 0
    kind = "window"
    noun = "window"

    def __str__(self) -> str:
        # The number is of no use once the window was closed.
        return f"window:{self.title}"

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.title


@dataclasses.dataclass(frozen=True)
class CameraSpec:
    """A camera by its number or device file, and the size that is asked for."""

    device: str
    size: tuple[int, int] | None = None
    """Height and width; None for what the camera likes."""
    kind = "camera"
    noun = "camera"

    def __str__(self) -> str:
        return f"camera:{self.device}" + (f"@{self.size[1]}x{self.size[0]}" if self.size else "")

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"Camera {self.device}"


@dataclasses.dataclass(frozen=True)
class StreamSpec:
    """An address on the network."""

    address: str
    kind = "stream"
    noun = "stream"

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        """The address without the name and password that may stand in it."""
        parts = urllib.parse.urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


SourceSpec = DemoSpec | FileSpec | ScreenSpec | RegionSpec | WindowSpec | CameraSpec | StreamSpec
LIVE_KINDS = frozenset({"screen", "region", "window", "camera", "stream"})
"""Those that have no beginning and no end."""


def parse_spec(text: str) -> SourceSpec:
    """Read a line of text; what has no other form is a file's path. Raises SourceSpecError."""
    text = text.strip()
    if not text:
        raise SourceSpecError(text, "it is empty")
    if text == DEMO:
        return DemoSpec()
    if _ADDRESS.fullmatch(text):
        return StreamSpec(text)
    head, colon, rest = text.partition(":")
    match head.lower():
        case "screen" if not colon:
            return ScreenSpec()
        case "screen":
            if not rest.isdecimal() or int(rest) < 1:
                raise SourceSpecError(text, "screens are counted from 1")
            return ScreenSpec(int(rest))
        case "region" if colon:
            return RegionSpec(_region(text, rest))
        case "window" if colon:
            if not rest.strip():
                raise SourceSpecError(text, "it says no title")
            return WindowSpec(rest.strip())
        case "camera" if not colon:
            return CameraSpec("0")
        case "camera":
            return _camera(text, rest)
    if "://" in text:
        raise SourceSpecError(text, f"addresses that begin with {text.partition('://')[0]}:// are not known")
    return FileSpec(text)


def _region(text: str, rest: str) -> Rect:
    match = _REGION.fullmatch(rest.replace(" ", ""))
    if match is None:
        raise SourceSpecError(text, "a region is written as LEFT,TOP,WIDTHxHEIGHT")
    rect = Rect(*(int(number) for number in match.groups()))
    if min(rect.width, rect.height) < _SMALLEST_REGION_PX:
        raise SourceSpecError(text, f"it has to be at least {_SMALLEST_REGION_PX} pixels wide and high")
    return rect


def _camera(text: str, rest: str) -> CameraSpec:
    match = _CAMERA_SIZE.fullmatch(rest)
    device = match[1] if match else rest
    if not device:
        raise SourceSpecError(text, "it says no number")
    size = (int(match[3]), int(match[2])) if match else None
    return CameraSpec(device, size if size and min(size) > 0 else None)
