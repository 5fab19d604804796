"""Pauses that leave a device to others.

Knows: how long work has been going on, how much of it a step has, and how long to rest for it. Does not know: what the
work is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from engine.runtime import LEAST_DUTY, PolitenessSettings

_AIM = 0.8
"""Share of a chunk's time after which a step whose duty follows the stream is to be over."""
_FIRST_DUTY = 0.3
"""The duty of a stream's first step, when nothing is known of it yet."""
_NUM_REMEMBERED = 30
"""Steps whose longest decides the duty: phrases differ in length, and one that is short says little of the next."""


class Pacer:
    """Keeps work to a share of the time.

    ``wait`` returns when the device has done all it was given; ``clock`` is in seconds. Work is what passes between
    ``start``, or the end of a pause, and the next ``rest`` that finds a slice used up.

    Where the settings name no duty, a step gets as much as the longest of the last ones needed to be over after a
    share of its chunk's time, and no more: others then have the GPU for the rest of the second. A step that is not over
    by then works for twice the share, and one that is late without pauses.
    """

    def __init__(
        self,
        settings: PolitenessSettings,
        wait: Callable[[], None],
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._wait, self._clock, self._sleep = settings, wait, clock, sleep
        self._work_s: deque[float] = deque(maxlen=_NUM_REMEMBERED)
        self._began_s = self._since_s = self._last_s = clock()
        self._chunk_s = 1.0
        self._worked_s = 0.0
        self._is_stepping = False
        self.longest_ms: dict[str, float] = {}
        """The longest stretch of work before a pause in the present step, by what ended it."""

    @property
    def pauses(self) -> bool:
        """Whether it ever does."""
        return self._settings.duty is None or self._settings.duty < 1

    @property
    def duty(self) -> float:
        """The share of the time in which the present step may work."""
        if self._settings.duty is not None:
            return self._settings.duty
        if not self._work_s:
            return _FIRST_DUTY
        duty = max(self._work_s) / (_AIM * self._chunk_s)
        elapsed = (self._clock() - self._began_s) / self._chunk_s
        if elapsed >= 1:
            return 1.0
        return min(1.0, max(LEAST_DUTY, 2 * duty if elapsed > _AIM else duty))

    def start(self, chunk_s: float) -> None:
        """A step of a chunk of so many seconds begins now; what was before does not count."""
        self._chunk_s, self._worked_s, self._is_stepping = chunk_s, 0.0, True
        self._began_s = self._since_s = self._last_s = self._clock()
        self.longest_ms = {}

    def end(self) -> None:
        """The step is over."""
        if self._is_stepping and self.pauses:
            self._work_s.append(self._worked_s + self._clock() - self._since_s)
        self._is_stepping = False

    def rest(self, after: str = "") -> None:
        """Between two pieces of work: pause if a slice is used up, so long that the duty is kept.

        ``after`` names the work that has just been done, for ``longest_ms``.
        """
        if not self.pauses:
            return
        self._wait()
        now_s = self._clock()
        busy_s, piece_s = now_s - self._since_s, now_s - self._last_s
        self._last_s = now_s
        # Another piece like this one would end half of it or more behind the slice.
        if 1000 * (busy_s + piece_s / 2) < self._settings.slice_ms:
            return
        self.longest_ms[after] = max(self.longest_ms.get(after, 0.0), 1000 * busy_s)
        self._worked_s += busy_s
        duty = self.duty
        if duty < 1:
            self._sleep(busy_s * (1 - duty) / duty)
        self._since_s = self._last_s = self._clock()
