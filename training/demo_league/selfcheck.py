"""Checks the yardstick: what the score says of commentators whose worth is known beforehand.

Knows how to make those commentators from matches. Knows nothing of how the score comes about.

`python -m training.demo_league.selfcheck --seeds 20 --minutes 1 5 10 60` prints one JSON line for each length and
commentator: the lowest, mean and highest of every measure over the matches. The commentators:

- "truth, words" and "truth, phrases": the truth's own words, with their times and as a model's captions would have them;
- "truth, half-trained": the same phrases in lower case, without punctuation;
- "other words": the same commentator, when he draws other words: what any listener could be expected to reach at most, for
  which words come, and how many seconds they take, is drawn and can't be seen;
- "late": the truth's phrases `LATE_S` seconds too late;
- "another match": the phrases of the match before it in the list;
- "shouts names", "shouts teams", "shouts": a goal, a shot, a save, a tackle, a corner, a kick-off and half-time in every
  second, with the names of this match's players, its teams, or with none;
- "shouts often": "tackle, shot, save" every three seconds, the kinds that happen most.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence

from training.demo_league.commentate import narrate
from training.demo_league.listen import Caption
from training.demo_league.score import as_phrases, score
from training.demo_league.simulate import simulate
from training.demo_league.truth import Truth, truth_lines, truth_of

LATE_S = 6.0
_OTHER_WORDS = 1_000_000_007
"""Added to the seed from which a match's words are drawn."""
MEASURES = (
    *("event_precision", "event_recall", "event_f1", "team_accuracy", "score_accuracy", "name_accuracy"),
    "silence_agreement",
)
_SHOUT = (
    "Goal! {0} scores! {0} shoots! Saved by {0}! Tackle by {0}! Corner, {0}! {0} kicks off! Half-time, {0}!"
)
_ANONYMOUS_SHOUT = "Goal! Shot! Saved! Tackle! Corner! Kick-off! Half-time!"


def truth_of_match(seed: int, minutes: float) -> Truth:
    """The truth about the match that this seed gives."""
    return truth_of(truth_lines(simulate(seed, minutes)))


def in_other_words(seed: int, minutes: float) -> list[Caption]:
    """What the commentator says of this seed's match when he draws other words."""
    match = simulate(seed, minutes)
    return [Caption(*word) for word in narrate(dataclasses.replace(match, seed=seed + _OTHER_WORDS))]


def commentators(truth: Truth, another: Truth) -> Iterator[tuple[str, list[Caption]]]:
    """What each of the known commentators says of a match."""
    phrases = as_phrases(truth.words)
    players = list(truth.team_of_player)
    seconds = range(int(truth.duration_s))
    yield "truth, words", [Caption(*word) for word in truth.words]
    yield "truth, phrases", phrases
    yield "truth, half-trained", [Caption(start_s, end_s, _bare(text)) for start_s, end_s, text in phrases]
    yield "late", [Caption(start_s + LATE_S, end_s + LATE_S, text) for start_s, end_s, text in phrases]
    yield "another match", as_phrases(another.words)
    yield "shouts names", [Caption(k, k + 1, _SHOUT.format(players[k % len(players)])) for k in seconds]
    yield "shouts teams", [Caption(k, k + 1, _SHOUT.format("the " + truth.teams[k % 2])) for k in seconds]
    yield "shouts", [Caption(k, k + 1, _ANONYMOUS_SHOUT) for k in seconds]
    yield "shouts often", [Caption(k, k + 1, "Tackle! Shot! Saved!") for k in seconds if k % 3 == 0]


def _bare(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter not in ".,!?")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.demo_league.selfcheck", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", type=int, default=20, help="so many matches of each length")
    parser.add_argument("--first-seed", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 5.0, 10.0, 60.0])
    arguments = parser.parse_args(argv)
    for minutes in arguments.minutes:
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        values: dict[str, dict[str, list[float]]] = {}
        another = truth_of_match(arguments.first_seed + arguments.seeds, minutes)
        for seed in seeds:
            truth = truth_of_match(seed, minutes)
            known = [*commentators(truth, another), ("other words", in_other_words(seed, minutes))]
            for name, captions in known:
                result = score(captions, truth)
                for measure in MEASURES:
                    if result[measure] is not None:
                        values.setdefault(name, {}).setdefault(measure, []).append(result[measure])
            another = truth
        for name, measures in values.items():
            line = {"minutes": minutes, "num_matches": len(seeds), "commentator": name}
            spans = {
                measure: [min(found), round(sum(found) / len(found), 4), max(found)]
                for measure, found in measures.items()
            }
            sys.stdout.write(json.dumps({**line, **spans}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
