"""Real video files for tests, in which every picture says its own number.

A picture is black with sixteen squares in two rows; square i is white where bit i of the number is set. The margin at
the top left is red, so that turned pictures can be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

NUM_BITS = 16
Pixels = npt.NDArray[np.uint8]


def picture(number: int, size: tuple[int, int] = (120, 160)) -> Pixels:
    """RGB (height, width, 3) that says ``number``; the squares fill the lower three quarters."""
    height, width = size
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[: height // 5, : width // 4] = (255, 0, 0)
    for bit, (row, column) in _squares(height, width).items():
        if number >> bit & 1:
            pixels[row : row + height // 4, column : column + width // 8] = 255
    return pixels


def number_in(pixels: Pixels) -> int:
    """The number that a picture says, however it was coded or scaled."""
    height, width = pixels.shape[:2]
    number = 0
    for bit, (row, column) in _squares(height, width).items():
        inside = pixels[
            row + height // 16 : row + height // 6, column + width // 32 : column + width * 3 // 32
        ]
        number |= int(inside.mean() > 127) << bit
    return number


def _squares(height: int, width: int) -> dict[int, tuple[int, int]]:
    return {
        bit: (height // 4 + bit // 8 * (height * 3 // 8), bit % 8 * (width // 8)) for bit in range(NUM_BITS)
    }


def write_video(
    path: Path,
    *,
    seconds: float = 3.0,
    fps: int = 30,
    size: tuple[int, int] = (120, 160),
    times_ms: Sequence[int] | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    turn_degrees: int = 0,
    pixel_aspect: tuple[int, int] = (1, 1),
    sound_s: float = 0.0,
    options: dict[str, str] | None = None,
    format: str | None = None,  # the container's word for it
) -> Path:
    """Write a video in which picture i is shown at i / fps, or at ``times_ms[i]``; returns its path."""
    from fractions import Fraction

    with av.open(str(path), "w", format=format, options=options or {}) as container:
        stream: Any = container.add_stream(codec, rate=fps)
        stream.height, stream.width = size
        stream.pix_fmt = pixel_format
        stream.sample_aspect_ratio = Fraction(*pixel_aspect)
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "g": str(fps)}
        if turn_degrees:
            stream.set_display_rotation(turn_degrees)
        sound: Any = container.add_stream("aac", rate=16000, layout="mono") if sound_s else None
        for index in range(len(times_ms) if times_ms is not None else round(seconds * fps)):
            frame = av.VideoFrame.from_ndarray(picture(index, size), format="rgb24")
            frame.pts = times_ms[index] if times_ms is not None else index
            frame.time_base = Fraction(1, 1000) if times_ms is not None else Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            _mux_tone(container, sound, sound_s)
    return path


def write_sound(path: Path, seconds: float = 1.0) -> Path:
    """Write a file with sound and no picture; returns its path."""
    with av.open(str(path), "w") as container:
        _mux_tone(container, container.add_stream("aac", rate=16000, layout="mono"), seconds)
    return path


def _mux_tone(container: Any, stream: Any, seconds: float) -> None:
    for block in range(round(seconds * 16000 / 1024)):
        samples = np.sin(np.arange(1024) / 16000 * 440 * 2 * np.pi)
        frame = av.AudioFrame.from_ndarray(
            (samples[None] * 8000).astype(np.int16), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = 16000, block * 1024
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
