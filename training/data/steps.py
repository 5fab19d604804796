"""Doing a step for many videos at once, so that a kill at any moment loses nothing that was finished.

Knows the manifest, how many go on at a time, and that one bad video costs that video only. Knows nothing of what is done.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.data.errors import UnavailableError, UnusableError
from training.data.manifest import Manifest, Row, Status
from training.errors import TrainingError, VideoError
from training.evaluate.errors import CourierError, JudgeRefusedError

logger = logging.getLogger("ringside.training.data")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a step has to do for one video."""

    key: str
    digest: str
    """Of everything its result rests on."""
    do: Callable[[], Awaitable[Mapping[str, Any]]]
    """Writes the result and gives the facts for the manifest.

    Raises UnusableError or VideoError where the video can't be used, JudgeRefusedError or CourierError where no video can
    be worked on. Anything else it raises means that it did not work this time.
    """
    after: Mapping[str, str] = field(default_factory=dict)
    """Digests of the rows of other steps that its result rests on, by step."""
    fresh: Mapping[str, Any] = field(default_factory=dict)
    """Facts that may change while the result stays good: noted anew where they have."""
    result: Path | None = None
    """A JSON file with "digest" and "facts" that the work leaves behind: one that a killed run had finished counts."""


@dataclass(kw_only=True)
class StepReport:
    """What a run of a step did."""

    step: str
    num_finished_before: int = 0
    """Videos that needed nothing: an earlier run had finished or skipped them."""
    num_adopted: int = 0
    """Videos whose result a killed run had written without noting it."""
    counts: Counter[str] = field(default_factory=Counter)
    """By status, of this run."""
    problems: dict[str, str] = field(default_factory=dict)
    """Reason for every video that is skipped or failed, now or in earlier runs."""
    notes: dict[str, str] = field(default_factory=dict)
    """What is to be known of videos that are done, now or in earlier runs: the fact "note" of their rows."""

    def note(self, row: Row) -> None:
        """Take up what a video's row says that its reader should know."""
        if row.status != "done":
            self.problems[row.key] = row.reason
        elif "note" in row.facts:
            self.notes[row.key] = str(row.facts["note"])

    def row(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "step": self.step,
            "finished_before": self.num_finished_before,
            "adopted": self.num_adopted,
            "done": self.counts["done"],
            "skipped": self.counts["skipped"],
            "failed": self.counts["failed"],
            "problems": dict(sorted(self.problems.items())),
            "notes": dict(sorted(self.notes.items())),
        }


def in_thread(work: Callable[[], Mapping[str, Any]]) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    """Blocking work (decoding, reading) as a task's `do`. FFmpeg and CTranslate2 let go of the interpreter meanwhile."""

    async def do() -> Mapping[str, Any]:
        return await asyncio.to_thread(work)

    return do


async def run_step(manifest: Manifest, step: str, tasks: Sequence[Task], *, num_parallel: int) -> StepReport:
    """Do what is not finished yet. Each video's row is on disk as soon as it is settled.

    An error that is not about one video (a key that an API refuses) stops the step; what was finished stays.
    """
    report = StepReport(step=step)
    before = manifest.rows(step)
    places = asyncio.Semaphore(num_parallel)

    async def one(task: Task) -> None:
        async with places:
            row = await _settle(step, task, report)
        manifest.append(row)
        report.counts[row.status] += 1
        report.note(row)
        if row.status != "done":
            logger.warning("%s, %s: %s", step, task.key, row.reason)

    waiting: list[Task] = []
    for task in tasks:
        row = before.get(task.key)
        if row is not None and row.digest == task.digest and row.status != "failed":
            facts = {**row.facts, **task.fresh} if row.status == "done" else row.facts
            if facts != row.facts or row.after != task.after:
                row = replace(row, facts=facts, after=task.after)
                manifest.append(row)
            report.num_finished_before += 1
            report.note(row)
        else:
            waiting.append(task)
    logger.info("%s: %d to do, %d finished before", step, len(waiting), report.num_finished_before)
    try:
        async with asyncio.TaskGroup() as group:
            for task in waiting:
                group.create_task(one(task))
    except* TrainingError as errors:
        failure: BaseException = errors
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
    else:
        return report
    raise failure


async def _settle(step: str, task: Task, report: StepReport) -> Row:
    def row(status: Status, *, reason: str = "", facts: Mapping[str, Any] | None = None) -> Row:
        return Row(
            step=step,
            key=task.key,
            digest=task.digest,
            status=status,
            reason=reason,
            facts=facts or {},
            after=task.after,
        )

    facts = _finished_facts(task)
    if facts is not None:
        report.num_adopted += 1
        return row("done", facts=facts)
    try:
        return row("done", facts=await task.do())
    except (UnusableError, VideoError) as error:
        return row("skipped", reason=str(error))
    except (UnavailableError, OSError) as error:
        return row("failed", reason=str(error))
    except (JudgeRefusedError, CourierError):
        raise
    except Exception as error:
        # Libraries raise what they like over one odd video (a decoder, a speech model out of memory).
        logger.exception("%s, %s", step, task.key)
        return row("failed", reason=f"{type(error).__name__}: {error}")


def _finished_facts(task: Task) -> Mapping[str, Any] | None:
    if task.result is None or not task.result.exists():
        return None
    try:
        value = json.loads(task.result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # it is made again
    if not isinstance(value, dict) or value.get("digest") != task.digest:
        return None
    facts: Mapping[str, Any] | None = value.get("facts")
    return facts
