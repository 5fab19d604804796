"""How right commentary is: the words that were said against the truth about the match.

Knows events, names and scores as the truth file has them and as a listener heard them (listen.py). Makes no use of how
the words came about. All windows are in seconds of the match.

What is measured, over everything said and over each fifth of the match:

- `event_precision`, `event_recall`, `event_f1`: mentions of the scored kinds against events of those kinds. A mention
  can report one event of its kind that it follows by -1 to +4 s, unless it is void (it names a stranger). Mentions and
  events are matched one to one, in order of time, as many as possible; among equally many, so that players and then
  teams agree. Void and unmatched mentions lower precision, unmatched events recall.
- `team_accuracy`: of the matched mentions that name a player or team, except half-time: the first one named belongs to
  the team that did it.
- `name_accuracy`: of all names of players that were said: he did something or something was done to him (passing and
  getting a pass included) between 4 s before and 1 s after his name had been said, or he had the ball in that second.
  A stranger that isn't a team of the league counts as a wrong name.
- `score_accuracy`: of all scores that were said: it was the score at some moment between 2 s before and 1 s after. Where
  the words don't tell who has which number, either order will do. A score of another match (listen.py) is wrong.
- `silence_agreement`: of all whole seconds: in both, or in neither, a word ends.
- `num_...`: what each of these was counted over. A measure without anything to count is null.
"""

import bisect
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.demo_league.listen import Caption, Heard, Mention, ScoreSaid, Word, listen
from training.demo_league.names import TEAM_NAMES
from training.demo_league.records import SCORED_KINDS
from training.demo_league.truth import Truth, TruthEvent, read_truth
from training.errors import TrainingError

EVENT_EARLY_S, EVENT_LATE_S = 1.0, 4.0
"""A mention comes at most this much before and after its event."""
NAME_EARLY_S, NAME_LATE_S = 1.0, 4.0
SCORE_EARLY_S, SCORE_LATE_S = 1.0, 2.0
NUM_FIFTHS = 5
_SLACK_S = 1e-6
_INSTANT_S = 1e-3

_RECEIVING_KINDS = frozenset({"pass", "kick-off"})
_OWNING_KINDS = frozenset({"tackle", "save", "corner", "throw-in"})
_TEAM_NAMES = frozenset(name.lower() for name in TEAM_NAMES)


class CaptionError(TrainingError):
    """A captions file can't be read."""

    def __init__(self, what: str, *, path: Path, line: int) -> None:
        super().__init__(
            f'{path}, line {line}: {what} A line reads {{"start": 1.0, "end": 2.0, "text": "..."}}.'
        )


@dataclass(frozen=True, slots=True)
class _Judged:
    """One thing said, one event or one second: when, of which sort, and whether it is right."""

    time_s: float
    what: str
    """"event", "mention", "team", "name", "score" or "second"."""
    kind: str
    is_right: bool


def score_file(captions_path: Path, truth_path: Path) -> dict[str, Any]:
    """Score a captions file (JSON lines, `{"start", "end", "text"}`) against a truth file; see `score`.

    Raises:
        CaptionError: a line of the captions isn't in that form.
        TruthError: a line of the truth isn't in its form.
        OSError: a file can't be read.
    """
    return score(read_captions(captions_path), read_truth(truth_path))


