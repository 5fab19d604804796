"""Pauses that leave a device to others.

Knows: how long work has been going on, how much of it a step has, and how long to rest for it. Does not know: what the
work is.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable

from engine.runtime import LEAST_DUTY, PolitenessSettings

_AIM = 0.85
"""Share of a chunk's time after which a step whose pauses follow what the stream needs is to be over."""
_FIRST_DUTY = 0.3
"""The duty of a stream's first step, when nothing is known of it yet."""
_NUM_REMEMBERED = 30
"""Steps of which the one with the most stretches is reckoned with: phrases differ in length."""
_NUM_LATELY = 5
"""Steps whose median says how long a stretch takes: other programs come and go, and a kernel compiled on the way is no
reason to hurry."""
_ROOM = 1.05
"""More stretches are reckoned with than there were: those that come unexpectedly have short pauses."""
_LEAST_OF_EVEN, _MOST_OF_EVEN = 0.5, 1.5
"""How far a pause may be from what it would be if all of the step were alike."""


class Pacer:
    """Keeps work to a share of the time.

    ``wait`` returns when the device has done all it was given; ``clock`` is in seconds. Work is what passes between
    ``start``, or the end of a pause, and the next ``rest`` that finds a slice used up.

    Where the settings name a duty, a pause is as long as the stretch before it asks for. Where they name none, the pauses
    of a step are even, however long a stretch took: so long that a step like the longest of the last ones is over after a
    share of its chunk's time. A stretch takes longer while another program works, and pauses that grew with it would be long
    while the GPU is wanted and short afterwards, until the step is late. A step with more stretches than were reckoned
    with makes pauses half as long, and one that is late makes none.
    """

    def __init__(
        self,
        settings: PolitenessSettings,
        wait: Callable[[], None],
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._wait, self._clock, self._sleep = settings, wait, clock, sleep
        self._steps: deque[tuple[int, float]] = deque(maxlen=_NUM_REMEMBERED)  # stretches, seconds of work
        self._began_s = self._since_s = self._last_s = clock()
        self._chunk_s = 1.0
        self._num_stretches, self._worked_s = 0, 0.0
        self._is_stepping = False
        self.longest_ms: dict[str, float] = {}
        """The longest stretch of work before a pause in the present step, by what ended it."""

    @property
    def pauses(self) -> bool:
        """Whether it ever does."""
        return self._settings.pauses

    def start(self, chunk_s: float) -> None:
        """A step of a chunk of so many seconds begins now; what was before does not count."""
        self._chunk_s, self._num_stretches, self._worked_s, self._is_stepping = chunk_s, 0, 0.0, True
        self._began_s = self._since_s = self._last_s = self._clock()
        self.longest_ms = {}

    def end(self) -> None:
        """The step is over."""
        if self._is_stepping and self.pauses:
            self._steps.append((self._num_stretches, self._worked_s + self._clock() - self._since_s))
        self._is_stepping = False

    def forget(self) -> None:
        """The steps so far say nothing of those to come."""
        self._steps.clear()

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
        self._num_stretches += 1
        self._worked_s += busy_s
        pause_s = self._pause_s(busy_s)
        if pause_s > 0:
            self._sleep(pause_s)
        self._since_s = self._last_s = self._clock()

    def _pause_s(self, busy_s: float) -> float:
        """How long to pause after a stretch of ``busy_s``."""
        duty = self._settings.duty
        if duty is None and self._steps:
            return self._even_pause_s()
        duty = duty or _FIRST_DUTY
        return busy_s * (1 - duty) / duty

    def _even_pause_s(self) -> float:
        """How long to pause so that the pauses of this step are even."""
        elapsed_s = self._clock() - self._began_s
        if elapsed_s >= self._chunk_s:
            return 0.0
        count = math.ceil(_ROOM * max(1, *(count for count, _ in self._steps)))
        lately = list(self._steps)[-_NUM_LATELY:]
        work_s = count * statistics.median_low(work_s / max(count, 1) for count, work_s in lately)
        end_s = min(_AIM * self._chunk_s, work_s / LEAST_DUTY)
        even_s = max(0.0, end_s - work_s) / count
        least_s, most_s = _LEAST_OF_EVEN * even_s, _MOST_OF_EVEN * even_s
        if elapsed_s > end_s:
            return least_s
        if self._num_stretches >= count:
            return even_s
        spare_s = end_s - elapsed_s - max(0.0, work_s - self._worked_s)
        return min(max(spare_s / (count - self._num_stretches), least_s), most_s)
