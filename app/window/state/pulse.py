"""The pulse of a run: from arrivals of chunks and ends of steps to the figures of the status line.

Knows moments on a clock that the caller reads. Knows no threads, no worker and no words.
"""

import collections

from app.window.state.session import Figures

SIGNAL_TIMEOUT_S = 5.0
"""Without a picture for so long, there is no signal."""

_NUM_STEPS = 6


class Pulse:
    """Measures one run. All moments are seconds on one monotonic clock."""

    def __init__(self, started_at_s: float) -> None:
        self._arrivals: collections.deque[tuple[float, float]] = collections.deque()
        self._steps: collections.deque[tuple[float, int]] = collections.deque(maxlen=_NUM_STEPS)
        self._picture_at_s = started_at_s
        self._delay_s: float | None = None
        self._step_ms: float | None = None
        self._num_dropped = 0

    def picture_came(self, now_s: float) -> None:
        """The source sent a picture."""
        self._picture_at_s = now_s

    def chunk_came(self, end_s: float, now_s: float) -> None:
        """The source completed a chunk that ends at `end_s` of the stream."""
        self._arrivals.append((end_s, now_s))

    def step_ended(
        self, end_s: float, *, num_frames: int, step_ms: float, num_dropped: int, now_s: float
    ) -> None:
        """The model is done with the chunk that ends at `end_s`; those before it were done or dropped."""
        while self._arrivals and self._arrivals[0][0] <= end_s + 1e-6:
            self._delay_s = now_s - self._arrivals.popleft()[1]
        self._steps.append((now_s, num_frames))
        self._step_ms = step_ms
        self._num_dropped = num_dropped

    def paused(self, seconds: float) -> None:
        """The run was on hold for so long; waiting then was nobody's fault."""
        self._picture_at_s += seconds
        self._steps.clear()

    def has_signal(self, now_s: float) -> bool:
        """Whether pictures keep coming."""
        return now_s - self._picture_at_s < SIGNAL_TIMEOUT_S

    def figures(self, now_s: float) -> Figures:
        """How it goes."""
        overdue_s = now_s - self._arrivals[0][1] if self._arrivals else 0.0
        behind_s = self._delay_s
        if overdue_s > (behind_s or 0.0) and (behind_s is not None or overdue_s > 1.0):
            behind_s = overdue_s
        return Figures(
            frames_per_s=self._frames_per_s(),
            behind_s=behind_s,
            step_ms=self._step_ms,
            num_dropped=self._num_dropped,
        )

    def _frames_per_s(self) -> float | None:
        if len(self._steps) < 2:
            return None
        seconds = self._steps[-1][0] - self._steps[0][0]
        num_frames = sum(num for _, num in list(self._steps)[1:])
        return num_frames / seconds if seconds > 0 else None
