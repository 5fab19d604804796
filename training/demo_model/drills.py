"""Drills: chunks in which every second says what the picture shows instead of telling the match.

Knows what the picture says at a moment and in how many ways that is put. Knows nothing of how it is drawn or tokenised.

Two drills, from easy to near the real thing. "Read the panel" reads whose number the panel shows, the score and what has
just happened: the name alone, for a sentence begins with a name and no number before it, and a model that had learnt "4
Nemeth" went on inventing a name there. "Say the panel" says the same in the commentator's own sentences. In a chunk of
commentary a score is said about once, so a model that said everything else right went without learning it (0.02 right
after 24,000 chunks).

A drill needs a match of its own whose score changes every few seconds (`with_changing_score`). Read from a real match, a
score is what was read a second before: a model copied its own words, 1.00 right from the fourth second on, and looked at
the scoreboard so little that in the first second it said 0 for 7.
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np

from training.demo_league.commentate import narrate
from training.demo_league.phrasebook import SECTIONS
from training.demo_league.records import AWAY, HOME, Event, Match
from training.demo_league.wording import Wording

Telling = Literal["commentary", "read", "say"]
"""How a match is told: as the commentator does, or as one of the drills."""

Words = list[tuple[float, float, str]]
"""(start_s, end_s, word) in order of time."""

DRILL_QUERIES: dict[Telling, str] = {"read": "Read the panel", "say": "Say the panel"}
_SAID = ("pass", "pick-up", "carry")
_TOLD_KINDS = frozenset(("goal", "shot", "save", "tackle", "corner", "kick-off", "throw-in"))
_CHANGE_S = (0.5, 4.0)
"""Shortest and longest time that a drill's score stands."""
_MAX_GOALS = 14


def with_changing_score(match: Match, rng: np.random.Generator) -> Match:
    """The same match with another score every few seconds, low ones and high ones alike."""
    score_T2 = np.empty_like(match.score_T2)
    first = 0
    while first < len(score_T2):
        length = max(1, round(float(rng.uniform(*_CHANGE_S)) * match.tick_hz))
        kind = rng.random()
        if kind < 0.45:
            goals = rng.integers(0, 10, 2)
        elif kind < 0.75:
            goals = rng.integers(0, _MAX_GOALS + 1, 2)
        else:
            goals = np.minimum(rng.geometric(0.22, 2) - 1, _MAX_GOALS)
        score_T2[first : first + length] = goals
        first += length
    return dataclasses.replace(match, score_T2=score_T2)


def tell(match: Match, telling: Telling, rng: np.random.Generator) -> Words:
    """A whole match's words, told in one of the ways; `rng` decides the wording of a drill."""
    tellers: dict[Telling, Callable[[], Words]] = {
        "commentary": lambda: list(narrate(match)),
        "read": lambda: read_words(match),
        "say": lambda: say_words(match, rng),
    }
    return tellers[telling]()


def read_words(match: Match) -> Words:
    """For every second of the match: name, home score, away score, and what has happened in it, if anything."""
    words: Words = []
    for second in range(int(match.duration_s)):
        player, score = _shown(match, second)
        said = [str(goals) for goals in score]
        if player >= 0:
            said = [match.player(player).name, *said]
        words.extend(_timed([*said, *(event.kind for event in _happened(match, second))], second))
    return words


def say_words(match: Match, rng: np.random.Generator) -> Words:
    """For every second of the match one sentence of the phrasebook: what has happened in it, who is on the panel, or the
    score.
    """
    wording = Wording(match, rng)
    words: Words = []
    for second in range(int(match.duration_s)):
        player, score = _shown(match, second)
        told = [
            event
            for event in _happened(match, second)
            if event.kind in _TOLD_KINDS and event.player == player
        ]
        if told:
            event = told[-1]
            sections = [SECTIONS[event.kind]]
            if event.kind == "goal" and event.team is not None:
                ahead = score[event.team] - score[1 - event.team]
                how = "goal-level" if ahead == 0 else "goal-back" if ahead < 0 else "goal-lead"
                sections.append(SECTIONS["goal-more" if ahead > 1 else how])
        elif player < 0 or rng.random() < 0.7:
            sections = [SECTIONS["score"], SECTIONS["level" if score[HOME] == score[AWAY] else "led"]]
        else:
            sections = [SECTIONS[name] for name in _SAID]
        pattern = "{o}"
        # The second person is not on the panel.
        while "{o}" in pattern:
            pattern = wording.pick(*sections).partition(" | ")[0]
        slots = wording.slots(score, None if player < 0 else player)
        words.extend(_timed(wording.fill(pattern, slots, score, is_small_talk=False), second))
    return words


def _happened(match: Match, second: int) -> list[Event]:
    """What the second's frames are the first to show, in order: all but passes."""
    look_s = second + 0.5
    return [event for event in match.events if look_s - 1.0 < event.time_s <= look_s and event.kind != "pass"]


def _shown(match: Match, second: int) -> tuple[int, tuple[int, int]]:
    """Who is on the panel (0-9, or -1) and the score, in the second's last frame, half a second before it ends."""
    tick = min(int((second + 0.5) * match.tick_hz), len(match.last_touch_T) - 1)
    home, away = match.score_T2[tick]
    return int(match.last_touch_T[tick]), (int(home), int(away))


def _timed(said: list[str], second: int) -> Words:
    return [
        (second + index / (len(said) + 1), second + (index + 0.5) / (len(said) + 1), word)
        for index, word in enumerate(said)
    ]
