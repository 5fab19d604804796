"""A match's frames at the size a model sees, drawn once and shared by every row that shows them.

Drawing a second of match costs more than a GPU needs to comment on it. Frames lie in one file for each match, which
all processes map into memory; a block of seconds is drawn by whoever needs it first. Two that draw the same block write
the same bytes.

Knows files and frames. Knows nothing of models beyond the size of their pictures.
"""

import os
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import ResizeSettings
from training.demo_league.records import Match
from training.demo_league.simulate import simulate
from training.demo_league.truth import Truth, truth_lines, truth_of

BLOCK_S = 20
"""Seconds that are drawn together."""


class MatchPictures:
    """One match and its frames."""

    def __init__(
        self, folder: Path, *, seed: int, minutes: float, fps: float, resize: ResizeSettings
    ) -> None:
        """`folder` holds the drawn frames; about 0.1 MB a frame at the demo model's size.

        Raises OSError if it can't be written to.
        """
        from engine.preprocess import smart_resize
        from training.demo_league.sprites import REFERENCE_SIZE

        self.seed, self.minutes, self.fps = seed, minutes, fps
        self.num_seconds = int(minutes * 60)
        width, height = REFERENCE_SIZE
        self._size = smart_resize(height, width, resize)
        self._per_second = round(fps)
        folder.mkdir(parents=True, exist_ok=True)
        shape = (self.num_seconds * self._per_second, *self._size, 3)
        name = f"{seed}-{minutes:g}min-{fps:g}fps-{self._size[1]}x{self._size[0]}"
        self._frames = _shared(folder / f"{name}.rgb", shape)
        self._is_drawn = _shared(folder / f"{name}.drawn", (self.num_blocks,))

    @property
    def num_blocks(self) -> int:
        """How many blocks of BLOCK_S seconds there are."""
        return -(-self.num_seconds // BLOCK_S)

    @cached_property
    def match(self) -> Match:
        """The match itself, played when it is first asked for."""
        return simulate(self.seed, self.minutes)

    @cached_property
    def truth(self) -> Truth:
        """What there was to be told."""
        return truth_of(truth_lines(self.match))

    def second(self, index: int) -> NDArray[np.uint8]:
        """The frames (T, height, width, 3) of one second; drawn now if nobody has."""
        self.draw_block(index // BLOCK_S)
        first = index * self._per_second
        return np.array(self._frames[first : first + self._per_second])

    def draw_block(self, block: int) -> None:
        """Draw a block of seconds unless it is there."""
        if self._is_drawn[block]:
            return
        import torch

        from engine.preprocess import resize_frames
        from training.demo_league.draw import draw_frame

        first = block * BLOCK_S * self._per_second
        last = min(first + BLOCK_S * self._per_second, len(self._frames))
        drawn = np.stack([draw_frame(self.match, index / self.fps) for index in range(first, last)])
        # As the engine would: a frame of this size passes through it unchanged.
        self._frames[first:last] = resize_frames(torch.from_numpy(drawn), *self._size).numpy()
        self._is_drawn[block] = 1


def _shared(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A file of zeros that every process sees the same; whoever comes first makes it."""
    num_bytes = int(np.prod(shape))
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if os.fstat(handle).st_size < num_bytes:
            os.truncate(handle, num_bytes)
    finally:
        os.close(handle)
    mapped: NDArray[np.uint8] = np.memmap(path, dtype=np.uint8, mode="r+", shape=shape)
    return mapped
