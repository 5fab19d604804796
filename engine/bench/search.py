"""The highest frame rate that is kept up: p99 of a step within the time that its chunk lasts.

Knows: how to search. Does not know: how a rate is measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from engine.bench.stream import run_stream
from engine.errors import OutOfMemoryError, WindowError
from engine.model import LoadedModel
from engine.runtime import RuntimeSettings
from engine.settings import StreamSettings


def highest_kept(is_kept: Callable[[int], bool], *, unit: int, most: int) -> int:
    """Largest multiple of ``unit`` up to ``most`` that is kept; 0 if not even ``unit`` is.

    Takes it that what is kept at one rate is kept at every lower one. Doubles until it fails, then halves the gap.
    """
    top = most // unit
    kept, probe = 0, 1
    while probe <= top and is_kept(probe * unit):
        kept, probe = probe, min(2 * probe, top)
        if kept == top:
            return kept * unit
    failed = probe
    while kept + 1 < failed:
        probe = (kept + failed) // 2
        kept, failed = (probe, failed) if is_kept(probe * unit) else (kept, probe)
    return kept * unit


def highest_fps(
    model: LoadedModel,
    settings: StreamSettings,
    runtime: RuntimeSettings,
    frame_size: tuple[int, int],
    *,
    num_steps: int,
    tokens_per_step: int | None,
    most: int,
) -> tuple[int, dict[int, float]]:
    """The highest rate kept up, and the slowest step in milliseconds at each rate that was tried.

    A rate whose windows fit neither the model nor the device is not kept.
    """
    tried: dict[int, float] = {}

    def is_kept(fps: int) -> bool:
        window = dataclasses.replace(settings.window, fps=float(fps))
        try:
            run = run_stream(
                model,
                dataclasses.replace(settings, window=window),
                runtime,
                frame_size,
                num_steps=num_steps,
                tokens_per_step=tokens_per_step,
            )
        except (OutOfMemoryError, WindowError):
            return False
        run.session.close()  # before the next rate asks for room
        tried[fps] = round(max(result.timings.total_ms for result in run.results), 1)
        return tried[fps] <= 1000 * window.chunk_s

    unit = model.patches.temporal_patch_size
    return highest_kept(is_kept, unit=unit, most=most), tried
