"""Annotations in the published JSONL form, and how a long commentary is cut into overlapped chunks.

Knows seconds and words. Knows nothing of tokens, pixels or models.

A line is one chunk: a user message whose content carries `video`, `video_start`, `video_end`, `previous` and, in
Live-WhisperX, `title`, and an assistant message whose content carries `text_stream` ([[start_s, end_s, word], ...]) and,
where somebody asks something, `qa_stream` ([[start_s, end_s, question, answer], ...]).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import AnnotationError


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One training example: what was said over a stretch of video. Times are seconds of the video."""

    video: str
    """The video's file name, relative to the annotation file; empty when the frames come with the chunk."""
    start_s: float
    end_s: float
    previous: str
    """What was said before the chunk: the title and all earlier words."""
    words: tuple[tuple[float, float, str], ...]
    """(start_s, end_s, word), in order of end."""
    questions: tuple[tuple[float, float, str, str], ...] = ()
    """(start_s, end_s, question, answer)."""
    title: str = ""
    """The video's title where a line has it apart (Live-WhisperX); kept for writing, a model is shown `previous`."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class CutSettings:
    """How a commentary is cut (protocol: W = 24, O = 12)."""

    chunk_s: float = 24.0
    """Length of a chunk, W."""
    stride_s: float = 12.0
    """From one chunk's start to the next."""
    min_words_per_s: float = 2.0
    """A chunk with fewer words a second of its length is left out."""

    def __post_init__(self) -> None:
        if self.chunk_s <= 0 or self.stride_s <= 0 or self.min_words_per_s < 0:
            raise AnnotationError(
                f"chunk_s ({self.chunk_s}) and stride_s ({self.stride_s}) must be above 0 and "
                f"min_words_per_s ({self.min_words_per_s}) must not be negative"
            )


def words_of_second(words: Sequence[tuple[float, float, str]], start_s: float, end_s: float) -> list[str]:
    """The words that belong to [start_s, end_s): those that end in it (a word belongs to the second in which it ends)."""
    return [word for _, end, word in words if start_s <= end < end_s]


def cut(
    words: Sequence[tuple[float, float, str]],
    *,
    title: str,
    duration_s: float,
    settings: CutSettings,
    video: str = "",
    first_start_s: float = 0.0,
) -> Iterator[Chunk]:
    """Cut a commentary of `duration_s` seconds into overlapped chunks. `words` are sorted by their end."""
    start_s = first_start_s
    while start_s + settings.chunk_s <= duration_s + 1e-9:
        end_s = start_s + settings.chunk_s
        inside = tuple(entry for entry in words if start_s <= entry[1] < end_s)
        if len(inside) >= settings.min_words_per_s * settings.chunk_s:
            earlier = [title, *(word for _, end, word in words if end < start_s)]
            yield Chunk(
                video=video,
                start_s=start_s,
                end_s=end_s,
                previous=" ".join(part for part in earlier if part),
                words=inside,
            )
        start_s += settings.stride_s


def to_line(chunk: Chunk) -> str:
    """The chunk as one line of the published JSONL form."""
    user: dict[str, Any] = {
        "video": chunk.video,
        "video_start": chunk.start_s,
        "video_end": chunk.end_s,
        "previous": chunk.previous,
    }
    if chunk.title:
        user["title"] = chunk.title
    assistant: dict[str, Any] = {"text_stream": [list(entry) for entry in chunk.words]}
    if chunk.questions:
        assistant["qa_stream"] = [list(entry) for entry in chunk.questions]
    return json.dumps(
        [{"role": "user", "content": [user]}, {"role": "assistant", "content": [assistant]}],
        ensure_ascii=False,
    )


def from_line(line: str, *, path: Path | None = None, number: int | None = None) -> Chunk:
    """Read one line. Content may be one mapping or a list of mappings whose keys are put together.

    Raises AnnotationError that names the file, the line and the field.
    """
    try:
        messages = json.loads(line)
    except json.JSONDecodeError as error:
        raise AnnotationError(f"this is not JSON ({error.msg})", path=path, line=number) from error
    if not isinstance(messages, list):
        raise AnnotationError("a line must be a list of messages", path=path, line=number)
    contents = {
        str(message.get("role")): _merged(message.get("content"))
        for message in messages
        if isinstance(message, dict)
    }
    user, assistant = contents.get("user"), contents.get("assistant")
    if user is None or assistant is None:
        raise AnnotationError("a chunk needs one user and one assistant message", path=path, line=number)
    try:
        words = sorted(
            ((float(start), float(end), str(word)) for start, end, word in assistant["text_stream"]),
            key=lambda w: w[1],
        )
        questions = tuple(
            (float(start), float(end), str(question), str(answer))
            for start, end, question, answer in assistant.get("qa_stream", ())
        )
        chunk = Chunk(
            video=str(user["video"]),
            start_s=float(user["video_start"]),
            end_s=float(user["video_end"]),
            # Live-WhisperX gives the title beside it; where nothing was said before, it is what is known.
            previous=str(user.get("previous") or user.get("title") or ""),
            words=tuple(words),
            questions=questions,
            title=str(user.get("title") or ""),
        )
    except KeyError as error:
        raise AnnotationError(f"the field {error} is missing", path=path, line=number) from error
    except (TypeError, ValueError) as error:
        raise AnnotationError(
            f"a field has a value of the wrong kind ({error})", path=path, line=number
        ) from error
    if chunk.end_s <= chunk.start_s:
        raise AnnotationError(
            f"the chunk ends ({chunk.end_s}) before it starts ({chunk.start_s})", path=path, line=number
        )
    return chunk


def read(path: Path) -> Iterator[Chunk]:
    """Every chunk of a JSONL file, in order. Raises AnnotationError."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                # The published files named *_with_seeks end in a list of where their lines begin.
                if line.strip() and not re.match(r"\[\s*\d", line):
                    yield from_line(line, path=path, number=number)
    except OSError as error:
        raise AnnotationError(f"can't be read ({error.strerror})", path=path) from error


def _merged(content: object) -> Mapping[str, Any]:
    parts = content if isinstance(content, list) else [content]
    merged: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, dict):
            merged.update(part)
    return merged
