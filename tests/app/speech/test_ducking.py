"""How sound makes room for speech, and how speech keeps up: equations that hold, without a device."""

from __future__ import annotations

import numpy as np
import pytest

from app.speech.catching_up import MOST, CatchUp
from app.speech.ducking import (
    ATTACK_S,
    HOLD_S,
    RELEASE_S,
    LiveDucker,
    Stretch,
    as_factor,
    merge,
    planned_gains,
)
from app.speech.options import SpeechOptions

RATE_HZ = 8000


def in_db(gains: np.ndarray) -> np.ndarray:
    return 20 * np.log10(gains)


def test_planned_sound_is_down_by_the_set_amount_whenever_somebody_speaks() -> None:
    gains = in_db(planned_gains([Stretch(1.0, 2.0)], 12.0, 0.0, 4 * RATE_HZ, RATE_HZ))
    times_s = np.arange(len(gains)) / RATE_HZ
    assert gains[(times_s >= 1.0) & (times_s <= 2.0)] == pytest.approx(-12.0, abs=0.01)
    assert gains[times_s < 1.0 - ATTACK_S] == pytest.approx(0.0, abs=0.01)
    assert gains[times_s > 2.0 + RELEASE_S] == pytest.approx(0.0, abs=0.01)
    assert np.abs(np.diff(gains)).max() <= 12.0 / (ATTACK_S * RATE_HZ) * 1.01


def test_planned_gains_are_the_same_however_time_is_cut_into_blocks() -> None:
    stretches = merge([Stretch(0.5, 0.9), Stretch(1.2, 1.4), Stretch(3.0, 3.2)])
    assert stretches == [Stretch(0.5, 1.4), Stretch(3.0, 3.2)]
    whole = planned_gains(stretches, 9.0, 0.0, 4 * RATE_HZ, RATE_HZ)
    parts = [planned_gains(stretches, 9.0, at / RATE_HZ, 1000, RATE_HZ) for at in range(0, 4 * RATE_HZ, 1000)]
    assert np.concatenate(parts) == pytest.approx(whole, abs=1e-5)


def test_live_sound_goes_down_smoothly_holds_over_pauses_and_comes_back() -> None:
    ducker = LiveDucker(RATE_HZ)

    def play(seconds: float, *, is_speaking: bool) -> np.ndarray:
        blocks = [
            ducker.gains(80, is_speaking=is_speaking, depth_db=12.0)
            for _ in range(round(seconds * RATE_HZ / 80))
        ]
        return in_db(np.concatenate(blocks))

    assert play(0.5, is_speaking=False) == pytest.approx(0.0)
    spoken = play(1.0, is_speaking=True)
    assert spoken[-1] == pytest.approx(-12.0)
    assert spoken[round(ATTACK_S * RATE_HZ) + 1] == pytest.approx(-12.0, abs=0.1)
    assert play(HOLD_S - 0.1, is_speaking=False) == pytest.approx(-12.0)
    back = play(RELEASE_S + 0.3, is_speaking=False)
    assert back[-1] == pytest.approx(0.0, abs=1e-6)
    everything = np.concatenate([spoken, back])
    assert np.abs(np.diff(spoken)).max() <= 12.0 / (ATTACK_S * RATE_HZ) * 1.01
    assert everything.min() >= -12.0001


def test_decibels_as_factors() -> None:
    assert as_factor(-20.0) == pytest.approx(0.1)
    assert as_factor(0.0) == 1.0


def test_the_rate_rises_gently_while_sentences_wait_and_goes_back() -> None:
    catch_up = CatchUp()
    factors = []
    for _ in range(10):
        catch_up.note(waited_s=2.0, num_passed_over=0)
        factors.append(catch_up.factor)
    assert factors == sorted(factors)
    assert factors[0] == pytest.approx(1.08)
    assert factors[-1] == MOST
    steps = [after / before for before, after in zip([1.0, *factors], factors, strict=False)]
    assert max(steps) <= 1.0801
    for _ in range(10):
        catch_up.note(waited_s=0.0, num_passed_over=0)
    assert catch_up.factor == 1.0
    catch_up.note(waited_s=0.0, num_passed_over=1)
    assert catch_up.factor > 1.0


@pytest.mark.parametrize("wrong", [{"rate": 0.1}, {"rate": 9.0}, {"volume": 1.5}, {"volume": -0.1}])
def test_speech_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SpeechOptions(**wrong)  # type: ignore[arg-type] # one wrong value each
