"""The sound of a narrated video: the original, ducked where somebody speaks, and the speech over it, block by block.

Knows how sound in any form becomes 48 kHz stereo at its own times. Knows no picture, and no more of speech than its
samples and moments. Holds a few seconds at a time, however long the video is.
"""

from __future__ import annotations

import collections
import logging
import math
from collections.abc import Generator, Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from app.narrate.fitting import Spoken
from app.sources.video_info import open_video
from app.speech.ducking import HOLD_S, Stretch, merge, planned_gains

_log = logging.getLogger("ringside.app.narrate")

RATE_HZ = 48_000
BLOCK = 4096
"""Samples that are mixed at once."""

_AHEAD_S = 3.0
"""Speech is known so far ahead of the sound that is mixed: enough for ducking to begin in time and hold over pauses."""

_GAP_SAMPLES = RATE_HZ // 50
"""Time stamps that are off by less are jitter, not gaps."""

_KNEE = 0.85
"""Louder samples are rounded off, so that two loud sounds together do not crackle."""

Stereo = npt.NDArray[np.float32]
"""Shape (2, num_samples), -1 to 1."""


def source_blocks(path: Path) -> Generator[Stereo, None, None]:
    """The video's own sound from its beginning on, without holes, in blocks of any size; nothing if it has none."""
    with open_video(path) as container:
        if not container.streams.audio:
            return
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            _log.info("the sound of %s is of an unknown kind; it is left out", path)
            return
        origin_s = (container.start_time or 0) / av.time_base
        converter = _Converter()
        position = 0
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except FFmpegError as error:
                _log.debug("a piece of the sound of %s cannot be decoded: %s", path, error)
                if isinstance(error, (av.error.EOFError, av.error.ExitError)):
                    return
                frames = []
            for frame in frames:
                for converted in converter.convert(frame):
                    samples = converted.to_ndarray().astype(np.float32, copy=False)
                    if samples.shape[0] == 1:
                        samples = np.repeat(samples, 2, axis=0)
                    if converted.pts is not None and converted.time_base is not None:
                        starts_at = round((float(converted.pts * converted.time_base) - origin_s) * RATE_HZ)
                        missing = starts_at - position
                        if missing > _GAP_SAMPLES:
                            yield from _silence(missing)
                            position += missing
                        elif missing < -_GAP_SAMPLES:
                            samples = samples[:, -missing:]
                    if samples.shape[1]:
                        yield samples
                        position += samples.shape[1]


class _Converter:
    """Brings frames to our rate, whatever they are, and if that changes on the way."""

    def __init__(self) -> None:
        self._resampler: av.AudioResampler | None = None
        self._takes: tuple[str, str, int] | None = None

    def convert(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or kind != self._takes:
            # One channel stays one: FFmpeg would make it quieter on its way to two.
            layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
            self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=RATE_HZ)
            self._takes = kind
        return self._resampler.resample(frame)


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


def _silence(num_samples: int) -> Iterator[Stereo]:
    while num_samples > 0:
        size = min(num_samples, RATE_HZ)
        yield np.zeros((2, size), dtype=np.float32)
        num_samples -= size
