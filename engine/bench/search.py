"""The highest frame rate that is kept up: p99 of a step within the time that its chunk lasts.

A few steps at each rate find where to look; a p99 takes more of them than a search has time for, so the rate that was
found is run once more, and lowered until its p99 fits.

Knows: how to search. Does not know: how a rate is measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from engine.bench.stream import Run, percentiles, run_stream
from engine.errors import OutOfMemoryError, WindowError
from engine.model import LoadedModel
from engine.runtime import RuntimeSettings
from engine.settings import StreamSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sustained:
    """What a search found. Times are in milliseconds, by frames a second."""

    fps: int
    """The highest rate whose p99 was seen to fit; 0 if none."""
    searched_fps: int
    """The highest rate of whose few steps in the search the slowest fitted."""
    slowest_ms: dict[int, float]
    """The slowest step of each rate that the search tried."""
    p99_ms: dict[int, float]
    """The 99th percentile of each rate that was run to confirm it."""


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


def confirmed(p99_of: Callable[[int], float | None], *, fps: int, unit: int, limit_ms: float) -> int:
    """``fps``, lowered by ``unit`` as long as its p99 is above the limit, or None for a rate that cannot be run."""
    while fps > 0:
        p99_ms = p99_of(fps)
        if p99_ms is not None and p99_ms <= limit_ms:
            break
        fps -= unit
    return max(fps, 0)


def highest_fps(
    model: LoadedModel,
    settings: StreamSettings,
    runtime: RuntimeSettings,
    frame_size: tuple[int, int],
    *,
    num_steps: int,
    num_confirming: int,
    tokens_per_step: int | None,
    most: int,
    tell: Callable[[str], object],
) -> Sustained:
    """The highest rate kept up, of those up to ``most``.

    ``num_steps`` at each rate of the search, ``num_confirming`` at the one that was found. A rate whose windows fit
    neither the model nor the device is not kept. ``tell`` is handed a line for each run, as it ends.
    """
    slowest_ms: dict[int, float] = {}
    p99_ms: dict[int, float] = {}
    limit_ms = 1000 * settings.window.chunk_s

    def ran(fps: int, steps: int) -> Run | None:
        window = dataclasses.replace(settings.window, fps=float(fps))
        try:
            run = run_stream(
                model,
                dataclasses.replace(settings, window=window),
                runtime,
                frame_size,
                num_steps=steps,
                tokens_per_step=tokens_per_step,
            )
        except (OutOfMemoryError, WindowError) as error:
            tell(f"{fps} frames/s: {error}")
            return None
        run.session.close()  # before the next rate asks for room
        return run

    def is_kept(fps: int) -> bool:
        run = ran(fps, num_steps)
        if run is None:
            return False
        slowest_ms[fps] = round(max(result.timings.total_ms for result in run.results), 1)
        tell(f"{fps} frames/s: the slowest of {num_steps} steps took {slowest_ms[fps]} ms")
        return slowest_ms[fps] <= limit_ms

    def p99_of(fps: int) -> float | None:
        run = ran(fps, num_confirming)
        if run is None:
            return None
        p99_ms[fps] = percentiles([result.timings.total_ms for result in run.results])["p99"]
        tell(f"{fps} frames/s: p99 of {num_confirming} steps is {p99_ms[fps]} ms")
        return p99_ms[fps]

    unit = model.patches.temporal_patch_size
    searched = highest_kept(is_kept, unit=unit, most=most)
    fps = confirmed(p99_of, fps=searched, unit=unit, limit_ms=limit_ms)
    return Sustained(fps=fps, searched_fps=searched, slowest_ms=slowest_ms, p99_ms=p99_ms)
