"""Step 6: whether annotation files and their videos can be trained on, and the same files without what can't.

Works on the pipeline's own files and on published ones: a line's video decodes and is long enough, its words have times
that can be and lie inside the chunk.

Knows the published form and PyAV's findings. Knows nothing of models.
"""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.data.errors import UnusableError
from training.data.manifest import Manifest, digest_of
from training.data.probing import DecodeMode, decode, probe
from training.data.published import LineProblem, read_chunks, tally, write_chunks
from training.data.steps import StepReport, Task, in_thread, run_step
from training.sft.annotation import Chunk

logger = logging.getLogger("ringside.training.data")
STEP = "validate"
_ROUNDING_S = 0.5
"""How far a chunk may reach beyond its video's end: headers round to a picture or to a packet of sound."""


@dataclass(kw_only=True)
class FileReport:
    """What was found in one annotation file."""

    file: str
    num_chunks: int = 0
    """Lines that could be read."""
    num_kept: int = 0
    repaired: dict[str, int] = field(default_factory=dict)
    """Lines that were put right, by what was wrong."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Lines that were left out, by reason."""

    @property
    def is_lost(self) -> bool:
        """Whether there were lines and none is left. Nothing is written then: a file in use stays as it was."""
        return not self.num_kept and bool(self.left_out)

    def row(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "file": self.file,
            "chunks": self.num_chunks,
            "kept": self.num_kept,
            "repaired": self.repaired,
            "left_out": dict(sorted(self.left_out.items())),
        }


def validate(
    manifest: Manifest,
    files: Mapping[Path, Path],
    *,
    videos: Path,
    mode: DecodeMode,
    num_parallel: int,
) -> tuple[StepReport, list[FileReport]]:
    """Check files of chunks and every video they name, and write what is left of each, unless that is nothing.

    A video is decoded once, whatever the number of runs and files, until it changes.

    Args:
        files: for each file of chunks, where what is left of it is written; it may be the same place.
        videos: the folder that the lines' video names start from.
        mode: how much of each video is decoded.

    Raises PublishedFormError where a file can't be read.
    """
    names = {entry.video: None for path in files for entry in read_chunks(path) if isinstance(entry, Chunk)}
    tasks = [_task(videos, name, mode) for name in names]
    report = asyncio.run(run_step(manifest, STEP, tasks, num_parallel=num_parallel))
    rows = manifest.rows(STEP)
    durations = {
        name: float(rows[name].facts["duration_s"]) if rows[name].status == "done" else None for name in names
    }
    return report, [_clean(path, out, durations) for path, out in files.items()]


def _clean(annotations: Path, out: Path, durations: Mapping[str, float | None]) -> FileReport:
    found = FileReport(file=annotations.name)
    problems: list[LineProblem] = []
    good = _good(annotations, durations, found, problems)
    first = next(good, None)
    if first is not None:
        found.num_kept = write_chunks(out, itertools.chain([first], good))
    found.repaired = tally(problem for problem in problems if problem.is_repaired)
    found.left_out.update(tally(problem for problem in problems if not problem.is_repaired))
    return found


def _task(videos: Path, name: str, mode: DecodeMode) -> Task:
    path = videos / name
    state = path.stat() if path.is_file() else None

    def work() -> Mapping[str, Any]:
        if state is None:
            raise UnusableError("the video is missing")
        facts = probe(path)
        return {"duration_s": facts.duration_s, **decode(path, mode=mode)}

    basis = None if state is None else [state.st_size, state.st_mtime_ns]
    return Task(key=name, digest=digest_of(STEP, mode, basis), do=in_thread(work))


def _good(
    annotations: Path,
    durations: Mapping[str, float | None],
    found: FileReport,
    problems: list[LineProblem],
) -> Iterator[Chunk]:
    for entry in read_chunks(annotations):
        if isinstance(entry, LineProblem):
            problems.append(entry)
            logger.debug("%s, line %d: %s (%s)", annotations.name, entry.line, entry.what, entry.detail)
            continue
        found.num_chunks += 1
        duration_s = durations[entry.video]
        if duration_s is None:
            found.left_out["video can't be used"] += 1
        elif entry.end_s > duration_s + _ROUNDING_S:
            found.left_out["chunk beyond the video's end"] += 1
        else:
            yield entry
