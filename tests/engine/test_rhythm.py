"""Another program's frames are heard from how long pieces of work take, and only where there are any."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.rhythm import Beat, Rhythm

STRETCH_S = 0.0015


def frames_at(frames_hz: float, busy_share: float, first_s: float = 0.0) -> Callable[[float], bool]:
    """Whether a program draws at a moment that has the device for such a share of every frame's time."""
    return lambda now_s: (now_s - first_s) * frames_hz % 1 < busy_share


def hear(
    rhythm: Rhythm, draws: Callable[[float], bool], from_s: float, to_s: float, seed: int = 0
) -> Beat | None:
    """Note pieces of two kinds at uneven times, longer where the program draws; listen every second."""
    random = np.random.default_rng(seed)
    now_s = from_s
    beat = None
    next_s = from_s + 1
    while now_s < to_s:
        kind, usual_s = [("layer", 0.0005), ("head", 0.002)][random.integers(2)]
        took_s = usual_s * random.uniform(0.95, 1.15) + (random.uniform(0.0005, 0.002) if draws(now_s) else 0)
        rhythm.note(kind, now_s, now_s + took_s)
        now_s += took_s + random.uniform(0.002, 0.012)
        if now_s >= next_s:
            beat, next_s = rhythm.listen(STRETCH_S), next_s + 1
    return beat


@pytest.mark.parametrize(
    ("frames_hz", "busy_share"),
    [(60.0, 0.5), (59.94, 0.5), (30.0, 0.4), (144.0, 0.4), (75.0, 0.15), (24.0, 0.7)],
)
def test_frames_are_heard_and_the_quiet_part_is_theirs_not(frames_hz: float, busy_share: float) -> None:
    draws = frames_at(frames_hz, busy_share, first_s=0.0042)
    beat = hear(Rhythm(), draws, 0.0, 8.0)
    assert beat is not None
    assert 1 / beat.period_s == pytest.approx(frames_hz, abs=0.03)
    # In the second that follows, what begins when it is told to begins and ends between two frames.
    asked_s = np.arange(8.0, 9.0, 0.0007)
    told_s = np.array([beat.next_quiet_s(at_s) for at_s in asked_s])
    assert (told_s >= asked_s).all()
    assert (told_s - asked_s <= beat.period_s).all()
    for moment_s in (told_s, told_s + STRETCH_S):
        assert np.mean([draws(at_s) for at_s in moment_s]) < 0.05
    assert 0 < beat.room_share < 1 - busy_share


def test_where_nobody_draws_or_at_no_steady_rate_nothing_is_heard() -> None:
    def at_no_rate(now_s: float) -> bool:
        return bool(np.random.default_rng(int(now_s * 120)).integers(2))

    for seed in range(5):
        assert hear(Rhythm(), lambda now_s: False, 0.0, 10.0, seed) is None
        assert hear(Rhythm(), at_no_rate, 0.0, 10.0, seed) is None
    assert Rhythm().listen(STRETCH_S) is None


def test_another_rate_and_an_end_are_heard_too() -> None:
    rhythm = Rhythm()
    sixty, seventy_five = frames_at(60.0, 0.5), frames_at(75.0, 0.4, first_s=0.003)
    first = hear(rhythm, sixty, 0.0, 20.0)
    assert first is not None
    assert 1 / first.period_s == pytest.approx(60.0, abs=0.01)
    second = hear(rhythm, seventy_five, 20.0, 30.0, seed=1)
    assert second is not None
    assert 1 / second.period_s == pytest.approx(75.0, abs=0.03)
    assert hear(rhythm, lambda now_s: False, 30.0, 40.0, seed=2) is None


def test_frames_that_move_within_their_time_are_found_again() -> None:
    rhythm = Rhythm()
    assert hear(rhythm, frames_at(60.0, 0.5), 0.0, 12.0) is not None
    moved = frames_at(60.0, 0.5, first_s=0.0083)
    beat = hear(rhythm, moved, 12.0, 22.0, seed=1)
    assert beat is not None
    assert not any(moved(beat.next_quiet_s(at_s)) for at_s in np.arange(22.0, 22.5, 0.0013))


def test_what_was_forgotten_says_nothing() -> None:
    rhythm = Rhythm()
    assert hear(rhythm, frames_at(60.0, 0.5), 0.0, 8.0) is not None
    assert rhythm.undisturbed_s(7.0) > 0
    rhythm.forget()
    assert (rhythm.beat, rhythm.listen(STRETCH_S), rhythm.undisturbed_s(0.0)) == (None, None, 0.0)


def test_work_is_reckoned_without_what_others_took() -> None:
    rhythm = Rhythm()
    for number in range(100):
        rhythm.note("layer", 0.01 * number, 0.01 * number + (0.003 if number % 3 == 0 else 0.001))
    rhythm.listen(STRETCH_S)
    assert rhythm.undisturbed_s(0.0) == pytest.approx(0.1)
    assert rhythm.undisturbed_s(0.5) == pytest.approx(0.05)


def test_a_rhythm_with_a_moment_of_quiet_gives_that_moment() -> None:
    beat = Beat(period_s=0.016, origin_s=5.0, quiet=(False, False, True, False), stretch_s=0.002)
    assert beat.room_share == pytest.approx(0.25 + 1 / 16)
    assert beat.next_quiet_s(5.0) == pytest.approx(5.010)
    assert beat.next_quiet_s(5.009) == 5.009
    assert beat.next_quiet_s(5.013) == pytest.approx(5.026)
    assert beat.next_quiet_s(4.999) == pytest.approx(5.010)


def test_whatever_is_noted_listening_does_no_harm() -> None:
    """Few pieces, many kinds, gaps of minutes, pieces of half a minute: steps are not always alike."""
    random = np.random.default_rng(0)
    for _ in range(30):
        rhythm, now_s, num_kinds = Rhythm(), 8.0, int(random.integers(1, 8))
        assert hear(rhythm, frames_at(60.0, 0.5), 0.0, now_s) is not None
        usual_s = random.exponential(random.choice([0.0005, 0.01, 0.3]), num_kinds)
        for _ in range(int(random.integers(1, 25))):
            now_s += random.choice([0.0, 0.5, 0.9, 40.0])
            for _ in range(int(random.integers(0, 40))):
                kind = int(random.integers(num_kinds))
                took_s = usual_s[kind] * random.choice([1.0, 1.0, 3.0]) + (
                    30.0 if random.random() < 0.002 else 0
                )
                rhythm.note(str(kind), now_s, now_s + took_s)
                now_s += took_s + random.exponential(0.004)
            beat = rhythm.listen(STRETCH_S)
            assert rhythm.beat is beat
            assert beat is None or now_s <= beat.next_quiet_s(now_s) <= now_s + 0.06


def test_a_stream_that_was_paused_hears_again() -> None:
    rhythm, draws = Rhythm(), frames_at(60.0, 0.5)
    assert hear(rhythm, draws, 0.0, 8.0) is not None
    beat = hear(rhythm, draws, 308.0, 314.0, seed=1)
    assert beat is not None
    assert 1 / beat.period_s == pytest.approx(60.0, abs=0.02)
