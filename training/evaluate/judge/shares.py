"""What votes add up to: shares, how sure they are, whether the two orders agree, and whether the judge favours a place.

Knows the bootstrap over games and the sign test. Knows nothing of models, prompts or files.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.evaluate.judge.pairs import Lack, Verdict

NUM_RESAMPLES = 10_000
_LEVEL = 0.95
_SEED = 20251
_PLACE_P = 0.01
"""A judge whose leaning to one place would come about by chance less often than this is flagged."""
NUM_FIFTHS = 5


def bootstrap(
    sums: Sequence[float], counts: Sequence[float], *, num_resamples: int = NUM_RESAMPLES
) -> tuple[float, float] | None:
    """95% interval of sum(sums) / sum(counts) when whole games are drawn again, with replacement.

    None with fewer than two games: one game says nothing about others. The draws are seeded: the same votes give the
    same interval.
    """
    return bootstrap_mean([sums], [counts], num_resamples=num_resamples)


def bootstrap_mean(
    sums_MG: Sequence[Sequence[float]],
    counts_MG: Sequence[Sequence[float]],
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> tuple[float, float] | None:
    """95% interval of the mean over M measures of sum(sums) / sum(counts), when G whole games are drawn again.

    A measure of which a draw has no game (its counts are 0) is left out of that draw's mean. None with fewer than two
    games. Every game must count for some measure.
    """
    num_games = len(sums_MG[0])
    if num_games < 2:
        return None
    drawn_RG = np.random.default_rng(_SEED).integers(0, num_games, (num_resamples, num_games))
    total_R, num_measures_R = np.zeros(num_resamples), np.zeros(num_resamples)
    for sums, counts in zip(sums_MG, counts_MG, strict=True):
        sums_R = np.asarray(sums, dtype=np.float64)[drawn_RG].sum(1)
        counts_R = np.asarray(counts, dtype=np.float64)[drawn_RG].sum(1)
        is_there_R = counts_R > 0
        total_R[is_there_R] += sums_R[is_there_R] / counts_R[is_there_R]
        num_measures_R += is_there_R
    low, high = np.quantile(total_R / num_measures_R, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def count(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Everything that votes tell, as plain values; shares are of side A, from 0 to 1, rounded to 4 places."""
    complete = [verdict for verdict in verdicts if verdict.is_complete]
    by_game: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in complete:
        by_game[verdict.pair.video].append(verdict)
    sums = [sum(verdict.share_a for verdict in game) for game in by_game.values()]
    counts = [len(game) for game in by_game.values()]
    interval = bootstrap(sums, counts)
    num_agreeing = sum(verdict.votes[0] == verdict.votes[1] for verdict in complete)
    return {
        "num_games": len(by_game),
        "num_clips": len(complete),
        "num_unanswered": len(verdicts) - len(complete),
        "lacking": lacking(verdicts),
        "num_malformed": sum(v.ab.num_malformed + v.ba.num_malformed for v in verdicts),
        "share": _share(sum(sums), sum(counts)),
        "interval": None if interval is None else [round(end, 4) for end in interval],
        "clips": {
            "won": sum(verdict.share_a > 0.5 for verdict in complete),
            "equal": sum(verdict.share_a == 0.5 for verdict in complete),
            "lost": sum(verdict.share_a < 0.5 for verdict in complete),
        },
        "agreement": _share(num_agreeing, len(complete)),
        "place": place_bias(complete),
        "by_game": {
            video: {"num_clips": len(game), "share": _share(sum(v.share_a for v in game), len(game))}
            for video, game in sorted(by_game.items())
        },
        "by_fifth": _by_fifth(by_game),
    }


def lacking(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Clips without a vote in both orders, by what is lacking: by what asking again would mend least, where two are."""
    kinds: tuple[Lack, ...] = ("unreadable", "refused", "unanswered")
    of_each = [{verdict.ab.lack, verdict.ba.lack} for verdict in verdicts if not verdict.is_complete]
    firsts = [next((kind for kind in kinds if kind in lacks), "unanswered") for lacks in of_each]
    return {kind: firsts.count(kind) for kind in kinds}


def place_bias(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Whether the judge favours what it is shown first, or second.

    Only pairs on which the two orders disagree tell: there the place has decided. Without a favourite, "first both
    times" and "second both times" are equally likely (a sign test). A judge who gives every single vote to the same
    place is flagged however few they are, from two pairs on.
    """
    places = [(verdict.ab.place, verdict.ba.place) for verdict in verdicts]
    num_first = sum(pair == ("first", "first") for pair in places)
    num_second = sum(pair == ("second", "second") for pair in places)
    num_votes_first = sum((a == "first") + (b == "first") for a, b in places)
    num_votes = sum((a != "tie") + (b != "tie") for a, b in places)
    p = _sign_test(num_first, num_second)
    only_one = len(places) >= 2 and num_votes == 2 * len(places) and num_votes_first in (0, num_votes)
    return {
        "share_first": _share(num_votes_first, num_votes),
        "num_first_both_times": num_first,
        "num_second_both_times": num_second,
        "p_value": round(p, 6),
        "is_flagged": p < _PLACE_P or only_one,
    }


def _sign_test(num_one: int, num_other: int) -> float:
    """Two-sided probability of a split at least as uneven, were both equally likely."""
    total, fewest = num_one + num_other, min(num_one, num_other)
    tail: float = sum(math.comb(total, k) for k in range(fewest + 1)) / 2**total
    return min(1.0, 2 * tail)


def _by_fifth(by_game: Mapping[str, Sequence[Verdict]]) -> list[dict[str, Any]]:
    """Shares over the five fifths of each game, from its first clip's start to its last one's end, games together."""
    shares: list[dict[str, list[float]]] = [defaultdict(list) for _ in range(NUM_FIFTHS)]
    for video, game in by_game.items():
        begin_s = min(verdict.pair.start_s for verdict in game)
        span_s = max(max(verdict.pair.end_s for verdict in game) - begin_s, 1e-9)
        for verdict in game:
            middle_s = (verdict.pair.start_s + verdict.pair.end_s) / 2
            at = min(int((middle_s - begin_s) / span_s * NUM_FIFTHS), NUM_FIFTHS - 1)
            shares[at][video].append(verdict.share_a)
    found: list[dict[str, Any]] = []
    for fifth in shares:
        sums = [sum(values) for values in fifth.values()]
        counts = [len(values) for values in fifth.values()]
        interval = bootstrap(sums, counts)
        found.append(
            {
                "num_clips": sum(counts),
                "share": _share(sum(sums), sum(counts)),
                "interval": None if interval is None else [round(end, 4) for end in interval],
            }
        )
    return found


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
