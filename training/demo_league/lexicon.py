"""The words that carry facts: which word tells which kind of event, the numbers, and what counts as one word.

Shared by the commentator, whose every pattern holds triggers of its own kind and of no other, and by the scorer, which
finds events by these triggers and by nothing else. Knows nothing of patterns, matches or times.
"""

import re
from typing import Literal

from training.demo_league.records import EventKind

MentionKind = EventKind | Literal["none"]
"""What a trigger tells of; "none" is for word groups that hold a trigger but tell of nothing ("goal kick")."""

TRIGGERS: dict[MentionKind, tuple[str, ...]] = {
    "goal": ("goal", "goals", "scores", "scored", "scorer", "nets", "in the net", "equaliser", "equalises"),
    "shot": (
        *(
            "shot",
            "shots",
            "shoots",
            "shooting",
            "strike",
            "strikes",
            "effort",
            "fires",
            "blasts",
            "drills",
            "cracks",
        ),
        *(
            "thumps",
            "smashes",
            "curls",
            "hammers",
            "rifles",
            "unleashes",
            "lets fly",
            "lets rip",
            "takes aim",
        ),
    ),
    "save": (
        *(
            "save",
            "saves",
            "saved",
            "stops",
            "stopped",
            "denies",
            "denied",
            "blocks",
            "blocked",
            "parries",
            "palms",
        ),
        *("smothers", "keeps it out", "turns it away", "pushes it away", "beats it away"),
    ),
    "tackle": (
        *("tackle", "tackles", "tackled", "challenge", "robs", "robbed", "steals", "nicks", "dispossesses"),
        *("dispossessed", "wins it", "wins the ball", "win it", "takes it off", "takes the ball off"),
    ),
    "corner": ("corner", "corners"),
    "kick-off": (
        *(
            "kick-off",
            "kickoff",
            "kick off",
            "kicks off",
            "kicked off",
            "kicking off",
            "under way",
            "underway",
        ),
        *("restart", "restarts", "get us going", "gets us going"),
    ),
    "half-time": ("half-time", "halftime", "half time", "interval"),
    "full-time": ("full-time", "fulltime", "full time", "final whistle"),
    "throw-in": ("throw-in", "throw", "throws"),
    "none": (
        *(
            "goal kick",
            "goal kicks",
            "goal line",
            "goal mouth",
            "no goal",
            "on goal",
            "at goal",
            "in goal",
            "for goal",
        ),
        *("towards goal", "to goal", "past goal"),
    ),
}
"""Normalised word groups; where several fit at a place, the longest counts."""

NOUN_TRIGGERS = frozenset(
    {
        *(
            "goal",
            "goals",
            "equaliser",
            "scorer",
            "shot",
            "shots",
            "strike",
            "effort",
            "save",
            "tackle",
            "challenge",
        ),
        *("corner", "corners", "kick-off", "kickoff", "throw-in", "throw"),
    }
)
"""Triggers after which "from", "for" or "to" leads to who does it."""

MAX_TRIGGER_WORDS = max(len(trigger.split()) for triggers in TRIGGERS.values() for trigger in triggers)
KIND_OF_TRIGGER: dict[tuple[str, ...], MentionKind] = {
    tuple(trigger.split()): kind for kind, triggers in TRIGGERS.items() for trigger in triggers
}

NUMBER_WORDS: tuple[str, ...] = (
    *(
        "nil",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
"""How a number of goals is said, 0 to 19."""
NUMBERS: dict[str, int] = {word: number for number, word in enumerate(NUMBER_WORDS)} | {"zero": 0}
"""What a number word means, and a numeral likewise ("2")."""
NUMBERS |= {str(number): number for number in range(len(NUMBER_WORDS))}

LEADING_WORDS = frozenset({"lead", "leads", "leading", "ahead", "front", "up"})
"""Said of a team beside a score, the first number is that team's."""
TRAILING_WORDS = frozenset({"trail", "trails", "trailing", "behind", "down"})
"""Said of a team beside a score, the second number is that team's."""
LEVEL_WORDS = frozenset({"all", "each", "apiece"})
"""After a single number, both teams have that many."""

_WORD = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)*")
_SCORE_IN_DIGITS = re.compile(r"\d{1,2}-\d{1,2}")


def normalise(printed: str) -> tuple[str, ...]:
    """The bare words of one printed word: lower case, no punctuation, no possessive ("Okafor's!" is "okafor").

    Usually one; none for bare punctuation, several where words hang together ("2-1" or "fly!Saved").
    """
    bare: list[str] = []
    for word in _WORD.findall(printed.lower().replace("\u2019", "'")):
        if _SCORE_IN_DIGITS.fullmatch(word):
            bare.extend(word.split("-"))
        else:
            bare.append(word.removesuffix("'s").replace("'", ""))
    return tuple(bare)


def say_number(number: int) -> str:
    """A number of goals as it is said; from twenty on as a numeral."""
    return NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else str(number)


def find_triggers(words: list[str]) -> list[tuple[int, int, MentionKind]]:
    """Where a row of bare words tells of something: (first index, index after the last, kind), longest group first."""
    found: list[tuple[int, int, MentionKind]] = []
    at = 0
    while at < len(words):
        for length in range(min(MAX_TRIGGER_WORDS, len(words) - at), 0, -1):
            kind = KIND_OF_TRIGGER.get(tuple(words[at : at + length]))
            if kind is not None:
                found.append((at, at + length, kind))
                at += length
                break
        else:
            at += 1
    return found
