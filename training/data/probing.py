"""Whether a file is a video that training can use, and how long it is.

Knows PyAV. Knows nothing of what is said in a video.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import av
from av.error import FFmpegError

from training.data.errors import UnusableError

DecodeMode = Literal["ends", "keyframes", "all"]
_END_S = 5.0
"""What may be missing at the end of a stream whose header is longer: containers round, and sound outlasts pictures."""


@dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """What the file says of itself."""

    num_bytes: int
    duration_s: float
    width: int
    height: int
    fps: float
    has_audio: bool

    def row(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def probe(path: Path) -> VideoFacts:
    """Read a video's header and its first picture.

    Raises:
        UnusableError: it is empty, can't be opened, or holds no pictures.
        OSError: it can't be read.
    """
    num_bytes = path.stat().st_size
    if num_bytes == 0:
        raise UnusableError("the file is empty (0 bytes)")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UnusableError("it holds no pictures")
            stream = container.streams.video[0]
            first = next(iter(container.decode(stream)), None)
            if first is None:
                raise UnusableError("it holds no pictures")
            duration_s = _duration_s(container, stream)
            if duration_s <= 0:
                raise UnusableError("its length is not known")
            return VideoFacts(
                num_bytes=num_bytes,
                duration_s=round(duration_s, 3),
                width=first.width,
                height=first.height,
                fps=round(float(stream.average_rate or 0), 3),
                has_audio=bool(container.streams.audio),
            )
    except FFmpegError as error:
        raise UnusableError(f"it can't be decoded ({error.strerror or error})") from error


def decode(path: Path, *, mode: DecodeMode) -> dict[str, Any]:
    """Decode a video: its two ends, its key frames from end to end (a fiftieth of the work), or everything.

    Returns {"num_decoded", "num_corrupt", "last_s"}.

    Raises:
        UnusableError: it can't be decoded, or ends before its header says.
        OSError: it can't be read.
    """
    if path.stat().st_size == 0:
        raise UnusableError("the file is empty (0 bytes)")
    num_decoded = num_corrupt = 0
    last_s = 0.0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UnusableError("it holds no pictures")
            stream = container.streams.video[0]
            tick_s = float(stream.time_base or 0)
            first_s = (stream.start_time or 0) * tick_s
            duration_s = _duration_s(container, stream)
            stream.thread_type = "AUTO"
            if mode == "keyframes":
                stream.codec_context.skip_frame = "NONKEY"
            elif mode == "ends":
                num_decoded += sum(1 for _ in zip(range(10), container.decode(stream), strict=False))
                container.seek(int((max(duration_s - 10.0, 0) + first_s) / tick_s), stream=stream)
            longest_gap_s = _END_S
            for frame in container.decode(stream):
                num_decoded += 1
                num_corrupt += bool(frame.is_corrupt)
                time_s = (frame.pts or 0) * tick_s - first_s
                longest_gap_s = max(longest_gap_s, time_s - last_s) if mode == "keyframes" else longest_gap_s
                last_s = max(last_s, time_s)
    except FFmpegError as error:
        raise UnusableError(
            f"it can't be decoded after {last_s:.1f} s ({error.strerror or error})"
        ) from error
    if num_decoded == 0:
        raise UnusableError("it holds no pictures")
    if duration_s - last_s > longest_gap_s + _END_S:
        raise UnusableError(f"its pictures end at {last_s:.1f} s, its header says {duration_s:.1f} s")
    if num_corrupt:
        raise UnusableError(f"{num_corrupt} of {num_decoded} decoded pictures are damaged")
    return {"num_decoded": num_decoded, "num_corrupt": num_corrupt, "last_s": round(last_s, 3)}


def _duration_s(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / 1e6
