"""The words of a video with their times, in segments, and where they come from.

Knows the form in which the pipeline keeps them (a line of the published form of games, with the segments beside it) and
WhisperX's. Knows nothing of videos or language models.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.data.errors import UnusableError
from training.evaluate.files import write_text
from training.evaluate.metadata import Word, repair

MAX_SEGMENT_S = 15.0
"""Longest segment that words without segments are put in."""
PAUSE_S = 1.0
"""A pause this long ends a segment, where words come without segments."""


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """Everything that is said in a video."""

    segments: tuple[tuple[Word, ...], ...]
    """Sentences or what stands for them, none empty, in order of time; each word as (start_s, end_s, word)."""
    repairs: Mapping[str, int] = field(default_factory=dict)
    """How many words could not be right as they stood, by what was wrong."""
    language: str = ""

    @property
    def words(self) -> list[Word]:
        """All words in order of time."""
        return [word for segment in self.segments for word in segment]

    def facts(self) -> dict[str, Any]:
        """Counts for the manifest."""
        words = self.words
        return {
            "num_words": len(words),
            "num_segments": len(self.segments),
            "speech_s": round(sum(end - start for start, end, _ in words), 2),
            "repairs": {name: number for name, number in self.repairs.items() if number},
        }


def write(path: Path, transcript: Transcript, *, video: str, title: str, digest: str, facts: Any) -> None:
    """Write a transcript: the published form of a game, and what the pipeline knows besides. Appears at once."""
    value = {
        "video": video,
        "title": title,
        "content": [list(word) for word in transcript.words],
        "segment_sizes": [len(segment) for segment in transcript.segments],
        "language": transcript.language,
        "repairs": dict(transcript.repairs),
        "digest": digest,
        "facts": facts,
    }
    write_text(path, json.dumps(value, ensure_ascii=False) + "\n")


def read(path: Path) -> Transcript:
    """Read what `write` wrote. Raises OSError, ValueError."""
    value = json.loads(path.read_text(encoding="utf-8"))
    words = [(float(start), float(end), str(word)) for start, end, word in value["content"]]
    segments, at = [], 0
    for size in value["segment_sizes"]:
        segments.append(tuple(words[at : at + size]))
        at += size
    return Transcript(
        segments=tuple(segments), repairs=value["repairs"], language=str(value.get("language", ""))
    )


def from_segments(segments: Sequence[Sequence[Sequence[Any]]], *, language: str = "") -> Transcript:
    """Repair words (`training.evaluate.metadata.repair`) and keep them in the segments they came in.

    Words whose repaired beginning lies in another segment than before are moved with it: order of time comes first.
    """
    tagged = [
        (start, end, (number, word))
        for number, segment in enumerate(segments)
        for start, end, word in segment
    ]
    plain = [(start, end, f"{number} {word}") for start, end, (number, word) in tagged if str(word).strip()]
    num_blank = len(tagged) - len(plain)
    words, repairs = repair(plain)
    found: list[list[Word]] = []
    last = ""
    for start, end, text in words:
        number, _, word = text.partition(" ")
        if number != last or not found:
            found.append([])
            last = number
        found[-1].append((round(start, 3), round(end, 3), word.strip()))
    return Transcript(
        segments=tuple(tuple(segment) for segment in found),
        repairs={
            "dropped": repairs.num_dropped + num_blank,
            "swapped": repairs.num_swapped,
            "out_of_order": repairs.num_out_of_order,
            "overlapping": repairs.num_overlapping,
        },
        language=language,
    )


def from_words(words: Sequence[Sequence[Any]], *, language: str = "") -> Transcript:
    """Words that come without segments: a sentence's end, a pause or too great a length ends one."""
    ordered, repairs = repair(words)
    segments: list[list[Word]] = []
    for start, end, word in ordered:
        current = segments[-1] if segments else None
        if (
            current is None
            or start - current[-1][1] >= PAUSE_S
            or end - current[0][0] > MAX_SEGMENT_S
            or current[-1][2].endswith((".", "!", "?"))
        ):
            segments.append([])
        segments[-1].append((start, end, word))
    return Transcript(
        segments=tuple(tuple(segment) for segment in segments),
        repairs={
            "dropped": repairs.num_dropped,
            "swapped": repairs.num_swapped,
            "out_of_order": repairs.num_out_of_order,
            "overlapping": repairs.num_overlapping,
        },
        language=language,
    )


def from_whisperx(value: Any) -> Transcript:
    """WhisperX's JSON ({"segments": [{"start", "end", "text", "words": [{"word", "start", "end"}]}]}).

    WhisperX leaves out the times of what it could not align (figures, mostly), and the words of a segment it could not
    align at all: such words are spread evenly over the time between their neighbours, or over the segment.

    Raises UnusableError where it is something else, or says nothing.
    """
    if isinstance(value, dict) and isinstance(value.get("content"), list):  # a game in the published form
        return _checked(from_words(value["content"], language=str(value.get("language") or "")))
    if not isinstance(value, dict) or not isinstance(value.get("segments"), list):
        raise UnusableError('its transcript has neither "segments" (WhisperX) nor "content"')
    interpolated = 0
    segments: list[list[tuple[float, float, str]]] = []
    for segment in value["segments"]:
        if not isinstance(segment, dict):
            continue
        words, number = _aligned(segment)
        interpolated += number
        segments.append(words)
    transcript = _checked(from_segments(segments, language=str(value.get("language") or "")))
    return Transcript(
        segments=transcript.segments,
        repairs={**transcript.repairs, "interpolated": interpolated},
        language=transcript.language,
    )


def within(transcript: Transcript, duration_s: float) -> Transcript:
    """Without the words that begin after the video has ended: recognisers invent them over silence."""
    kept = [tuple(word for word in segment if word[0] < duration_s) for segment in transcript.segments]
    segments = tuple(segment for segment in kept if segment)
    dropped = len(transcript.words) - sum(len(segment) for segment in segments)
    return Transcript(
        segments=segments,
        repairs={**transcript.repairs, "after_the_end": dropped},
        language=transcript.language,
    )


def _checked(transcript: Transcript) -> Transcript:
    if not transcript.segments:
        raise UnusableError("nothing is said in it")
    return transcript


def _aligned(segment: Mapping[str, Any]) -> tuple[list[tuple[float, float, str]], int]:
    """Words of a segment, all with times, and how many had none."""
    start_s, end_s = _number(segment.get("start")), _number(segment.get("end"))
    raw = segment.get("words")
    entries = [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []
    texts = [str(entry.get("word") or entry.get("text") or "").strip() for entry in entries]
    times = [(_number(entry.get("start")), _number(entry.get("end"))) for entry in entries]
    if not entries:
        texts = str(segment.get("text") or "").split()
        times = [(None, None)] * len(texts)
    words: list[tuple[float, float, str]] = []
    num_missing = at = 0
    while at < len(texts):
        begin, finish = times[at]
        if begin is not None and finish is not None:
            words.append((begin, finish, texts[at]))
            at += 1
            continue
        until = at
        while until < len(texts) and None in times[until]:
            until += 1
        left = words[-1][1] if words else start_s
        right = times[until][0] if until < len(texts) else end_s
        num_missing += until - at
        if left is not None:
            right = left if right is None else max(right, left)
            step = (right - left) / (until - at)
            for index in range(at, until):
                words.append((left + (index - at) * step, left + (index - at + 1) * step, texts[index]))
        at = until
    return words, num_missing


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
