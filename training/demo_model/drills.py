"""Drills: chunks in which every second says what the picture shows instead of telling the match.

Knows what the picture says at a moment and in how many ways that is put. Knows nothing of how it is drawn or tokenised.

Two drills, from easy to near the real thing. "Read the panel" reads number, name and score as they stand there. "Say the
panel" says the same in the commentator's own sentences. In a chunk of commentary a score is said about once, so a model
that reads every digit still went without learning to say them (0.02 right after 24,000 chunks); said every second, the
step from digits to "two one to the Lions" is practised twenty times a chunk.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from training.demo_league.commentate import narrate
from training.demo_league.phrasebook import SECTIONS
from training.demo_league.records import AWAY, HOME, NUM_PLAYERS_PER_TEAM, Match
from training.demo_league.wording import Wording

Telling = Literal["commentary", "read", "say"]
"""How a match is told: as the commentator does, or as one of the drills."""

Words = list[tuple[float, float, str]]
"""(start_s, end_s, word) in order of time."""

DRILL_QUERIES: dict[Telling, str] = {"read": "Read the panel", "say": "Say the panel"}
_SAID = ("save", "tackle", "corner", "kick-off", "throw-in", "pass", "pick-up", "carry")
_SCORES = ("score", "half-time", "full-time")


def tell(match: Match, telling: Telling, rng: np.random.Generator) -> Words:
    """A whole match's words, told in one of the ways; `rng` decides the wording of a drill."""
    tellers: dict[Telling, Callable[[], Words]] = {
        "commentary": lambda: list(narrate(match)),
        "read": lambda: read_words(match),
        "say": lambda: say_words(match, rng),
    }
    return tellers[telling]()


def read_words(match: Match) -> Words:
    """For every second of the match: number, name, home score, away score."""
    words: Words = []
    for second in range(int(match.duration_s)):
        player, score = _shown(match, second)
        said = [str(goals) for goals in score]
        if player >= 0:
            said = [str(match.player(player).number), match.player(player).name, *said]
        words.extend(_timed(said, second))
    return words


def say_words(match: Match, rng: np.random.Generator) -> Words:
    """For every second of the match one sentence of the phrasebook that names the player on the panel, says the score,
    or both; whether such a thing has just happened does not matter.
    """
    wording = Wording(match, rng)
    words: Words = []
    for second in range(int(match.duration_s)):
        player, score = _shown(match, second)
        if player < 0 or rng.random() < 0.25:
            level = "level" if score[HOME] == score[AWAY] else "led"
            sections = [SECTIONS[name] for name in (*_SCORES, level)]
        elif rng.random() < 0.6:
            team = player // NUM_PLAYERS_PER_TEAM
            ahead = score[team] - score[1 - team]
            how = "goal-level" if ahead == 0 else "goal-back" if ahead < 0 else "goal-lead"
            sections = [SECTIONS["goal"], SECTIONS["goal-more" if ahead > 1 else how]]
        else:
            sections = [SECTIONS[name] for name in _SAID]
        pattern = "{o}"
        # The second person is not on the panel.
        while "{o}" in pattern:
            pattern = wording.pick(*sections).partition(" | ")[0]
        slots = wording.slots(score, None if player < 0 else player)
        words.extend(_timed(wording.fill(pattern, slots, score, is_small_talk=False), second))
    return words


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
