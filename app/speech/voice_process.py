"""The process that makes speech: one line of JSON in, one line of JSON and its PCM out, until the input ends.

    python -m app.speech.voice_process FOLDER

Knows pyttsx3 and the file that it writes into FOLDER. Knows no sound output. It is a process of its own because
pyttsx3 may hang for good; then it is killed. It ends by itself when the program that started it is gone.

In:  {"text": "..."}
Out: {"rate_hz": 22050, "num_bytes": 1234} and so many bytes of mono int16, or {"error": "..."}; first of all
     {"ready": true} or {"error": "..."}.
"""

from __future__ import annotations

import json
import os
import sys
import wave
from pathlib import Path
from typing import Any, BinaryIO


def main(folder: Path) -> int:
    """Serve until the input ends. Returns the exit code."""
    # What pyttsx3 prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        import pyttsx3

        voice = pyttsx3.init()
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is the answer
        _answer(answers, {"error": _words(error)})
        return 1
    _answer(answers, {"ready": True})
    for line in sys.stdin:
        try:
            pcm, rate_hz = _synthesise(voice, json.loads(line)["text"], folder / "speech.wav")
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is the answer
            _answer(answers, {"error": _words(error)})
            continue
        _answer(answers, {"rate_hz": rate_hz, "num_bytes": len(pcm)}, pcm)
    return 0


def _synthesise(voice: Any, text: str, file: Path) -> tuple[bytes, int]:
    """Mono int16 and its samples a second."""
    file.unlink(missing_ok=True)
    voice.save_to_file(text, str(file))
    voice.runAndWait()
    with wave.open(str(file), "rb") as sound:
        if (sound.getnchannels(), sound.getsampwidth()) != (1, 2):
            raise ValueError(f"the voice gave {sound.getnchannels()} x {8 * sound.getsampwidth()} bit")
        return sound.readframes(sound.getnframes()), sound.getframerate()


def _answer(answers: BinaryIO, header: dict[str, Any], pcm: bytes = b"") -> None:
    answers.write(json.dumps(header).encode() + b"\n" + pcm)
    answers.flush()


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
