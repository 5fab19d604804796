"""What every command does around its own work: run a share of it, wait for the others, and leave a report.

Knows shards, reports and files. Knows nothing of any one benchmark.
"""

import logging
import math
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.evaluate import heartbeat
from training.evaluate.errors import EvaluationError, ProcessesGoneError
from training.evaluate.heartbeat import Listener
from training.evaluate.provenance import file_fingerprint
from training.evaluate.report.contents import Report, write_report
from training.evaluate.report.page import write_pages
from training.evaluate.shards import Shard
from training.evaluate.work import Failure, Row, VideoWork, collect, costs, has_failed, is_done, run

logger = logging.getLogger("ringside.training.evaluate")

_POLL_S = 0.5
_TELL_EVERY_S = 60.0


def run_share(
    works: Sequence[VideoWork], folder: Path, settings: Mapping[str, Any], shard: Shard
) -> tuple[dict[str, list[Row]], list[Failure]] | None:
    """Do this process's share; the first process waits for the others and gets everything, the others get None.

    Raises EvaluationError where not a single video could be used, ProcessesGoneError where another process is gone.
    """
    listener = Listener(folder, range(1, shard.world_size))
    run(works, folder, settings, shard)
    if shard.rank != 0:
        return None
    _wait(works, folder, shard, listener)
    done, failures = collect(works, folder)
    if failures and not done:
        raise EvaluationError(
            f"None of the {len(failures)} videos could be used. The first, {failures[0].video}: {failures[0].reason}"
        )
    return done, failures


def _wait(works: Sequence[VideoWork], folder: Path, shard: Shard, listener: Listener) -> None:
    """Wait for the other processes.

    A failure counts once its process has been heard of, which forgets earlier runs' failures first, or is gone.
    """
    owners = {
        video: rank
        for rank in range(1, shard.world_size)
        for video in replace(shard, rank=rank).share_of(costs(works))
    }
    told = time.monotonic()

    def is_settled(work: VideoWork) -> bool:
        rank = owners[work.video]
        has_begun = listener.has_heard(rank) or listener.is_gone(rank)
        return is_done(work, folder) or (has_begun and has_failed(work, folder))

    while True:
        listener.listen()
        open_ = [work.video for work in works if work.video in owners and not is_settled(work)]
        if not open_:
            return
        ranks = sorted({owners[video] for video in open_})
        if all(listener.is_gone(rank) for rank in ranks):
            raise ProcessesGoneError(ranks, shard.world_size, heartbeat.SILENT_S, open_)
        time.sleep(_POLL_S)
        if time.monotonic() - told > _TELL_EVERY_S:
            told = time.monotonic()
            logger.info("waiting for the other %d processes", shard.world_size - 1)


def refuse_short_clips(clip_s: float) -> None:
    """Raises EvaluationError for clips that no phrase could fall into, or of which a game has no end."""
    if not 1 <= clip_s < math.inf:
        raise EvaluationError(f"--clip-s is {clip_s:g}; it must be at least 1 second.")


def circumstances(rows: Mapping[str, Sequence[Row]], **files: Path | None) -> dict[str, Any]:
    """What else a report's settings say: the devices and libraries that made the rows, and which files were read."""
    made_with: list[Any] = []
    for row in (row for of_video in rows.values() for row in of_video):
        if row["made_with"] not in made_with:
            made_with.append(row["made_with"])
    read = {
        name: {"file": str(path), "sha256": file_fingerprint(path)} for name, path in files.items() if path
    }
    return {"made_with": made_with, "files": read}


def command_line(argv: Sequence[str]) -> str:
    """The command as it can be typed again."""
    return shlex.join(["python", "-m", "training.evaluate", *argv])


def finish(folder: Path, report: Report, **more: Any) -> dict[str, Any]:
    """Write a report's contents and pages. Returns what the command prints: where they are, and the main figures."""
    write_report(folder / "report.json", report)
    page, markdown = write_pages(folder, report)
    return {
        **more,
        "summary": list(report.summary),
        "warnings": list(report.warnings),
        "left_out": [list(failure) for failure in report.failures],
        "report": [str(page), str(markdown)],
    }


def as_pairs(failures: Sequence[Failure]) -> tuple[tuple[str, str], ...]:
    """Failures as a report has them."""
    return tuple((failure.video, failure.reason) for failure in failures)
