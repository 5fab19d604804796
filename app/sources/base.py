"""What every source of pictures can do.

Knows the words between a source and those who use it. Knows no file format, device or thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.chunk import FrameChunk


@dataclasses.dataclass(frozen=True, eq=False)
class Preview:
    """One picture for people to look at."""

    frame: npt.NDArray[np.uint8]
    """RGB pixels, uint8, shape (height, width, 3), contiguous; nobody else writes to it."""

    time_s: float
    """When it is shown, in seconds of the stream."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CapturedChunk(FrameChunk):
    """A chunk of a source, with the moment at which it was complete."""

    captured_at_s: float
    """When its last frame was taken (of a file: due), on `time.monotonic`."""


PreviewSink = Callable[[Preview], None]
"""Called from the thread that iterates the source; has to return quickly."""


@dataclasses.dataclass(frozen=True)
class SourceProblem:
    """Something was wrong with what was watched, though part of it could be."""

    message: str
    """What, in a sentence for people."""

    is_cut_short: bool
    """Whether the end is missing, and not only something in between."""


class ChunkSource(Protocol):
    """Iterate it for its chunks, in one thread; the methods may be called from any other."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames as they are shown, in pixels."""
        ...

    @property
    def duration_s(self) -> float | None:
        """Seconds that the chunks will cover, where that is known beforehand."""
        ...

    @property
    def position_s(self) -> float:
        """Where it is on the wall clock, in seconds of the stream; it stands still in a pause."""
        ...

    @property
    def num_dropped(self) -> int:
        """Chunks that nobody was given."""
        ...

    @property
    def problem(self) -> SourceProblem | None:
        """What was wrong, known when the iteration has ended."""
        ...

    def __iter__(self) -> Iterator[CapturedChunk]:
        """Chunks in order. Raises SourceError."""
        ...

    def pause(self) -> None:
        """Hold on; a live source goes on where it was, not where it would have been."""
        ...

    def resume(self) -> None:
        """Go on after a pause."""
        ...

    def stop(self) -> None:
        """End the iteration soon, whatever it waits for."""
        ...
