"""The demo league as a benchmark: unseen matches of our own, whose truth is known, so that nobody has to be asked.

Knows how matches become games in the form of Inf-Streams-Eval, how commentary on them is scored over fifths, and a
programmatic judge that prefers whoever is more right on a clip. Knows nothing of how commentary comes about.
"""

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.demo_league.listen import Caption
from training.demo_league.render import render
from training.demo_league.score import score
from training.demo_league.simulate import simulate
from training.demo_league.truth import Truth, read_truth, write_truth
from training.evaluate.judge.pairs import Ballot, Pair
from training.evaluate.judge.shares import bootstrap
from training.evaluate.metadata import Game, repair
from training.evaluate.results import VideoResult
from training.evaluate.work import Row, VideoWork

logger = logging.getLogger("ringside.training.evaluate")

MEASURES = (
    "event_f1",
    "event_precision",
    "event_recall",
    "team_accuracy",
    "score_accuracy",
    "name_accuracy",
    "silence_agreement",
)
_WORTH = ("event_f1", "team_accuracy", "score_accuracy", "name_accuracy", "silence_agreement")
_AROUND_S = 20.0
"""What was said so long before and after a clip is heard along with it: sentences run across its ends."""


@dataclass(frozen=True, kw_only=True)
class LeagueMatch:
    """One match of the benchmark."""

    seed: int
    minutes: float
    game: Game
    truth: Truth
    video: Path


def matches(seeds: Sequence[int], minutes: float, folder: Path) -> list[LeagueMatch]:
    """The matches of some seeds, with their truth on disk. Their videos are made when they are needed.

    Raises:
        MatchError: such a match can't be played.
        OSError: the folder can't be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[LeagueMatch] = []
    for seed in seeds:
        name = f"match-{seed}-{minutes:g}min"
        truth_path = folder / f"{name}.jsonl"
        if not truth_path.exists():
            write_truth(simulate(seed, minutes), truth_path)
        truth = read_truth(truth_path)
        words, repairs = repair([word.start_s, word.end_s, word.word] for word in truth.words)
        # The last second with a whole chunk in it ends the game, spoken over or not.
        game = LeagueGame(
            video=f"{name}.mp4",
            title=truth.title,
            words=words,
            repairs=repairs,
            duration_s=int(truth.duration_s),
        )
        found.append(
            LeagueMatch(seed=seed, minutes=minutes, game=game, truth=truth, video=folder / game.video)
        )
    return found


@dataclass(frozen=True, kw_only=True)
class LeagueGame(Game):
    """A match as a game: it lasts until its end, whatever is said there."""

    duration_s: int

    @property
    def end_s(self) -> int:
        """The match's length in whole seconds."""
        return self.duration_s


def with_videos(works: Iterable[VideoWork], of: Sequence[LeagueMatch]) -> list[VideoWork]:
    """The same work, each match's video being rendered before it where it is not there yet."""
    by_name = {match.game.name: match for match in of}

    def rendered(work: VideoWork) -> VideoWork:
        match = by_name[work.video]

        def do(keys: Sequence[str]) -> Iterable[Row]:
            if not match.video.exists():
                logger.info("rendering %s, %g minutes", match.video.name, match.minutes)
                render(simulate(match.seed, match.minutes), match.video)
            yield from work.do(keys)

        return dataclasses.replace(work, do=do)

    return [rendered(work) for work in works]


def captions(result: VideoResult) -> list[Caption]:
    """What was said, as the league's scorer hears it."""
    return [Caption(phrase.start_s, phrase.end_s, phrase.text) for phrase in result.phrases if phrase.text]


def match_scores(of: Sequence[LeagueMatch], results: Mapping[str, VideoResult]) -> dict[str, dict[str, Any]]:
    """The league's own scores of every match that was commented on, by the video's name."""
    return {
        match.game.name: score(captions(results[match.game.name]), match.truth)
        for match in of
        if match.game.name in results
    }


def summary(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means over matches with 95% intervals (bootstrap over matches), in all and over fifths.

    A match in which there was nothing to count for a measure is left out of that measure.
    """
    return {
        "mean": {measure: _mean([match[measure] for match in scores.values()]) for measure in MEASURES},
        "by_fifth": {
            measure: [
                _mean([match["by_fifth"][fifth][measure] for match in scores.values()]) for fifth in range(5)
            ]
            for measure in MEASURES
        },
    }


def _mean(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    if not known:
        return {"mean": None, "interval": None}
    interval = bootstrap(known, [1.0] * len(known))
    return {
        "mean": round(float(np.mean(known)), 4),
        "interval": None if interval is None else [round(end, 4) for end in interval],
    }


class LeagueJudge:
    """Prefers the commentary that is more right on a clip; equally right ones are a tie."""

    name = "the demo league's scorer"

    def __init__(
        self,
        of: Sequence[LeagueMatch],
        a: Mapping[str, VideoResult],
        b: Mapping[str, VideoResult],
    ) -> None:
        self._truths = {match.game.name: match.truth for match in of}
        self._said = ({v: captions(r) for v, r in a.items()}, {v: captions(r) for v, r in b.items()})
        self._worths: dict[tuple[str, float, float], tuple[float, float]] = {}

    async def compare(self, pair: Pair, *, a_first: bool) -> Ballot:
        """Which place holds the commentary that is worth more."""
        key = (pair.video, pair.start_s, pair.end_s)
        if key not in self._worths:
            truth = self._truths[pair.video]
            of_a, of_b = (worth(said[pair.video], truth, pair.start_s, pair.end_s) for said in self._said)
            self._worths[key] = (of_a, of_b)
        of_a, of_b = self._worths[key]
        if of_a == of_b:
            return Ballot(place="tie")
        return Ballot(place="first" if (of_a > of_b) == a_first else "second")


def worth(said: Sequence[Caption], truth: Truth, start_s: float, end_s: float) -> float:
    """How right commentary is over a stretch: the mean of five measures, one that nothing was said for being 0."""
    near = [
        caption
        for caption in said
        if caption.end_s > start_s - _AROUND_S and caption.start_s < end_s + _AROUND_S
    ]
    measured = score(near, truth, span_s=(start_s, end_s))
    return sum(measured[measure] or 0.0 for measure in _WORTH) / len(_WORTH)
