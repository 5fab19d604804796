"""Hours of stream as fast as they go: does a step at the end cost what one at the beginning did?

Knows: stretches of ten minutes of stream, and their plot. Does not know: how a stream is run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.stream import percentiles
from engine.errors import EngineError
from engine.step import StepResult

STRETCH_S = 600


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Ten minutes of stream."""

    from_minute: float
    step_ms: dict[str, float]
    memory_mb: float
    """Highest of its steps."""


def stretches(step_ms: Sequence[float], device_bytes: Sequence[int], chunk_s: float) -> list[Stretch]:
    """Cut a run's steps into stretches; what is left over after the last whole one belongs to that one."""
    length = max(1, round(STRETCH_S / chunk_s))
    count = max(1, len(step_ms) // length)
    found = []
    for number in range(count):
        last = len(step_ms) if number == count - 1 else (number + 1) * length
        part = slice(number * length, last)
        found.append(
            Stretch(
                number * length * chunk_s / 60,
                percentiles(np.asarray(step_ms[part])),
                round(max(device_bytes[part]) / 1e6, 3),
            )
        )
    return found


class Telling:
    """Tells of each stretch as soon as it is over."""

    def __init__(self, chunk_s: float, tell: Callable[[str], object]) -> None:
        """``tell`` is handed a line for every ten minutes of stream."""
        self._chunk_s, self._tell = chunk_s, tell
        self._length = max(1, round(STRETCH_S / chunk_s))
        self._step_ms: list[float] = []

    def on_step(self, number: int, result: StepResult) -> None:
        """One more step, the ``number``-th from 0."""
        self._step_ms.append(result.timings.total_ms)
        if len(self._step_ms) == self._length:
            took = percentiles(np.asarray(self._step_ms))
            minute = (number + 1) * self._chunk_s / 60
            self._tell(f"minute {minute:.0f}: step {took['p50']} ms, p95 {took['p95']}, p99 {took['p99']}")
            self._step_ms.clear()


def verdict(found: Sequence[Stretch], device_bytes: Sequence[int]) -> dict[str, Any]:
    """The last stretch against the first, and whether memory stayed the same from step 40 on."""
    settled = device_bytes[40:] or device_bytes[-1:]
    return {
        "stretches": [dataclasses.asdict(stretch) for stretch in found],
        "p99_last_to_first": round(found[-1].step_ms["p99"] / found[0].step_ms["p99"], 3),
        "memory_mb_grown_since_step_40": round((max(settled) - min(settled)) / 1e6, 3),
    }


def plot(found: Sequence[Stretch], file: Path, title: str) -> None:
    """Draw step times and memory over the stream as PNG. Raises EngineError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # imported late: only a plot needs it
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EngineError("The plot needs matplotlib: pip install matplotlib.") from error
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    time_axes = figure.add_subplot()
    minutes = [stretch.from_minute for stretch in found]
    for name, style in (("p50", "-"), ("p95", "--"), ("p99", ":")):
        time_axes.plot(
            minutes, [stretch.step_ms[name] for stretch in found], style, color="tab:blue", label=name
        )
    time_axes.set(xlabel="minutes of stream", ylabel="step, ms", title=title)
    time_axes.set_ylim(0, 1.15 * max(stretch.step_ms["p99"] for stretch in found))
    memory_axes = time_axes.twinx()
    memory_axes.plot(minutes, [stretch.memory_mb for stretch in found], color="tab:orange", label="memory")
    memory_axes.set_ylabel("memory, MB")
    memory_axes.set_ylim(0, 1.3 * max(stretch.memory_mb for stretch in found))  # apart from the step times
    figure.legend(loc="outside lower center", ncols=4)
    figure.savefig(file, dpi=120)
