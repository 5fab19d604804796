"""A video file as a source of chunks, as fast as it can be read or at the speed at which it plays.

Knows how decoding, sampling, pacing and previews come together. Does not know models or captions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from app.errors import StartBeyondEndError
from app.sources.base import CapturedChunk, Preview, PreviewSink, SourceProblem
from app.sources.decoding import VideoDecoder
from app.sources.pacing import Pace
from app.sources.pixels import fit, rgb_pixels
from app.sources.sampling import ChunkGrid, Sampler
from app.sources.video_info import inspect_video

_LATE_S = 0.25
"""Previews are left out while decoding is further behind than this: the chunks matter more."""


class VideoFileSource:
    """Chunks of a video file, in order, in video time.

    A last chunk of less than half a chunk's time is left out, unless it is the only one; a longer one repeats its
    last frame. ``live`` hands out each chunk when its last frame would be on screen, and shows every frame to
    ``on_preview``. Iterating again starts again.

    The constructor opens the file, decodes one picture and closes it; it and the iteration raise SourceError.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        fps: float = 2.0,
        chunk_s: float = 1.0,
        start_s: float = 0.0,
        duration_s: float | None = None,
        live: bool = False,
        on_preview: PreviewSink | None = None,
        preview_size: tuple[int, int] = (720, 1280),
        max_preview_fps: float = 30.0,
    ) -> None:
        """``preview_size``: largest (height, width) of previews. Times in seconds."""
        self.path = Path(path)
        self.info = inspect_video(path)
        known_s = self.info.duration_s
        if known_s is not None and start_s >= known_s:
            raise StartBeyondEndError(path, start_s, known_s)
        self._grid = ChunkGrid(start_s, chunk_s, fps)
        self._until_s = math.inf if duration_s is None else start_s + duration_s
        self._on_preview = on_preview
        self._preview_size = fit(self.info.size, preview_size)
        self._preview_gap_s = 1 / max_preview_fps
        self._pace = Pace(live=live)
        self._problem: SourceProblem | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        return self.info.size

    @property
    def duration_s(self) -> float | None:
        """Seconds that the chunks will cover, where the file says how long it is."""
        if self.info.duration_s is None:
            return None if math.isinf(self._until_s) else self._until_s - self._grid.start_s
        return min(self._until_s, self.info.duration_s) - self._grid.start_s

    @property
    def problem(self) -> SourceProblem | None:
        """What was wrong with the file; known when the iteration has come to its end."""
        return self._problem

    @property
    def position_s(self) -> float:
        """Where a live file is on the wall clock, in seconds of the video."""
        return self._pace.position_s

    @property
    def num_dropped(self) -> int:
        """A file waits for whoever watches it."""
        return 0

    def pause(self) -> None:
        """Hold on."""
        self._pace.pause()

    def resume(self) -> None:
        """Go on where ``pause`` held."""
        self._pace.resume()

    def stop(self) -> None:
        """End the iteration soon; from any thread."""
        self._pace.stop()

    def __iter__(self) -> Iterator[CapturedChunk]:
        grid, pace = self._grid, self._pace
        decoder = VideoDecoder(self.path, self.info, start_s=grid.start_s)
        sampler: Sampler[VideoFrame] = Sampler(grid, until_s=self._until_s)
        chunk = _ChunkBuilder(grid, self._pixels)
        next_preview_s = grid.start_s
        for timed in decoder:
            for sample in sampler.push(timed.frame, timed.time_s):
                if not pace.wait_until(sample.moment_s):
                    return
                if done := chunk.add(sample.frame, time.monotonic()):
                    yield done
            if sampler.is_done:
                break
            if self._on_preview is not None and timed.time_s >= next_preview_s:
                if not pace.wait_until(timed.time_s):
                    return
                if pace.late_s(timed.time_s) < _LATE_S:
                    pixels = rgb_pixels(timed.frame, self._preview_size, self.info.turns)
                    self._on_preview(Preview(pixels, timed.time_s))
                    # A little less than the gap, so that frames at just this rate all pass.
                    next_preview_s = timed.time_s + 0.9 * self._preview_gap_s
            if pace.is_stopped:
                return
        for sample in sampler.finish(decoder.end_s):
            if not pace.wait_until(sample.moment_s):
                return
            if done := chunk.add(sample.frame, time.monotonic()):
                yield done
        end_s = self._until_s if sampler.is_done else decoder.end_s
        if (done := chunk.finish(end_s)) is not None:
            yield done
        if chunk.num_chunks == 0:
            raise StartBeyondEndError(self.path, grid.start_s, decoder.end_s)
        if not sampler.is_done:
            self._problem = decoder.problem

    def _pixels(self, frame: VideoFrame) -> npt.NDArray[np.uint8]:
        return rgb_pixels(frame, self.info.size, self.info.turns)


class _ChunkBuilder:
    """Collects frames until they fill a chunk."""

    def __init__(self, grid: ChunkGrid, pixels: Callable[[VideoFrame], npt.NDArray[np.uint8]]) -> None:
        self._grid = grid
        self._pixels = pixels
        self._captured_at_s = 0.0
        self._frames: list[npt.NDArray[np.uint8]] = []
        self.num_chunks = 0

    def add(self, frame: VideoFrame, now_s: float) -> CapturedChunk | None:
        self._captured_at_s = now_s
        self._frames.append(self._pixels(frame))
        return self._take() if len(self._frames) == self._grid.num_frames else None

    def finish(self, end_s: float) -> CapturedChunk | None:
        """The last chunk, filled up, if it is long enough or the only one."""
        seen_s = end_s - self._grid.bounds_s(self.num_chunks)[0]
        if not self._frames or (self.num_chunks > 0 and seen_s < self._grid.chunk_s / 2 - 1e-3):
            return None
        self._frames += [self._frames[-1]] * (self._grid.num_frames - len(self._frames))
        return self._take()

    def _take(self) -> CapturedChunk:
        start_s, end_s = self._grid.bounds_s(self.num_chunks)
        chunk = CapturedChunk(
            frames=np.stack(self._frames), start_s=start_s, end_s=end_s, captured_at_s=self._captured_at_s
        )
        self._frames = []
        self.num_chunks += 1
        return chunk
