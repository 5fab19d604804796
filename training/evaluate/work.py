"""Work on many videos, spread over processes, that can be killed and goes on.

Knows journals, shards, and that one bad video costs that video only. Knows nothing of what is done with a video.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import CheckpointError, EngineError
from training.errors import VideoError
from training.evaluate.errors import UnfinishedError
from training.evaluate.files import read_json, write_json
from training.evaluate.heartbeat import beating
from training.evaluate.journal import Journal, read_journal
from training.evaluate.shards import Shard

logger = logging.getLogger("ringside.training.evaluate")

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class VideoWork:
    """What is to be done with one video."""

    video: str
    """The video's name, the same in every file of the benchmark."""
    keys: Sequence[str]
    """The pieces of work, in order; each becomes a line of the video's journal."""
    cost: float
    """How long it takes, in any unit."""
    do: Callable[[Sequence[str]], Iterable[Row]]
    """Does the pieces that are still missing and gives a row with its "key" for each, in order."""
    is_outdated: Callable[[Row], bool] = lambda row: False
    """Whether a piece that is done has to be done again, as its video has become another one since."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A video that could not be used."""

    video: str
    reason: str


def run(works: Sequence[VideoWork], folder: Path, settings: Mapping[str, Any], shard: Shard) -> None:
    """Do this process's share of the work. What is in a journal already is not done again.

    A video that can't be read or run is set down with its reason, and tried again by the next run: what earlier runs
    set down of this process's videos is gone before a sign of life is given.

    Raises:
        OtherRunError: the folder holds results of other settings.
        CheckpointError: the model can't be loaded.
    """
    videos = set(shard.share_of(costs(works)))
    mine = [work for work in works if work.video in videos]
    for work in mine:
        failure_path(folder, work.video).unlink(missing_ok=True)
    with beating(folder, shard.rank) if shard.world_size > 1 else nullcontext():
        _do(mine, folder, settings)


def _do(works: Sequence[VideoWork], folder: Path, settings: Mapping[str, Any]) -> None:
    for work in works:
        journal = Journal(_journal_path(folder, work.video), settings)
        missing = [key for key in work.keys if key not in journal.rows or work.is_outdated(journal.rows[key])]
        try:
            if missing:
                logger.info("%s: %d of %d pieces to do", work.video, len(missing), len(work.keys))
                for row in work.do(missing):
                    journal.append(row)
            bookmark_path(folder, work.video).unlink(missing_ok=True)
        except CheckpointError:
            raise  # no video's fault
        except (VideoError, EngineError, OSError) as error:
            logger.warning("%s is left out: %s", work.video, error)
            write_json(failure_path(folder, work.video), {"video": work.video, "reason": str(error)})


def costs(works: Sequence[VideoWork]) -> dict[str, float]:
    """What each video costs, by its name."""
    return {work.video: work.cost for work in works}


def collect(works: Sequence[VideoWork], folder: Path) -> tuple[dict[str, list[Row]], list[Failure]]:
    """Every finished video's rows in the order of its keys, and the videos that failed, in the order of `works`.

    The result depends on what was done only, not on which process did it, or when.

    Raises:
        UnfinishedError: some video has neither all its rows nor a failure.
    """
    unfinished = [work.video for work in works if not is_done(work, folder) and not has_failed(work, folder)]
    if unfinished:
        raise UnfinishedError(unfinished)
    done: dict[str, list[Row]] = {}
    failures: list[Failure] = []
    for work in works:
        rows = _rows_of(work, folder)
        if rows is not None:
            done[work.video] = rows
        else:
            failures.append(Failure(**read_json(failure_path(folder, work.video))))
    return done, failures


def is_done(work: VideoWork, folder: Path) -> bool:
    """Whether a video has all its pieces."""
    return _rows_of(work, folder) is not None


def has_failed(work: VideoWork, folder: Path) -> bool:
    """Whether a video was set down as one that can't be used, in this run or in an earlier one."""
    return failure_path(folder, work.video).exists()


def _rows_of(work: VideoWork, folder: Path) -> list[Row] | None:
    rows = {str(row["key"]): row for row in read_journal(_journal_path(folder, work.video))}
    if any(key not in rows or work.is_outdated(rows[key]) for key in work.keys):
        return None
    return [rows[key] for key in work.keys]


def _journal_path(folder: Path, video: str) -> Path:
    return folder / "videos" / f"{file_name(video)}.jsonl"


def failure_path(folder: Path, video: str) -> Path:
    """Where it is set down that a video can't be used."""
    return folder / "videos" / f"{file_name(video)}.failed.json"


def bookmark_path(folder: Path, video: str) -> Path:
    """Where it is kept how far the piece that is being done has come; gone when the video is finished."""
    return folder / "videos" / f"{file_name(video)}.bookmark.pt"


def file_name(video: str) -> str:
    """A file name for a video's name: readable, safe on any disk, and different for different videos."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", video)[-80:]
    if readable == video:
        return readable
    return f"{readable}-{hashlib.sha256(video.encode()).hexdigest()[:8]}"
