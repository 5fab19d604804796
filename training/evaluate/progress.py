"""How far something has got, told now and then while it goes on.

Knows a count and a clock. Knows nothing of what is counted.
"""

import logging
import time

logger = logging.getLogger("ringside.training.evaluate")


class Progress:
    """Tells every `every_s` seconds, and at the end. Call it whenever one more is done."""

    def __init__(self, what: str, total: int, *, every_s: float = 10.0) -> None:
        self._what = what
        self._total = total
        self._every_s = every_s
        self._count = 0
        self._told = time.monotonic()

    def __call__(self, *_: object) -> None:
        """One more is done."""
        self._count += 1
        if self._count == self._total or time.monotonic() - self._told > self._every_s:
            self._told = time.monotonic()
            logger.info("%s: %d of %d", self._what, self._count, self._total)
