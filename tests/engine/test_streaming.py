"""Whole streams against a slow stream on transformers' layers, in every case of the protocol."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from engine import (
    LoadedModel,
    ResizeSettings,
    SamplingSettings,
    StreamingSession,
    StreamSettings,
    WindowSettings,
)
from tests.engine.conftest import make_chunk, scored
from tests.engine.slow_stream import SlowStream


@dataclasses.dataclass(frozen=True)
class Case:
    """A stream: windows in rounds, frames a chunk, and how much is said."""

    vision: int
    text: int
    sink: int = 6
    window: int = 8
    chunk_s: float = 1.0
    fps: float = 2.0
    num_frames: int = 2
    most: int = 4
    title: str = "Lions against Sharks."


CASES = [
    Case(vision=3, text=3),
    Case(vision=1, text=3),
    Case(vision=2, text=4, sink=0, window=5, title=""),
    Case(vision=4, text=2),
    Case(vision=3, text=1, most=2),
    Case(vision=1, text=1, sink=3, window=1),
    Case(vision=3, text=2, chunk_s=2.0, fps=2.0, num_frames=4),
    Case(vision=2, text=3, chunk_s=1.0, fps=8.0, num_frames=8),
    Case(vision=2, text=2, chunk_s=1.0, fps=3.0, num_frames=3),
    Case(vision=2, text=2, chunk_s=0.5, fps=2.0, num_frames=1),
    Case(vision=3, text=3, chunk_s=4.0, fps=3.0, num_frames=12, title="A very long title, cut later on."),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"V{case.vision}-R{case.text}-{case.fps:g}fps")
def test_a_stream_equals_the_slow_one(tiny: LoadedModel, oracle: Any, case: Case) -> None:
    settings = StreamSettings(
        window=WindowSettings(
            chunk_s=case.chunk_s,
            fps=case.fps,
            vision_window_s=case.vision * case.chunk_s,
            text_rounds=case.text,
            text_sink=case.sink,
            text_window=case.window,
        ),
        sampling=SamplingSettings(max_new_tokens=case.most, temperature=1.5, seed=case.vision),
        resize=ResizeSettings(min_pixels=28 * 28),
        title=case.title,
    )
    session, slow = StreamingSession(tiny, settings), SlowStream(oracle, tiny, settings)
    capacities: set[int] = set()
    for number in range(max(case.vision, case.text) + 3):
        size = (56, 84) if case.num_frames > 2 else (112, 168)
        chunk = make_chunk(number, num_frames=case.num_frames, chunk_s=case.chunk_s, size=size)
        question = "Why?" if number == 2 else ""
        scores, result = scored(session, chunk, question)
        expected = slow.step(chunk, result.token_ids, question)
        assert session.context.ids == slow.context.ids
        assert len(scores) == len(expected)
        capacities.add(session.context.cache.capacity)
        assert max(float((raw - b).abs().max()) for (raw, _), b in zip(scores, expected, strict=True)) < 1e-3
    assert len(capacities) == 1, "the storage made at the first step was not enough"
