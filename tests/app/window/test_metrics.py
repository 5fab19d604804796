"""Figures about a life of the window: late is measured from the moment of capture to what is on the screen."""

from __future__ import annotations

import json
import time
from pathlib import Path

from app.window.metrics import Metrics
from app.window.state.session import Phase, StepEnded
from tests.app.window.conftest import Desk


def test_a_run_is_told_in_figures_while_it_lives_and_after(
    short_match: None, desk: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "metrics.json"

    async def play() -> None:
        metrics = Metrics(desk.window, time.perf_counter(), file)
        await desk.open()
        metrics.window_is_shown()
        desk.controller.start()
        await desk.until(lambda: metrics.figures()["num_caption_delays"] != 0)
        await desk.until(file.exists)
        alive = json.loads(file.read_text(encoding="utf-8"))
        assert alive["num_windows"] >= 1
        await desk.until(lambda: desk.state.session.phase is Phase.FINISHED)
        metrics.stop()
        told = json.loads(file.read_text(encoding="utf-8"))
        assert told["num_steps"] >= alive["num_steps"]
        assert told["num_steps"] >= 2
        assert told["longest_lag_s"] > 0
        assert 0 < told["step_p50_ms"] <= told["step_p95_ms"] <= told["step_longest_ms"]
        # Words are painted after they were said, and a step is no part of that.
        assert 0 < told["caption_delay_p50_ms"] <= told["caption_delay_longest_ms"] < 60_000

    desk.run(play())


def test_the_delay_counts_from_capture_to_the_painted_words_without_the_step(desk: Desk) -> None:
    async def play() -> None:
        metrics = Metrics(desk.window, time.perf_counter())
        await desk.open()
        desk.window.stage.set_front(None)
        state = desk.state
        captured_at_s = time.monotonic() - 3.0
        state.captions.push_piece(0.0, "Okafor shoots ")
        # Nothing is counted that has no words, or whose moment nobody knows.
        state.session.step_ended.emit(StepEnded(took_ms=5.0, captured_at_s=captured_at_s, has_words=False))
        state.session.step_ended.emit(StepEnded(took_ms=5.0, captured_at_s=None, has_words=True))
        state.captions.end_phrase(0.0)
        await desk.until(lambda: metrics._unseen is None)
        assert metrics.figures()["num_caption_delays"] == 0
        state.session.step_ended.emit(StepEnded(took_ms=1000.0, captured_at_s=captured_at_s, has_words=True))
        state.captions.push_piece(1.0, "and scores ")
        assert metrics.figures()["num_caption_delays"] == 0  # said, but not on the screen yet
        await desk.until(lambda: metrics.figures()["num_caption_delays"] == 1)
        delay_ms = metrics.figures()["caption_delay_longest_ms"]
        assert delay_ms is not None
        assert 2000 <= delay_ms <= 1000 * (time.monotonic() - captured_at_s) - 1000 + 1

    desk.run(play())
