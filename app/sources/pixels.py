"""From a decoded frame to RGB pixels as a person would see them.

Knows pixel formats, quarter turns and sizes. Does not know times, or what size a model wants.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation


def rgb_pixels(frame: VideoFrame, size: tuple[int, int], turns: int) -> npt.NDArray[np.uint8]:
    """The frame as RGB, uint8, shape (*size, 3), contiguous.

    ``size`` is the (height, width) asked for, ``turns`` the counter-clockwise quarter turns that bring it upright.
    """
    height, width = size if turns % 2 == 0 else (size[1], size[0])
    if (frame.height, frame.width) == (height, width):
        pixels = frame.to_ndarray(format="rgb24")
    else:
        shrinks = height * width < frame.height * frame.width
        pixels = frame.to_ndarray(
            format="rgb24",
            height=height,
            width=width,
            interpolation=Interpolation.AREA if shrinks else Interpolation.BICUBIC,
        )
    return np.ascontiguousarray(np.rot90(pixels, turns), dtype=np.uint8)


def fit(size: tuple[int, int], limit: tuple[int, int]) -> tuple[int, int]:
    """The largest (height, width) of the same shape within ``limit``; never larger than ``size``."""
    scale = min(1.0, limit[0] / size[0], limit[1] / size[1])
    return max(1, math.floor(size[0] * scale)), max(1, math.floor(size[1] * scale))
