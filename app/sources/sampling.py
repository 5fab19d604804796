"""Which frame belongs to which moment, and which moments make a chunk.

Knows times alone: frame j of the chunk that starts at second k stands for k + j / fps, and is the frame that is on
screen then. Does not know what a frame is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Generic, TypeVar

Frame = TypeVar("Frame")

_TOLERANCE_S = 1e-3
"""Some containers round times to milliseconds; a frame this little late counts as on time."""


@dataclasses.dataclass(frozen=True)
class Sample(Generic[Frame]):
    """A frame that is on screen at a wanted moment."""

    frame: Frame
    moment_s: float


@dataclasses.dataclass(frozen=True)
class ChunkGrid:
    """The moments of a stream that begins at ``start_s``."""

    start_s: float
    chunk_s: float
    fps: float

    @property
    def num_frames(self) -> int:
        """Frames in a chunk."""
        return max(1, round(self.chunk_s * self.fps))

    def bounds_s(self, chunk_index: int) -> tuple[float, float]:
        """Start and end of a chunk."""
        return self.start_s + chunk_index * self.chunk_s, self.start_s + (chunk_index + 1) * self.chunk_s

    def moment_s(self, sample_index: int) -> float:
        """The moment for which a sample stands, samples counted through all chunks."""
        chunk_index, frame_index = divmod(sample_index, self.num_frames)
        return self.bounds_s(chunk_index)[0] + frame_index / self.fps


class Sampler(Generic[Frame]):
    """Picks, from frames with rising times, those that are on screen at the moments of a grid."""

    def __init__(self, grid: ChunkGrid, *, until_s: float = float("inf")) -> None:
        self._grid = grid
        self._until_s = until_s
        self._num_sampled = 0
        self._shown: Frame | None = None

    @property
    def is_done(self) -> bool:
        """Whether no further moment is wanted."""
        return self._grid.moment_s(self._num_sampled) >= self._until_s - _TOLERANCE_S

    def push(self, frame: Frame, time_s: float) -> Iterator[Sample[Frame]]:
        """Samples that are certain now that ``frame`` follows; before the first frame, that one is shown."""
        yield from self._samples_before(time_s, frame if self._shown is None else self._shown)
        self._shown = frame

    def finish(self, end_s: float) -> Iterator[Sample[Frame]]:
        """The last samples, when the last frame is shown until ``end_s``."""
        if self._shown is not None:
            yield from self._samples_before(end_s, self._shown)

    def _samples_before(self, time_s: float, shown: Frame) -> Iterator[Sample[Frame]]:
        while not self.is_done:
            moment_s = self._grid.moment_s(self._num_sampled)
            if moment_s >= time_s - _TOLERANCE_S:
                return
            self._num_sampled += 1
            yield Sample(shown, moment_s)
