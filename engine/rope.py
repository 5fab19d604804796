"""Contiguous 3-D positions (StreamingVLM, arXiv 2510.09608; M-RoPE of Qwen2-VL, arXiv 2409.12191).

Knows: how the spans of the present context become temporal, height and width positions.
Does not know: torch, tokens, caches. The rotation itself is in ``engine/rotary.py``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class TextSpan:
    """Consecutive tokens that each take one position on all three axes."""

    length: int


@dataclasses.dataclass(frozen=True)
class VisionSpan:
    """The tokens of one vision block: ``num_t * num_h * num_w`` of them, in that order."""

    num_t: int
    """Temporal patches."""

    num_h: int
    """Rows of the merged grid."""

    num_w: int
    """Columns of the merged grid."""

    t_step: float
    """Positions between two temporal patches; may be fractional."""

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.num_t * self.num_h * self.num_w


Span = TextSpan | VisionSpan


def temporal_step(fps: float, temporal_patch_size: int, tokens_per_second: float) -> float:
    """Positions between two temporal patches of ``temporal_patch_size`` frames at ``fps``."""
    return float(np.float32(temporal_patch_size / fps) * np.float32(tokens_per_second))


def positions_3d(spans: Iterable[Span], start: float = 0.0) -> npt.NDArray[np.float32]:
    """Positions of every token of ``spans``, float32 of shape (3, num_tokens), axes temporal, height, width.

    Text counts on from the largest position so far plus one, on all axes. A vision block starts there too:
    its temporal positions grow by ``t_step`` a patch, height and width count the merged grid. ``start`` is
    the position of the first token. float32 sums, in this order, are what the published model was run with.
    """
    spans = list(spans)
    positions = np.empty((3, sum(span.length for span in spans)), dtype=np.float32)
    next_position, place = np.float32(start), 0
    for span in spans:
        if span.length == 0:
            continue
        part = positions[:, place : place + span.length]
        if isinstance(span, TextSpan):
            np.add(_counting(span.length), next_position, out=part)
            next_position = part[0, -1] + np.float32(1)
        else:
            grid, largest = _vision_grid(span)
            np.add(grid, next_position, out=part)
            next_position = largest + next_position + np.float32(1)
        place += span.length
    return positions


@functools.lru_cache(maxsize=256)
def _counting(length: int) -> npt.NDArray[np.float32]:
    return np.arange(length, dtype=np.float32)


@functools.lru_cache(maxsize=8)
def _vision_grid(span: VisionSpan) -> tuple[npt.NDArray[np.float32], np.float32]:
    """Positions inside a block that starts at 0, and the largest; read-only, because all blocks of a stream share it."""
    grid = np.indices((span.num_t, span.num_h, span.num_w), dtype=np.float32).reshape(3, -1)
    grid[0] *= np.float32(span.t_step)
    grid.setflags(write=False)
    return grid, grid.max()


def next_position(positions_3L: npt.NDArray[np.float32]) -> float:
    """The position that a text token after ``positions_3L`` takes."""
    return float(positions_3L.max()) + 1.0 if positions_3L.size else 0.0
