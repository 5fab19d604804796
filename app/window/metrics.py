"""Figures about one life of the window: how soon it was there, how soon it spoke, how smooth and how late it was.

Knows moments, counts, and the file that they are written to while the window lives. Knows nothing of what is done with
them.
"""

from __future__ import annotations

import concurrent.futures
import json
import time
from array import array
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.window.main_window import MainWindow
from app.window.stall_meter import StallMeter
from app.window.state.session import Phase, StepEnded

_WRITE_EVERY_MS = 2000

Figure = float | int | None


class Metrics:
    """Listens to a window from before it is shown until it is closed."""

    def __init__(self, window: MainWindow, began_at_s: float, file: Path | None = None) -> None:
        """`began_at_s`: when the program began, on `time.perf_counter`. `file` holds the figures from then on."""
        self._window = window
        self._began_at_s = began_at_s
        self._file = file
        self._moments_s: dict[str, float] = {}
        self._pictures_before_run = 0
        self._longest_lag_s: float | None = None
        self._steps_ms = array("f")
        self._caption_delays_ms = array("f")
        self._unseen: StepEnded | None = None
        self.stalls = StallMeter(window)
        """Of the whole life."""
        self._running_stalls = StallMeter(window)
        self._writer = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="ringside-metrics")
        self._timer = QTimer(window, interval=_WRITE_EVERY_MS)
        self._timer.timeout.connect(self._write_aside)
        state = window.controller.state
        state.session.changed.subscribe(self._look)
        state.session.step_ended.subscribe(self._step_ended)
        window.stage.band.shown.connect(self._captions_painted)
        state.captions.word_added.subscribe(lambda _: self._mark("first_caption_s"))

    def window_is_shown(self) -> None:
        """From now on the window must never wait."""
        self._mark("window_s")
        self.stalls.start()
        if self._file is not None:
            self._timer.start()

    def stop(self) -> None:
        """Measure no more."""
        self._mark("closed_s")
        self._timer.stop()
        self.stalls.stop()
        self._running_stalls.stop()
        self._writer.shutdown()
        if self._file is not None:
            _write(self._file, self.figures())

    def figures(self) -> dict[str, Figure]:
        """Seconds since the program began, milliseconds, and counts.

        `caption_delay` is from the moment at which a chunk's last frame was taken until all words about it are on the
        screen, less what the engine's step took. It is measured where captions over the picture can be seen.
        """
        stage, session = self._window.stage, self._window.controller.state.session
        until_s = self._moments_s.get("closed_s") or self._now_s()
        running_s = until_s - self._moments_s.get("running_s", until_s)
        num_pictures = stage.num_pictures - self._pictures_before_run
        return {
            "age_s": until_s,
            "window_s": self._moments_s.get("window_s"),
            "model_ready_s": self._moments_s.get("model_ready_s"),
            "running_s": self._moments_s.get("running_s"),
            "first_caption_s": self._moments_s.get("first_caption_s"),
            "longest_stall_ms": round(self.stalls.longest_ms, 1),
            "longest_busy_ms": round(self.stalls.longest_busy_ms, 1),
            "longest_stall_running_ms": round(self._running_stalls.longest_ms, 1),
            "longest_busy_running_ms": round(self._running_stalls.longest_busy_ms, 1),
            "num_pictures": num_pictures,
            "pictures_per_s": round(num_pictures / running_s, 1) if running_s > 0 else None,
            "lag_s": session.figures.behind_s,
            "longest_lag_s": self._longest_lag_s,
            "num_steps": len(self._steps_ms),
            "step_p50_ms": _quantile(self._steps_ms, 0.5),
            "step_p95_ms": _quantile(self._steps_ms, 0.95),
            "step_longest_ms": _quantile(self._steps_ms, 1.0),
            "caption_delay_p50_ms": _quantile(self._caption_delays_ms, 0.5),
            "caption_delay_p95_ms": _quantile(self._caption_delays_ms, 0.95),
            "caption_delay_longest_ms": _quantile(self._caption_delays_ms, 1.0),
            "num_caption_delays": len(self._caption_delays_ms),
            "num_dropped_chunks": session.figures.num_dropped,
            "num_windows": len(QApplication.topLevelWidgets()),
            "num_widgets": len(QApplication.allWidgets()),
        }

    def _look(self) -> None:
        session = self._window.controller.state.session
        if session.model.is_ready:
            self._mark("model_ready_s")
        if session.phase is Phase.RUNNING and "running_s" not in self._moments_s:
            self._mark("running_s")
            self._pictures_before_run = self._window.stage.num_pictures
            self._running_stalls.start()
        behind_s = session.figures.behind_s
        if behind_s is not None:
            self._longest_lag_s = max(behind_s, self._longest_lag_s or 0.0)

    def _step_ended(self, step: StepEnded) -> None:
        self._steps_ms.append(step.took_ms)
        self._unseen = step if step.has_words else None

    def _captions_painted(self) -> None:
        # A timer of no time comes when what was painted has been handed to the screen.
        if self._unseen is not None:
            QTimer.singleShot(0, self._captions_seen)

    def _captions_seen(self) -> None:
        step, self._unseen = self._unseen, None
        if step is not None and step.captured_at_s is not None:
            total_ms = 1000 * (time.monotonic() - step.captured_at_s)
            self._caption_delays_ms.append(total_ms - step.took_ms)

    def _mark(self, moment: str) -> None:
        self._moments_s.setdefault(moment, self._now_s())

    def _now_s(self) -> float:
        return round(time.perf_counter() - self._began_at_s, 3)

    def _write_aside(self) -> None:
        if self._file is not None:
            self._writer.submit(_write, self._file, self.figures())


def _quantile(values: array[float], share: float) -> float | None:
    return round(sorted(values)[round(share * (len(values) - 1))], 1) if values else None


def _write(file: Path, figures: dict[str, Figure]) -> None:
    """Whole, so that whoever reads it meanwhile never sees half of it."""
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    part.replace(file)
