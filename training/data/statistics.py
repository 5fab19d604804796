"""Step 7: what the data set holds, and what became of what it does not hold.

Knows the manifest and the chunk files. Knows nothing of plots (plots.py).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from training.data.manifest import Manifest, Row
from training.data.published import LineProblem, read_chunks
from training.evaluate.files import read_json, write_json

STEPS = ("index", "transcribe", "edit", "cut", "select", "validate")
PAPERS_VERDICTS = {"keep": 0.46, "edit": 0.38, "delete": 0.16}
"""The editor's verdicts in arXiv 2510.09608."""


def gather(manifest: Manifest, *, price_in: float = 0.0, price_out: float = 0.0) -> dict[str, Any]:
    """Everything that can be counted, as plain values; also written to OUT/report/statistics.json.

    Args:
        price_in, price_out: of a million tokens, in any currency.
    """
    value = {
        "steps": {step: _step(list(manifest.rows(step).values())) for step in STEPS},
        "hours": {
            "indexed": _hours(manifest, "index"),
            "transcribed": _hours(manifest, "transcribe"),
            "edited": _hours(manifest, "edit"),
            "cut": _hours(manifest, "cut"),
        },
        "transcripts": _transcripts(manifest),
        "editor": _editor(manifest),
        "language_model": _spent(manifest, price_in, price_out),
        "chunks": {name: _chunks(manifest, f"{name}.jsonl") for name in ("train", "annealing")},
    }
    write_json(manifest.folder / "report" / "statistics.json", value)
    return value


def shares_visible(manifest: Manifest) -> list[float]:
    """The judged share of words about what is visible, for every chunk that was judged."""
    return [
        float(share)
        for key in manifest.done("select")
        for share in read_json(manifest.result("judgements", key))["shares"]
        if share is not None
    ]


def _step(rows: Sequence[Row]) -> dict[str, Any]:
    statuses = Counter(row.status for row in rows)
    reasons = Counter(row.reason for row in rows if row.status != "done")
    return {
        **{status: statuses[status] for status in ("done", "skipped", "failed")},
        "reasons": dict(reasons.most_common()),
    }


def _hours(manifest: Manifest, step: str) -> float:
    index = manifest.rows("index")
    return round(sum(float(index[key].facts["duration_s"]) for key in manifest.done(step)) / 3600, 4)


def _transcripts(manifest: Manifest) -> dict[str, Any]:
    rows = manifest.done("transcribe").values()
    repairs: Counter[str] = Counter()
    for row in rows:
        repairs.update(row.facts["repairs"])
    return {
        "num_words": sum(int(row.facts["num_words"]) for row in rows),
        "num_segments": sum(int(row.facts["num_segments"]) for row in rows),
        "repairs": dict(sorted(repairs.items())),
    }


def _editor(manifest: Manifest) -> dict[str, Any]:
    verdicts: Counter[str] = Counter()
    before = after = unjudged = 0
    for row in manifest.done("edit").values():
        verdicts.update(row.facts["verdicts"])
        before += int(row.facts["num_words_before"])
        after += int(row.facts["num_words"])
        unjudged += int(row.facts.get("num_unjudged", 0))
    total = sum(verdicts.values())
    return {
        "num_segments": total,
        "num_unjudged": unjudged,
        "shares": {name: round(verdicts[name] / total, 4) if total else None for name in PAPERS_VERDICTS},
        "papers_shares": PAPERS_VERDICTS,
        "num_words_before": before,
        "num_words_after": after,
    }


def _spent(manifest: Manifest, price_in: float, price_out: float) -> dict[str, Any]:
    spent: dict[str, Any] = {}
    for step in ("edit", "select"):
        counts: Counter[str] = Counter()
        for row in manifest.done(step).values():
            counts.update(row.facts["spent"])
        cost = (counts["num_tokens_in"] * price_in + counts["num_tokens_out"] * price_out) / 1e6
        spent[step] = {**counts, "cost": round(cost, 6)}
    return spent


def _chunks(manifest: Manifest, name: str) -> dict[str, Any]:
    path = manifest.folder / name
    if not path.exists():
        return {"num_chunks": 0}
    num_words: list[int] = []
    silent = seconds = 0
    previous: list[int] = []
    for chunk in read_chunks(path):
        if isinstance(chunk, LineProblem):
            continue
        num_words.append(len(chunk.words))
        previous.append(len(chunk.previous.split()))
        spoken = {int(end - chunk.start_s) for _, end, _ in chunk.words}
        seconds += round(chunk.duration_s)
        silent += round(chunk.duration_s) - len(spoken)
    if not num_words:
        return {"num_chunks": 0}
    return {
        "num_chunks": len(num_words),
        "num_words": sum(num_words),
        "words_a_chunk": {
            "min": min(num_words),
            "mean": round(sum(num_words) / len(num_words), 2),
            "max": max(num_words),
        },
        "silent_seconds_share": round(silent / seconds, 4) if seconds else None,
        "previous_words": {"mean": round(sum(previous) / len(previous), 2), "max": max(previous)},
    }
