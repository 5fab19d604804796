"""The static decoder, which a GPU records, says what the eager one says: run here without a recording."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from engine import (
    LoadedModel,
    ResizeSettings,
    SamplingSettings,
    SettingsError,
    StreamingSession,
    StreamSettings,
    WindowSettings,
    token_parts,
)
from engine import decoder as decoder_module
from engine.runtime import PolitenessSettings, RuntimeSettings
from engine.sampling import Sampler
from tests.engine import recording
from tests.engine.conftest import make_chunk, scored

STATIC = RuntimeSettings(decoder="static")
EAGER = RuntimeSettings(decoder="eager")


def settings(**sampling: object) -> StreamSettings:
    return StreamSettings(
        window=WindowSettings(vision_window_s=3.0, text_rounds=2, text_sink=6, text_window=8),
        sampling=SamplingSettings(**{"max_new_tokens": 6, "seed": 3} | sampling),  # type: ignore[arg-type]  # any setting may be given
        resize=ResizeSettings(min_pixels=28 * 28),
        title="Lions against Sharks.",
    )


def with_many_stops(model: LoadedModel) -> LoadedModel:
    """The same model, of whose ids every third ends a phrase: phrases of every length."""
    every_third = range(0, model.config.text.vocab_size, 3)
    return dataclasses.replace(model, stop_ids=model.stop_ids | set(every_third))


@pytest.mark.parametrize(
    "sampling",
    [
        {"greedy": True},
        {"temperature": 2.0},
        {"temperature": 3.0, "top_p": 0.8, "repetition_penalty": 1.3},
        {"temperature": 2.0, "max_new_tokens": 1},
        {"temperature": 2.0, "max_new_tokens": 2},
        {"temperature": 3.0, "name_bias": 4.0, "top_p": 0.9},
    ],
    ids=str,
)
def test_both_decoders_say_the_same(tiny: LoadedModel, sampling: dict[str, object]) -> None:
    model = with_many_stops(tiny)
    sessions = [StreamingSession(model, settings(**sampling), runtime) for runtime in (EAGER, STATIC)]
    lengths: set[int] = set()
    for number in range(12):
        a, b = (session.step(make_chunk(number)).result for session in sessions)
        assert a.token_ids == b.token_ids
        assert sessions[0].context.ids == sessions[1].context.ids
        assert sessions[0].context.num_cached == sessions[1].context.cache.length
        lengths.add(len(a.token_ids))
    assert len(lengths) > 1 or sampling["max_new_tokens"] == 1
    for session in sessions:
        session.reset()
    again = [session.step(make_chunk(5)).result.token_ids for session in sessions]
    assert again[0] == again[1]


def test_both_have_the_same_scores(tiny: LoadedModel) -> None:
    sessions = [StreamingSession(tiny, settings(temperature=2.0), runtime) for runtime in (EAGER, STATIC)]
    for number in range(5):
        (a, _), (b, _) = (scored(session, make_chunk(number)) for session in sessions)
        for (raw_a, penalised_a), (raw_b, penalised_b) in zip(a, b, strict=True):
            assert torch.allclose(raw_a, raw_b, atol=1e-4)
            assert torch.allclose(penalised_a, penalised_b, atol=1e-4)


def test_a_step_left_early_takes_back_the_token_under_way(tiny: LoadedModel) -> None:
    sessions = [StreamingSession(tiny, settings(temperature=3.0), runtime) for runtime in (EAGER, STATIC)]
    for number in range(6):
        for session in sessions:
            step = session.step(make_chunk(number))
            if number % 2:
                next(step, "")
                step.close()
            else:
                _ = step.result
        assert sessions[0].context.ids == sessions[1].context.ids


def test_forced_ids_are_said_and_a_question_may_move_the_storage(tiny: LoadedModel) -> None:
    sessions = [StreamingSession(tiny, settings(temperature=3.0), runtime) for runtime in (EAGER, STATIC)]
    long_question = "Who leads, and by how many goals, and since when, and why? " * 20
    for number in range(5):
        forced = [70, 71, 72] if number == 2 else [] if number == 3 else None
        question = long_question if number == 1 else None
        said = [session.step(make_chunk(number), question, forced).result.token_ids for session in sessions]
        assert said[0] == said[1]
        if forced:
            assert said[0][:3] == (70, 71, 72)


@pytest.mark.parametrize("duty", [1.0, 0.9], ids=["whole", "in parts"])
@pytest.mark.parametrize("sampling", [{"greedy": True}, {"temperature": 2.0, "top_p": 0.9}], ids=str)
def test_replayed_work_says_what_the_eager_one_says(
    tiny: LoadedModel, duty: float, sampling: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay runs no Python and knows tensors by their place; a processor can show what a GPU would do with that."""
    for module in (decoder_module, token_parts):
        monkeypatch.setattr(module, "record", recording.record)
    runtime = dataclasses.replace(STATIC, politeness=PolitenessSettings(duty=duty, slice_ms=1000))
    sessions = [StreamingSession(tiny, settings(**sampling), each) for each in (EAGER, runtime)]
    for number in range(8):
        a, b = (session.step(make_chunk(number)).result for session in sessions)
        assert a.token_ids == b.token_ids


def test_the_race_draws_what_multinomial_draws() -> None:
    """A seed says the same with this engine's sampling as with PyTorch's own."""
    sampling = SamplingSettings(temperature=1.3, seed=11)
    ours = Sampler(sampling, 500, torch.device("cpu"))
    theirs = torch.Generator().manual_seed(11)
    for number in range(200):
        logits = torch.randn(500, generator=torch.Generator().manual_seed(number)) * 3
        p = torch.softmax(logits / 1.3, dim=-1)
        assert ours.pick(logits) == int(torch.multinomial(p, 1, generator=theirs))


@pytest.mark.parametrize(
    "wrong",
    [{"decoder": "quick"}, {"attention": "none"}, {"kernels": "cuda"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_unknown_choice_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        RuntimeSettings(**wrong)  # type: ignore[arg-type]  # the wrong value is the point


@pytest.mark.parametrize("wrong", [{"duty": 0.0}, {"duty": 1.5}, {"slice_ms": 0.0}])
def test_impossible_politeness_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        PolitenessSettings(**wrong)  # type: ignore[arg-type]  # the wrong value is the point


def test_what_cannot_run_here_is_refused_when_a_session_begins(tiny: LoadedModel) -> None:
    with pytest.raises(SettingsError, match="flash"):
        StreamingSession(tiny, settings(), RuntimeSettings(attention="flash"))
