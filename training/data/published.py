"""The published data sets' forms, read with their broken lines counted, and written.

- Inf-Streams-Train and Live-WhisperX-526K: a conversation of one chunk a line (`training.sft.annotation`). The files named
  `*_with_seeks.jsonl` end in a line that lists where, in bytes, every chunk's line begins.
- Inf-Streams-Eval: a game a line, {"video", "title", "content": [[start_s, end_s, word], ...]}.
- LiveSports-3K: CSV or JSON tables of events ("video_id", "event_id", "begin", "end", ...) and of questions.

Knows files and lines. Knows nothing of videos or tokens.
"""

import csv
import io
import itertools
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from training.data.errors import PublishedFormError
from training.errors import AnnotationError
from training.evaluate.files import write_text
from training.sft.annotation import Chunk, from_line, to_line

LIVE_WHISPERX_QUERY = "Please describe the video."
_NUM_SAMPLED = 1000
"""Places of a seek index that are looked at: half a million would take minutes on a network disk."""


@dataclass(frozen=True, kw_only=True)
class LineProblem:
    """A line that was left out, or repaired."""

    line: int
    what: str
    detail: str
    is_repaired: bool = False


class ChunkFile:
    """A file of chunks, each found without reading the others.

    The seek index in the last line is used where there is one and it is right; otherwise the file is read once. Holds no
    open file, so that it can go to worker processes.
    """

    def __init__(self, path: Path) -> None:
        """Raises PublishedFormError where the file can't be read."""
        self.path = path
        self.index_problem = ""
        """Why the file's own index was not used, where it has one that is not right."""
        try:
            with path.open("rb") as file:
                self._seeks = np.array(self._find_seeks(file), np.int64)
        except OSError as error:
            raise PublishedFormError(path, f"it can't be read ({error.strerror}).") from error

    def __len__(self) -> int:
        return len(self._seeks)

    def line(self, index: int) -> str:
        """The text of a chunk's line."""
        with self.path.open("rb") as file:
            file.seek(int(self._seeks[index]))
            return file.readline().decode("utf-8", errors="replace")

    def chunk(self, index: int) -> Chunk:
        """A chunk. Raises AnnotationError where its line is broken."""
        return from_line(self.line(index), path=self.path, number=index + 1)

    def _find_seeks(self, file: BinaryIO) -> list[int]:
        size = file.seek(0, os.SEEK_END)
        last = _last_line(file, size)
        try:
            value = json.loads(last) if last.startswith(b"[") else None
        except ValueError:
            value = None
        if isinstance(value, list) and value and all(type(seek) is int for seek in value):
            if _fits(file, value, size - len(last)):
                return value
            self.index_problem = "its seek index does not fit its lines"
        file.seek(0)
        starts: list[int] = []
        at = 0
        for line in file:
            if line.strip() and not is_seek_index(line):
                starts.append(at)
            at += len(line)
        return starts


