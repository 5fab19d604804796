"""From a video file to frames with times: one seek at most, then in a line to the end.

Knows time stamps and how they go wrong (missing, jumping, running backwards), and damage in the middle and at the
end of a file. Does not know which frames are wanted.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.sources.base import SourceProblem
from app.sources.video_info import VideoInfo, open_video, picture_stream

_log = logging.getLogger("ringside.app.sources")

_SEEK_MARGIN_S = 10.0
"""A seek that comes out too late is tried again this much earlier, and then not at all."""

_LONGEST_STILL_S = 3600.0
"""A longer gap between two frames is a broken time stamp."""

_LONGEST_STILL_IN_BROADCASTS_S = 10.0
"""The same in formats whose clock may be set anew at any time."""

_OUT_OF_ORDER_S = 1.0
_MISSING_END_S = 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class TimedFrame:
    """A decoded frame and when it is shown."""

    frame: VideoFrame
    time_s: float
    """Since the file's beginning."""

    duration_s: float
    """How long it is shown if nothing follows."""


class VideoDecoder:
    """Decodes one file. Iterating starts with frames at or before ``start_s``; afterwards ``problem`` is known.

    Times never run backwards. Raises SourceError where the file cannot be opened.
    """

    def __init__(self, path: str | Path, info: VideoInfo, *, start_s: float = 0.0) -> None:
        self._path = path
        self._info = info
        self._start_s = start_s
        self._num_broken = 0
        self._broke_off = False
        self._end_s = 0.0

    @property
    def end_s(self) -> float:
        """When the last frame so far stops being shown."""
        return self._end_s

    @property
    def problem(self) -> SourceProblem | None:
        """What was wrong with the file; known after the last frame."""
        promised_s = self._info.promised_s
        if self._broke_off or (promised_s is not None and promised_s - self._end_s > _MISSING_END_S):
            of = f" of {promised_s:.1f} s" if promised_s else ""
            return SourceProblem(
                f"{self._path} is damaged or not complete: "
                f"nothing can be seen after {self._end_s:.1f} s{of}.",
                is_cut_short=True,
            )
        if self._num_broken:
            pieces = "1 piece" if self._num_broken == 1 else f"{self._num_broken} pieces"
            return SourceProblem(
                f"{self._path} is damaged: {pieces} of its pictures could not be decoded.",
                is_cut_short=False,
            )
        return None

    def __iter__(self) -> Iterator[TimedFrame]:
        ahead = [self._start_s - margin_s for margin_s in (0.0, _SEEK_MARGIN_S)]
        for seek_s in [*(place_s for place_s in ahead if place_s > 1), 0.0]:
            with open_video(self._path) as container:
                frames = self._frames_after_seek(container, seek_s)
                first = next(frames, None)
                came_out_late = first is None or first.time_s > self._start_s + 1e-3
                if seek_s > 0 and came_out_late:
                    continue
                if first is not None:
                    yield first
                    yield from frames
                return

    def _frames_after_seek(self, container: InputContainer, seek_s: float) -> Iterator[TimedFrame]:
        stream = picture_stream(container, self._path)
        origin_s = (container.start_time or 0) / av.time_base
        self._num_broken, self._broke_off, self._end_s = 0, False, 0.0
        if seek_s > 0:
            try:
                container.seek(round((seek_s + origin_s) * av.time_base), backward=True)
            except FFmpegError as error:
                _log.info("%s cannot be searched (%s); reading it from the start", self._path, error)
                return
        clock = _StampReader(stream, origin_s, self._info, has_sought=seek_s > 0)
        for frame in self._decoded(container, stream):
            timed = clock.read(frame)
            if timed is None:
                return
            self._end_s = timed.time_s + timed.duration_s
            yield timed

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                _log.info("%s breaks off: %s", self._path, error)
                self._broke_off = True
                packet = None
            try:
                # After a break the decoder still holds frames that it has not handed out.
                frames = (
                    packet.decode() if packet is not None else stream.decode(None) if self._broke_off else []
                )
            except FFmpegError as error:
                _log.debug("%s: a packet cannot be decoded: %s", self._path, error)
                self._num_broken += 1
                frames = []
            yield from frames
            if packet is None:
                return


class _StampReader:
    """Turns a stream's time stamps into seconds since the file's beginning that never run backwards."""

    def __init__(self, stream: VideoStream, origin_s: float, info: VideoInfo, *, has_sought: bool) -> None:
        self._tick_s = float(stream.time_base or 0)
        self._shift_s = -origin_s
        self._frame_s = 1 / info.fps
        self._longest_gap_s = _LONGEST_STILL_IN_BROADCASTS_S if info.is_broadcast else _LONGEST_STILL_S
        self._counts_from_zero = not has_sought
        self._last_s: float | None = None

    def read(self, frame: VideoFrame) -> TimedFrame | None:
        """The frame with its time; None if there is no telling where in the file it stands."""
        duration_s = frame.duration * self._tick_s if frame.duration else self._frame_s
        last_s = self._last_s
        if frame.pts is not None:
            time_s = frame.pts * self._tick_s + self._shift_s
        elif last_s is not None:
            time_s = last_s + duration_s
        elif frame.dts is not None:
            time_s = frame.dts * self._tick_s + self._shift_s
        elif self._counts_from_zero:
            time_s = 0.0
        else:
            return None
        if last_s is not None and not -_OUT_OF_ORDER_S <= time_s - last_s <= self._longest_gap_s:
            self._shift_s += last_s + duration_s - time_s
            time_s = last_s + duration_s
        time_s = time_s if last_s is None else max(time_s, last_s)
        self._last_s = time_s
        return TimedFrame(frame, time_s, duration_s)
