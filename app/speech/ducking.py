"""Ducking: how much quieter the original sound is at every moment, so that speech is understood over it.

Knows gains and times. Knows no sound device, no file and no voice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Gains = npt.NDArray[np.float32]
"""Factors for samples, shape (num_samples,)."""

ATTACK_S = 0.15
"""From full sound to ducked."""

RELEASE_S = 0.5
"""And back."""

HOLD_S = 0.7
"""Pauses in speech shorter than this stay ducked: sound that pumps is worse than sound that waits."""


@dataclasses.dataclass(frozen=True)
class Stretch:
    """A stretch of time in which something is spoken."""

    start_s: float
    end_s: float


def as_factor(db: float) -> float:
    """A gain in decibels as a factor."""
    return float(10 ** (db / 20))


def merge(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Stretches in order of time, those with only a short pause between them as one."""
    merged: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda one: one.start_s):
        if merged and stretch.start_s - merged[-1].end_s < HOLD_S:
            merged[-1] = Stretch(merged[-1].start_s, max(merged[-1].end_s, stretch.end_s))
        else:
            merged.append(stretch)
    return merged


def planned_gains(
    stretches: Sequence[Stretch], depth_db: float, start_s: float, num_samples: int, rate_hz: int
) -> Gains:
    """Gains for samples from `start_s` on, where it is known beforehand what is spoken when.

    `depth_db` is how much quieter, as a positive number. The sound is down when speech begins, and rises after it; all
    ramps are straight in decibels. `stretches` are those around these samples, merged.
    """
    times_s = start_s + np.arange(num_samples) / rate_hz
    down_db = np.zeros(num_samples)
    for stretch in stretches:
        if stretch.end_s + RELEASE_S < start_s or stretch.start_s - ATTACK_S > times_s[-1]:
            continue
        ramp = np.interp(
            times_s,
            [stretch.start_s - ATTACK_S, stretch.start_s, stretch.end_s, stretch.end_s + RELEASE_S],
            [0.0, depth_db, depth_db, 0.0],
        )
        np.maximum(down_db, ramp, out=down_db)
    gains: Gains = (10 ** (-down_db / 20)).astype(np.float32)
    return gains


class LiveDucker:
    """Gains for sound that is being played, where nobody knows what is spoken next. Used from the sound's thread."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._down_db = 0.0
        self._hold_samples = 0

    def gains(self, num_samples: int, *, is_speaking: bool, depth_db: float) -> Gains:
        """Gains for the next samples; `depth_db` as a positive number."""
        stays_down = is_speaking or self._hold_samples > 0
        self._hold_samples = (
            round(HOLD_S * self._rate_hz) if is_speaking else max(0, self._hold_samples - num_samples)
        )
        target_db = depth_db if stays_down else 0.0
        ramp_s = ATTACK_S if target_db > self._down_db else RELEASE_S
        step_db = max(depth_db, 1.0) / (ramp_s * self._rate_hz)
        steps = np.arange(1, num_samples + 1) * step_db
        if target_db > self._down_db:
            down_db = np.minimum(self._down_db + steps, target_db)
        else:
            down_db = np.maximum(self._down_db - steps, target_db)
        if num_samples:
            self._down_db = float(down_db[-1])
        gains: Gains = (10 ** (-down_db / 20)).astype(np.float32)
        return gains
