"""Step 5: the annealing subset, chunks whose commentary tells what can be seen (arXiv 2510.09608, section 3.4).

Knows the question and the choice. Knows nothing of HTTP.
"""

import asyncio
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.data.asking import Asker, MalformedError, Spent
from training.data.cutting import chunks_of
from training.data.errors import DataError, UnavailableError
from training.data.manifest import Manifest, Row, digest_of
from training.data.published import write_chunks
from training.data.steps import StepReport, Task, run_step
from training.evaluate.files import read_json, write_json
from training.sft.annotation import Chunk

STEP = "select"
SYSTEM = (
    "You choose training data for a model that sees a live event and comments on it as it happens. For every numbered "
    "piece of commentary give the share of its words, from 0 to 1, that tell what can be seen in the pictures at that "
    "moment: moves, shots, passes, goals, players on the ball, gestures, replays, the score on the screen. Statistics, "
    "history, season and biography, opinion, small talk and advertising do not count. Answer for every piece, in order."
)
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "chunks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, "share_visible": {"type": "number"}},
                "required": ["id", "share_visible"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["chunks"],
    "additionalProperties": False,
}


@dataclass(frozen=True, kw_only=True)
class SelectSettings:
    """What is asked about a chunk, and which chunks are chosen."""

    min_share: float = 0.8
    """Least share of words that tell what is visible."""
    max_chunks: int | None = None
    """At most so many, those with the greatest share; None: all that reach `min_share`."""
    chunks_per_request: int = 8
    """Consecutive chunks of one video that are judged together."""
    instructions: str = SYSTEM
    """The system message."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_share <= 1 or self.chunks_per_request < 1:
            raise DataError("min_share must be between 0 and 1, and chunks_per_request at least 1.")
        if self.max_chunks is not None and self.max_chunks < 1:
            raise DataError(f"max_chunks must be at least 1, and is {self.max_chunks}.")


async def select(
    manifest: Manifest, asker: Asker, settings: SelectSettings, *, num_parallel: int
) -> tuple[StepReport, int]:
    """Have every chunk judged and write OUT/annealing.jsonl. Returns the report and how many chunks were chosen.

    Another `min_share` or `max_chunks` chooses anew from the judgements that are there, and asks nothing.
    """
    rows = manifest.done("cut")
    if not rows:
        raise DataError("No video has been cut yet. Run that step first.")
    tasks = [_task(manifest, row, asker, settings) for row in rows.values()]
    report = await run_step(manifest, STEP, tasks, num_parallel=num_parallel)
    num_chosen = await asyncio.to_thread(
        lambda: write_chunks(manifest.folder / "annealing.jsonl", _chosen(manifest, settings))
    )
    return report, num_chosen


def _task(manifest: Manifest, row: Row, asker: Asker, settings: SelectSettings) -> Task:
    question = {
        name: value
        for name, value in dataclasses.asdict(settings).items()
        if name not in ("min_share", "max_chunks")
    }
    digest = digest_of(STEP, row.digest, question, SCHEMA, asker.basis)
    title = str(manifest.rows("index")[row.key].facts["title"])
    path = manifest.result("judgements", row.key)

    async def do() -> Mapping[str, Any]:
        chunks = await asyncio.to_thread(chunks_of, manifest, row.key)
        spent = Spent()
        size = settings.chunks_per_request
        batches = [chunks[at : at + size] for at in range(0, len(chunks), size)]
        found = await asyncio.gather(*(_judge(asker, batch, title, settings, spent) for batch in batches))
        shares = [
            share
            for batch, judged in zip(batches, found, strict=True)
            for share in (judged if judged is not None else [None] * len(batch))
        ]
        known = [share for share in shares if share is not None]
        if not known:
            raise UnavailableError("no answer of the language model about it could be used")
        num_unjudged = len(shares) - len(known)
        facts = {
            "num_chunks": len(chunks),
            "num_unjudged": num_unjudged,
            "mean_share": round(sum(known) / len(known), 4),
            "spent": spent.row(),
        }
        if num_unjudged:
            facts["note"] = (
                f"{num_unjudged} of its {len(chunks)} chunks can't be chosen: no answer about them could be used"
            )
        write_json(path, {"digest": digest, "facts": facts, "shares": shares})
        return facts

    return Task(key=row.key, digest=digest, do=do, after={row.step: row.digest}, result=path)


async def _judge(
    asker: Asker, chunks: Sequence[Chunk], title: str, settings: SelectSettings, spent: Spent
) -> list[float] | None:
    shown = [
        {"id": number, "text": " ".join(word for _, _, word in chunk.words)}
        for number, chunk in enumerate(chunks)
    ]
    messages = [
        {"role": "system", "content": settings.instructions},
        {"role": "user", "content": json.dumps({"title": title, "chunks": shown}, ensure_ascii=False)},
    ]
    return await asker.ask(messages, SCHEMA, lambda value: shares_of(value, len(chunks)), spent)


def shares_of(value: Any, num_chunks: int) -> list[float]:
    """Read an answer. Raises MalformedError where it is not one share a chunk."""
    found: dict[int, float] = {}
    for entry in value["chunks"]:
        number, share = entry["id"], float(entry["share_visible"])
        if type(number) is not int or not 0 <= number < num_chunks or number in found:
            raise MalformedError(f"chunk {number!r} is not one of 0 to {num_chunks - 1}, each once")
        if not 0 <= share <= 1:
            raise MalformedError(f"the share of chunk {number} is {share}, not between 0 and 1")
        found[number] = share
    if len(found) != num_chunks:
        raise MalformedError(f"{len(found)} of {num_chunks} chunks have a share")
    return [found[number] for number in range(num_chunks)]


def _chosen(manifest: Manifest, settings: SelectSettings) -> Iterator[Chunk]:
    cuts = manifest.done("cut")
    shares: dict[tuple[str, int], float] = {}
    for key in sorted(manifest.done(STEP)):
        if key not in cuts:
            continue
        for number, share in enumerate(read_json(manifest.result("judgements", key))["shares"]):
            if share is not None and share >= settings.min_share:
                shares[key, number] = share
    best = sorted(shares, key=lambda place: (-shares[place], place))[: settings.max_chunks]
    wanted: dict[str, set[int]] = {}
    for key, number in best:
        wanted.setdefault(key, set()).add(number)
    for key in sorted(wanted):
        for number, chunk in enumerate(chunks_of(manifest, key)):
            if number in wanted[key]:
                yield chunk
