"""The synthesisers, as the voice's process sees them: text in, PCM out.

Knows pyttsx3 and kokoro-onnx. Knows no pipes, no sound output, and not who asks. Imported in the voice's process only:
both libraries may hang, and are slow to load.
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path
from typing import Any, Protocol

import numpy as np

_NATURAL_RATE_HZ = 24_000
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
        """Speech, through a file: the one way in which pyttsx3 gives it away."""
        wanted = voice if voice in self._all() else self._usual_voice
        self._engine.setProperty("voice", wanted)
        self._engine.setProperty("rate", round(self._usual_words_per_min * rate))
        _let_espeak_settle()
        self._file.unlink(missing_ok=True)
        self._engine.save_to_file(text, str(self._file))
        self._engine.runAndWait()
        _let_espeak_settle()  # its thread may still be at it: the first time pyttsx3 waits a hundredth of a second only
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


def _let_espeak_settle() -> None:
    """Wait until eSpeak, if it is what speaks, has done what it was asked: it does so in a thread, sometimes too late."""
    espeak = sys.modules.get("pyttsx3.drivers._espeak")
    if espeak is not None:
        espeak.Synchronize()


def _language(voice: Any) -> str:
    # eSpeak puts a number before the name; the others give text.
    for language in voice.languages or ():
        text = language.decode("utf-8", "replace") if isinstance(language, bytes) else str(language)
        return "".join(letter for letter in text if letter.isprintable()).replace("_", "-").lower()
    return ""
