"""Streams from the network, through PyAV: RTSP, HTTP, HLS, UDP, RTMP, SRT.

Knows how an address is opened without ever waiting for good, which streams arrive as they happen, and which have to be
shown by their own clock (a file on a server, HLS's segments). Does not know chunks.
"""

from __future__ import annotations

import logging
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, ClassVar

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.sources.device import Pixels, SendingDevice
from app.sources.errors import DeviceEndedError, DeviceLostError, LiveSourceError, StreamError
from app.sources.pixels import rgb_pixels
from app.sources.spec import StreamSpec
from app.sources.video_info import MAX_PIXELS

_log = logging.getLogger("ringside.app.sources")

_OPEN_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 5.0
_LATE_S = 1.0
"""Further behind its own clock than this, a stream's clock is set anew."""

_SHOWN_BY_THEIR_CLOCK = {"hls", "dash", "applehttp"}
_REASONS = {
    "ConnectionRefusedError": "refuses the connection",
    "TimeoutError": "does not answer",
    "ExitError": "does not answer",
    "HTTPNotFoundError": "is not there (404)",
    "HTTPUnauthorizedError": "wants a name and password (401)",
    "HTTPForbiddenError": "may not be watched (403)",
    "ProtocolNotFoundError": "uses a protocol that is not known here",
    "InvalidDataError": "sends no video",
}


class StreamDevice(SendingDevice[VideoFrame]):
    """One address; every picture is decoded, only those that are wanted are turned into pixels."""

    noun: ClassVar[str] = "stream"
    frozen_after_s: ClassVar[float | None] = 20.0

    def __init__(
        self,
        spec: StreamSpec,
        *,
        open_timeout_s: float = _OPEN_TIMEOUT_S,
        read_timeout_s: float = _READ_TIMEOUT_S,
    ) -> None:
        super().__init__(open_timeout_s=open_timeout_s + read_timeout_s)
        self._spec = spec
        self._timeouts_s = (open_timeout_s, read_timeout_s)
        self._is_closing = threading.Event()
        self._turns = 0

    def open(self) -> None:
        """Connect, and wait for the first picture."""
        self._is_closing.clear()
        super().open()

    def close(self) -> None:
        """Disconnect."""
        self._is_closing.set()
        super().close()

    def interrupt(self) -> None:
        """End waiting for good."""
        self._is_closing.set()
        super().interrupt()

    def receive(self, keep: Callable[[VideoFrame], bool]) -> None:
        """Decode until nobody wants more, or the stream breaks off or ends."""
        try:
            container = av.open(
                self._spec.address,
                mode="r",
                options=_options(self._spec.address),
                timeout=self._timeouts_s,
                metadata_errors="replace",
            )
        except (FFmpegError, OSError, ValueError) as error:
            raise StreamError(self._spec.name, _reason(error)) from error
        with container:
            stream = _pictures(container, self._spec.name)
            duration_s = (container.duration or 0) / av.time_base
            names = set(container.format.name.split(","))
            clock = _Clock(self._is_closing) if duration_s > 0 or names & _SHOWN_BY_THEIR_CLOCK else None
            last_s = 0.0
            try:
                for frame in container.decode(stream):
                    last_s = float(frame.time or 0.0)
                    if clock is not None and frame.time is not None:
                        clock.wait_for(last_s)
                    if not keep(frame):
                        return
            except (FFmpegError, OSError) as error:
                _log.info("%s breaks off: %s", self._spec.name, error)
                raise DeviceLostError(f"the {self.noun}") from error
            origin_s = (container.start_time or 0) / av.time_base
            if duration_s > 0 and last_s - origin_s > duration_s - _LATE_S:
                raise DeviceEndedError(f"the {self.noun}")

    def to_rgb(self, raw: VideoFrame) -> Pixels:
        """The pixels, upright, with square ones."""
        turns = round(raw.rotation / 90) % 4
        height, width = raw.height, raw.width
        scale = min(1.0, (MAX_PIXELS / (height * width)) ** 0.5)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        return rgb_pixels(raw, size if turns % 2 == 0 else (size[1], size[0]), turns)

    def too_slow(self) -> LiveSourceError:
        """It answers, but sends no picture."""
        return StreamError(self._spec.name, "sends no pictures")


class _Clock:
    """Holds pictures back until their time has come."""

    def __init__(self, is_closing: threading.Event) -> None:
        self._is_closing = is_closing
        self._zero_at_s: float | None = None

    def wait_for(self, time_s: float) -> None:
        """Wait until this moment of the stream; at once if it is over or the stream is being closed."""
        now_s = time.monotonic()
        if self._zero_at_s is None or not -_LATE_S <= self._zero_at_s + time_s - now_s <= 60:
            self._zero_at_s = now_s - time_s
        self._is_closing.wait(max(0.0, self._zero_at_s + time_s - now_s))


def _pictures(container: InputContainer, name: str) -> VideoStream:
    if not container.streams.video:
        raise StreamError(name, "has no picture")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise StreamError(name, "is coded in a way that is not known here")
    # Decoding several pictures at once would hold each one back.
    stream.thread_type = "SLICE"
    return stream


def _options(address: str) -> dict[str, str]:
    scheme = urllib.parse.urlsplit(address).scheme.lower()
    options = {
        "fflags": "nobuffer",
        "flags": "low_delay",
        "probesize": "1000000",
        "analyzeduration": "2000000",
    }
    match scheme:
        case "rtsp" | "rtsps":
            return {**options, "rtsp_transport": "tcp", "allowed_media_types": "video"}
        case "udp" | "rtp":
            # What does not fit is lost, as on any network; it must not end the stream.
            return {**options, "overrun_nonfatal": "1", "fifo_size": "50000"}
        case "http" | "https":
            return {"probesize": "1000000", "analyzeduration": "2000000"}
        case _:
            return options


def _reason(error: Exception) -> str:
    for kind in type(error).__mro__:
        if kind.__name__ in _REASONS:
            return _REASONS[kind.__name__]
    words: Any = getattr(error, "strerror", None) or str(error)
    return f"cannot be opened ({str(words)[:1].lower()}{str(words)[1:]})"
