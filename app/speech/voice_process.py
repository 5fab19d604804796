"""The process that makes speech: one line of JSON in, one line of JSON and its PCM out, until the input ends.

    python -m app.speech.voice_process FOLDER [MODEL VOICES]

FOLDER is for its own files; with MODEL and VOICES it is the natural voice, else the system's. Knows the conversation.
Knows no sound output. It is a process of its own because synthesisers may hang for good; then it is killed. It ends by
itself when the program that started it is gone.

In:  {"text": "...", "voice": "...", "rate": 1.0} or {"list": true}
Out: {"rate_hz": 22050, "num_bytes": 1234} and so many bytes of mono int16, {"voices": [...]}, or {"error": "..."};
     first of all {"ready": true} or {"error": "..."}.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from app.speech.engines import NaturalSynthesiser, Synthesiser, SystemSynthesiser


def main(arguments: Sequence[str]) -> int:
    """Serve until the input ends. Returns the exit code."""
    # What the libraries print must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    synthesiser: Synthesiser
    try:
        folder, *model = map(Path, arguments)
        synthesiser = NaturalSynthesiser(*model) if model else SystemSynthesiser(folder)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is the answer
        _answer(answers, {"error": _words(error)})
        return 1
    _answer(answers, {"ready": True})
    for line in sys.stdin:
        try:
            request = json.loads(line)
            if "list" in request:
                _answer(answers, {"voices": synthesiser.voices()})
                continue
            pcm, rate_hz = synthesiser.synthesise(request["text"], request["voice"], request["rate"])
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is the answer
            _answer(answers, {"error": _words(error)})
            continue
        _answer(answers, {"rate_hz": rate_hz, "num_bytes": len(pcm)}, pcm)
    return 0


def _answer(answers: BinaryIO, header: dict[str, Any], pcm: bytes = b"") -> None:
    answers.write(json.dumps(header).encode() + b"\n" + pcm)
    answers.flush()


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
