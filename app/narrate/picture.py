"""The picture of a narrated video: H.264, taken over as it is where that can be, else encoded.

Knows which videos can be taken over and how the others are brought upright, to square pixels and into a file of their
own. Knows no sound and no words.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.narrate.errors import NarrationCancelledError
from app.sources.decoding import VideoDecoder
from app.sources.pixels import rgb_pixels
from app.sources.video_info import VideoInfo, inspect_video, open_video, picture_stream

_log = logging.getLogger("ringside.app.narrate")

_TICKS_PER_S = 90_000
_QUALITY = {"preset": "veryfast", "crf": "20"}
_FITS_MP4 = ("mov", "mp4", "matroska")


@dataclasses.dataclass(frozen=True)
class Picture:
    """An H.264 file whose packets go into the narrated video as they are."""

    path: Path
    duration_s: float
    is_original: bool
    """Whether it is the video itself and not one that was made from it."""


def prepare_picture(
    path: Path, work_file: Path, *, on_progress: Callable[[float], None], is_cancelled: Callable[[], bool]
) -> Picture:
    """The video itself, or if that cannot be taken over, `work_file` with the same pictures.

    Raises SourceError; NarrationCancelledError.
    """
    info = inspect_video(path)
    end_s = _end_if_copyable(path, info, is_cancelled)
    if end_s is not None:
        on_progress(1.0)
        return Picture(path, end_s, is_original=True)
    end_s = _encode(path, info, work_file, on_progress, is_cancelled)
    return Picture(work_file, end_s, is_original=False)


def packets(picture: Picture, target: VideoStream) -> Iterator[tuple[Packet[VideoStream], float]]:
    """The picture's packets for `target`, each with its time in seconds."""
    with open_video(picture.path) as container:
        stream = picture_stream(container, picture.path)
        tick = _tick(stream)
        shift = round((container.start_time or 0) / av.time_base / tick)
        for packet in container.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            packet.pts -= shift
            packet.dts -= shift
            packet.stream = target
            yield packet, float(packet.dts * tick)


def template(picture: Picture, into: av.container.OutputContainer) -> VideoStream:
    """A stream of `into` that takes the picture's packets."""
    with open_video(picture.path) as container:
        return into.add_stream_from_template(picture_stream(container, picture.path), opaque=False)


def _end_if_copyable(path: Path, info: VideoInfo, is_cancelled: Callable[[], bool]) -> float | None:
    """When its last picture ends, if every packet can be taken over, else None. Reads the file, decodes nothing."""
    with open_video(path) as container:
        stream = picture_stream(container, path)
        context = stream.codec_context
        names = set(container.format.name.split(","))
        if (
            context.name != "h264"
            or context.pix_fmt not in ("yuv420p", "yuvj420p")
            or not context.extradata
            or info.is_broadcast
            or not names & set(_FITS_MP4)
        ):
            return None
        origin_s = (container.start_time or 0) / av.time_base
        tick = _tick(stream)
        last_dts: int | None = None
        end = 0
        try:
            for packet in container.demux(stream):
                if is_cancelled():
                    raise NarrationCancelledError
                if packet.dts is None or packet.pts is None:
                    if packet.size:
                        return None
                    continue
                if packet.is_corrupt or (last_dts is not None and packet.dts <= last_dts):
                    return None
                if packet.pts < packet.dts:
                    return None
                last_dts = packet.dts
                end = max(end, packet.pts + (packet.duration or 0))
        except av.error.FFmpegError as error:
            _log.info("%s is damaged (%s); its pictures are encoded anew", path, error)
            return None
        return float(end * tick) - origin_s if last_dts is not None else None


def _encode(
    path: Path,
    info: VideoInfo,
    work_file: Path,
    on_progress: Callable[[float], None],
    is_cancelled: Callable[[], bool],
) -> float:
    height, width = (max(2, side // 2 * 2) for side in info.size)
    decoder = VideoDecoder(path, info, start_s=0.0)
    last_pts = -1
    with av.open(str(work_file), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(info.fps).limit_denominator(1001))
        stream.height, stream.width = height, width
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        stream.options = {**_QUALITY, "g": str(min(250, max(1, round(2 * info.fps))))}
        for timed in decoder:
            if is_cancelled():
                raise NarrationCancelledError
            pts = round(timed.time_s * _TICKS_PER_S)
            if pts <= last_pts:
                continue
            frame = _fitted(timed.frame, info, height, width)
            frame.pts, frame.time_base = pts, Fraction(1, _TICKS_PER_S)
            last_pts = pts
            container.mux(stream.encode(frame))
            if info.duration_s:
                on_progress(min(1.0, timed.time_s / info.duration_s))
        container.mux(stream.encode())
    return decoder.end_s


def _fitted(frame: VideoFrame, info: VideoInfo, height: int, width: int) -> VideoFrame:
    if info.turns:
        upright = rgb_pixels(frame, info.size, info.turns)
        return VideoFrame.from_ndarray(upright, format="rgb24").reformat(
            width=width, height=height, format="yuv420p"
        )
    fitted = frame.reformat(width=width, height=height, format="yuv420p")
    fitted.pict_type = 0  # the encoder decides, not the original
    return fitted


def _tick(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, _TICKS_PER_S)
