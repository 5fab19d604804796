"""What a model said of a video, in the published result form, and what of it falls into a clip.

Knows `merged_result.jsonl`: a line `{"video", "chunk_start", "chunk_end", "items": [{"response", "start_time",
"end_time"}, ...]}` a video, its pieces put together. Knows nothing of models or judges.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.evaluate.errors import DataFileError
from training.evaluate.files import read_rows, write_rows
from training.evaluate.metadata import Clip


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """What was said over a stretch of video; "" for silence."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, kw_only=True)
class VideoResult:
    """All that was said of one video."""

    video: str
    """File name."""
    start_s: float
    end_s: float
    phrases: tuple[Phrase, ...]

    def covers(self, clip: Clip) -> bool:
        """Whether the clip lies inside what was commented on."""
        return self.start_s <= clip.start_s and clip.end_s <= self.end_s

    def text_in(self, clip: Clip) -> str:
        """The phrases whose end falls into the clip, joined by spaces.

        The published rule: the whole second of a phrase's end is after the clip's start and not after its end. A phrase
        that is about this very clip, as an API model gives one, is alone what was said of it: clips may overlap.
        """
        for phrase in self.phrases:
            if (phrase.start_s, phrase.end_s) == (clip.start_s, clip.end_s) and phrase.text.strip():
                return phrase.text.strip()
        said = (
            phrase.text.strip()
            for phrase in self.phrases
            if clip.start_s < int(phrase.end_s) <= clip.end_s and phrase.text.strip()
        )
        return " ".join(said)


def write_results(path: Path, results: Iterable[VideoResult]) -> None:
    """Write `merged_result.jsonl`: a line a video, sorted by name as the published merge does."""
    rows = [
        {
            "video": result.video,
            "chunk_start": _plain(result.start_s),
            "chunk_end": _plain(result.end_s),
            "items": [
                {
                    "response": phrase.text,
                    "start_time": _plain(phrase.start_s),
                    "end_time": _plain(phrase.end_s),
                }
                for phrase in result.phrases
            ],
        }
        for result in sorted(results, key=lambda result: result.video)
    ]
    write_rows(path, rows)


def read_results(path: Path) -> dict[str, VideoResult]:
    """Read a result file, merged or as its shards were written.

    Where two lines begin at the same second of a video, the longer one counts, as in the published merge. "text" is
    read where there is no "response".

    Raises:
        DataFileError: the file is not in the published form.
    """
    pieces: dict[str, dict[float, VideoResult]] = {}
    for number, row in read_rows(path):
        try:
            piece = VideoResult(
                video=Path(str(row["video"])).name,
                start_s=float(row["chunk_start"]),
                end_s=float(row["chunk_end"]),
                phrases=tuple(_phrase(item) for item in row.get("items", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataFileError(
                path,
                f'a result needs "video", "chunk_start", "chunk_end" and "items" with "end_time" and "response" '
                f"({error!r}).",
                line=number,
            ) from error
        by_start = pieces.setdefault(piece.video, {})
        earlier = by_start.get(piece.start_s)
        if earlier is None or piece.end_s > earlier.end_s:
            by_start[piece.start_s] = piece
    return {video: merge(video, list(by_start.values())) for video, by_start in pieces.items()}


def merge(video: str, pieces: Sequence[VideoResult]) -> VideoResult:
    """One result out of the pieces of a video, in order of their starts."""
    ordered = sorted(pieces, key=lambda piece: (piece.start_s, piece.end_s))
    return VideoResult(
        video=video,
        start_s=ordered[0].start_s,
        end_s=max(piece.end_s for piece in ordered),
        phrases=tuple(phrase for piece in ordered for phrase in piece.phrases),
    )


def _phrase(item: Any) -> Phrase:
    end_s = float(item["end_time"])
    text = item["response"] if "response" in item else item["text"]
    return Phrase(start_s=float(item.get("start_time", end_s)), end_s=end_s, text=str(text or ""))


def _plain(value: float) -> float | int:
    """Whole seconds as whole numbers, as the published files have them."""
    return int(value) if value == int(value) else value
