"""Videos as a benchmark shows them: chunks for a stream, or frames spread over a stretch.

Knows PyAV and how to keep decoding ahead of whoever looks. Knows nothing of models.
"""

import queue
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from engine import FrameChunk, WindowSettings
from training.errors import VideoError

_T = TypeVar("_T")
_TIME_BASE_PER_S = 1_000_000


def length_s(path: Path) -> float:
    """How long a video's pictures last, in seconds. Raises VideoError."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if stream.duration is not None and stream.time_base is not None:
                return float(stream.duration * stream.time_base)
            if container.duration is not None:
                return container.duration / _TIME_BASE_PER_S
    except (OSError, IndexError, FFmpegError) as error:
        raise VideoError(path, f"it can't be opened ({error})") from error
    raise VideoError(path, "it does not tell how long it is")


def chunks(path: Path, *, start_s: float, end_s: float, window: WindowSettings) -> Iterator[FrameChunk]:
    """Whole chunks from `start_s` to `end_s`, frame j of a chunk being what the video shows j / fps into it.

    Raises VideoError when the video can't be read, or ends more than a second too early.
    """
    from training.sft.video import frames_at  # imported late: it loads torch, which a judge does not need

    num_chunks = int((end_s - start_s) / window.chunk_s + 1e-6)
    per_chunk = window.frames_per_chunk
    times_s = [
        start_s + index * window.chunk_s + offset / window.fps
        for index in range(num_chunks)
        for offset in range(per_chunk)
    ]
    if not times_s:
        return
    pictures = frames_at(path, times_s)
    for index in range(num_chunks):
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
