"""The small steps of play: running with the ball, choosing whom to pass to, passing, kicking off; and the rhythm.

Knows when the next main event is due and how events are written down. Knows nothing of shots (finishing.py), tackles
or the course of a half (play.py), of pictures, words or how people run (motion.py).

A step is a generator that gives orders to `Motion` and yields once a tick.
"""

from collections.abc import Iterator
from math import hypot

import numpy as np

from training.demo_league.motion import DEFENDER, FORWARD, KEEPER, LEFT, MIDDLE_Y_M, RIGHT, Motion, own_frame
from training.demo_league.records import (
    NUM_PLAYERS_PER_TEAM,
    PHASES,
    PITCH_LENGTH_M,
    PITCH_WIDTH_M,
    Event,
    EventKind,
)

KICK_OFF_WAIT_S = 1.2
CALM_BEFORE_WHISTLE_S = 5.5
"""Nothing that leads to a main event is begun so shortly before a whistle."""
_LAST_KICK_OFF_S = 2.5
_KICK_OFF_SPOTS_5UV = ((2.0, 11.25), (9.0, 11.25), (16.0, 4.5), (16.0, 18.0), (15.0, 11.25))


class Script:
    """What every part of the script of a match is made of.

    Args:
        rng: source of every decision.
        motion: the players and the ball to order about.
        score: home and away goals at the start.
        goals_to_come: how many goals each side is to score, if it gets the shots.
        end_s: when full-time is whistled.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        motion: Motion,
        *,
        score: tuple[int, int],
        goals_to_come: tuple[int, int],
        end_s: float,
    ) -> None:
        self.motion = motion
        self.events: list[Event] = []
        self.score = [*score]
        self.last_touch = -1
        self.phase = PHASES.index("kick-off")
        self.whistle_s = end_s
        """When play is stopped next; nothing big is begun shortly before it."""
        self._rng = rng
        self._goals_left = [*goals_to_come]
        self._end_s = end_s
        self._due_s = 0.0
        self._intent: EventKind = "shot"
        self._quiet_until_s = -1.0
        self._last_quiet_s = 0.0
        self._quiet_gap_s = self._between(25.0, 60.0)
        self._previous_passer = -1
        self._taker_place = FORWARD

    @property
    def now_s(self) -> float:
        """The time of the tick that is being prepared."""
        return self.motion.tick / self.motion.tick_hz

    def _between(self, low: float, high: float) -> float:
        return low + (high - low) * float(self._rng.random())

    def _chance(self, probability: float) -> bool:
        return bool(self._rng.random() < probability)

    def _ticks(self, seconds: float) -> int:
        return max(1, round(seconds * self.motion.tick_hz))

    def _wait(self, seconds: float) -> Iterator[None]:
        for _ in range(self._ticks(seconds)):
            yield

    def note(self, kind: EventKind, player: int | None = None, other: int | None = None) -> None:
        """Write an event down at the present tick."""
        home, away = self.score
        team = None if player is None else player // NUM_PLAYERS_PER_TEAM
        self.events.append(
            Event(time_s=self.now_s, kind=kind, team=team, player=player, other=other, score=(home, away))
        )

    def _plan(self, low_s: float, high_s: float) -> None:
        """Decide what the next main event shall be and from when on."""
        self._due_s = self.now_s + self._between(low_s, high_s)
        draw = self._rng.random()
        self._intent = "shot" if draw < 0.62 else "tackle" if draw < 0.92 else "throw-in"

    def _take(self, player: int) -> None:
        """The player controls the ball."""
        self.motion.give_ball(player)
        self.motion.release(player)
        self.last_touch = player

    def _nearest(self, team: int, x: float, y: float, *, but: int = -1) -> int:
        """The outfield player of a team nearest to a place."""
        spots = self.motion.positions()
        first = team * NUM_PLAYERS_PER_TEAM
        outfield = [player for player in range(first + 1, first + NUM_PLAYERS_PER_TEAM) if player != but]
        return min(outfield, key=lambda player: hypot(spots[player][0] - x, spots[player][1] - y))

    def _goal_distance(self, team: int) -> float:
        u, v = own_frame(team, *self.motion.ball)
        return hypot(PITCH_LENGTH_M - u, v - MIDDLE_Y_M)

    def _press(self) -> None:
        """The nearest outfield opponent closes the owner down."""
        motion = self.motion
        team = motion.owner // NUM_PLAYERS_PER_TEAM
        if motion.patient or motion.owner % NUM_PLAYERS_PER_TEAM == KEEPER:
            motion.presser = -1
            return
        motion.presser = self._nearest(1 - team, *motion.ball)

    def _dribble(self, seconds: float, *, forward: float, speed: float) -> Iterator[None]:
        """The owner carries the ball for a while, some metres forward and a little to a side."""
        motion = self.motion
        owner = motion.owner
        team, place = divmod(owner, NUM_PLAYERS_PER_TEAM)
        u, v = own_frame(team, *motion.player_xy(owner))
        if place == KEEPER:
            u, v = min(max(u, 2.0) + 0.6, 4.0), min(max(v, MIDDLE_Y_M - 3.0), MIDDLE_Y_M + 3.0)
        else:
            towards_middle = (MIDDLE_Y_M - v) * (0.16 if u > 20.0 else 0.05)
            v += towards_middle + self._between(-2.6, 2.6)
            u += forward
            u = min(max(u, 3.0), PITCH_LENGTH_M - 5.5)
            v = min(max(v, 2.2), PITCH_WIDTH_M - 2.2)
        motion.send(owner, *own_frame(team, u, v), speed=speed)
        yield from self._wait(seconds)

    def _choose_receiver(self, *, eagerness: float, keeper_too: bool) -> tuple[int, float, float]:
        """Whom to pass to, and where he is to meet the ball."""
        motion = self.motion
        owner = motion.owner
        team = owner // NUM_PLAYERS_PER_TEAM
        spots = motion.positions()
        velocities: list[list[float]] = motion.velocity_P2.tolist()
        own_x, own_y = spots[owner]
        own_u, _ = own_frame(team, own_x, own_y)
        opponents = [spots[p] for p in range((1 - team) * 5, (1 - team) * 5 + 5)]
        best: tuple[float, int, float, float] | None = None
        for place in range(NUM_PLAYERS_PER_TEAM):
            player = team * NUM_PLAYERS_PER_TEAM + place
            if player == owner or (place == KEEPER and not keeper_too):
                continue
            x, y = spots[player]
            x += velocities[player][0] * 0.35
            y += velocities[player][1] * 0.35
            u, v = own_frame(team, x, y)
            u += max(0.0, eagerness) * self._between(0.0, 1.6)
            u = min(max(u, 1.5), PITCH_LENGTH_M - 3.5)
            v = min(max(v, 1.6), PITCH_WIDTH_M - 1.6)
            x, y = own_frame(team, u, v)
            length = hypot(x - own_x, y - own_y)
            if length < 3.5:
                continue
            lane = 9.0
            room = 9.0
            for other_x, other_y in opponents:
                along = ((other_x - own_x) * (x - own_x) + (other_y - own_y) * (y - own_y)) / length**2
                along = min(max(along, 0.0), 1.0)
                lane = min(
                    lane,
                    hypot(other_x - own_x - along * (x - own_x), other_y - own_y - along * (y - own_y)),
                )
                room = min(room, hypot(other_x - x, other_y - y))
            value = 1.3 * min(lane, 2.2) + 0.35 * min(room, 4.0) + 0.11 * eagerness * (u - own_u)
            value -= 0.12 * max(0.0, length - 13.0) + (1.1 if player == self._previous_passer else 0.0)
            value += self._between(0.0, 1.6)
            if best is None or value > best[0]:
                best = (value, player, x, y)
        if best is None:
            player = self._nearest(team, own_x, own_y, but=owner)
            return (player, *motion.player_xy(player))
        return best[1:]

    def _pass_flight(self, passer: int, receiver: int, x: float, y: float) -> Iterator[None]:
        """The ball goes from the passer to (x, y), where the receiver meets it."""
        motion = self.motion
        from_x, from_y = motion.ball
        length = hypot(x - from_x, y - from_y) or 1.0
        ticks = self._ticks(min(max(0.26 + 0.04 * length, 0.42), 0.9))
        if motion.owner >= 0:
            motion.turn(x, y)
        at_x, at_y = x - (x - from_x) / length * 0.9, y - (y - from_y) / length * 0.9
        motion.release(passer)
        motion.send(receiver, x, y, speed=8.0, due_tick=motion.tick + ticks)
        motion.kick(at_x, at_y, ticks=ticks)
        self.last_touch = passer
        self._previous_passer = passer
        for _ in range(ticks):
            yield
        motion.heading = ((from_x - x) / length, (from_y - y) / length)
        self._take(receiver)
        self.note("pass", passer, receiver)
        self._press()

    def _pass(self, *, eagerness: float, keeper_too: bool = False) -> Iterator[None]:
        receiver, x, y = self._choose_receiver(eagerness=eagerness, keeper_too=keeper_too)
        yield from self._pass_flight(self.motion.owner, receiver, x, y)

    def _may_rest(self) -> None:
        """Begin a quiet spell, if there has been none for long and there is time for it."""
        if self.now_s - self._last_quiet_s < self._quiet_gap_s or self.whistle_s - self.now_s < 20.0:
            return
        self._quiet_until_s = self.now_s + self._between(6.0, 8.5)
        self._last_quiet_s = self._quiet_until_s
        self._quiet_gap_s = self._between(30.0, 70.0)
        self._due_s = max(self._due_s, self._quiet_until_s + self._between(0.5, 1.5))

    def _choose_taker(self) -> None:
        """Decide who takes the next kick-off: the forward or one of the wingers."""
        self._taker_place = (FORWARD, LEFT, RIGHT)[int(self._rng.integers(3))]

    def _to_kick_off_spots(self, kicking_team: int, *, speed: float) -> None:
        for player in range(2 * NUM_PLAYERS_PER_TEAM):
            team, place = divmod(player, NUM_PLAYERS_PER_TEAM)
            u, v = _KICK_OFF_SPOTS_5UV[place]
            if team == kicking_team and place == self._taker_place:
                u, v = PITCH_LENGTH_M / 2 - 0.95, MIDDLE_Y_M
            elif team == kicking_team and place == FORWARD:
                u, v = _KICK_OFF_SPOTS_5UV[self._taker_place]
            elif place == FORWARD:
                u = 13.6
            self.motion.send(player, *own_frame(team, u, v), speed=speed)

    def _kick_off(self, team: int, *, wait_s: float) -> Iterator[None]:
        motion = self.motion
        self.phase = PHASES.index("kick-off")
        motion.patient = False
        motion.presser = -1
        motion.possession = team
        self._to_kick_off_spots(team, speed=7.5)
        yield from self._wait(wait_s)
        while self.whistle_s - self.now_s < _LAST_KICK_OFF_S:
            yield
        taker = team * NUM_PLAYERS_PER_TEAM + self._taker_place
        others = [place for place in (LEFT, RIGHT, FORWARD, DEFENDER) if place != self._taker_place]
        receiver = team * NUM_PLAYERS_PER_TEAM + others[int(self._rng.integers(3))]
        self.phase = PHASES.index("play")
        self.last_touch = taker
        self.note("kick-off", taker, receiver)
        self._plan(2.0, 3.6)
        motion.release()
        yield from self._pass_flight(taker, receiver, *motion.player_xy(receiver))
