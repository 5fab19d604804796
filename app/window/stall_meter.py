"""How long the window's thread was busy or held up, at the worst.

Knows how late a timer is that should come every few milliseconds: while the thread does something else, or waits for
another thread to let Python go on, it comes late. Knows nothing of what the thread does.
"""

import time

from PySide6.QtCore import QObject, Qt, QTimer

_BEAT_MS = 10


class StallMeter(QObject):
    """Measures between `start` and `stop`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.longest_ms = 0.0
        """The longest time by which the thread was late."""
        self.longest_busy_ms = 0.0
        """The most processor time that the thread itself took between two beats: what other programs do is not in it."""
        self.num_beats = 0
        self._last_s = 0.0
        self._last_busy_s = 0.0
        self._timer = QTimer(self, interval=_BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Measure from now on."""
        self._last_s, self._last_busy_s = time.perf_counter(), time.thread_time()
        self._timer.start()

    def stop(self) -> None:
        """Measure no more."""
        self._timer.stop()

    def reset(self) -> None:
        """Forget what was measured."""
        self.longest_ms, self.longest_busy_ms, self.num_beats = 0.0, 0.0, 0
        self._last_s, self._last_busy_s = time.perf_counter(), time.thread_time()

    def _beat(self) -> None:
        now_s = time.perf_counter()
        late_ms = (now_s - self._last_s) * 1000 - _BEAT_MS
        self._last_s = now_s
        busy_s = time.thread_time()
        self.longest_busy_ms = max(self.longest_busy_ms, (busy_s - self._last_busy_s) * 1000)
        self._last_busy_s = busy_s
        self.num_beats += 1
        self.longest_ms = max(self.longest_ms, late_ms)
