"""From a pattern of the phrasebook to words: names, teams and scores put in, and chance where several ways will do.

Knows a match's names and how scores are said. Knows nothing of time: what is worth telling, and when, is the
commentator's business (commentate.py).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from training.demo_league.lexicon import say_number
from training.demo_league.phrasebook import (
    SCORE_FULL,
    SCORE_LED,
    SCORE_LED_CLAUSE,
    SCORE_LEVEL,
    SCORE_LEVEL_CLAUSE,
)
from training.demo_league.records import AWAY, HOME, NUM_PLAYERS_PER_TEAM, Match

MAX_WORDS_PER_S = 3
FIRST_WORDS = 2
"""So many words of a sentence of more than `MAX_WORDS_PER_S` are said in the second in which it begins."""
MAX_SMALL_TALK_WORDS = 4
"""So much small talk is over before an event has waited for long."""


class Wording:
    """Words for one match, drawn from `rng`."""

    def __init__(self, match: Match, rng: np.random.Generator) -> None:
        self._match = match
        self._rng = rng
        self._draws: list[float] = []

    def pick(self, *sections: tuple[str, ...]) -> str:
        """One pattern of one of these sections, each section as likely as the others."""
        section = sections[self._draw(len(sections))] if len(sections) > 1 else sections[0]
        return section[self._draw(len(section))]

    def slots(
        self, score: tuple[int, int], player: int | None = None, other: int | None = None
    ) -> dict[str, str]:
        """What stands for a pattern's slots but the score's; indices 0-9 of who does it and of the second person."""
        match = self._match
        home, away = match.home.name, match.away.name
        slots = {"H": home, "V": away, "L": home if score[HOME] > score[AWAY] else away}
        if player is not None:
            slots["p"] = match.player(player).name
            is_home = player < NUM_PLAYERS_PER_TEAM
            slots["t"], slots["u"] = (home, away) if is_home else (away, home)
        if other is not None and other >= 0:
            slots["o"] = match.player(other).name
        return slots

    def fill(
        self, text: str, slots: dict[str, str], score: tuple[int, int], *, is_small_talk: bool
    ) -> list[str]:
        """The words of a pattern; of the ways to say the score, one is drawn that fits the length."""
        slot = next((slot for slot in _SCORE_SLOTS if slot in text), None)
        if slot is None:
            return _capitalise(text.format_map(slots).split())
        goals = {
            "h": say_number(score[HOME]),
            "v": say_number(score[AWAY]),
            "a": say_number(max(score)),
            "b": say_number(min(score)),
        }
        is_level = score[HOME] == score[AWAY]
        ways = [
            _capitalise(
                text.replace(slot, form).format_map(slots | goals).replace("nil all", "nil nil").split()
            )
            for form in _SCORE_SLOTS[slot][is_level]
        ]
        fitting = [way for way in ways if not _is_clumsy(way)]
        if is_small_talk:
            fitting = [way for way in ways if len(way) <= MAX_SMALL_TALK_WORDS]
        ways = fitting or ways
        return ways[self._draw(len(ways))]

    def _draw(self, num_choices: int) -> int:
        if not self._draws:
            self._draws = self._rng.random(256).tolist()
        return int(self._draws.pop() * num_choices)


_SCORE_SLOTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "{s}": (SCORE_LED_CLAUSE, SCORE_LEVEL_CLAUSE),
    "{n}": (SCORE_LED, SCORE_LEVEL),
    "{f}": ((SCORE_FULL,), (SCORE_FULL,)),
    "{r}": (("{a} {b}",), ("{a} all",)),
}
"""How each score slot may be said when somebody leads, and when it is level."""


def _is_clumsy(words: Sequence[str]) -> bool:
    """Whether a single word is left for the last second, or a word comes twice in a row ("for the Lions, Lions two")."""
    bare = [word.strip(".,!?") for word in words]
    leaves_one = len(words) > MAX_WORDS_PER_S and (len(words) - FIRST_WORDS) % MAX_WORDS_PER_S == 1
    return leaves_one or any(word == following for word, following in pairwise(bare))


def _capitalise(words: list[str]) -> list[str]:
    """Begin every sentence with a capital letter."""
    return [
        word[0].upper() + word[1:] if i == 0 or words[i - 1][-1] in ".!?" else word
        for i, word in enumerate(words)
    ]
