"""Playing speech: PCM on its way out, silent at once when told, and honest when the device goes away under it.

Knows one piece of sound and its stream. Knows no text, no voices and not what is played next.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from app.speech import outputs
from app.speech.voice import Pcm

_log = logging.getLogger("ringside.app.speech")

_LATENCY_S = 0.08


class Playing:
    """One piece of sound on its way out.

    `on_done` is called when all of it was played or thrown away, or the device went, from a thread of PortAudio's.
    Raises NoSoundError, OutputMissingError and NoSoundLibraryError if it cannot be played.
    """

    def __init__(
        self,
        pcm: Pcm,
        on_done: Callable[[], None],
        *,
        output: str = "",
        volume: float = 1.0,
        from_s: float = 0.0,
    ) -> None:
        """`from_s`: where in the sound to begin."""
        self._on_done = on_done
        self._is_done = False
        self._is_complete = False
        self._is_silenced = False
        self._is_closed = False
        self._closing = threading.Lock()
        rate_hz = outputs.usable_rate_hz(output, pcm.rate_hz, 1)
        self._rate_hz = rate_hz
        self._samples = resample(pcm.samples, pcm.rate_hz, rate_hz)
        self._volume = volume
        self._position = min(len(self._samples), round(from_s * rate_hz))
        self._stream = outputs.open_stream(
            output,
            self._lose,
            samplerate=rate_hz,
            channels=1,
            dtype="int16",
            latency=_LATENCY_S,
            callback=self._fill,
            finished_callback=self._finish,
        )

    @property
    def is_done(self) -> bool:
        """Whether nothing more of it is to come."""
        return self._is_done

    @property
    def was_lost(self) -> bool:
        """Whether it ended because the device went away."""
        return self._is_done and not self._is_complete and not self._is_silenced

    @property
    def played_s(self) -> float:
        """How much of the sound went out, from its beginning."""
        return self._position / self._rate_hz

    @property
    def lasts_s(self) -> float:
        """How long all of it is."""
        return len(self._samples) / self._rate_hz

    def silence(self) -> None:
        """Throw away what was not played yet; takes a few milliseconds."""
        self._is_silenced = True
        with self._closing:
            if not self._is_closed:
                self._end(self._stream.abort)

    def close(self) -> None:
        """Give the device back."""
        outputs.forget(self._lose)
        self._close()

    def _lose(self) -> None:
        self._close()
        self._finish()

    def _close(self) -> None:
        # PortAudio must not hear of a stream that it has forgotten.
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._end(self._stream.close)

    def _finish(self) -> None:
        self._is_done = True
        self._on_done()

    def _end(self, how: Callable[[], None]) -> None:
        import sounddevice

        try:
            how()
        except sounddevice.PortAudioError as error:
            _log.info("the sound output ended badly: %s", error)

    def _fill(self, out: npt.NDArray[np.int16], num_frames: int, time: Any, status: Any) -> None:
        import sounddevice

        part = self._samples[self._position : self._position + num_frames]
        out[: len(part), 0] = part if self._volume == 1 else (part * self._volume).astype(np.int16)
        out[len(part) :] = 0
        self._position = min(len(self._samples), self._position + num_frames)
        if self._position >= len(self._samples):
            self._is_complete = True
            raise sounddevice.CallbackStop


def resample(samples: npt.NDArray[np.int16], from_hz: int, to_hz: int) -> npt.NDArray[np.int16]:
    """The same sound at another rate, by straight lines: good enough for a synthetic voice."""
    if from_hz == to_hz or not len(samples):
        return samples
    places = np.arange(round(len(samples) * to_hz / from_hz)) * (from_hz / to_hz)
    resampled: npt.NDArray[np.int16] = np.interp(places, np.arange(len(samples)), samples).astype(np.int16)
    return resampled
