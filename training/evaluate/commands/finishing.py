"""What every command does around its own work: run a share of it, wait for the others, and leave a report.

Knows shards, reports and files. Knows nothing of any one benchmark.
"""

import logging
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evaluate.errors import EvaluationError
from training.evaluate.report.contents import Report, write_report
from training.evaluate.report.page import write_pages
from training.evaluate.shards import Shard
from training.evaluate.work import Failure, Row, VideoWork, collect, is_finished, run

logger = logging.getLogger("ringside.training.evaluate")

_POLL_S = 0.5
_TELL_EVERY_S = 60.0


def run_share(
    works: Sequence[VideoWork], folder: Path, settings: Mapping[str, Any], shard: Shard
) -> tuple[dict[str, list[Row]], list[Failure]] | None:
    """Do this process's share; the first process waits for the others and gets everything, the others get None.

    Raises EvaluationError where not a single video could be used.
    """
    run(works, folder, settings, shard)
    if shard.rank != 0:
        return None
    told = time.monotonic()
    while not is_finished(works, folder):
        time.sleep(_POLL_S)
        if time.monotonic() - told > _TELL_EVERY_S:
            told = time.monotonic()
            logger.info("waiting for the other %d processes", shard.world_size - 1)
    done, failures = collect(works, folder)
    if failures and not done:
        raise EvaluationError(
            f"None of the {len(failures)} videos could be used. The first, {failures[0].video}: {failures[0].reason}"
        )
    return done, failures


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
