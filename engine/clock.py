"""A clock for one step.

Knows: phases that follow one another, pauses that are not counted, and that a GPU has to be waited for.
Does not know: what happens in a phase.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator

import torch

from engine.step import StepTimings


class StepClock:
    """Times the phases of a step; on a GPU it waits for the phase to be over."""

    def __init__(self, device: torch.device) -> None:
        self._waits = device.type == "cuda"
        self._laps = {field.name: 0.0 for field in dataclasses.fields(StepTimings)}
        self._paused_s = 0.0
        self._first_token_ms = 0.0
        self._start_s = self._last_s = time.perf_counter()

    def lap(self, phase: str) -> None:
        """End a phase."""
        if self._waits:
            torch.cuda.synchronize()
        now = self._now()
        self._laps[phase] = 1000 * (now - self._last_s)
        self._last_s = now

    def mark_first_token(self) -> None:
        """Note the time, if it is the first."""
        self._first_token_ms = self._first_token_ms or 1000 * (self._now() - self._start_s)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time in between."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            self._paused_s += time.perf_counter() - start_s

    def timings(self) -> StepTimings:
        """All phases that are over."""
        total_ms = 1000 * (self._last_s - self._start_s)
        return StepTimings(**self._laps | {"total_ms": total_ms, "first_token_ms": self._first_token_ms})

    def _now(self) -> float:
        return time.perf_counter() - self._paused_s
