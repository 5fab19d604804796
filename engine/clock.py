"""A clock for one step.

Knows: phases that follow one another, pauses that are not counted, and that a GPU's phases are timed where they run:
by events in its stream, read when the step is over, so that timing never makes the host wait.
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
    """Times the phases of a step; on a GPU those of the stream that is current when it is made."""

    def __init__(self, device: torch.device) -> None:
        self._laps = {field.name: 0.0 for field in dataclasses.fields(StepTimings)}
        self._paused_s = 0.0
        self._first_token_ms = 0.0
        self._start_s = self._last_s = time.perf_counter()
        self._events: list[tuple[str, torch.cuda.Event]] = []
        self._on_cuda = device.type == "cuda"
        self._note_event("")

    def lap(self, phase: str) -> None:
        """End a phase."""
        now_s = self._now()
        self._laps[phase] = 1000 * (now_s - self._last_s)
        self._last_s = now_s
        self._note_event(phase)

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
        """All phases that are over. Waits until the GPU has done the last."""
        if self._events:
            self._read_events()
        total_ms = 1000 * (self._last_s - self._start_s)
        return StepTimings(**self._laps | {"total_ms": total_ms, "first_token_ms": self._first_token_ms})

    def _note_event(self, phase: str) -> None:
        if self._on_cuda:
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # PyTorch has no types here
            event.record()
            self._events.append((phase, event))

    def _read_events(self) -> None:
        self._events[-1][1].synchronize()
        self._last_s = self._now()
        for (_, before), (phase, after) in zip(self._events, self._events[1:], strict=False):
            self._laps[phase] = float(before.elapsed_time(after))
        # The caller's time between two pieces lies in the last phase; on the GPU it may have been used for work.
        self._laps["decode_ms"] = max(0.0, self._laps["decode_ms"] - 1000 * self._paused_s)

    def _now(self) -> float:
        return time.perf_counter() - self._paused_s
