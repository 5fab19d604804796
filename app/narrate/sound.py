"""The sound of a narrated video: the original, ducked where somebody speaks, and the speech over it, block by block.

Knows how sounds are laid over each other. Knows no picture, and no more of speech than its
samples and moments. Holds a few seconds at a time, however long the video is.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Iterator

import av
import numpy as np
import numpy.typing as npt

from app.narrate.fitting import Spoken
from app.speech.ducking import HOLD_S, Stretch, merge, planned_gains
from app.speech.video_sound import RATE_HZ, Stereo

BLOCK = 4096
"""Samples that are mixed at once."""

_AHEAD_S = 3.0
"""Speech is known so far ahead of the sound that is mixed: enough for ducking to begin in time and hold over pauses."""

_KNEE = 0.85
"""Louder samples are rounded off, so that two loud sounds together do not crackle."""


class SpeechTrack:
    """Speech at its times, handed out in order; `spoken` is read only as far ahead as is needed."""

    def __init__(self, spoken: Iterator[Spoken], *, volume: float = 1.0) -> None:
        self._spoken = spoken
        self._volume = volume
        self._placed: collections.deque[tuple[int, npt.NDArray[np.float32]]] = collections.deque()
        self._stretches: collections.deque[Stretch] = collections.deque()
        self._known_until_s = 0.0
        self.end_s = 0.0
        """When the last word so far is over."""

    def mix_into(self, block: Stereo, start: int, *, depth_db: float) -> None:
        """Duck `block`, whose first sample is number `start`, and add what is spoken in it."""
        num_samples = block.shape[1]
        start_s, end_s = start / RATE_HZ, (start + num_samples) / RATE_HZ
        self._look_ahead(end_s + _AHEAD_S)
        while self._stretches and self._stretches[0].end_s < start_s - 2 * HOLD_S - 1:
            self._stretches.popleft()
        if depth_db and self._stretches:
            block *= planned_gains(merge(self._stretches), depth_db, start_s, num_samples, RATE_HZ)
        while self._placed and self._placed[0][0] + len(self._placed[0][1]) <= start:
            self._placed.popleft()
        for at, samples in self._placed:
            if at >= start + num_samples:
                break
            first, last = max(at, start), min(at + len(samples), start + num_samples)
            block[:, first - start : last - start] += samples[first - at : last - at]
        loud = np.abs(block) > _KNEE
        if loud.any():
            over = (np.abs(block[loud]) - _KNEE) / (1 - _KNEE)
            block[loud] = np.sign(block[loud]) * (_KNEE + (1 - _KNEE) * np.tanh(over))

    def finish(self) -> None:
        """Read the rest, so that `end_s` is that of all speech."""
        self._look_ahead(math.inf)

    def _look_ahead(self, until_s: float) -> None:
        while self._known_until_s < until_s:
            spoken = next(self._spoken, None)
            if spoken is None:
                self._known_until_s = math.inf
                return
            if len(spoken.samples):
                samples = _at_our_rate(spoken) * np.float32(self._volume)
                self._placed.append((round(spoken.start_s * RATE_HZ), samples))
                self._stretches.append(Stretch(spoken.start_s, spoken.end_s))
                self.end_s = max(self.end_s, spoken.end_s)
            self._known_until_s = spoken.start_s


def _at_our_rate(spoken: Spoken) -> npt.NDArray[np.float32]:
    if spoken.rate_hz == RATE_HZ:
        return spoken.samples
    frame = av.AudioFrame.from_ndarray(spoken.samples[None], format="fltp", layout="mono")
    frame.sample_rate = spoken.rate_hz
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE_HZ)
    parts = [part.to_ndarray()[0] for part in [*resampler.resample(frame), *resampler.resample(None)]]
    return np.concatenate(parts).astype(np.float32, copy=False)


def mixed(
    source: Iterator[Stereo], speech: SpeechTrack, *, depth_db: float, end_s: float
) -> Iterator[Stereo]:
    """Original and speech in blocks of up to BLOCK samples, until `end_s` or as long as somebody speaks.

    What the original has after that is left out.
    """
    waiting: list[Stereo] = []
    num_waiting = 0
    position = 0
    has_source = True
    while (remaining := round(max(end_s, speech.end_s) * RATE_HZ) - position) > 0:
        size = min(BLOCK, remaining)
        while has_source and num_waiting < size:
            part = next(source, None)
            has_source = part is not None
            if part is not None:
                waiting.append(part)
                num_waiting += part.shape[1]
        block = np.zeros((2, size), dtype=np.float32)
        if waiting:
            joined = waiting[0] if len(waiting) == 1 else np.concatenate(waiting, axis=1)
            taken = min(size, joined.shape[1])
            block[:, :taken] = joined[:, :taken]
            rest = joined[:, taken:]
            waiting, num_waiting = ([rest] if rest.shape[1] else []), rest.shape[1]
        speech.mix_into(block, position, depth_db=depth_db)
        yield block
        position += size
