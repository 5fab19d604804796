"""Reads a finished transcript back, so that a person can edit it and export again without watching again.

Knows the forms in which Ringside writes phrases with times, as people's editors leave them. Knows no video.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

from app.captions import Phrase
from app.captions.words import join_words
from app.narrate.errors import TranscriptError

_CUE = re.compile(r"((?:\d+:)?\d+:\d+[.,]\d+)\s*-->\s*((?:\d+:)?\d+:\d+[.,]\d+)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


def read_transcript(path: Path) -> list[Phrase]:
    """The phrases of a .srt, .vtt or .jsonl file, in order of time. Raises TranscriptError."""
    ending = path.suffix.lower()
    if ending not in (".srt", ".vtt", ".jsonl"):
        raise TranscriptError(path, f"{ending or 'no ending'} says nothing of times")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TranscriptError(path, (error.strerror or str(error)).lower()) from error
    except UnicodeDecodeError as error:
        raise TranscriptError(path, "it is not UTF-8 text") from error
    try:
        phrases = list(_from_lines(text) if ending == ".jsonl" else _from_cues(text, is_vtt=ending == ".vtt"))
    except (ValueError, KeyError, TypeError) as error:
        raise TranscriptError(path, str(error)) from error
    if not phrases:
        raise TranscriptError(path, "there is no phrase with a time in it")
    return sorted(phrases, key=lambda phrase: phrase.start_s)


def _from_lines(text: str) -> Iterator[Phrase]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            phrase = Phrase.said(float(entry["start"]), float(entry["end"]), str(entry["text"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"line {number} is no phrase ({error})") from error
        if phrase is not None:
            yield phrase


def _from_cues(text: str, *, is_vtt: bool) -> Iterator[Phrase]:
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = block.strip().split("\n")
        for index, line in enumerate(lines):
            times = _CUE.search(line)
            if times is None:
                continue
            words = _TAG.sub("", join_words(line.strip() for line in lines[index + 1 :]))
            words = html.unescape(words) if is_vtt else words
            start_s, end_s = _seconds(times[1]), _seconds(times[2])
            phrase = Phrase.said(start_s, end_s, words)
            if phrase is not None:
                yield phrase
            break


def _seconds(clock: str) -> float:
    total = 0.0
    for part in clock.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total
