"""What a video file is: its size, shape and length, or in words why it is no video.

Knows PyAV's containers and everything that can be wrong with a file before its pictures are read in earnest.
Does not know sampling, pacing, chunks or models.
"""

from __future__ import annotations

import dataclasses
import math
import re
import stat
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.errors import (
    NoPictureError,
    NotAVideoError,
    SourceDamagedError,
    SourceEmptyError,
    SourceNotAFileError,
    SourceNotFoundError,
    SourceUnreadableError,
)

MAX_PIXELS = 1920 * 1080
"""Larger pictures are brought down to this by the decoder; no model setting looks at more than a third of it."""

_FALLBACK_FPS = 25.0
_MAX_PACKETS_TO_FIRST_FRAME = 2000
_AVFMT_TS_DISCONT = 0x0200  # FFmpeg's flag for formats whose clock may jump
_MATROSKA_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_NOT_VIDEO_FORMATS = {"tty", "image2", "bin", "xbin", "adf", "idf", "lrc", "srt", "webvtt", "ass"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """What is known of a video before it is watched."""

    size: tuple[int, int]
    """Height and width as they are shown: upright, with square pixels, at most MAX_PIXELS."""

    duration_s: float | None
    """Length, where the file says so."""

    promised_s: float | None
    """Length of the pictures alone, where the file says it so that less of them is a fault."""

    is_broadcast: bool
    """Whether the clock may be set anew in the middle, as in recordings of television."""

    fps: float
    """Mean frames a second, as the file says."""

    turns: int
    """Quarter turns, counter-clockwise, that bring a decoded frame upright."""

    has_sound: bool
    """Whether there is anything to hear."""


def inspect_video(path: str | Path) -> VideoInfo:
    """Open a video, decode its first picture and close it again.

    Raises SourceNotFoundError, SourceNotAFileError, SourceUnreadableError, SourceEmptyError, NotAVideoError,
    NoPictureError or SourceDamagedError.
    """
    with open_video(path) as container:
        stream = picture_stream(container, path)
        frame = _first_frame(container, stream, path)
        aspect = frame_aspect(stream)
        turns = round(frame.rotation / 90) % 4
        height, width = frame.height, max(1, round(frame.width * aspect))
        if turns % 2:
            height, width = width, height
        promised_s = _promised_s(container, stream)
        scale = min(1.0, math.sqrt(MAX_PIXELS / (height * width)))
        return VideoInfo(
            size=(max(1, round(height * scale)), max(1, round(width * scale))),
            duration_s=promised_s or _container_duration_s(container),
            promised_s=promised_s,
            is_broadcast=_is_broadcast(container),
            fps=float(stream.average_rate or stream.guessed_rate or _FALLBACK_FPS),
            turns=turns,
            has_sound=any(sound.codec_context is not None for sound in container.streams.audio),
        )


def open_video(path: str | Path) -> InputContainer:
    """Open a file, or raise the error that says in words why that does not work."""
    file = Path(path)
    try:
        status = file.stat()
    except FileNotFoundError:
        raise SourceNotFoundError(path) from None
    except OSError as error:
        raise SourceUnreadableError(path, (error.strerror or str(error)).lower()) from error
    except ValueError:  # a zero byte in the name
        raise SourceNotFoundError(path) from None
    if stat.S_ISDIR(status.st_mode):
        raise SourceNotAFileError(path, "a folder")
    if not stat.S_ISREG(status.st_mode):
        raise SourceNotAFileError(path, "a device or pipe")
    if status.st_size == 0:
        raise SourceEmptyError(path)
    try:
        # The protocol is named so that no file name can be taken for an address.
        container = av.open(f"file:{file.resolve()}", mode="r", metadata_errors="replace")
    except PermissionError:
        raise SourceUnreadableError(path, "permission denied") from None
    except (FFmpegError, OSError, ValueError) as error:
        raise NotAVideoError(
            path, "it is not a video, or damaged so that nothing in it can be recognised"
        ) from error
    names = set(container.format.name.split(","))
    if names & _NOT_VIDEO_FORMATS or any(name.endswith("_pipe") for name in names):
        what = "text" if names & {"tty", "srt", "webvtt", "ass", "lrc"} else "a single picture"
        container.close()
        raise NotAVideoError(path, f"it is {what}, not a video")
    return container


def picture_stream(container: InputContainer, path: str | Path) -> VideoStream:
    """The stream of moving pictures that a player would show. Raises NoPictureError or NotAVideoError."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoPictureError(path, ["sound" if s.type == "audio" else s.type for s in container.streams])
    streams.sort(key=lambda stream: not stream.disposition & Disposition.default)
    stream = streams[0]
    if stream.codec_context is None:
        raise NotAVideoError(path, "its pictures are stored in a way that this program does not know")
    stream.thread_type = "AUTO"
    return stream


def frame_aspect(stream: VideoStream) -> float:
    """Width of a pixel over its height."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return float(aspect) if 0.1 < aspect < 10 else 1.0


def _container_duration_s(container: InputContainer) -> float | None:
    return container.duration / av.time_base if container.duration and container.duration > 0 else None


def _is_broadcast(container: InputContainer) -> bool:
    return bool(container.format.flags & _AVFMT_TS_DISCONT)


def _promised_s(container: InputContainer, stream: VideoStream) -> float | None:
    if _is_broadcast(container):
        return None  # the difference of two clocks
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Matroska gives each stream's length in a tag, as 00:01:02.500000000.
    tag = _MATROSKA_DURATION.fullmatch(stream.metadata.get("DURATION", "").strip())
    if tag:
        return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    # A file's length is that of its longest stream; with sound in it, the pictures may end earlier.
    return _container_duration_s(container) if len(container.streams) == 1 else None


def _first_frame(container: InputContainer, stream: VideoStream, path: str | Path) -> VideoFrame:
    detail = "it holds none"
    num_packets = 0
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    return frame
            except FFmpegError as error:
                detail = error.strerror or str(error)
            num_packets += 1
            if num_packets > _MAX_PACKETS_TO_FIRST_FRAME:
                break
    except FFmpegError as error:
        detail = error.strerror or str(error)
    raise SourceDamagedError(path, detail[:1].lower() + detail[1:])
