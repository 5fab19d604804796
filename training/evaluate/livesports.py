"""LiveSports-3K-CC: short events of sports videos, one commentary each, compared with a baseline's.

Knows the published rows (`video_id, event_id, begin, end, event_title, preasr_text, event_asr_text`), predictions
(`video_id, event_id, begin, end, pred`), and win counts. Knows nothing of how an event is streamed or judged.
"""

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import StreamSettings
from training.data import published
from training.data.errors import PublishedFormError
from training.evaluate.errors import DataFileError
from training.evaluate.files import read_rows
from training.evaluate.judge.pairs import Pair, Verdict
from training.evaluate.streaming import segment_seed
from training.evaluate.video import ahead, chunks, length_s
from training.evaluate.work import Row, VideoWork

if TYPE_CHECKING:
    from engine import LoadedModel

logger = logging.getLogger("ringside.training.evaluate")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event to comment on."""

    video_id: str
    event_id: str
    video: str
    """File name; the published rows have it, and `<video_id>.mp4` where they do not."""
    begin_s: float
    end_s: float
    title: str
    previous: str
    """What people said before the event."""
    reference: str
    """What people said of the event; "" where it is not told."""

    @property
    def key(self) -> str:
        """The event's name in published files."""
        return f"{self.video_id}_{self.event_id}"


