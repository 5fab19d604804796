"""Writes the narrated video: picture, mixed sound and subtitles into one MP4 file.

Knows containers and the order in which things go into them. Knows no model and no voice.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from app.captions import Phrase
from app.narrate.errors import NarrationCancelledError
from app.narrate.picture import Picture, packets, template
from app.speech.video_sound import RATE_HZ, Stereo

_SOUND_BITS_PER_S = 160_000
_AHEAD_S = 0.5
"""Sound is written this much before the picture that it belongs to."""

_READ_ON_S = 1.0
"""A subtitle stays so much longer if nothing else is said: a second is short for reading."""

_STYLE = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""What the subtitle encoder makes the track's description of."""


def write_movie(
    path: Path,
    picture: Picture,
    sound: Iterator[Stereo],
    subtitles: Sequence[Phrase],
    *,
    title: str,
    on_progress: Callable[[float], None],
    is_cancelled: Callable[[], bool],
) -> None:
    """Write all of it. Raises NarrationCancelledError; OSError and FFmpegError if the file cannot be written."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = template(picture, container)
        audio = container.add_stream("aac", rate=RATE_HZ, layout="stereo")
        audio.bit_rate = _SOUND_BITS_PER_S
        texts = _SubtitleTrack(container, subtitles) if subtitles else None
        audio.metadata.update({"language": "und", "handler_name": "Original and commentary"})
        if title:
            container.metadata["title"] = title
        container.start_encoding()
        voice = _SoundTrack(container, audio, sound)
        for packet, time_s in packets(picture, video):
            if is_cancelled():
                raise NarrationCancelledError
            voice.write_until(time_s + _AHEAD_S, is_cancelled)
            if texts is not None:
                texts.write_until(time_s + _AHEAD_S)
            container.mux(packet)
            on_progress(min(1.0, max(0.0, time_s / picture.duration_s)) if picture.duration_s else 0.0)
        voice.finish(is_cancelled)
        if texts is not None:
            texts.write_until(float("inf"))


class _SoundTrack:
    def __init__(self, container: OutputContainer, stream: AudioStream, blocks: Iterator[Stereo]) -> None:
        self._container = container
        self._stream = stream
        self._blocks = blocks
        self._position = 0

    def write_until(self, time_s: float, is_cancelled: Callable[[], bool]) -> bool:
        """Encode sound up to a moment; False when there is no more."""
        while self._position < time_s * RATE_HZ:
            if is_cancelled():
                raise NarrationCancelledError
            block = next(self._blocks, None)
            if block is None:
                return False
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate = RATE_HZ
            frame.pts, frame.time_base = self._position, Fraction(1, RATE_HZ)
            self._position += block.shape[1]
            self._container.mux(self._stream.encode(frame))
        return True

    def finish(self, is_cancelled: Callable[[], bool]) -> None:
        """Encode the rest."""
        while self.write_until(self._position / RATE_HZ + 1, is_cancelled):
            pass
        self._container.mux(self._stream.encode())


class _SubtitleTrack:
    def __init__(self, container: OutputContainer, phrases: Sequence[Phrase]) -> None:
        self._container = container
        self._stream = container.add_stream("mov_text")
        self._stream.codec_context.subtitle_header = _STYLE
        self._stream.codec_context.time_base = Fraction(1, 1000)
        self._stream.time_base = Fraction(1, 1000)
        self._stream.metadata.update({"language": "und", "handler_name": "Commentary"})
        self._cues = iter(_cues(phrases))
        self._next = next(self._cues, None)

    def write_until(self, time_s: float) -> None:
        """Write the subtitles that begin before a moment."""
        while self._next is not None and self._next[0] < time_s * 1000:
            start_ms, end_ms, text = self._next
            # A sample of the format is the text's length and the text; the encoder would read markup into it.
            words = text.encode("utf-8")[: 2**16 - 1]
            packet = Packet(struct.pack(">H", len(words)) + words)
            packet.stream = self._stream
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = start_ms
            packet.duration = end_ms - start_ms
            self._container.mux(packet)
            self._next = next(self._cues, None)


def _cues(phrases: Sequence[Phrase]) -> Iterator[tuple[int, int, str]]:
    """Start and end in milliseconds and text; none overlaps the next."""
    for index, phrase in enumerate(phrases):
        end_s = phrase.end_s + _READ_ON_S
        if index + 1 < len(phrases):
            end_s = min(end_s, phrases[index + 1].start_s)
        start_ms, end_ms = round(phrase.start_s * 1000), round(end_s * 1000)
        if end_ms > start_ms:
            yield start_ms, end_ms, phrase.text
