"""A contest between two models on the same clips: pairs, votes, and the files that tell of them.

Knows result files, clips and votes. Knows nothing of how commentary or verdicts come about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.evaluate.files import write_json, write_rows
from training.evaluate.judge.pairs import Pair, Verdict
from training.evaluate.judge.shares import count
from training.evaluate.metadata import Clip
from training.evaluate.results import VideoResult


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """The pairs that can be judged, and the clips that can't be."""

    pairs: tuple[Pair, ...]
    skipped: tuple[str, ...]
    """Clips that one side has not commented on, with the reason."""


def pair_up(
    clips: Sequence[Clip],
    a: Mapping[str, VideoResult],
    b: Mapping[str, VideoResult],
    *,
    without: Mapping[str, str] | None = None,
) -> Pairing:
    """Both sides' words on every clip that both have covered. Silence over a whole clip is a commentary too.

    Args:
        clips: the clips.
        a: side A's results by video.
        b: side B's results by video.
        without: labels of clips for which an opponent has no answer, with the reason: that is no silence.
    """
    pairs: list[Pair] = []
    skipped: list[str] = []
    for clip in clips:
        lacking = [
            side
            for side, results in (("A", a), ("B", b))
            if clip.name not in results or not results[clip.name].covers(clip)
        ]
        reason = (without or {}).get(clip.label)
        if lacking or reason is not None:
            skipped.append(f"{clip.label}: {reason or 'not covered by ' + ' and '.join(lacking)}")
            continue
        pairs.append(
            Pair(
                video=clip.name,
                start_s=clip.start_s,
                end_s=clip.end_s,
                title=clip.title,
                reference=clip.reference,
                text_a=a[clip.name].text_in(clip),
                text_b=b[clip.name].text_in(clip),
            )
        )
    return Pairing(pairs=tuple(pairs), skipped=tuple(skipped))


def write_contest(folder: Path, verdicts: Sequence[Verdict], judge: str) -> dict[str, Any]:
    """Write `score_segments.jsonl` and `score_results.json` in the published form, and `votes.json` with all we count.

    Returns:
        What `votes.json` holds; see shares.py.
    """
    complete = sorted(
        (verdict for verdict in verdicts if verdict.is_complete),
        key=lambda verdict: (verdict.pair.video, verdict.pair.start_s, verdict.pair.end_s),
    )
    rows = [verdict.row(judge) for verdict in complete]
    write_rows(folder / "score_segments.jsonl", rows)
    write_json(folder / "score_results.json", published_summary(rows))
    counted = {"judge": judge, **count(verdicts)}
    write_json(folder / "votes.json", counted)
    return counted


def published_summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Votes by video and in all, as the published `score_results.json` has them."""
    by_video: dict[str, dict[str, int]] = {}
    for row in rows:
        votes = by_video.setdefault(row["video"], {"A": 0, "B": 0})
        for side in votes:
            votes[side] += row["votes"][side]
    total = {side: sum(votes[side] for votes in by_video.values()) for side in ("A", "B")}
    return {
        "per_video": {video: _with_rates(votes) for video, votes in sorted(by_video.items())},
        "global": _with_rates(total),
    }


def _with_rates(votes: Mapping[str, int]) -> dict[str, Any]:
    total = max(1, votes["A"] + votes["B"])
    return {**votes, **{f"win_rate_{side}": round(votes[side] / total, 4) for side in votes}}
