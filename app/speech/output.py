"""The sound output: plays PCM and falls silent at once.

Knows sounddevice and what it does without PortAudio or without a device. Knows no text and no voices.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from app.speech.errors import NoSoundError, NoSoundLibraryError
from app.speech.voice import Pcm

_log = logging.getLogger("ringside.app.speech")

_LATENCY_S = 0.08


def load_sound() -> Any:
    """The sounddevice module. Raises NoSoundLibraryError; NoSoundError if there is no output."""
    try:
        import sounddevice
    except OSError as error:
        raise NoSoundLibraryError from error
    try:
        if not _has_output(sounddevice):
            # The list of devices is made once; a device that came later is only seen by starting PortAudio anew.
            sounddevice._terminate()
            sounddevice._initialize()
            if not _has_output(sounddevice):
                raise NoSoundError
    except sounddevice.PortAudioError as error:
        raise NoSoundError(_words(error)) from error
    return sounddevice


class Playing:
    """One piece of sound on its way out.

    `on_done` is called when all of it was played or thrown away, from a thread of PortAudio's. Raises NoSoundError if
    it cannot be played.
    """

    def __init__(self, pcm: Pcm, on_done: Callable[[], None]) -> None:
        self._sounddevice = load_sound()
        self._on_done = on_done
        self._is_done = False
        self._position = 0
        try:
            rate_hz = self._usable_rate_hz(pcm.rate_hz)
            self._samples = resample(pcm.samples, pcm.rate_hz, rate_hz)
            self._stream = self._sounddevice.OutputStream(
                samplerate=rate_hz,
                channels=1,
                dtype="int16",
                latency=_LATENCY_S,
                callback=self._fill,
                finished_callback=self._finish,
            )
            self._stream.start()
        except self._sounddevice.PortAudioError as error:
            raise NoSoundError(_words(error)) from error

    @property
    def is_done(self) -> bool:
        """Whether nothing more of it is to come."""
        return self._is_done

    def silence(self) -> None:
        """Throw away what was not played yet; takes a few milliseconds."""
        self._end(self._stream.abort)

    def close(self) -> None:
        """Give the device back."""
        self._end(self._stream.close)

    def _finish(self) -> None:
        self._is_done = True
        self._on_done()

    def _end(self, how: Any) -> None:
        try:
            how()
        except self._sounddevice.PortAudioError as error:
            _log.info("the sound output ended badly: %s", error)

    def _fill(self, out: npt.NDArray[np.int16], num_frames: int, time: Any, status: Any) -> None:
        part = self._samples[self._position : self._position + num_frames]
        out[: len(part), 0] = part
        out[len(part) :] = 0
        self._position += num_frames
        if self._position >= len(self._samples):
            raise self._sounddevice.CallbackStop

    def _usable_rate_hz(self, wanted_hz: int) -> int:
        try:
            self._sounddevice.check_output_settings(samplerate=wanted_hz, channels=1, dtype="int16")
        except self._sounddevice.PortAudioError:
            return int(self._sounddevice.query_devices(kind="output")["default_samplerate"])
        return wanted_hz


def resample(samples: npt.NDArray[np.int16], from_hz: int, to_hz: int) -> npt.NDArray[np.int16]:
    """The same sound at another rate, by straight lines: good enough for a synthetic voice."""
    if from_hz == to_hz or not len(samples):
        return samples
    places = np.arange(round(len(samples) * to_hz / from_hz)) * (from_hz / to_hz)
    resampled: npt.NDArray[np.int16] = np.interp(places, np.arange(len(samples)), samples).astype(np.int16)
    return resampled


def _has_output(sounddevice: Any) -> bool:
    return any(device["max_output_channels"] > 0 for device in sounddevice.query_devices())


def _words(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
