"""The sound of a video file, decoded: in one line from any moment to the end, without holes.

Knows how sound in any form becomes 48 kHz stereo at its own times. Knows no sound output and no picture.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from app.sources.video_info import open_video

_log = logging.getLogger("ringside.app.speech")

RATE_HZ = 48_000

_GAP_SAMPLES = RATE_HZ // 50
"""Time stamps that are off by less are jitter, not gaps."""

Stereo = npt.NDArray[np.float32]
"""Shape (2, num_samples), -1 to 1."""


def has_sound(path: Path) -> bool:
    """Whether there is a sound to decode. Raises SourceError."""
    with open_video(path) as container:
        return _stream(container) is not None


def source_blocks(path: Path, start_s: float = 0.0) -> Generator[Stereo, None, None]:
    """The video's own sound from `start_s` on, in blocks of any size; nothing if it has none. Raises SourceError."""
    with open_video(path) as container:
        stream = _stream(container)
        if stream is None:
            return
        origin_s = (container.start_time or 0) / av.time_base
        if start_s > 1:
            try:
                container.seek(round((start_s - 0.5 + origin_s) * av.time_base), backward=True)
            except FFmpegError as error:
                _log.info("%s cannot be searched (%s); its sound is read from the start", path, error)
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
                        time_s = float(converted.pts * converted.time_base) - origin_s - start_s
                        missing = round(time_s * RATE_HZ) - position
                        if missing > _GAP_SAMPLES:
                            yield from _silence(missing)
                            position += missing
                        elif missing < -_GAP_SAMPLES:
                            samples = samples[:, -missing:]
                    if samples.shape[1]:
                        yield samples
                        position += samples.shape[1]


def _stream(container: InputContainer) -> AudioStream | None:
    for stream in container.streams.audio:
        # PyAV promises a decoder; for a kind that it does not know there is none.
        decoder: object = stream.codec_context
        if decoder is not None:
            return stream
    return None


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


def _silence(num_samples: int) -> Iterator[Stereo]:
    while num_samples > 0:
        size = min(num_samples, RATE_HZ)
        yield np.zeros((2, size), dtype=np.float32)
        num_samples -= size
