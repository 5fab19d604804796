"""Measures how fast matches are played and drawn, on one core.

Knows how to time it. Knows nothing of how it is done.
"""

import time
from collections.abc import Callable
from typing import Any

import cv2

from training.demo_league.draw import draw_frame
from training.demo_league.simulate import simulate
from training.demo_league.sprites import REFERENCE_SIZE

_MODEL_SIZE = (308, 168)
_NUM_FRAMES = 300
_FPS = 10
_REPEATS = 3


def bench() -> dict[str, Any]:
    """Times of playing and drawing, the best of three runs each: the machine may be busy with other things."""
    cv2.setNumThreads(1)
    minutes = 5.0
    match = simulate(1, minutes)
    play_s = _best_of(lambda: simulate(1, minutes))
    figures: dict[str, Any] = {
        "simulate_times_real_time": round(minutes * 60 / play_s),
        "simulate_24_s_ms": round(play_s / (minutes * 60) * 24 * 1000, 1),
    }
    for size in (_MODEL_SIZE, REFERENCE_SIZE):

        def draw(size: tuple[int, int] = size) -> None:
            for index in range(_NUM_FRAMES):
                draw_frame(match, index / _FPS, size=size)

        draw()
        figures[f"draw_{size[0]}x{size[1]}_ms"] = round(_best_of(draw) / _NUM_FRAMES * 1000, 3)
    return figures


def _best_of(work: Callable[[], object]) -> float:
    times_s = []
    for _ in range(_REPEATS):
        start_s = time.perf_counter()
        work()
        times_s.append(time.perf_counter() - start_s)
    return min(times_s)
