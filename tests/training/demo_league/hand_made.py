"""Small matches and captions made by hand, for the tests of listening and scoring."""

from typing import Any

from training.demo_league.listen import Caption, Heard, listen
from training.demo_league.truth import Truth, truth_of

TITLE = "Lions in red: 1 Okafor, 2 Sato. Hawks in white: 6 Lind, 7 Marsh."
TEAMS = ("Lions", "Hawks")
SQUADS = {"Okafor": "Lions", "Sato": "Lions", "Lind": "Hawks", "Marsh": "Hawks"}

Line = dict[str, Any]


def event(
    t: float,
    kind: str,
    player: str | None = None,
    *,
    other: str | None = None,
    goals: tuple[int, int] = (0, 0),
) -> Line:
    team = SQUADS[player] if player else None
    return {
        **{"type": "event", "t": t, "kind": kind, "team": team},
        **{"player": player, "other": other, "score": [*goals]},
    }


def truth_from(*lines: Line, duration_s: float = 100.0) -> Truth:
    return truth_of([{"type": "match", "title": TITLE, "duration_s": duration_s}, *lines])


def say(*said: tuple[float, str]) -> list[Caption]:
    """Captions of one second, each ending at the given time, when its last word has been said."""
    return [Caption(end_s - 1.0, end_s, text) for end_s, text in said]


def hear(*said: tuple[float, str]) -> Heard:
    return listen(say(*said), teams=TEAMS, team_of_player=SQUADS)
