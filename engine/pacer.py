"""Pauses that leave a device to others.

Knows: how long work has been going on, how much of it a step has, and how long to rest for it. Does not know: what the
work is.
"""

from __future__ import annotations

import logging
import math
import statistics
import time
from collections import deque
from collections.abc import Callable

from engine.rhythm import Beat, Rhythm
from engine.runtime import LEAST_DUTY, PolitenessSettings

logger = logging.getLogger("ringside.engine.pacer")

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
_SOON = 0.4
"""The same where another program's rhythm is known, if what it leaves quiet until then is enough."""
_LATEST = 0.95
"""Share of a chunk's time after which nothing is waited for."""
_LONGEST = 1.5
"""How long a stretch may be, in slices."""
_LISTENS_EVERY = (10, 20)
"""Beside a steady rhythm, every so many stretches one begins at any time, be it quiet or not: so that a change is heard. The
second is for steps that have no time for the first."""
_LISTENING = 1.25
"""What it takes beyond the stretch, in periods: the wait for its time, and for the end of a frame it has met."""
_GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it are spread evenly over a period, however many they are."""
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

    Where another program is found to draw in a steady rhythm (``engine/rhythm.py``), the stretches of such a step begin when
    its frames are over and a next one is not yet due.
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
        self._rhythm = Rhythm()
        self._undisturbed_s = 0.0  # the work of the last step
        self._num_steps = self._num_heard = 0
        self._is_first = True
        self.longest_ms: dict[str, float] = {}
        """The longest stretch of work before a pause in the present step, by what ended it."""

    @property
    def pauses(self) -> bool:
        """Whether it ever does."""
        return self._settings.pauses

    def start(self, chunk_s: float) -> None:
        """A step of a chunk of so many seconds begins now; what was before does not count."""
        self._chunk_s, self._num_stretches, self._worked_s, self._is_stepping = chunk_s, 0, 0.0, True
        self._num_steps += 1
        self._began_s = self._clock()
        beat = self.beat
        if beat and self._steps:
            self._sleep(max(0.0, beat.next_quiet_s(self._began_s) - self._began_s))
        self._since_s = self._last_s = self._clock()
        self._is_first = True
        self.longest_ms = {}

    def end(self) -> None:
        """The step is over."""
        if self._is_stepping and self.pauses:
            self._steps.append((self._num_stretches, self._worked_s + self._clock() - self._since_s))
            if self._settings.duty is None:
                self._undisturbed_s = self._rhythm.undisturbed_s(self._began_s)
                self._listen()
        self._is_stepping = False

    def forget(self) -> None:
        """The steps so far say nothing of those to come."""
        self._steps.clear()
        self._rhythm.forget()

    @property
    def beat(self) -> Beat | None:
        """The rhythm of another program that is kept out of the way of, if there is one."""
        return self._rhythm.beat

    def rest(self, after: str = "") -> None:
        """Between two pieces of work: pause if a slice is used up, so long that the duty is kept.

        ``after`` names the work that has just been done, for ``longest_ms``.
        """
        if not self.pauses:
            return
        self._wait()
        now_s = self._clock()
        busy_s, piece_s = now_s - self._since_s, now_s - self._last_s
        if self._settings.duty is None:
            # What comes after a pause finds clocks and caches cold: a kind of its own.
            self._rhythm.note(f"{after}, first" if self._is_first else after, self._last_s, now_s)
        self._last_s, self._is_first = now_s, False
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
        self._is_first = True

    def _listen(self) -> None:
        was_heard = self.beat is not None
        beat = self._rhythm.listen(_LONGEST * self._settings.slice_ms / 1000)
        if beat and not was_heard:
            logger.info("Another program draws %.2f frames a second; pauses follow them", 1 / beat.period_s)
        elif was_heard and not beat:
            logger.info("No other program's frames are heard any more; pauses are even")

    def _pause_s(self, busy_s: float) -> float:
        """How long to pause after a stretch of ``busy_s``."""
        duty = self._settings.duty
        if duty is None and self._steps:
            return self._planned_pause_s()
        duty = duty or _FIRST_DUTY
        return busy_s * (1 - duty) / duty

    def _planned_pause_s(self) -> float:
        """How long to pause so that this step is over in time."""
        now_s = self._clock()
        elapsed_s = now_s - self._began_s
        if elapsed_s >= _LATEST * self._chunk_s:
            return 0.0
        count = math.ceil(_ROOM * max(1, *(count for count, _ in self._steps)))
        lately = list(self._steps)[-_NUM_LATELY:]
        work_s = count * statistics.median_low(work_s / max(count, 1) for count, work_s in lately)
        end_s = min(_AIM * self._chunk_s, work_s / LEAST_DUTY)
        if self.beat:
            for every in _LISTENS_EVERY:
                listening_s = count / every * _LISTENING * self.beat.period_s
                needed_s = self._undisturbed_s / self.beat.room_share + listening_s
                if needed_s <= end_s:
                    end_s = max(needed_s, min(end_s, _SOON * self._chunk_s))
                    due_s = self._num_stretches * end_s / count
                    return self._wait_for_quiet_s(self.beat, now_s, due_s, every)
        return self._even_pause_s(elapsed_s, count, work_s, end_s)

    def _wait_for_quiet_s(self, beat: Beat, now_s: float, due_s: float, listens_every: int) -> float:
        """How long to pause until the next stretch, which is due so long after the step began, meets no frame."""
        at_s = max(now_s, self._began_s + due_s)
        number = (self._num_stretches + self._num_steps) % listens_every
        if number == 0:
            self._num_heard += 1
            return at_s - now_s + self._num_heard * _GOLDEN % 1 * beat.period_s
        if number == 1:  # a frame that the stretch before has met is over late
            at_s = max(at_s, now_s + beat.period_s / 2)
        return beat.next_quiet_s(at_s) - now_s

    def _even_pause_s(self, elapsed_s: float, count: int, work_s: float, end_s: float) -> float:
        """How long to pause so that the pauses of this step are even, if it has ``count`` stretches in all."""
        even_s = max(0.0, end_s - work_s) / count
        least_s, most_s = _LEAST_OF_EVEN * even_s, _MOST_OF_EVEN * even_s
        if elapsed_s > end_s:
            return least_s
        if self._num_stretches >= count:
            return even_s
        spare_s = end_s - elapsed_s - max(0.0, work_s - self._worked_s)
        return min(max(spare_s / (count - self._num_stretches), least_s), most_s)