def _fits(file: BinaryIO, seeks: Sequence[int], end: int) -> bool:
    """Whether an index rises from the file's start to its end, and a sample of its places follow a line's end."""
    if seeks[0] != 0 or seeks[-1] >= end or any(a >= b for a, b in itertools.pairwise(seeks)):
        return False
    step = max(1, len(seeks) // _NUM_SAMPLED)
    sample = [*seeks[1::step], *seeks[-1:]]
    return all(seek == 0 or os.pread(file.fileno(), 1, seek - 1) == b"\n" for seek in sample)


def is_seek_index(line: bytes) -> bool:
    """Whether a line is the list of line starts, and not a chunk."""
    return line[:1] == b"[" and line[1:2].isdigit()


def read_chunks(path: Path) -> Iterator[Chunk | LineProblem]:
    """Every chunk of a file, repaired where it can be, and a problem for every line that is repaired or left out."""
    chunks = ChunkFile(path)
    if chunks.index_problem:
        yield LineProblem(line=0, what="seek index", detail=chunks.index_problem, is_repaired=True)
    for index in range(len(chunks)):
        line = chunks.line(index)
        try:
            chunk = from_line(line, path=path, number=index + 1)
        except AnnotationError as error:
            swapped = _with_ends_in_order(line)
            if swapped is None:
                yield LineProblem(line=index + 1, what="broken line", detail=str(error))
                continue
            chunk = swapped
            yield LineProblem(
                line=index + 1,
                what="chunk's start and end swapped",
                detail=f"{chunk.end_s}, {chunk.start_s}",
                is_repaired=True,
            )
        mended, problems = mend(chunk, line=index + 1)
        yield from problems
        if mended is not None:
            yield mended


def mend(chunk: Chunk, *, line: int) -> tuple[Chunk | None, list[LineProblem]]:
    """A chunk whose words have times that can be: swapped times are put right, words elsewhere in the video dropped."""
    problems: list[LineProblem] = []
    words: list[tuple[float, float, str]] = []
    num_swapped = num_outside = 0
    for start, end, word in chunk.words:
        if not (math.isfinite(start) and math.isfinite(end)):
            num_outside += 1
            continue
        if end < start:
            start, end = end, start
            num_swapped += 1
        # A word may begin before the chunk; it belongs to the second in which it ends. A recogniser's rounding is let be.
        if not chunk.start_s - 0.05 <= end <= chunk.end_s + 0.05 or not word.strip():
            num_outside += 1
            continue
        words.append((start, end, word))
    if num_swapped:
        problems.append(
            LineProblem(
                line=line,
                what="word's start and end swapped",
                detail=f"{num_swapped} words",
                is_repaired=True,
            )
        )
    if num_outside:
        problems.append(
            LineProblem(
                line=line, what="word outside the chunk", detail=f"{num_outside} words", is_repaired=True
            )
        )
    if not words:
        problems.append(LineProblem(line=line, what="no words", detail=chunk.video))
        return None, problems
    words.sort(key=lambda entry: entry[1])
    return replace(chunk, words=tuple(words)), problems


def write_chunks(
    path: Path, chunks: Iterable[Chunk], *, form: str = "inf-streams", seeks: bool = True
) -> int:
    """Write chunks, with the seek index as the last line. The file appears at once. Returns how many there are.

    Args:
        form: "inf-streams" or "live-whisperx".
    """
    write_line = {"inf-streams": to_line, "live-whisperx": live_whisperx_line}[form]
    return write_lines(path, (write_line(chunk) for chunk in chunks), seeks=seeks)


def write_lines(path: Path, lines: Iterable[str], *, seeks: bool = True) -> int:
    """Lines one by one, so that a file of any size needs little memory; see `write_chunks`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    starts: list[int] = []
    try:
        with part.open("wb") as file:
            at = 0
            for line in lines:
                starts.append(at)
                at += file.write(line.encode() + b"\n")
            if seeks and starts:
                file.write(json.dumps(starts).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return len(starts)


def live_whisperx_line(chunk: Chunk, *, query: str = LIVE_WHISPERX_QUERY) -> str:
    """A chunk as a line of Live-WhisperX-526K: the query's part carries what was said before and the title."""
    # Where nothing was said before, the title stands in for it once a line is read.
    previous = "" if chunk.previous == chunk.title else chunk.previous
    user = [
        {"type": "video", "video": chunk.video, "video_start": chunk.start_s, "video_end": chunk.end_s},
        {"type": "text", "text": query, "previous": previous, "title": chunk.title},
    ]
    said = [{"type": "text_stream", "text_stream": [list(word) for word in chunk.words]}]
    return json.dumps(
        [{"role": "user", "content": user}, {"role": "assistant", "content": said}], ensure_ascii=False
    )


def read_games(path: Path) -> tuple[list[dict[str, Any]], list[LineProblem]]:
    """Games of the published form; lines that are none are counted. Raises PublishedFormError."""
    games: list[dict[str, Any]] = []
    problems: list[LineProblem] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            problems.append(LineProblem(line=number, what="not JSON", detail=str(error)))
            continue
        if isinstance(value, dict) and isinstance(value.get("video"), str) and value.get("content"):
            games.append(value)
        else:
            problems.append(LineProblem(line=number, what="not a game", detail=line[:60]))
    return games, problems


def write_games(path: Path, games: Iterable[Mapping[str, Any]]) -> int:
    """Write games, {"video", "title", "content"} a line, without a seek index, as published."""
    wanted = ("video", "title", "content")
    return write_lines(
        path,
        (json.dumps({name: game[name] for name in wanted}, ensure_ascii=False) for game in games),
        seeks=False,
    )


def read_events(path: Path) -> tuple[list[dict[str, Any]], list[LineProblem]]:
    """LiveSports-3K's table of events or of questions (CSV or JSON), "begin" and "end" as numbers, all columns kept.

    Swapped times are put right; rows without a video or with times that are no numbers are left out; both are counted.

    Raises PublishedFormError.
    """
    text = _text(path)
    try:
        rows: Sequence[Any] = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [json.loads(line) for line in text.split("\n") if line.strip()]
            if text.lstrip().startswith("{")
            else list(csv.DictReader(io.StringIO(text)))
        )
    except ValueError as error:
        raise PublishedFormError(path, f"it is neither CSV nor JSON ({error}).") from error
    events: list[dict[str, Any]] = []
    problems: list[LineProblem] = []
    for number, row in enumerate(rows, start=1):
        try:
            event = dict(row)
            if not str(event.get("video_id") or event.get("video") or ""):
                raise ValueError("no video_id")
            if "begin" in event or "end" in event:
                begin, end = float(event["begin"]), float(event["end"])
                if not (math.isfinite(begin) and math.isfinite(end)) or begin == end:
                    raise ValueError(f"begin {begin}, end {end}")
                if end < begin:
                    problems.append(
                        LineProblem(
                            line=number,
                            what="begin and end swapped",
                            detail=f"{begin}, {end}",
                            is_repaired=True,
                        )
                    )
                event["begin"], event["end"] = min(begin, end), max(begin, end)
        except (KeyError, TypeError, ValueError) as error:
            problems.append(LineProblem(line=number, what="broken row", detail=str(error)))
            continue
        events.append(event)
    return events, problems


