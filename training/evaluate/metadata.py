"""Inf-Streams-Eval's metadata: games with the words that were said, and the clips on which commentaries are compared.

Knows the published forms, how times that can't be right are repaired and counted, and how clips are cut. Knows nothing
of models, judges or pixels.

A game is a line `{"video": "a/b.mp4", "content": [[start_s, end_s, word], ...]}`, with a "title" where there is one; a
clip is a line `{"video", "title", "preasr", "content"}`, where "preasr" is what was said before.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from training.evaluate.errors import DataFileError
from training.evaluate.files import read_rows

Word = tuple[float, float, str]
"""(start_s, end_s, word)."""


@dataclass(frozen=True, kw_only=True)
class Repairs:
    """How much of a metadata file could not be right as it stood."""

    num_dropped: int = 0
    """Entries without a word, or with times that are no numbers."""
    num_swapped: int = 0
    """Words that ended before they began: the two times change places."""
    num_out_of_order: int = 0
    """Words that begin before the word in front of them does: they are sorted by their beginning."""
    num_overlapping: int = 0
    """Words that went on after the next had begun: they now end there. A word's beginning is the surer of its times."""

    def __add__(self, other: "Repairs") -> "Repairs":
        return Repairs(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True, kw_only=True)
class Game:
    """A whole video and everything that was said over it."""

    video: str
    """Path as the metadata has it."""
    title: str
    words: tuple[Word, ...]
    repairs: Repairs

    @property
    def name(self) -> str:
        """The video's file name, by which result files know it."""
        return Path(self.video).name

    @property
    def end_s(self) -> int:
        """The whole second in which the last word ends, as published."""
        return int(self.words[-1][1]) if self.words else 0


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A stretch of a game on which two commentaries are compared."""

    video: str
    title: str
    previous: str
    """What had been said before it."""
    words: tuple[Word, ...]

    @property
    def name(self) -> str:
        """The video's file name."""
        return Path(self.video).name

    @property
    def start_s(self) -> int:
        """The whole second in which the first word begins, as published."""
        return int(self.words[0][0]) if self.words else 0

    @property
    def end_s(self) -> int:
        """The whole second in which the last word ends, as published."""
        return int(self.words[-1][1]) if self.words else 0

    @property
    def label(self) -> str:
        """How it is called where it has to be named."""
        return f"{self.name} [{self.start_s}, {self.end_s}]"

    @property
    def reference(self) -> str:
        """The words that were said."""
        return " ".join(word for _, _, word in self.words)


def repair(content: Iterable[Any]) -> tuple[tuple[Word, ...], Repairs]:
    """Words with times that can be: each ends no earlier than it begins, and no later than the next one begins."""
    dropped = swapped = out_of_order = overlapping = 0
    words: list[Word] = []
    for entry in content:
        word = _word(entry)
        if word is None:
            dropped += 1
            continue
        start_s, end_s, text = word
        if end_s < start_s:
            start_s, end_s = end_s, start_s
            swapped += 1
        out_of_order += bool(words) and start_s < words[-1][0]
        words.append((start_s, end_s, text))
    words.sort(key=lambda word: (word[0], word[1]))
    for at in range(len(words) - 1):
        start_s, end_s, text = words[at]
        if end_s > words[at + 1][0]:
            words[at] = (start_s, words[at + 1][0], text)
            overlapping += 1
    return tuple(words), Repairs(
        num_dropped=dropped,
        num_swapped=swapped,
        num_out_of_order=out_of_order,
        num_overlapping=overlapping,
    )


def _word(entry: Any) -> Word | None:
    try:
        start, end, text = entry
        start_s, end_s = float(start), float(end)
    except (TypeError, ValueError):
        return None
    text = str(text).strip()
    return (start_s, end_s, text) if text and math.isfinite(start_s) and math.isfinite(end_s) else None


def read_games(path: Path) -> list[Game]:
    """Every game of a metadata file. Raises DataFileError."""
    games: list[Game] = []
    for number, row in read_rows(path):
        video, content = _video_and_content(path, number, row)
        words, repairs = repair(content)
        if not words:
            raise DataFileError(path, f"nothing is said in {video}.", line=number)
        games.append(Game(video=video, title=str(row.get("title") or ""), words=words, repairs=repairs))
    _refuse_twins(path, [game.name for game in games])
    return games


def read_clips(path: Path) -> tuple[list[Clip], Repairs]:
    """Every clip of a clips file, and what had to be repaired in all of them. Raises DataFileError."""
    clips: list[Clip] = []
    total = Repairs()
    for number, row in read_rows(path):
        video, content = _video_and_content(path, number, row)
        words, repairs = repair(content)
        total += repairs
        if not words:
            raise DataFileError(path, f"nothing is said in this clip of {video}.", line=number)
        clips.append(
            Clip(
                video=video,
                title=str(row.get("title") or ""),
                previous=str(row.get("preasr") or ""),
                words=words,
            )
        )
    return clips, total


def cut_clips(
    game: Game,
    *,
    start_s: float,
    clip_s: float = 100.0,
    min_words_per_s: float = 1.0,
    num_previous_words: int = 200,
) -> Iterator[Clip]:
    """Cut a game into clips, one after the other, from `start_s` to its last word.

    A word belongs to the clip in which it ends. Clips with fewer than `min_words_per_s` of reference are left out:
    there is nothing to compare a commentary with. The last `num_previous_words` words before a clip go with it.
    """
    while start_s < game.end_s:
        end_s = start_s + clip_s
        inside = tuple(word for word in game.words if start_s <= word[1] < end_s and word[0] >= start_s)
        if len(inside) >= min_words_per_s * clip_s:
            before = [text for _, word_end_s, text in game.words if word_end_s < start_s]
            yield Clip(
                video=game.video,
                title=game.title,
                previous=" ".join(before[-num_previous_words:]),
                words=inside,
            )
        start_s = end_s


def clip_row(clip: Clip) -> dict[str, Any]:
    """A clip as a line of the published form."""
    return {
        "video": clip.video,
        "title": clip.title,
        "preasr": clip.previous,
        "content": [list(word) for word in clip.words],
    }


def words_before(words: Sequence[Word], time_s: float) -> list[str]:
    """The words that have ended by `time_s`, as the published scripts count them."""
    return [text for _, end_s, text in words if end_s <= time_s]


def _video_and_content(path: Path, number: int, row: dict[str, Any]) -> tuple[str, list[Any]]:
    video, content = row.get("video"), row.get("content")
    if not isinstance(video, str) or not video or not isinstance(content, list):
        raise DataFileError(path, 'a line needs a "video" and a list "content".', line=number)
    return video, content


def _refuse_twins(path: Path, names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise DataFileError(
            path, f"{twins[0]} stands for more than one video, and results are kept by file name."
        )
