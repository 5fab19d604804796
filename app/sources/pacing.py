"""The clock by which a source shows its frames.

Knows seconds of the stream and of the wall, pauses, and an end that any thread can bring about.
Does not know what is shown.
"""

from __future__ import annotations

import threading
import time


class Pace:
    """Lets one thread wait for moments of the stream; others pause, resume and stop it."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._changed = threading.Condition()
        self._stopped = False
        self._paused_at_s: float | None = None
        self._zero_at_s: float | None = None

    def wait_until(self, moment_s: float) -> bool:
        """Wait for a moment of the stream; not live, only for the end of a pause. False once stopped.

        The first moment waited for is now.
        """
        with self._changed:
            while not self._stopped:
                now_s = time.monotonic()
                if self._zero_at_s is None:
                    self._zero_at_s = now_s - moment_s
                if self._paused_at_s is not None:
                    self._changed.wait()
                    continue
                remaining_s = self._zero_at_s + moment_s - now_s
                if not self._live or remaining_s <= 0:
                    return True
                self._changed.wait(remaining_s)
            return False

    def late_s(self, moment_s: float) -> float:
        """By how much a moment is over on the wall clock; 0 when not live or not started."""
        with self._changed:
            if not self._live or self._zero_at_s is None:
                return 0.0
            return max(0.0, time.monotonic() - self._zero_at_s - moment_s)

    @property
    def position_s(self) -> float:
        """The moment of the stream that is now on the wall clock; it stands still in a pause, and is 0 before the start."""
        with self._changed:
            if self._zero_at_s is None:
                return 0.0
            now_s = time.monotonic() if self._paused_at_s is None else self._paused_at_s
            return max(0.0, now_s - self._zero_at_s)

    def pause(self) -> None:
        """Hold every wait until ``resume``."""
        with self._changed:
            if self._paused_at_s is None:
                self._paused_at_s = time.monotonic()
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on where the pause began."""
        with self._changed:
            if self._paused_at_s is not None and self._zero_at_s is not None:
                self._zero_at_s += time.monotonic() - max(self._paused_at_s, self._zero_at_s)
            self._paused_at_s = None
            self._changed.notify_all()

    def stop(self) -> None:
        """End every wait, now and from now on."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def is_stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stopped
