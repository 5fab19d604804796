"""A session as its caller sees it, on a tiny model with random weights."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from engine import (
    EngineError,
    FrameChunk,
    LoadedModel,
    ResizeSettings,
    SamplingSettings,
    StepResult,
    StreamingSession,
    StreamSettings,
    WindowSettings,
    load_model,
)
from engine.errors import WindowError
from engine.rotary import TextRotary, rotate
from engine.runtime import RuntimeSettings
from tests.engine.conftest import make_chunk, scored
from tests.engine.slow_protocol import SlowContext

SMALL = StreamSettings(
    window=WindowSettings(vision_window_s=3.0, text_rounds=3, text_sink=6, text_window=8),
    sampling=SamplingSettings(max_new_tokens=6, seed=3),
    resize=ResizeSettings(min_pixels=28 * 28),
    title="Lions against Sharks.",
)


def with_sampling(**changes: object) -> StreamSettings:
    return dataclasses.replace(SMALL, sampling=dataclasses.replace(SMALL.sampling, **changes))  # type: ignore[arg-type]  # any setting may be given


def run(session: StreamingSession, num_steps: int, first: int = 0) -> list[StepResult]:
    return [show(session, step) for step in range(first, first + num_steps)]


def show(session: StreamingSession, number: int, question: str | None = None, **options: Any) -> StepResult:
    return session.step(make_chunk(number), question, **options).result


def said(results: list[StepResult]) -> list[tuple[int, ...]]:
    return [result.token_ids for result in results]


def assert_consistent(session: StreamingSession) -> None:
    """Ledger and cache agree, and every key is rotated for the position it now has once the next step has begun."""
    assert session.context.cache.length == session.context.num_cached
    assert 1 <= session.context.num_tokens - session.context.num_cached <= 2


def test_a_step_tells_its_words_and_then_its_result(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    step = session.step(make_chunk(4))
    told = "".join(step)
    result = step.result
    assert told.strip() == result.text
    assert (result.start_s, result.end_s) == (4.0, 5.0)
    assert result.token_ids[-1] == tiny.prompt.special.im_end
    assert len(result.token_ids) <= 7
    assert result.num_context_tokens == session.context.num_tokens
    assert step.result is result


def test_the_result_alone_runs_the_step(tiny: LoadedModel) -> None:
    told = StreamingSession(tiny, SMALL).step(make_chunk(0))
    "".join(told)
    assert StreamingSession(tiny, SMALL).step(make_chunk(0)).result.token_ids == told.result.token_ids


def test_timings_add_up(tiny: LoadedModel) -> None:
    timings = StreamingSession(tiny, SMALL).step(make_chunk(0)).result.timings
    phases = {k: v for k, v in dataclasses.asdict(timings).items() if k not in ("total_ms", "first_token_ms")}
    assert all(value > 0 for value in phases.values())
    assert sum(phases.values()) == pytest.approx(timings.total_ms)
    assert 0 < timings.first_token_ms <= timings.total_ms


def test_a_seed_brings_the_same_words_and_a_reset_brings_them_again(tiny: LoadedModel) -> None:
    settings = with_sampling(temperature=3.0)
    session = StreamingSession(tiny, settings)
    first = said(run(session, 6))
    torch.manual_seed(99)
    assert said(run(StreamingSession(tiny, settings), 6)) == first
    session.reset()
    assert said(run(session, 6)) == first
    other = StreamingSession(tiny, with_sampling(temperature=3.0, seed=4))
    assert said(run(other, 6)) != first


def test_a_reset_takes_a_new_title_and_query(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    run(session, 4)
    session.reset(title="Bears against Wolves.", query="Describe")
    show(session, 0)
    fresh = dataclasses.replace(SMALL, title="Bears against Wolves.", query="Describe")
    other = StreamingSession(tiny, fresh)
    show(other, 0)
    assert session.context.ids == other.context.ids
    assert session.settings == fresh


def test_the_query_stands_in_the_first_turn_and_a_question_in_its_own(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    for step, question in enumerate([None, "Who leads?"]):
        show(session, step, question, forced_ids=[])
    text = tiny.tokenizer.decode(session.context.ids).replace("<|video_pad|>", "")
    vision = "<|vision_start|><|vision_end|>"
    assert text.count("Commentate on this match") == 1
    assert f"Time=0.0-1.0s{vision}Commentate on this match<|im_end|>" in text
    assert f"Time=1.0-2.0s{vision}Who leads?<|im_end|>" in text


def test_a_question_may_be_asked_at_once(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    show(session, 0, "Who leads?")
    assert "Commentate on this match Who leads?<|im_end|>" in tiny.tokenizer.decode(session.context.ids)


def test_context_and_storage_stay_bounded(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    run(session, 3)
    size, capacity = session.context.cache.num_bytes, session.context.cache.capacity
    lengths = [result.num_context_tokens for result in run(session, 60, first=3)]
    assert session.context.cache.num_bytes == size
    assert max(lengths) <= capacity
    # Times grow longer by a digit here and there; nothing else may.
    assert max(lengths[40:]) - max(lengths[10:20]) <= 2 * 3 * 2


@pytest.mark.parametrize(
    ("vision_window_s", "text_rounds"), [(3.0, 3), (1.0, 1), (1.0, 4), (4.0, 1), (2.0, 4), (5.0, 2)]
)
def test_kept_keys_are_rotated_for_the_positions_they_now_have(
    tiny: LoadedModel, vision_window_s: float, text_rounds: int
) -> None:
    """After any step the cache equals its unrotated keys rotated at once for positions counted from nothing."""
    window = WindowSettings(
        vision_window_s=vision_window_s, text_rounds=text_rounds, text_sink=6, text_window=8
    )
    session = StreamingSession(tiny, dataclasses.replace(SMALL, window=window))
    for step in range(9):
        show(session, step)
        assert_consistent(session)
        cache, context = session.context.cache, session.context
        positions = plain_positions(tiny, context.ids)[:, : cache.length]
        table = TextRotary(tiny.config.text, tiny.device).table(torch.from_numpy(positions))
        expected = rotate(cache.keys.transpose(1, 2), table).transpose(1, 2)
        assert (cache.rotated - expected).abs().max() < 1e-4


def test_no_more_is_kept_of_a_long_context_than_of_a_short_one(tiny: LoadedModel) -> None:
    session, kept = StreamingSession(tiny, SMALL), set()
    for step in range(9):
        show(session, step)
        coming = session.context.coming
        assert coming is not None
        kept.add((coming.cos.untyped_storage().nbytes(), coming.sin.untyped_storage().nbytes()))
    assert len(kept) == 1, "the answer's rotations, and not the table that they were cut from"


def plain_positions(model: LoadedModel, ids: list[int]) -> np.ndarray:
    """Positions counted token by token: every block of pads is one temporal patch of 4 x 6."""
    places: list[tuple[float, float, float]] = []
    next_place, i = 0.0, 0
    block = [model.prompt.special.video_pad] * 24  # a pad alone may be a word of a model this random
    while i < len(ids):
        if ids[i : i + 24] == block:
            places += [(next_place, next_place + h, next_place + w) for h in range(4) for w in range(6)]
            next_place, i = next_place + 6, i + 24
        else:
            places.append((next_place, next_place, next_place))
            next_place, i = next_place + 1, i + 1
    return np.array(places, dtype=np.float32).T


def test_forced_ids_are_said(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    goal = tiny.prompt.encode(" goal")
    for ids in ([*goal, *goal], tiny.prompt.assistant_content(" goal"), []):
        result = session.step(make_chunk(0), forced_ids=ids).result
        assert result.text == tiny.prompt.decode(ids).removesuffix(" ...").strip()
        assert result.token_ids[: len(ids)] == tuple(ids)
        assert result.token_ids[-1] == tiny.prompt.special.im_end
        assert_consistent(session)


def test_forced_ids_that_go_on_too_long_are_refused(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    end, goal = tiny.prompt.special.im_end, tiny.prompt.encode(" goal")
    for ids in ([*goal, end, *goal], goal * 7, [*(goal * 7), end]):
        with pytest.raises(EngineError, match="forced ids go on"):
            session.step(make_chunk(0), forced_ids=ids)
    assert (
        session.step(make_chunk(0), forced_ids=[*(goal * 6), end]).result.text
        == "goal goal goal goal goal goal"
    )


def test_scores_are_shown_for_every_token_picked(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, with_sampling(greedy=True))
    seen: list[tuple[int, int]] = []

    def look(number: int, raw: torch.Tensor, penalised: torch.Tensor) -> None:
        assert raw.shape == penalised.shape == (tiny.config.text.vocab_size,)
        seen.append((number, int(penalised.argmax())))

    result = session.step(make_chunk(0), on_scores=look).result
    assert seen == list(enumerate(result.token_ids))[: len(seen)]
    assert len(result.token_ids) - len(seen) <= 1


@pytest.mark.parametrize("how", ["closed", "left open", "reset"])
def test_a_step_left_early_ends_its_phrase_and_the_stream_goes_on(tiny: LoadedModel, how: str) -> None:
    session = StreamingSession(tiny, SMALL)
    run(session, 3)
    step = session.step(make_chunk(3))
    next(iter(step))
    if how == "closed":
        step.close()
        assert step.result.token_ids[-1] == tiny.prompt.special.im_end
    if how == "reset":
        session.reset()
    following = session.step(make_chunk(4)).result
    assert following.token_ids[-1] == tiny.prompt.special.im_end
    assert_consistent(session)
    assert list(step) == []
    text = tiny.tokenizer.decode(session.context.ids)
    assert (
        text.count("<|im_start|>assistant") == text.count("<|im_start|>user") == (1 if how == "reset" else 3)
    )


def test_a_step_never_begun_leaves_the_stream_as_it_was(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    run(session, 2)
    before = session.context.ids
    step = session.step(make_chunk(2))
    step.close()
    assert session.context.ids == before
    with pytest.raises(EngineError, match="no result"):
        _ = step.result
    assert session.step(make_chunk(3)).result.token_ids


def test_what_the_phrase_left_early_said_is_what_was_told(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    step = session.step(make_chunk(0), forced_ids=tiny.prompt.encode(" goal goal goal"))
    assert next(step) == " goal"
    step.close()
    assert step.result.text == "goal"
    assert len(step.result.token_ids) == 2


@pytest.mark.parametrize("phase", ["vision", "language"])
def test_a_failure_in_the_middle_of_a_step_leaves_a_stream_that_goes_on(
    tiny: LoadedModel, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the device fell out")

    session, other = StreamingSession(tiny, SMALL), StreamingSession(tiny, SMALL)
    first, second = said(run(session, 4)), said(run(other, 4))
    assert first == second
    with monkeypatch.context() as patch:
        patch.setattr(getattr(tiny, phase), "forward", fail)
        with pytest.raises(RuntimeError, match="fell out"):
            _ = session.step(make_chunk(4)).result
    assert said(run(session, 4, first=5)) == said(run(other, 4, first=5))
    assert_consistent(session)


def test_a_failure_in_the_middle_of_a_phrase_ends_the_phrase(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = StreamingSession(tiny, SMALL)
    run(session, 4)
    step = session.step(make_chunk(4), forced_ids=tiny.prompt.encode(" goal goal goal"))
    assert next(step) == " goal"
    with monkeypatch.context() as patch:
        patch.setattr(tiny.language, "forward", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            next(step)
    assert step.result.text == "goal"
    assert show(session, 5).token_ids
    assert_consistent(session)


def test_a_failure_between_ledger_and_cache_asks_for_a_reset(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = StreamingSession(tiny, SMALL)
    run(session, 2)
    with monkeypatch.context() as patch:
        patch.setattr(session.context.cache, "keep", lambda places, between: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            _ = session.step(make_chunk(2)).result
    with pytest.raises(EngineError, match="Reset the session"):
        _ = session.step(make_chunk(3)).result
    session.reset()
    assert session.step(make_chunk(4)).result.token_ids


def test_frames_of_any_size_number_and_rate_are_shown(tiny: LoadedModel) -> None:
    window = WindowSettings(
        chunk_s=2.0, fps=2.5, vision_window_s=6.0, text_rounds=2, text_sink=4, text_window=4
    )
    session = StreamingSession(tiny, dataclasses.replace(SMALL, window=window))
    for step, (num_frames, size) in enumerate(
        [(5, (100, 170)), (1, (112, 56)), (4, (60, 60)), (5, (200, 300))]
    ):
        chunk = make_chunk(step, num_frames=num_frames, size=size, chunk_s=2.0)
        result = session.step(chunk).result
        assert (result.start_s, result.end_s) == (2.0 * step, 2.0 * step + 2)
        assert_consistent(session)


def test_frames_may_be_read_only_or_a_flipped_view(tiny: LoadedModel) -> None:
    session, other = StreamingSession(tiny, SMALL), StreamingSession(tiny, SMALL)
    expected = show(session, 0).token_ids
    flipped = np.ascontiguousarray(make_chunk(0).frames[..., ::-1])
    flipped.flags.writeable = False
    chunk = FrameChunk(frames=flipped[..., ::-1], start_s=0.0, end_s=1.0)
    assert other.step(chunk).result.token_ids == expected


def test_a_closing_is_added_where_the_limit_cuts(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, with_sampling(max_new_tokens=1))
    for step in range(5):
        assert len(session.step(make_chunk(step)).result.token_ids) in (1, 2)
        assert_consistent(session)


def test_windows_that_do_not_fit_the_model_are_refused_with_numbers(tiny: LoadedModel) -> None:
    window = WindowSettings(vision_window_s=400.0, text_rounds=400)
    session = StreamingSession(tiny, dataclasses.replace(SMALL, window=window))
    with pytest.raises(WindowError, match="at most 4096 positions") as caught:
        _ = session.step(make_chunk(0)).result
    assert caught.value.num_positions > 4096


def test_an_impossible_frame_is_refused_before_anything_changes(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    run(session, 1)
    before = session.context.ids
    ribbon = FrameChunk(frames=np.zeros((2, 3, 900, 3), dtype=np.uint8), start_s=1.0, end_s=2.0)
    with pytest.raises(EngineError, match="200 times"):
        _ = session.step(ribbon).result
    assert session.context.ids == before


def test_two_streams_on_one_model_do_not_mix(tiny: LoadedModel) -> None:
    alone = said(run(StreamingSession(tiny, SMALL), 5))
    first, second = StreamingSession(tiny, SMALL), StreamingSession(tiny, with_sampling(seed=8))
    mixed = []
    for step in range(5):
        mixed.append(first.step(make_chunk(step)).result.token_ids)
        _ = second.step(make_chunk(step + 50)).result
    assert mixed == alone


def test_no_inference_mode_leaks_into_the_caller(tiny: LoadedModel) -> None:
    step = StreamingSession(tiny, SMALL).step(make_chunk(0), forced_ids=tiny.prompt.encode(" goal goal"))
    for _ in step:
        assert not torch.is_inference_mode_enabled()


def test_the_penalty_counts_every_id_in_the_context(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, with_sampling(greedy=True, repetition_penalty=1.7))
    slow = SlowContext(tiny.prompt, SMALL.title, vision_rounds=3, text_rounds=3, sink=6, window=8)
    for number in range(6):
        scores, result = scored(session, make_chunk(number))
        slow.evict(number)
        query = SMALL.query if number == 0 else ""
        slow.begin_step(number, tiny.prompt.user_turn(number, number + 1, 24, query))
        for (raw, penalised), token_id in zip(scores, result.token_ids, strict=False):
            changed = torch.nonzero(raw != penalised).flatten().tolist()
            assert changed == sorted(set(slow.ids))
            slow.add([token_id])
        slow.add(result.token_ids[len(scores) :])


@pytest.mark.parametrize("decoder", ["eager", "static"])
def test_a_closed_session_and_its_model_are_free_at_once(tiny_folder: Path, decoder: str) -> None:
    """Without a garbage collection, which a thread beside a window must not run: the memory of a GPU waits for nobody."""
    gc.collect()
    gc.disable()
    try:
        model = load_model(tiny_folder, device="cpu")
        session = StreamingSession(model, SMALL, RuntimeSettings(decoder=decoder))
        session.warm_up((56, 84))
        run(session, 2)
        session.prepare(make_chunk(2))
        next(session.step(make_chunk(3)), "")  # left in the middle
        session.close()
        weight = weakref.ref(next(iter(model.language.parameters())))
        gone = [weakref.ref(model), weakref.ref(session), weight]
        del model, session
        assert [reference() for reference in gone] == [None, None, None]
    finally:
        gc.enable()


def test_a_closed_session_may_go_on(tiny: LoadedModel) -> None:
    straight, closed = StreamingSession(tiny, SMALL), StreamingSession(tiny, SMALL)
    expected = said(run(straight, 6))
    first = said(run(closed, 3))
    closed.close()
    assert first + said(run(closed, 3, first=3)) == expected


@pytest.mark.parametrize("decoder", ["eager", "static"])
@pytest.mark.parametrize("num_before", [0, 1, 4, 9])
def test_a_stream_goes_on_from_its_state_as_if_nothing_had_happened(
    tiny: LoadedModel, tmp_path: Path, decoder: Literal["eager", "static"], num_before: int
) -> None:
    runtime = RuntimeSettings(decoder=decoder)
    whole = StreamingSession(tiny, SMALL, runtime)
    expected = run(whole, 14)
    first = StreamingSession(tiny, SMALL, runtime)
    run(first, num_before)
    torch.save(first.state(), tmp_path / "state.pt")
    run(first, 2, num_before)  # what comes later does not change what was kept
    again = StreamingSession(tiny, SMALL, runtime)
    again.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert said(run(again, 14 - num_before, num_before)) == said(expected[num_before:])
    assert torch.equal(again.context.cache.keys, whole.context.cache.keys)
    assert torch.equal(again.context.cache.values, whole.context.cache.values)
    assert_consistent(again)


def test_a_used_session_can_return_to_a_state_too(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, SMALL)
    run(session, 5)
    state = session.state()
    expected = said(run(session, 6, 5))
    session.restore(state)
    assert said(run(session, 6, 5)) == expected
