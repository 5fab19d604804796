"""A chunk of frames: what one step shows to the model.

Knows: pixels and times. Does not know: torch, where the frames came from, or how they are resized.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from engine.errors import ChunkError


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FrameChunk:
    """Consecutive frames of one step.

    Raises ChunkError if the pixels or the times are not as described.
    """

    frames: npt.NDArray[np.uint8]
    """RGB pixels, uint8, shape (num_frames, height, width, 3), any number of frames from 1."""

    start_s: float
    """When the chunk starts, in seconds of the stream."""

    end_s: float
    """When the chunk ends, in seconds of the stream."""

    def __post_init__(self) -> None:
        shape = self.frames.shape
        if self.frames.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3:
            raise ChunkError(
                "frames must be uint8 of shape (num_frames, height, width, 3), "
                f"not {self.frames.dtype} {shape}"
            )
        if min(shape) < 1:
            raise ChunkError(f"there is nothing in it (shape {shape})")
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s < self.end_s):
            raise ChunkError(
                f"it must start at 0 s or later and end after that, not {self.start_s}-{self.end_s} s"
            )

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return int(self.frames.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.frames.shape[1]), int(self.frames.shape[2])
