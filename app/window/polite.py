"""Being polite: what is given up while a game needs the machine.

Knows what the model is shown then, and how the engine pauses. Knows no window, and not who asks for it.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from engine.chunk import FrameChunk
from engine.runtime import PolitenessSettings, RuntimeSettings

POLITE_RUNTIME = RuntimeSettings(politeness=PolitenessSettings(low_priority=True, duty=None))
"""For a run that begins while politeness is asked for: it works in short stretches, between the game's frames where
these come evenly, and no more than keeping up takes."""

_MOST_PIXELS = 160 * 28 * 28
"""Of a frame: 160 visual tokens, about a fifth of what the model usually looks at."""


def smaller_size(size: tuple[int, int]) -> tuple[int, int]:
    """What becomes of frames of this height and width."""
    height, width = size
    scale = (_MOST_PIXELS / (height * width)) ** 0.5
    return (max(28, round(height * scale)), max(28, round(width * scale))) if scale < 1 else size


def made_smaller(chunk: FrameChunk) -> FrameChunk:
    """The same chunk with frames of fewer pixels; those that are small enough stay as they are."""
    height, width = smaller_size(chunk.size)
    if (height, width) == chunk.size:
        return chunk
    frames = np.stack(
        [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in chunk.frames]
    )
    return dataclasses.replace(chunk, frames=frames)
