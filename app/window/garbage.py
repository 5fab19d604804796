"""Garbage collection on the window's thread, and on no other.

Knows when Python looks for objects that only refer to each other, and how that is kept short. Knows nothing of what they
are. Python looks on whichever thread makes objects: a timer of Qt that is found there is freed while its own thread still
rings it, and the program dies of it. Our other threads work for hours, so sooner or later they are the ones.
"""

from __future__ import annotations

import gc
import logging
import time

from PySide6.QtCore import QObject, QTimer

from app.window.state.session import SessionState

_log = logging.getLogger("ringside.app.window")

_LOOK_EVERY_MS = 1000
_WHOLE_LOOK_EVERY = 30
"""Every so many looks, the old objects too."""
_LONG_LOOK_MS = 15.0
"""A look that takes longer puts what it left aside: the window must not be held up for 50 ms."""
_YOUNG = 1
"""Generations 0 and 1: what was made lately."""


class GarbageCollector(QObject):
    """Collects between `start` and `stop`, which are called from the window's thread; everybody else is kept from it."""

    def __init__(self, session: SessionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._was_enabled = False
        self._num_looks = 0
        self._timer = QTimer(self, interval=_LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)

    def start(self) -> None:
        """From now on garbage is this thread's."""
        self._was_enabled = gc.isenabled()
        gc.disable()
        gc.freeze()  # the window and what it stands on live as long as the program
        self._timer.start()

    def stop(self) -> None:
        """Python goes on by itself."""
        self._timer.stop()
        if self._was_enabled:
            gc.enable()

    def look(self) -> None:
        """Collect what is no longer needed.

        While a model is loading nothing is garbage and much is new: that would be a long look for nothing.
        """
        model = self._session.model
        if not (model.is_ready or model.has_failed):
            return
        self._num_looks += 1
        is_whole = self._num_looks % _WHOLE_LOOK_EVERY == 0
        began_at_s = time.perf_counter()
        num_found = gc.collect() if is_whole else gc.collect(_YOUNG)
        took_ms = 1000 * (time.perf_counter() - began_at_s)
        if took_ms > _LONG_LOOK_MS:
            # So much lives on that the next look would hold the window up as long: modules, a model, a page.
            gc.freeze()
            _log.debug(
                "garbage: %d objects in %.0f ms; what is left is not looked at again", num_found, took_ms
            )