def read_captions(path: Path) -> list[Caption]:
    """Read a captions file; blank lines are skipped.

    Raises:
        CaptionError: a line isn't a JSON object with the numbers "start" and "end" and the string "text".
        OSError: the file can't be read.
    """
    captions: list[Caption] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            start, end, text = float(entry["start"]), float(entry["end"]), entry["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise CaptionError("this can't be read as a caption.", path=path, line=number) from error
        if not isinstance(text, str) or not (math.isfinite(start) and math.isfinite(end)):
            raise CaptionError("a caption needs finite times and a text.", path=path, line=number)
        captions.append(Caption(start, end, text))
    return captions


def score(
    captions: Iterable[Caption], truth: Truth, *, span_s: tuple[float, float] | None = None
) -> dict[str, Any]:
    """Score what was said of a match; the measures are defined at the top of this file.

    Args:
        captions: what was said; one word each, or phrases whose words are spread evenly over them.
        truth: what there was to be told.
        span_s: only this part of the match counts; all of it when None.

    Returns:
        The measures of the whole, `"by_kind"` with precision, recall and F1 of each scored kind, and `"by_fifth"`, a
        list of five objects with the same measures. Events and what reports them count in the event's fifth,
        everything else in the fifth in which it was said.
    """
    begin_s, end_s = span_s or (0.0, truth.duration_s)
    heard = listen(captions, teams=truth.teams, team_of_player=truth.team_of_player)
    judged = [
        *_judge_events(heard.mentions, truth),
        *_judge_names(heard.words, truth),
        *_judge_scores(heard.scores, truth),
        *_judge_silence(heard, truth),
    ]
    if span_s is not None:
        judged = [fact for fact in judged if begin_s <= fact.time_s < end_s]
    fifths: list[list[_Judged]] = [[] for _ in range(NUM_FIFTHS)]
    for fact in judged:
        at = int((fact.time_s - begin_s) / max(end_s - begin_s, _SLACK_S) * NUM_FIFTHS)
        fifths[min(max(at, 0), NUM_FIFTHS - 1)].append(fact)
    by_kind = {kind: _event_measures([fact for fact in judged if fact.kind == kind]) for kind in SCORED_KINDS}
    return {
        **_measures(judged),
        "by_kind": by_kind,
        "by_fifth": [_measures(fifth) for fifth in fifths],
    }


# Measures


def _share(judged: Sequence[_Judged], what: str) -> tuple[float | None, int]:
    """How many of one sort are right, and how many there are."""
    rights = [fact.is_right for fact in judged if fact.what == what]
    return (round(sum(rights) / len(rights), 4) if rights else None), len(rights)


def _event_measures(judged: Sequence[_Judged]) -> dict[str, float | int | None]:
    precision, num_mentions = _share(judged, "mention")
    recall, num_events = _share(judged, "event")
    num_matched = sum(fact.is_right for fact in judged if fact.what == "event")
    num_both = num_mentions + num_events
    return {
        "event_precision": precision,
        "event_recall": recall,
        "event_f1": round(2 * num_matched / num_both, 4) if num_both else None,
        "num_events": num_events,
        "num_mentions": num_mentions,
        "num_matched": num_matched,
    }


def _measures(judged: Sequence[_Judged]) -> dict[str, float | int | None]:
    team_accuracy, num_teams = _share(judged, "team")
    name_accuracy, num_names = _share(judged, "name")
    score_accuracy, num_scores = _share(judged, "score")
    silence_agreement, num_seconds = _share(judged, "second")
    events = _event_measures(judged)
    return {
        "event_precision": events["event_precision"],
        "event_recall": events["event_recall"],
        "event_f1": events["event_f1"],
        "team_accuracy": team_accuracy,
        "score_accuracy": score_accuracy,
        "name_accuracy": name_accuracy,
        "silence_agreement": silence_agreement,
        "num_events": events["num_events"],
        "num_mentions": events["num_mentions"],
        "num_matched": events["num_matched"],
        "num_teams": num_teams,
        "num_scores": num_scores,
        "num_names": num_names,
        "num_seconds": num_seconds,
    }


# Events


def _judge_events(mentions: Sequence[Mention], truth: Truth) -> list[_Judged]:
    judged: list[_Judged] = []
    for kind in SCORED_KINDS:
        events = [event for event in truth.events if event.kind == kind]
        told = sorted((m for m in mentions if m.kind == kind), key=lambda mention: mention.time_s)
        fit = [mention for mention in told if not mention.is_void]
        event_of = _match(events, fit)
        matched_events = set(event_of.values())
        judged.extend(_Judged(e.time_s, "event", kind, i in matched_events) for i, e in enumerate(events))
        judged.extend(_Judged(m.time_s, "mention", kind, False) for m in told if m.is_void)
        for j, mention in enumerate(fit):
            if j not in event_of:
                judged.append(_Judged(mention.time_s, "mention", kind, False))
                continue
            event = events[event_of[j]]
            judged.append(_Judged(event.time_s, "mention", kind, True))
            if mention.team is not None and event.team is not None:
                judged.append(_Judged(event.time_s, "team", kind, mention.team == event.team))
    return judged


def _match(events: Sequence[TruthEvent], mentions: Sequence[Mention]) -> dict[int, int]:
    """Match mentions and events of one kind, both in order of time: index of the event by index of the mention.

    As many pairs as possible without crossing, then as much agreement as possible. Events and mentions that no chain
    of windows connects are matched apart, so that hours of events take no longer than they should.
    """
    event_of: dict[int, int] = {}
    i = j = 0
    while i < len(events) and j < len(mentions):
        if mentions[j].time_s < events[i].time_s - EVENT_EARLY_S - _SLACK_S:
            j += 1
            continue
        if mentions[j].time_s > events[i].time_s + EVENT_LATE_S + _SLACK_S:
            i += 1
            continue
        end_i, end_j = i, j
        reach_s = events[i].time_s + EVENT_LATE_S
        while True:
            if end_j < len(mentions) and mentions[end_j].time_s <= reach_s + _SLACK_S:
                end_j += 1
            elif (
                end_i < len(events)
                and events[end_i].time_s - EVENT_EARLY_S <= mentions[end_j - 1].time_s + _SLACK_S
            ):
                reach_s = events[end_i].time_s + EVENT_LATE_S
                end_i += 1
            else:
                break
        for pair_j, pair_i in _match_cluster(events[i:end_i], mentions[j:end_j]):
            event_of[j + pair_j] = i + pair_i
        i, j = end_i, end_j
    return event_of


def _match_cluster(events: Sequence[TruthEvent], mentions: Sequence[Mention]) -> list[tuple[int, int]]:
    """The best pairs (mention, event) by dynamic programming over both in order of time."""
    best = [[(0, 0)] * (len(events) + 1) for _ in range(len(mentions) + 1)]
    for j in range(len(mentions) - 1, -1, -1):
        for i in range(len(events) - 1, -1, -1):
            best[j][i] = max(best[j + 1][i], best[j][i + 1], _with_pair(best, events, mentions, i, j))
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(events) and j < len(mentions) and best[j][i] != (0, 0):
        if best[j][i] == _with_pair(best, events, mentions, i, j):
            pairs.append((j, i))
            i, j = i + 1, j + 1
        elif best[j][i] == best[j + 1][i]:
            j += 1
        else:
            i += 1
    return pairs


def _with_pair(
    best: Sequence[Sequence[tuple[int, int]]],
    events: Sequence[TruthEvent],
    mentions: Sequence[Mention],
    i: int,
    j: int,
) -> tuple[int, int]:
    """Number of pairs and agreement from here on if this mention reports this event; (-1, 0) if it can't."""
    event, mention = events[i], mentions[j]
    if not -EVENT_EARLY_S - _SLACK_S <= mention.time_s - event.time_s <= EVENT_LATE_S + _SLACK_S:
        return -1, 0
    num_pairs, agreement = best[j + 1][i + 1]
    if mention.team is not None and mention.team == event.team:
        agreement += 2 if mention.player == event.player else 1
    return num_pairs + 1, agreement


# Names, scores, silence


def _judge_names(words: Sequence[Word], truth: Truth) -> list[_Judged]:
    in_play: dict[str, list[float]] = {}
    had_ball: list[tuple[float, str | None]] = []
    for event in truth.events:
        for name in (event.player, event.other):
            if name is not None:
                in_play.setdefault(name, []).append(event.time_s)
        if event.kind in _RECEIVING_KINDS:
            had_ball.append((event.time_s, event.other or event.player))
        else:
            had_ball.append((event.time_s, event.player if event.kind in _OWNING_KINDS else None))
    ball_times_s = [time_s for time_s, _ in had_ball]
    judged: list[_Judged] = []
    for word in words:
        if word.player is not None:
            times_s = in_play.get(word.player, [])
            at = bisect.bisect_left(times_s, word.end_s - NAME_LATE_S - _SLACK_S)
            is_right = at < len(times_s) and times_s[at] <= word.end_s + NAME_EARLY_S + _SLACK_S
            if not is_right:
                owner_at = bisect.bisect_right(ball_times_s, word.end_s) - 1
                is_right = owner_at >= 0 and had_ball[owner_at][1] == word.player
            judged.append(_Judged(word.end_s - _INSTANT_S, "name", "", is_right))
        elif word.is_stranger and word.bare not in _TEAM_NAMES:
            judged.append(_Judged(word.end_s - _INSTANT_S, "name", "", False))
    return judged


def _judge_scores(scores: Sequence[ScoreSaid], truth: Truth) -> list[_Judged]:
    times_s, states = _score_history(truth)
    judged: list[_Judged] = []
    for said in scores:
        first = max(bisect.bisect_right(times_s, said.time_s - SCORE_LATE_S - _SLACK_S) - 1, 0)
        last = bisect.bisect_right(times_s, said.time_s + SCORE_EARLY_S + _SLACK_S) - 1
        true_scores = states[first : last + 1]
        is_right = said.goals in true_scores
        if not said.is_ordered:
            is_right |= (said.goals[1], said.goals[0]) in true_scores
        judged.append(_Judged(said.time_s - _INSTANT_S, "score", "", is_right and not said.is_foreign))
    return judged


def _score_history(truth: Truth) -> tuple[list[float], list[tuple[int, int]]]:
    """From when on which score stood, beginning long before the match."""
    start = (0, 0)
    if truth.events:
        first = truth.events[0]
        home, away = first.score
        if first.kind == "goal":
            home, away = (home - 1, away) if first.team == truth.teams[0] else (home, away - 1)
        start = (home, away)
    times_s, states = [-math.inf], [start]
    for event in truth.events:
        if event.score != states[-1]:
            times_s.append(event.time_s)
            states.append(event.score)
    return times_s, states


def _judge_silence(heard: Heard, truth: Truth) -> list[_Judged]:
    said = {int(word.end_s - _INSTANT_S) for word in heard.words}
    to_be_said = {int(word.end_s - _INSTANT_S) for word in truth.words}
    return [
        _Judged(float(second), "second", "", (second in said) == (second in to_be_said))
        for second in range(int(truth.duration_s))
    ]


def as_phrases(words: Iterable[tuple[float, float, str]]) -> list[Caption]:
    """Timed words as a model's captions have them: for each second with words, the words that end in it."""
    phrases: dict[int, list[str]] = {}
    for _, end_s, word in words:
        phrases.setdefault(int(end_s), []).append(word)
    return [Caption(float(second), second + 1.0, " ".join(said)) for second, said in sorted(phrases.items())]