def read_events(path: Path) -> list[Event]:
    """Every row of the CC split: CSV as published, JSON lines or one JSON list. Raises DataFileError.

    In CSV swapped times are put right, and rows without a video or times are left out; both are logged.
    """
    events: list[Event] = []
    for number, row in _published_rows(path) if path.suffix.lower() == ".csv" else read_rows(path):
        try:
            events.append(
                Event(
                    video_id=str(row["video_id"]),
                    event_id=str(row["event_id"]),
                    video=str(row.get("video") or f"{row['video_id']}.mp4"),
                    begin_s=float(row["begin"]),
                    end_s=float(row["end"]),
                    title=str(row.get("event_title") or ""),
                    previous=str(row.get("preasr_text") or ""),
                    reference=str(row.get("event_asr_text") or row.get("gt_asr") or ""),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataFileError(
                path, f"an event needs video_id, event_id, begin and end ({error!r}).", line=number
            ) from error
    return events


def _published_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        rows, problems = published.read_events(path)
    except PublishedFormError as error:
        raise DataFileError(path, f"it is not the published table ({error}).") from error
    for problem in problems:
        logger.warning("%s, line %d: %s (%s)", path.name, problem.line, problem.what, problem.detail)
    yield from enumerate(rows, start=2)


def works(
    events: Sequence[Event],
    videos: Path,
    load: Callable[[], "LoadedModel"],
    stream: StreamSettings,
    seed: int,
) -> list[VideoWork]:
    """The work on every video: a row for each of its events. `load` is called once there is something to do."""
    by_video: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_video[event.video].append(event)
    return [
        VideoWork(
            video=video,
            keys=[event.key for event in mine],
            cost=sum(event.end_s - event.begin_s for event in mine),
            do=_doing({event.key: event for event in mine}, videos / video, load, stream, seed),
        )
        for video, mine in by_video.items()
    ]


def _doing(
    events: Mapping[str, Event],
    path: Path,
    load: Callable[[], "LoadedModel"],
    stream: StreamSettings,
    seed: int,
) -> Callable[[Sequence[str]], Iterable[Row]]:
    def do(keys: Sequence[str]) -> Iterator[Row]:
        seconds = length_s(path)
        for key in keys:
            yield {"key": key, **_comment(events[key], path, load(), stream, seed, seconds)}

    return do


def _comment(
    event: Event,
    path: Path,
    model: "LoadedModel",
    stream: StreamSettings,
    seed: int,
    video_s: float,
) -> Row:
    from engine import StreamingSession

    chunk_s = stream.window.chunk_s
    previous = " ".join(text for text in (event.title, event.previous) if text)
    sampling = dataclasses.replace(stream.sampling, seed=segment_seed(seed, event.key, event.begin_s))
    session = StreamingSession(model, dataclasses.replace(stream, title=previous, sampling=sampling))
    # An event's last, unfinished second is shown whole where the video goes on, as published.
    num_chunks = max(1, -int(-(event.end_s - event.begin_s) // chunk_s))
    end_s = min(event.begin_s + num_chunks * chunk_s, max(video_s, event.begin_s + chunk_s))
    said: list[list[Any]] = []
    step_ms: list[float] = []
    shown = ahead(chunks(path, start_s=event.begin_s, end_s=end_s, window=stream.window))
    try:
        for chunk in shown:
            result = session.step(chunk).result
            said.append([result.start_s, result.end_s, result.text])
            step_ms.append(round(result.timings.total_ms, 2))
    finally:
        shown.close()
    return {"start": event.begin_s, "end": event.end_s, "said": said, "step_ms": step_ms}


def predictions(events: Sequence[Event], rows: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    """Predictions in the published form, in the order of the events; events of failed videos are left out."""
    by_key = {row["key"]: row for of_video in rows.values() for row in of_video}
    return [
        {
            "video_id": event.video_id,
            "event_id": event.event_id,
            "begin": event.begin_s,
            "end": event.end_s,
            "pred": " ".join(text for _, _, text in by_key[event.key]["said"] if text),
        }
        for event in events
        if event.key in by_key
    ]


def read_predictions(path: Path) -> dict[str, str]:
    """What a model said of each event, by the event's name. Raises DataFileError."""
    found: dict[str, str] = {}
    for number, row in read_rows(path):
        try:
            found[f"{row['video_id']}_{row['event_id']}"] = str(row["pred"] or "")
        except KeyError as error:
            raise DataFileError(
                path, f"a prediction needs video_id, event_id and pred; {error} is missing.", line=number
            ) from error
    return found


def pair_up(
    events: Sequence[Event], model: Mapping[str, str], baseline: Mapping[str, str]
) -> tuple[list[Pair], list[str]]:
    """Pairs of predictions, the model as side A; and events that can't be judged, with the reason."""
    pairs: list[Pair] = []
    skipped: list[str] = []
    for event in events:
        lacking = [
            what
            for what, there in (
                ("the model", event.key in model),
                ("the baseline", event.key in baseline),
                ("the reference", bool(event.reference)),
            )
            if not there
        ]
        if lacking:
            skipped.append(f"{event.key}: nothing from {' and '.join(lacking)}")
            continue
        pairs.append(
            Pair(
                video=event.video_id,
                start_s=event.begin_s,
                end_s=event.end_s,
                title=event.title,
                reference=event.reference,
                text_a=model[event.key],
                text_b=baseline[event.key],
                name=event.key,
            )
        )
    return pairs, skipped


def published_rows(verdicts: Sequence[Verdict], model: str, baseline: str) -> list[dict[str, Any]]:
    """Who won with the model first, and with the baseline first, as the benchmark's own script (llm_judge.py) counts.

    It asks once, and looks into the reply as it came: with "Commentary A" anywhere in it, A has won, whatever else it
    says; else with "Commentary B", B; else it is a tie, which stays among the events. So a reply that names both is for
    A here, while our own count reads which of the two it prefers. Events for which the judge gave no reply at all are
    left out: the script asks for them until it is answered. Its judge is told its own words, ours the same criteria.
    """

    def winner(reply: str, first: str, second: str) -> str:
        return first if "Commentary A" in reply else second if "Commentary B" in reply else "tie"

    return [
        {
            "video_event_id": verdict.pair.name,
            "ab_winner": winner(verdict.ab.reply, model, baseline),
            "ba_winner": winner(verdict.ba.reply, baseline, model),
        }
        for verdict in verdicts
        if verdict.ab.reply is not None and verdict.ba.reply is not None
    ]


def win_rate(rows: Sequence[Mapping[str, Any]], model: str) -> float | None:
    """The published win rate, in percent: wins in both orders over twice the events. A tie is nobody's win."""
    wins = sum((row["ab_winner"] == model) + (row["ba_winner"] == model) for row in rows)
    return 100 * wins / (2 * len(rows)) if rows else None
