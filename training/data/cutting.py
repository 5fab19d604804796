"""Step 4: chunks of 24 s, 12 s apart, with at least two words a second and with what was said before.

Knows the order of chunks and how long "previous" must be. The cut itself is `training.sft.annotation.cut`.
"""

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from training.data import transcripts
from training.data.errors import DataError, UnusableError
from training.data.manifest import Manifest, Row, digest_of
from training.data.published import write_chunks, write_lines
from training.data.steps import StepReport, Task, in_thread, run_step
from training.sft.annotation import Chunk, CutSettings, cut, read, to_line

STEP = "cut"
Source = Literal["edit", "transcribe"]
NUM_PREVIOUS_WORDS = 640
"""Words of "previous" kept at each end. A word has a token at least, so training's 512 and 511 tokens are all there."""


def cut_all(
    manifest: Manifest, settings: CutSettings, *, source: Source, num_parallel: int, seeks: bool = True
) -> StepReport:
    """Cut every edited video (or every transcribed one) and write OUT/train.jsonl from all of them.

    Raises DataError where nothing is there to be cut.
    """
    rows = manifest.done(source)
    if not rows:
        raise DataError(f"No video has been through {source!r} yet. Run that step first.")
    tasks = [_task(manifest, row, settings, source) for row in rows.values()]
    report = asyncio.run(run_step(manifest, STEP, tasks, num_parallel=num_parallel))
    write_lines(manifest.folder / "train.jsonl", _all_lines(manifest, set(rows)), seeks=seeks)
    return report


def bounded(previous: str, num_words: int = NUM_PREVIOUS_WORDS) -> str:
    """The first and the last words of a long "previous": two hours of it with every chunk would fill disks.

    Training keeps the first 512 and the last 511 tokens (the protocol's sink and window); they are the same ones.
    """
    words = previous.split(" ")
    if len(words) <= 2 * num_words:
        return previous
    return " ".join(words[:num_words] + words[-num_words:])


def _task(manifest: Manifest, row: Row, settings: CutSettings, source: Source) -> Task:
    digest = digest_of(STEP, source, row.digest, dataclasses.asdict(settings), NUM_PREVIOUS_WORDS)
    index = manifest.rows("index")[row.key]
    folder = "edits" if source == "edit" else "transcripts"

    def work() -> Mapping[str, Any]:
        words = transcripts.read(manifest.result(folder, row.key)).words
        duration_s = float(index.facts["duration_s"])
        chunks = [
            replace(chunk, previous=bounded(chunk.previous))
            for chunk in cut(
                words,
                title=str(index.facts["title"]),
                duration_s=duration_s,
                settings=settings,
                video=str(index.facts["path"]),
            )
        ]
        num_places = max(0, int((duration_s - settings.chunk_s) // settings.stride_s) + 1)
        if not chunks:
            raise UnusableError(
                f"none of its {num_places} chunks of {settings.chunk_s:g} s has {settings.min_words_per_s:g} words a second"
            )
        write_chunks(manifest.result("chunks", row.key, ".jsonl"), chunks, seeks=False)
        return {
            "num_chunks": len(chunks),
            "num_too_quiet": num_places - len(chunks),
            "num_words": sum(len(chunk.words) for chunk in chunks),
        }

    return Task(key=row.key, digest=digest, do=in_thread(work), after={row.step: row.digest})


def chunks_of(manifest: Manifest, key: str) -> list[Chunk]:
    """The chunks of a video that has been cut, with its file where it is now."""
    video = str(manifest.rows("index")[key].facts["path"])
    return [replace(chunk, video=video) for chunk in read(manifest.result("chunks", key, ".jsonl"))]


def _all_lines(manifest: Manifest, sources: set[str]) -> Iterator[str]:
    for key in sorted(sources & manifest.done(STEP).keys()):
        yield from (to_line(chunk) for chunk in chunks_of(manifest, key))
