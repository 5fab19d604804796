"""Warming up, looking ahead and leaving room for others: none of it changes what is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine import LoadedModel, StreamingSession
from engine.attention import join_parts
from engine.bench.neighbour import draw
from engine.bench.neighbour import main as neighbour
from engine.bench.polite import main as polite_bench
from engine.bench.turns import FrameLoad, beside
from engine.chunk import FrameChunk
from engine.errors import ChunkError, OutOfMemoryError
from engine.pacer import Pacer
from engine.runtime import PolitenessSettings, RuntimeSettings
from tests.engine.conftest import FRAME_SIZE, make_chunk
from tests.engine.test_decoder import EAGER, STATIC, settings


@pytest.mark.parametrize("runtime", [EAGER, STATIC], ids=["eager", "static"])
def test_a_chunk_prepared_is_said_as_one_that_was_not(tiny: LoadedModel, runtime: RuntimeSettings) -> None:
    plain = StreamingSession(tiny, settings(temperature=2.0), runtime)
    ahead = StreamingSession(tiny, settings(temperature=2.0), runtime)
    chunks = [make_chunk(number) for number in range(6)]
    for number, chunk in enumerate(chunks):
        expected = plain.step(chunk).result
        step = ahead.step(chunk)
        next(step, "")
        ahead.prepare(chunks[(number + 1) % 6])
        assert step.result.token_ids == expected.token_ids
        if number == 2:
            ahead.prepare(make_chunk(77))  # never shown
    assert ahead.context.ids == plain.context.ids


def test_an_impossible_chunk_is_refused_ahead_too(tiny: LoadedModel) -> None:
    flat = FrameChunk(frames=np.zeros((2, 1, 400, 3), dtype=np.uint8), start_s=0, end_s=1)
    with pytest.raises(ChunkError):
        StreamingSession(tiny, settings()).prepare(flat)


@pytest.mark.parametrize("runtime", [EAGER, STATIC], ids=["eager", "static"])
def test_warming_up_changes_nothing_and_tells_how_far_it_is(
    tiny: LoadedModel, runtime: RuntimeSettings
) -> None:
    cold, warm = (StreamingSession(tiny, settings(temperature=2.0), runtime) for _ in range(2))
    told: list[float] = []
    warm.warm_up(FRAME_SIZE, lambda fraction, text: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0
    size = warm.context.cache.num_bytes
    for number in range(4):
        assert (
            cold.step(make_chunk(number)).result.token_ids == warm.step(make_chunk(number)).result.token_ids
        )
    assert warm.context.cache.num_bytes == size


@pytest.mark.parametrize("runtime", [EAGER, STATIC], ids=["eager", "static"])
@pytest.mark.parametrize("num_before", [0, 5])
def test_a_rehearsal_is_forgotten_wherever_the_stream_is(
    tiny: LoadedModel, runtime: RuntimeSettings, num_before: int
) -> None:
    cold, warm = (StreamingSession(tiny, settings(temperature=2.0), runtime) for _ in range(2))
    for number in range(num_before):
        assert (
            cold.step(make_chunk(number)).result.token_ids == warm.step(make_chunk(number)).result.token_ids
        )
    told: list[float] = []
    warm.warm_up(FRAME_SIZE, lambda fraction, text: told.append(fraction), rehearses=True)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 8  # each rehearsed step tells
    assert (warm.context.ids, warm.context.kept) == (cold.context.ids, cold.context.kept)
    for number in range(num_before, num_before + 6):
        assert (
            cold.step(make_chunk(number)).result.token_ids == warm.step(make_chunk(number)).result.token_ids
        )
    assert torch.equal(warm.context.cache.values, cold.context.cache.values)
    assert torch.equal(warm.context.cache.rotated, cold.context.cache.rotated)


def test_a_rehearsal_that_is_broken_off_is_forgotten_too(tiny: LoadedModel) -> None:
    cold, warm = (StreamingSession(tiny, settings(temperature=2.0)) for _ in range(2))

    def break_off(fraction: float, text: str) -> None:
        if 0.75 < fraction < 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warm.warm_up(FRAME_SIZE, break_off, rehearses=True)
    for number in range(3):
        assert (
            cold.step(make_chunk(number)).result.token_ids == warm.step(make_chunk(number)).result.token_ids
        )


def test_memory_that_a_processor_has_not_is_told_in_words(tiny: LoadedModel) -> None:
    session = StreamingSession(tiny, settings())
    with pytest.raises(OutOfMemoryError, match=r"on cpu for this step: 1125\d*\.\d\d GB needed, .* GB free"):
        _ = session.step(make_chunk(0), on_scores=lambda *_: torch.empty(2**50, dtype=torch.uint8)).result
    with pytest.raises(RuntimeError, match="shape"):  # what is no want of memory stays what it is
        _ = session.step(make_chunk(1), on_scores=lambda *_: torch.empty(4).view(3)).result


class FakeTime:
    """A clock that only work and sleep move on."""

    def __init__(self) -> None:
        self.now_s = self.slept_s = 0.0

    def work(self, seconds: float) -> None:
        self.now_s += seconds

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.slept_s += seconds


@pytest.mark.parametrize("duty", [0.25, 0.5, 0.9])
def test_the_duty_is_kept_and_no_slice_is_much_too_long(duty: float) -> None:
    time = FakeTime()
    pacer = Pacer(PolitenessSettings(duty=duty, slice_ms=4.0), lambda: None, lambda: time.now_s, time.sleep)
    pacer.start(chunk_s=1.0)
    worked_s = longest_s = stretch_s = 0.0
    for _ in range(1000):
        time.work(0.0013)
        worked_s, stretch_s = worked_s + 0.0013, stretch_s + 0.0013
        before_s = time.slept_s
        pacer.rest()
        longest_s = max(longest_s, stretch_s)
        stretch_s = 0.0 if time.slept_s > before_s else stretch_s
    assert worked_s / time.now_s == pytest.approx(duty, rel=0.01)
    assert longest_s < 0.004 + 0.0013


@pytest.mark.parametrize("work_s", [0.02, 0.071, 0.3])
def test_a_duty_that_follows_the_stream_is_as_small_as_keeping_up_allows(work_s: float) -> None:
    time = FakeTime()
    pacer = Pacer(PolitenessSettings(duty=None), lambda: None, lambda: time.now_s, time.sleep)
    took_s = []
    for step in range(40):
        began_s = time.now_s
        pacer.start(chunk_s=1.0)
        # Every third phrase is short.
        for _ in range(round(work_s * (0.5 if step % 3 else 1) / 0.0005)):
            time.work(0.0005)
            pacer.rest("layer")
        pacer.end()
        took_s.append(time.now_s - began_s)
        time.now_s = max(time.now_s, began_s + 1.0)
    assert max(took_s) < 1.0  # in time, the first step too
    # 0.85 of the time less some room, or the least duty there is.
    assert max(took_s[1:]) == pytest.approx(min(0.82, work_s / 0.05), abs=0.04)
    assert pacer.longest_ms["layer"] <= 1.0 + 1e-6


def test_pauses_are_even_and_the_step_in_time_while_another_program_draws() -> None:
    """Work that comes while it draws, half of the time and at no steady rate, takes four times as long."""
    time = FakeTime()
    pauses_s: list[float] = []

    def draws() -> bool:
        return bool(np.random.default_rng(int(time.now_s * 120)).integers(2))

    def pause(seconds: float) -> None:
        pauses_s.append(seconds)
        time.sleep(seconds)

    pacer = Pacer(PolitenessSettings(duty=None), lambda: None, lambda: time.now_s, pause)
    for step in range(12):
        began_s = time.now_s
        pauses_s.clear()
        pacer.start(chunk_s=1.0)
        if step == 3:
            time.work(5.0)  # something is compiled
        for _ in range(70):
            time.work(0.004 if draws() else 0.001)
            pacer.rest()
        pacer.end()
        if step > 1 and step != 3:
            assert 0.7 < time.now_s - began_s < 0.9
            assert max(pauses_s) < 4 * min(pauses_s)
            assert sum(pauses_s) / len(pauses_s) > 0.006
        time.now_s = max(time.now_s, began_s + 1.0)


@pytest.mark.parametrize("num_tokens", [8, 20])
def test_reckoned_turns_cost_less_with_pauses(num_tokens: int) -> None:
    """While it is not known yet when they are."""
    polite, impolite = (
        beside(2.0, politeness, num_tokens, 3)
        for politeness in (PolitenessSettings(duty=None), PolitenessSettings())
    )
    assert 0 < polite["p99_grown_percent"] < impolite["p99_grown_percent"]
    assert polite["longest_step_ms"] < 1000


@pytest.mark.parametrize(
    "frames",
    [FrameLoad(), FrameLoad(frames_hz=59.94, jitter_ms=1.0), FrameLoad(frames_hz=30.0, work_ms=12.0)],
    ids=["60", "59.94, not quite even", "30"],
)
def test_frames_at_a_steady_rate_hardly_suffer_once_it_is_known(frames: FrameLoad) -> None:
    """The bar of polite mode; steps are over sooner, for they need not be spread."""
    report = beside(2.0, PolitenessSettings(duty=None), 8, 16, frames)
    assert report["p99_grown_once_known_percent"] < 20
    assert report["median_step_ms"] < 700
    assert report["longest_step_ms"] < 1000


def test_a_phrase_longer_than_all_before_it_is_hardly_late() -> None:
    time = FakeTime()
    pacer = Pacer(PolitenessSettings(duty=None), lambda: None, lambda: time.now_s, time.sleep)
    for work_s in (0.07, 0.07, 0.35):
        began_s = time.now_s
        pacer.start(chunk_s=1.0)
        for _ in range(round(work_s / 0.001)):
            time.work(0.001)
            pacer.rest()
        pacer.end()
        took_s = time.now_s - began_s
    assert took_s < 1.3  # at the duty of the steps before it would have taken four seconds


def test_without_a_limit_nothing_waits() -> None:
    def never() -> None:
        raise AssertionError("waited")

    pacer = Pacer(PolitenessSettings(), never)
    pacer.rest()
    assert not pacer.pauses


@pytest.mark.parametrize("duty", [0.9, None])
def test_a_polite_session_says_the_same(tiny: LoadedModel, duty: float | None) -> None:
    polite = RuntimeSettings(decoder="static", politeness=PolitenessSettings(duty=duty, slice_ms=0.5))
    sessions = [StreamingSession(tiny, settings(temperature=2.0), runtime) for runtime in (EAGER, polite)]
    for number in range(3):
        a, b = (session.step(make_chunk(number)).result for session in sessions)
        assert a.token_ids == b.token_ids
    # A token is no single piece, and neither is anything before it.
    assert {"resize", "vision", "prefill", "token"} <= sessions[1].longest_stretches_ms.keys()
    assert sessions[0].longest_stretches_ms == {}
    # It does not look ahead: that would go on through its pauses. What cannot be looked at shows it.
    flat = FrameChunk(frames=np.zeros((2, 1, 400, 3), np.uint8), start_s=3, end_s=4)
    with pytest.raises(ChunkError):
        sessions[0].prepare(flat)
    sessions[1].prepare(flat)


def test_attention_in_two_parts_is_attention() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(5, 3, 8).double(), torch.randn(3, 40, 8).double(), torch.randn(3, 40, 8).double()

    def part(keys: slice) -> tuple[torch.Tensor, torch.Tensor]:
        scores = torch.einsum("nhd,hld->hnl", q, k[:, keys]) / 8**0.5
        return torch.einsum("hnl,hld->nhd", scores.softmax(-1), v[:, keys]), scores.logsumexp(-1)

    whole, _ = part(slice(None))
    assert torch.allclose(join_parts(*part(slice(0, 30)), *part(slice(30, None))), whole, atol=1e-6)


def test_a_neighbours_frames_are_timed_from_when_they_were_due() -> None:
    time = FakeTime()
    quick = draw(lambda: time.work(0.005), 1.0, lambda: time.now_s, time.sleep)
    assert len(quick) == 60
    assert max(quick) == pytest.approx(5.0)
    time = FakeTime()
    slow = draw(lambda: time.work(0.02), 1.0, lambda: time.now_s, time.sleep)
    assert len(slow) < 60
    assert max(slow) > 20.0


def test_a_stream_and_its_neighbour_are_measured_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--size tiny --device cpu --side 32 --seconds 0.5 --ways auto:1:3 --height 56 --width 84"
    assert polite_bench(arguments.split()) == 0
    alone, beside = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert beside["neighbour"]["products_a_frame"] == alone["neighbour"]["products_a_frame"]
    assert beside["way"] == {"duty": None, "slice_ms": 1.0, "num_tokens": 3}
    assert beside["steps"] >= 1
    assert beside["step_ms"]["p50"] > 0
    grown = beside["neighbour"]["p99_frame_ms"] / alone["neighbour"]["p99_frame_ms"] - 1
    assert beside["p99_grown_percent"] == pytest.approx(100 * grown, abs=0.06)
    assert "prefill" in beside["longest_stretch_ms"]


def test_a_neighbour_reports(capsys: pytest.CaptureFixture[str]) -> None:
    assert neighbour(["--seconds", "0.1", "--side", "32", "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] >= 3


def test_only_on_hopper_does_the_cudnn_prefill_go_by_itself() -> None:
    runtime = RuntimeSettings()
    assert runtime.resolve("cuda", 128, (9, 0)).prefill == "cudnn"
    for other in ((8, 9), (10, 0), (12, 0)):
        assert runtime.resolve("cuda", 128, other).prefill == "flash"
    assert runtime.resolve("cpu", 128).prefill == "flash"
    assert RuntimeSettings(prefill="flash").resolve("cuda", 128, (9, 0)).prefill == "flash"


def test_kernels_begin_early_where_that_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runtime._is_installed", lambda package: package == "triton")
    runtime = RuntimeSettings()
    assert runtime.resolve("cuda", 128, (9, 0)).overlap
    assert not runtime.resolve("cuda", 128, (8, 9)).overlap
    assert not runtime.resolve("cuda", 128, (12, 0)).overlap
    assert not runtime.resolve("cpu", 128).overlap
    polite = RuntimeSettings(politeness=PolitenessSettings(duty=None))
    assert not polite.resolve("cuda", 128, (9, 0)).overlap
    assert RuntimeSettings(overlap=True).resolve("cuda", 128, (12, 0)).overlap
    assert not RuntimeSettings(overlap=False).resolve("cuda", 128, (9, 0)).overlap
