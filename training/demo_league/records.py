"""What a match is made of: teams, events, and the state of the pitch at every tick.

Knows the shapes that the simulator fills and that the renderer, the commentator and the scorer read.
Knows nothing of how a match is played, drawn, told or scored.

Shape suffixes: T ticks, P players (10: five home, then five away), 2 = (x, y) in metres.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EventKind = Literal[
    "kick-off", "pass", "tackle", "shot", "save", "goal", "corner", "throw-in", "half-time", "full-time"
]
SCORED_KINDS: tuple[EventKind, ...] = ("goal", "shot", "save", "tackle", "corner", "kick-off", "half-time")
HOME, AWAY = 0, 1
PITCH_LENGTH_M, PITCH_WIDTH_M = 40.0, 22.5
NUM_PLAYERS_PER_TEAM = 5
LOOKS_PER_S = 2
"""The commentator looks at the picture at k and k + 0.5 s, as the model does, and speaks in second k of what has happened
by k + 0.5 s. So whatever marks an event in the picture (pulse, ring, panel, scoreboard) has to be there at full strength
in the first frame at or after the event's time, not grow into view."""


@dataclass(frozen=True, kw_only=True)
class Kit:
    """A team's colour, as it is said and as it is drawn."""

    name: str
    """The word for the colour ("red")."""
    rgb: tuple[int, int, int]
    """0-255 each."""


@dataclass(frozen=True, kw_only=True)
class Player:
    """One player. The number is on the shirt; the name stands in the title only."""

    number: int
    """1-5 in the home team, 6-10 in the away team: unique in a match."""
    name: str


@dataclass(frozen=True, kw_only=True)
class Team:
    """Five players, a name and a kit. The first player keeps goal."""

    name: str
    kit: Kit
    players: tuple[Player, ...]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened at one moment."""

    time_s: float
    """When it happens: kick-off and shot, as the ball leaves the foot; pass, as the receiver has the ball; tackle, as
    the ball changes feet; save, as the keeper stops it; goal, as it crosses the line; corner and throw-in, as the
    taker stands with the ball at its place (he kicks 1.6 s, or throws 1.2 s later); half-time and full-time, as the
    whistle stops play."""
    kind: EventKind
    team: int | None
    """HOME or AWAY: who does it (the scoring, saving, tackling, kicking team); None for half-time and full-time."""
    player: int | None
    """Index 0-9 of who does it: scorer, shooter, keeper, tackler, passer, taker."""
    other: int | None
    """Index 0-9 of the second person: receiver of a pass, tackled player, shooter whose shot is saved, keeper beaten."""
    score: tuple[int, int]
    """(home, away) just after the event."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """A whole match, played."""

    seed: int
    home: Team
    away: Team
    tick_hz: float
    positions_TP2: NDArray[np.float32]
    """Players, metres, x in [0, PITCH_LENGTH_M], y in [0, PITCH_WIDTH_M]; (0, 0) is the top left corner of the picture."""
    ball_T2: NDArray[np.float32]
    ball_speed_T: NDArray[np.float32]
    """Metres a second."""
    owner_T: NDArray[np.int8]
    """Who has the ball, 0-9, or -1 while it rolls free."""
    last_touch_T: NDArray[np.int8]
    """Who touched it last, 0-9, or -1 before the first kick-off. The picture's "on the ball" panel shows this player."""
    score_T2: NDArray[np.int16]
    phase_T: NDArray[np.int8]
    """Index into PHASES."""
    events: tuple[Event, ...]
    """In order of time."""
    clock_offset_s: float = 0.0
    """What the clock in the picture showed at the start, so that a short match can stand for a late part of a long one."""
    half_time_s: float
    """When the half-time break begins; the second half starts with its own kick-off."""

    @property
    def duration_s(self) -> float:
        """Length of the match in seconds, breaks included."""
        return len(self.ball_T2) / self.tick_hz

    def tick_at(self, time_s: float) -> int:
        """The last tick at or before a time; the picture and the commentator both show and tell this state."""
        return min(max(int(time_s * self.tick_hz + 1e-6), 0), len(self.ball_T2) - 1)

    def team(self, index: int) -> Team:
        """The team HOME or AWAY."""
        return (self.home, self.away)[index]

    def player(self, index: int) -> Player:
        """The player 0-9."""
        return self.team(index // NUM_PLAYERS_PER_TEAM).players[index % NUM_PLAYERS_PER_TEAM]

    @property
    def title(self) -> str:
        """What the model is told before the match: the only place where names stand."""
        return squads_title(self.home, self.away)


def squads_title(home: Team, away: Team) -> str:
    """The title of a match between two teams."""
    sides = []
    for team in (home, away):
        squad = ", ".join(f"{player.number} {player.name}" for player in team.players)
        sides.append(f"{team.name} in {team.kit.name}: {squad}.")
    # The opening words put a space before the first team's name, as there is before every name that is said.
    return " ".join(["Demo league.", *sides])


PHASES = ("play", "kick-off", "celebration", "corner", "throw-in", "half-time", "full-time")
