"""Figures about one life of the window: how soon it was there, how soon it spoke, how smooth it was.

Knows moments and counts. Knows nothing of what is done with them.
"""

from __future__ import annotations

import time

from app.window.main_window import MainWindow
from app.window.stall_meter import StallMeter
from app.window.state.session import Phase


class Metrics:
    """Listens to a window from before it is shown until it is closed."""

    def __init__(self, window: MainWindow, began_at_s: float) -> None:
        """`began_at_s`: when the program began, on `time.perf_counter`."""
        self._window = window
        self._began_at_s = began_at_s
        self._moments_s: dict[str, float] = {}
        self._pictures_before_run = 0
        self.stalls = StallMeter(window)
        state = window.controller.state
        state.session.changed.subscribe(self._look)
        state.captions.word_added.subscribe(lambda _: self._mark("first_caption_s"))

    def window_is_shown(self) -> None:
        """From now on the window must never wait."""
        self._mark("window_s")
        self.stalls.start()

    def stop(self) -> None:
        """Measure no more."""
        self._mark("closed_s")
        self.stalls.stop()

    def figures(self) -> dict[str, float | int | None]:
        """Seconds since the program began, milliseconds, and counts."""
        stage = self._window.stage
        running_s = self._moments_s.get("closed_s", 0.0) - self._moments_s.get("running_s", 0.0)
        num_pictures = stage.num_pictures - self._pictures_before_run
        has_run = "running_s" in self._moments_s and running_s > 0
        return {
            "window_s": self._moments_s.get("window_s"),
            "model_ready_s": self._moments_s.get("model_ready_s"),
            "first_caption_s": self._moments_s.get("first_caption_s"),
            "longest_stall_ms": round(self.stalls.longest_ms, 1),
            "longest_busy_ms": round(self.stalls.longest_busy_ms, 1),
            "num_pictures": num_pictures,
            "pictures_per_s": round(num_pictures / running_s, 1) if has_run else None,
            "num_dropped_chunks": self._window.controller.state.session.figures.num_dropped,
        }

    def _look(self) -> None:
        session = self._window.controller.state.session
        if session.model.is_ready:
            self._mark("model_ready_s")
        if session.phase is Phase.RUNNING and "running_s" not in self._moments_s:
            self._mark("running_s")
            self._pictures_before_run = self._window.stage.num_pictures

    def _mark(self, moment: str) -> None:
        self._moments_s.setdefault(moment, round(time.perf_counter() - self._began_at_s, 3))
