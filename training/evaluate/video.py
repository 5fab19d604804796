"""Videos as a benchmark shows them: chunks for a stream, or frames spread over a stretch.

Knows PyAV and how to keep decoding ahead of whoever looks. Knows nothing of models.
"""

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray

from engine import FrameChunk, WindowSettings
from training.errors import VideoError

_T = TypeVar("_T")
_TIME_BASE_PER_S = 1_000_000


def length_s(path: Path) -> float:
    """How long a video's pictures last, in seconds; its sound may last longer. Raises VideoError."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.video[0]
            if stream.duration is not None and stream.time_base is not None:
                return float(stream.duration * stream.time_base)
            end_s = _end_s(container, stream)
    except Exception as error:  # files from anywhere make a demuxer raise anything
        raise VideoError(path, f"it can't be opened ({error})") from error
    if end_s is None:
        raise VideoError(path, "it holds no pictures")
    return end_s


def _end_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Where the last picture ends, for containers that tell only how long all they hold lasts (MKV, WebM)."""

    def last_tick() -> int | None:
        ends = (
            packet.pts + (packet.duration or 0)
            for packet in container.demux(stream)
            if packet.pts is not None
        )
        return max(ends, default=None)

    tick_s = float(stream.time_base or 0)
    end: int | None = None
    if container.duration:
        with contextlib.suppress(FFmpegError):  # what can't be searched is read from its beginning
            container.seek(int(container.duration / _TIME_BASE_PER_S / tick_s), stream=stream, backward=True)
            end = last_tick()
            if end is None:
                container.seek(0)
    if end is None:
        end = last_tick()
    return None if end is None else (end - (stream.start_time or 0)) * tick_s


def chunks(
    path: Path, *, start_s: float, end_s: float, window: WindowSettings, first: int = 0
) -> Iterator[FrameChunk]:
    """Whole chunks from `start_s` to `end_s`, frame j of a chunk being what the video shows j / fps into it.

    `first`: how many of them are left out at the beginning.

    Raises VideoError when the video can't be read, or ends more than a second too early.
    """
    from training.sft.video import frames_at  # imported late: it loads torch, which a judge does not need

    num_chunks = int((end_s - start_s) / window.chunk_s + 1e-6)
    per_chunk = window.frames_per_chunk
    times_s = [
        start_s + index * window.chunk_s + offset / window.fps
        for index in range(first, num_chunks)
        for offset in range(per_chunk)
    ]
    if not times_s:
        return
    pictures = frames_at(path, times_s)
    for index in range(first, num_chunks):
        chunk_start_s = start_s + index * window.chunk_s
        yield FrameChunk(
            frames=np.stack([next(pictures) for _ in range(per_chunk)]),
            start_s=chunk_start_s,
            end_s=chunk_start_s + window.chunk_s,
        )


def spread_frames(
    path: Path, *, start_s: float, end_s: float, fps: float, max_frames: int
) -> tuple[NDArray[np.uint8], float]:
    """Frames from `start_s` to `end_s` at `fps`, or fewer, evenly spread, where that would be more than `max_frames`.

    An even number of frames, at least two, as pairs make a temporal patch.

    Returns:
        (T, height, width, 3) RGB frames, and how many of them there are to a second.

    Raises:
        VideoError: the video can't be read, or ends more than a second too early.
    """
    from training.sft.video import frames_at

    stretch_s = max(end_s - start_s, 1 / fps)
    num_frames = min(round(stretch_s * fps), max_frames)
    num_frames = max(2, num_frames - num_frames % 2)
    real_fps = num_frames / stretch_s
    times_s = [start_s + index / real_fps for index in range(num_frames)]
    return np.stack(list(frames_at(path, times_s))), real_fps


def ahead(items: Iterator[_T], *, num_ready: int = 4) -> Generator[_T, None, None]:
    """The same items, got ready by a thread while the last one is being used. Closing it ends the thread."""
    ready: queue.Queue[tuple[bool, _T | BaseException | None]] = queue.Queue(maxsize=num_ready)
    stop = threading.Event()

    def put(entry: tuple[bool, _T | BaseException | None]) -> bool:
        while not stop.is_set():
            try:
                ready.put(entry, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((True, item)):
                    return
            put((False, None))
        except BaseException as error:  # noqa: BLE001 - handed on to whoever asked, in their thread
            put((False, error))

    thread = threading.Thread(target=work, name="ringside-decode", daemon=True)
    thread.start()
    try:
        while True:
            is_item, item = ready.get()
            if not is_item:
                if isinstance(item, BaseException):
                    raise item
                return
            yield item  # type: ignore[misc]  # an item, as is_item tells
    finally:
        stop.set()
        thread.join()
