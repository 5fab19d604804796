"""Caption formats: how a phrase is spelt in SubRip, WebVTT, plain text and JSON lines.

Knows: what stands at the start of a file and what one phrase adds, so that a file is valid after every phrase.
Does not know: where files lie, or when they are written.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

from app.captions.phrase import Phrase
from app.errors import CaptionEndingError


@dataclasses.dataclass(frozen=True)
class CaptionFormat:
    """One way of writing phrases down."""

    name: str
    """As people call it."""

    header: str
    """What an empty file holds."""

    entry: Callable[[int, Phrase], str]
    """Number of the phrase (from 1) and the phrase -> what it adds to the file."""


def format_for(path: Path, *, has_times: bool = False) -> CaptionFormat:
    """The format that a file's ending asks for; `has_times` is for plain text. Raises CaptionEndingError."""
    ending = path.suffix.lower()
    if has_times and ending == ".txt":
        return TIMED_TEXT
    try:
        return _FORMATS[ending]
    except KeyError:
        raise CaptionEndingError(path, ENDINGS) from None


def short_clock(seconds: float) -> str:
    """A time as mm:ss, or h:mm:ss from one hour on."""
    minutes, rest_s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}" if hours else f"{minutes:02}:{rest_s:02}"


def jsonl_line(phrase: Phrase) -> str:
    """A phrase as one line of JSON."""
    return _jsonl(0, phrase)


def _clock(seconds: float, decimal_sign: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{decimal_sign}{milliseconds % 1000:03}"


def _srt(number: int, phrase: Phrase) -> str:
    times = f"{_clock(phrase.start_s, ',')} --> {_clock(phrase.end_s, ',')}"
    # SubRip has no way to escape its own arrow.
    return f"{number}\n{times}\n{phrase.text.replace('-->', '→')}\n\n"


def _vtt(number: int, phrase: Phrase) -> str:
    del number
    times = f"{_clock(phrase.start_s, '.')} --> {_clock(phrase.end_s, '.')}"
    text = phrase.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{times}\n{text}\n\n"


def _txt(number: int, phrase: Phrase) -> str:
    del number
    return f"{phrase.text}\n"


def _timed_txt(number: int, phrase: Phrase) -> str:
    del number
    return f"{short_clock(phrase.start_s)}  {phrase.text}\n"


def _jsonl(number: int, phrase: Phrase) -> str:
    del number
    times = {"start": round(phrase.start_s, 3), "end": round(phrase.end_s, 3)}
    return json.dumps({**times, "text": phrase.text}, ensure_ascii=False) + "\n"


_FORMATS = {
    ".srt": CaptionFormat("SubRip", "", _srt),
    ".vtt": CaptionFormat("WebVTT", "WEBVTT\n\n", _vtt),
    ".txt": CaptionFormat("plain text", "", _txt),
    ".jsonl": CaptionFormat("JSON lines", "", _jsonl),
}
TIMED_TEXT = CaptionFormat("plain text with times", "", _timed_txt)
ENDINGS = tuple(_FORMATS)
"""Endings of the files that can be written."""
