"""Pauses that leave a device to others.

Knows: how long work has been going on and how long to rest for it. Does not know: what the work is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.runtime import PolitenessSettings


class Pacer:
    """Keeps work to a share of the time.

    ``wait`` returns when the device has done all it was given; ``clock`` is in seconds. Work is what passes between
    ``start``, or the end of a pause, and the next ``rest`` that finds a slice used up.
    """

    def __init__(
        self,
        settings: PolitenessSettings,
        wait: Callable[[], None],
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._wait, self._clock, self._sleep = settings, wait, clock, sleep
        self._since_s = clock()

    @property
    def pauses(self) -> bool:
        """Whether it ever does."""
        return self._settings.duty < 1

    def start(self) -> None:
        """Work begins now; what was before does not count."""
        self._since_s = self._clock()

    def rest(self) -> None:
        """Between two pieces of work: pause if a slice is used up, so long that the duty is kept."""
        if not self.pauses:
            return
        self._wait()
        busy_s = self._clock() - self._since_s
        if 1000 * busy_s >= self._settings.slice_ms:
            self._sleep(busy_s * (1 - self._settings.duty) / self._settings.duty)
            self._since_s = self._clock()
