"""How much faster to speak while sentences have to wait.

Knows waiting times only. Knows no voice and no clock.
"""

from __future__ import annotations

WAITS_AFTER_S = 0.7
"""A sentence that waited longer is late."""

MOST = 1.4
"""At most so many times the chosen rate."""

_STEP = 1.08


class CatchUp:
    """Rises gently, sentence by sentence, while they are late, and goes back as gently."""

    def __init__(self) -> None:
        self.factor = 1.0
        """For the next sentence."""

    def note(self, *, waited_s: float, num_passed_over: int) -> None:
        """A sentence is about to be spoken that waited so long; so many before it were not spoken at all."""
        if waited_s > WAITS_AFTER_S or num_passed_over:
            self.factor = min(MOST, self.factor * _STEP)
        else:
            self.factor = max(1.0, self.factor / _STEP)

    def reset(self) -> None:
        """Nothing is late any more."""
        self.factor = 1.0