def write_events(path: Path, events: Sequence[Mapping[str, Any]]) -> None:
    """Write a table of LiveSports-3K: JSON where the name ends so, else CSV with every column that any row has."""
    if path.suffix == ".json":
        write_text(path, json.dumps(list(events), ensure_ascii=False, indent=1) + "\n")
        return
    columns = list(dict.fromkeys(name for event in events for name in event))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(events)
    write_text(path, text.getvalue())


def tally(problems: Iterable[LineProblem]) -> dict[str, int]:
    """How often each problem came."""
    return dict(sorted(Counter(problem.what for problem in problems).items()))


def _with_ends_in_order(line: str) -> Chunk | None:
    """The chunk of a line whose only fault is that it ends before it starts."""
    try:
        messages = json.loads(line)
        for part in messages[0]["content"]:
            if "video_start" in part and part["video_end"] < part["video_start"]:
                part["video_start"], part["video_end"] = part["video_end"], part["video_start"]
                return from_line(json.dumps(messages))
    except (ValueError, TypeError, KeyError, IndexError, AnnotationError):
        return None
    return None


def _last_line(file: BinaryIO, size: int) -> bytes:
    step, content = 1 << 16, b""
    while len(content) < size:
        content = _tail(file, size, min(step, size))
        if b"\n" in content[:-1]:
            return content[content[:-1].rfind(b"\n") + 1 :]
        step *= 8
    return content


def _tail(file: BinaryIO, size: int, num_bytes: int) -> bytes:
    file.seek(size - num_bytes)
    return file.read(num_bytes)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PublishedFormError(path, f"it can't be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise PublishedFormError(path, "it is not UTF-8 text.") from error
