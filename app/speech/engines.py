"""The synthesisers, as the voice's process sees them: text in, PCM out.

Knows pyttsx3 and kokoro-onnx. Knows no pipes, no sound output, and not who asks. Imported in the voice's process only:
both libraries may hang, and are slow to load.
"""

from __future__ import annotations

import ctypes
import sys
import wave
from pathlib import Path
from typing import Any, Protocol

import numpy as np

_NATURAL_RATE_HZ = 24_000
_ESPEAK_RATE_HZ = 22_050
_ESPEAK_OK = 0
_DEFAULT_NATURAL_VOICE = "af_heart"
_NATURAL_LANGUAGES = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "p": "pt-br",
}
"""By a voice's first letter. Japanese and Chinese need a phonemiser that kokoro-onnx does not bring."""


class Synthesiser(Protocol):
    """Makes speech."""

    def voices(self) -> list[dict[str, str]]:
        """Every voice: "id", "name", "language"."""
        ...

    def synthesise(self, text: str, voice: str, rate: float) -> tuple[bytes, int]:
        """Mono int16 and its samples a second; an unknown `voice` is the usual one."""
        ...


class SystemSynthesiser:
    """What the system has: eSpeak NG, SAPI 5 or macOS speech, by pyttsx3."""

    def __init__(self, folder: Path) -> None:
        import pyttsx3

        self._engine = pyttsx3.init()
        self._file = folder / "speech.wav"
        self._usual_voice = self._engine.getProperty("voice")
        self._usual_words_per_min = float(self._engine.getProperty("rate"))
        self._known: dict[str, Any] | None = None

    def voices(self) -> list[dict[str, str]]:
        """Every voice of the system."""
        return [
            {"id": key, "name": str(voice.name), "language": _language(voice)}
            for key, voice in self._all().items()
        ]

    def synthesise(self, text: str, voice: str, rate: float) -> tuple[bytes, int]:
        """Speech; through a file, the one way in which pyttsx3 gives it away, unless eSpeak is what speaks."""
        wanted = voice if voice in self._all() else self._usual_voice
        words_per_min = round(self._usual_words_per_min * rate)
        espeak = sys.modules.get("pyttsx3.drivers._espeak")
        if espeak is not None:
            return _by_espeak(espeak, text, wanted, words_per_min), _ESPEAK_RATE_HZ
        self._engine.setProperty("voice", wanted)
        self._engine.setProperty("rate", words_per_min)
        self._file.unlink(missing_ok=True)
        self._engine.save_to_file(text, str(self._file))
        self._engine.runAndWait()
        with wave.open(str(self._file), "rb") as sound:
            if (sound.getnchannels(), sound.getsampwidth()) != (1, 2):
                raise ValueError(f"the voice gave {sound.getnchannels()} x {8 * sound.getsampwidth()} bit")
            return sound.readframes(sound.getnframes()), sound.getframerate()

    def _all(self) -> dict[str, Any]:
        if self._known is None:
            self._known = {str(voice.id): voice for voice in self._engine.getProperty("voices")}
        return self._known


class NaturalSynthesiser:
    """Kokoro-82M by kokoro-onnx: slower, and much closer to a person."""

    def __init__(self, model: Path, voices: Path) -> None:
        from kokoro_onnx import Kokoro

        self._kokoro = Kokoro(str(model), str(voices))
        self._known = [name for name in self._kokoro.get_voices() if name[:1] in _NATURAL_LANGUAGES]
        if not self._known:
            raise ValueError(f"{voices} holds no voice that can be used")

    def voices(self) -> list[dict[str, str]]:
        """The voices of the model that speak a language it can read by itself."""
        return [
            {
                "id": name,
                "name": name[3:].replace("_", " ").title() or name,
                "language": _NATURAL_LANGUAGES[name[0]],
            }
            for name in self._known
        ]

    def synthesise(self, text: str, voice: str, rate: float) -> tuple[bytes, int]:
        """Speech, all of it at once."""
        if voice not in self._known:
            voice = _DEFAULT_NATURAL_VOICE if _DEFAULT_NATURAL_VOICE in self._known else self._known[0]
        # The model itself takes 0.5 to 2; a voice that has to be faster than that is as fast as it can be.
        samples, rate_hz = self._kokoro.create(
            text, voice=voice, speed=min(max(rate, 0.5), 2.0), lang=_NATURAL_LANGUAGES[voice[0]]
        )
        pcm = np.clip(np.asarray(samples, dtype=np.float32) * 32767, -32768, 32767).astype("<i2")
        return pcm.tobytes(), int(rate_hz or _NATURAL_RATE_HZ)


def _by_espeak(espeak: Any, text: str, voice: str, words_per_min: int) -> bytes:
    """Speech by pyttsx3's binding of eSpeak, past its driver, which cancels now and then what it has just begun."""
    pieces: list[bytes] = []

    def keep(samples: Any, num_samples: int, events: Any) -> int:
        if num_samples > 0:
            pieces.append(ctypes.string_at(samples, 2 * num_samples))
        return 0

    espeak.SetSynthCallback(keep)
    encoded = text.replace("\0", " ").encode()
    for what, code in (
        ("the voice", espeak.SetVoiceByName(voice.encode())),
        ("the rate", espeak.SetParameter(espeak.RATE, words_per_min, 0)),
        # pyttsx3's Synth claims ten times the text's length, and eSpeak reads so much.
        (
            "the text",
            espeak.cSynth(
                *(encoded, len(encoded) + 1, 0, espeak.POS_CHARACTER, 0),
                *(espeak.ENDPAUSE | espeak.CHARS_UTF8, None, None),
            ),
        ),
    ):
        if code != _ESPEAK_OK:
            raise ValueError(f"eSpeak refuses {what} (its code is {code})")
    espeak.Synchronize()
    return b"".join(pieces)


def _language(voice: Any) -> str:
    # eSpeak puts a number before the name; the others give text.
    for language in voice.languages or ():
        text = language.decode("utf-8", "replace") if isinstance(language, bytes) else str(language)
        return "".join(letter for letter in text if letter.isprintable()).replace("_", "-").lower()
    return ""
