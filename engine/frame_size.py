"""The size to which a frame is brought.

Knows: the rule of Qwen2-VL's processor. Does not know: torch, pixels.
"""

from __future__ import annotations

import math

from engine.errors import ChunkError
from engine.settings import ResizeSettings

MAX_ASPECT_RATIO = 200


def smart_resize(height: int, width: int, resize: ResizeSettings, factor: int = 28) -> tuple[int, int]:
    """Height and width to which a frame is brought: multiples of ``factor`` within the pixel limits.

    Raises ChunkError for a frame more than 200 times as long as wide.
    """
    if max(height, width) > MAX_ASPECT_RATIO * min(height, width):
        raise ChunkError(f"a frame of {width}x{height} is more than {MAX_ASPECT_RATIO} times as long as wide")
    new_height = max(factor, round(height / factor) * factor)
    new_width = max(factor, round(width / factor) * factor)
    if new_height * new_width > resize.max_pixels:
        scale = math.sqrt(height * width / resize.max_pixels)
        new_height = max(factor, math.floor(height / scale / factor) * factor)
        new_width = max(factor, math.floor(width / scale / factor) * factor)
    elif new_height * new_width < resize.min_pixels:
        scale = math.sqrt(resize.min_pixels / (height * width))
        new_height = math.ceil(height * scale / factor) * factor
        new_width = math.ceil(width * scale / factor) * factor
    return new_height, new_width
