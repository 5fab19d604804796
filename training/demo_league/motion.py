"""Ten players and a ball in motion: formation, marking, running to order, dribbling, ball flight.

Knows where everybody is and where he wants to be at this tick. Knows nothing of the rules, of events or of
who should do what: the script of play (play.py) gives the orders.

A team's own frame is (u, v) in metres: u from its own goal line to the other, v from its left to its right.
The home team attacks towards x = PITCH_LENGTH_M in both halves.
"""

from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from training.demo_league.records import HOME, NUM_PLAYERS_PER_TEAM, PITCH_LENGTH_M, PITCH_WIDTH_M

GOAL_WIDTH_M = 4.8
GOAL_DEPTH_M = 1.3
MIDDLE_Y_M = PITCH_WIDTH_M / 2
BALL_AHEAD_M = 0.95
"""How far in front of a player's middle the ball is while he has it."""

KEEPER, DEFENDER, LEFT, RIGHT, FORWARD = range(NUM_PLAYERS_PER_TEAM)
_BASE_5UV = np.array([(2.0, 11.25), (10.5, 11.25), (19.5, 4.8), (19.5, 17.7), (26.0, 11.25)])
_SHIFT_5UV = np.array([(0.06, 0.12), (0.6, 0.3), (0.78, 0.25), (0.78, 0.25), (0.55, 0.3)])
_BACK_5UV = np.array([(3.0, 11.25), (8.5, 11.25), (12.5, 4.0), (12.5, 18.5), (24.0, 11.25)])
_BACK_SHIFT_5UV = np.array([(0.05, 0.12), (0.15, 0.2), (0.2, 0.1), (0.2, 0.1), (0.3, 0.2)])
_MARKS_5 = np.array([KEEPER, FORWARD, RIGHT, LEFT, DEFENDER])
"""Whom each player marks when his team has not got the ball, by place in the other team."""
_LOW_UV = np.array([1.0, 1.2])
_HIGH_UV = np.array([PITCH_LENGTH_M - 3.0, PITCH_WIDTH_M - 1.2])

_ACCELERATION_M_S2 = 11.0
_REACH_M = 1.9
"""Players closer than this push each other apart."""
_FORM_EVERY_TICKS = 3
_WANDER_M = 1.3
_WANDER_PERIODS_S = (5.3, 8.9)


def own_frame(team: int, x: float, y: float) -> tuple[float, float]:
    """Where (x, y) is in the team's own frame; the same formula leads back."""
    return (x, y) if team == HOME else (PITCH_LENGTH_M - x, PITCH_WIDTH_M - y)


@dataclass(kw_only=True, slots=True)
class Order:
    """Where one player must run now, instead of keeping the formation."""

    x: float
    y: float
    speed: float
    """Metres a second at most."""
    due_tick: int = -1
    """If not negative, he is there at this tick, whatever it takes."""


class Motion:
    """The moving state of a match. `step` moves everything on by one tick.

    Args:
        rng: source of the players' wandering.
        tick_hz: ticks a second.
    """

    def __init__(self, rng: np.random.Generator, *, tick_hz: float) -> None:
        self.tick = 0
        self.tick_hz = tick_hz
        self.position_P2: NDArray[np.float64] = np.zeros((10, 2))
        self.velocity_P2: NDArray[np.float64] = np.zeros((10, 2))
        self.orders: dict[int, Order] = {}
        self.possession = HOME
        """The team that the formation takes to be attacking."""
        self.patient = False
        """Whether the attackers keep the ball at the back and the others let them."""
        self.presser = -1
        """The defender who stays close to the owner, or -1."""
        self.owner = -1
        self.ball = (PITCH_LENGTH_M / 2, MIDDLE_Y_M)
        self.heading = (1.0, 0.0)
        """Where the owner faces, a unit vector."""
        self._offset = (0.0, 0.0)
        self._flight: tuple[float, float, float, float, int, int, float] | None = None
        self._dt = 1.0 / tick_hz
        self._target_P2 = np.zeros((10, 2))
        self._speed_P = np.full(10, 4.2)
        self._wander_phase_KP2 = rng.uniform(0.0, 2 * np.pi, (len(_WANDER_PERIODS_S), 10, 2))
        self._wander_scale_P1 = np.full((10, 1), _WANDER_M)
        self._wander_scale_P1[[KEEPER, NUM_PLAYERS_PER_TEAM]] = 0.25

    # What the script asks

    def player_xy(self, player: int) -> tuple[float, float]:
        """Where a player is, metres."""
        x, y = self.position_P2[player].tolist()
        return x, y

    def positions(self) -> list[list[float]]:
        """Where everybody is: ten [x, y]."""
        rows: list[list[float]] = self.position_P2.tolist()
        return rows

    @property
    def in_flight(self) -> bool:
        """Whether a kicked ball is still on its way."""
        return self._flight is not None

    # What the script orders

    def send(self, player: int, x: float, y: float, *, speed: float, due_tick: int = -1) -> None:
        """Make a player run to a place, kept inside the pitch."""
        x = min(max(x, 0.3), PITCH_LENGTH_M - 0.3)
        y = min(max(y, 0.3), PITCH_WIDTH_M - 0.3)
        self.orders[player] = Order(x=x, y=y, speed=speed, due_tick=due_tick)

    def release(self, *players: int) -> None:
        """Let players go back to the formation; everybody when none is named."""
        if players:
            for player in players:
                self.orders.pop(player, None)
        else:
            self.orders.clear()

    def give_ball(self, player: int) -> None:
        """The player has the ball from this tick on; it comes to his feet smoothly."""
        x, y = self.player_xy(player)
        self._flight = None
        self.owner = player
        self._offset = (self.ball[0] - x, self.ball[1] - y)
        self.possession = player // NUM_PLAYERS_PER_TEAM

    def kick(self, x: float, y: float, *, ticks: int, slowing: float = 1.35) -> None:
        """Send the ball to (x, y), where it is after `ticks`; it loses pace where `slowing` is above 1."""
        self.owner = -1
        self._flight = (*self.ball, x, y, self.tick, max(ticks, 1), slowing)

    def turn(self, x: float, y: float) -> None:
        """Make the owner face the point (x, y)."""
        own_x, own_y = self.player_xy(self.owner)
        length = hypot(x - own_x, y - own_y) or 1.0
        self.heading = ((x - own_x) / length, (y - own_y) / length)

    # One tick

    def step(self) -> None:
        """Move everything on by one tick."""
        if self.tick % _FORM_EVERY_TICKS == 0:
            self._form()
        self._run()
        self._move_ball()
        self.tick += 1

    def _form(self) -> None:
        """Work out where everybody without an order wants to be."""
        attackers = self.possession
        first, other = (0, 5) if attackers == HOME else (5, 0)
        ball_u, ball_v = own_frame(attackers, *self.ball)
        base_5UV, shift_5UV = (_BACK_5UV, _BACK_SHIFT_5UV) if self.patient else (_BASE_5UV, _SHIFT_5UV)
        spot_5UV = base_5UV + shift_5UV * (ball_u - 17.0, ball_v - MIDDLE_Y_M)
        np.clip(spot_5UV, _LOW_UV, _HIGH_UV, out=spot_5UV)
        target_P2 = self._target_P2
        if attackers == HOME:
            target_P2[:5] = spot_5UV
        else:
            target_P2[5:] = (PITCH_LENGTH_M, PITCH_WIDTH_M) - spot_5UV
        goal_x = PITCH_LENGTH_M if attackers == HOME else 0.0
        marked_52 = self.position_P2[first : first + 5][_MARKS_5]
        goal_side = 0.42 if self.patient else 0.2
        target_P2[other : other + 5] = marked_52 + ((goal_x, MIDDLE_Y_M) - marked_52) * goal_side
        keeper_x = 1.1 if goal_x == 0.0 else PITCH_LENGTH_M - 1.1
        target_P2[other] = (keeper_x, MIDDLE_Y_M + (self.ball[1] - MIDDLE_Y_M) * 0.22)
        seconds = self.tick * self._dt
        wander_P2 = sum(
            np.sin(phase_P2 + seconds * (2 * np.pi / period_s))
            for phase_P2, period_s in zip(self._wander_phase_KP2, _WANDER_PERIODS_S, strict=True)
        )
        target_P2 += wander_P2 * self._wander_scale_P1
        if self.presser >= 0:
            x, y = self.ball
            length = hypot(goal_x - x, MIDDLE_Y_M - y) or 1.0
            stand_off = 2.6
            target_P2[self.presser] = (
                x + (goal_x - x) / length * stand_off,
                y + (MIDDLE_Y_M - y) / length * stand_off,
            )

    def _run(self) -> None:
        """Accelerate everybody towards his target, keep people apart, move."""
        position_P2, velocity_P2 = self.position_P2, self.velocity_P2
        wanted_P2 = self._target_P2 - position_P2
        speed_P = self._speed_P
        if self.orders:
            speed_P = speed_P.copy()
            for player, order in self.orders.items():
                x, y = self.player_xy(player)
                wanted_P2[player] = (order.x - x, order.y - y)
                speed_P[player] = order.speed
        wanted_P2 *= 1.7
        length_P = np.sqrt(np.einsum("pk,pk->p", wanted_P2, wanted_P2))
        wanted_P2 *= np.minimum(1.0, speed_P / (length_P + 1e-6))[:, None]
        apart_PP2 = position_P2[:, None] - position_P2
        push_PP = np.maximum(_REACH_M**2 - np.einsum("pqk,pqk->pq", apart_PP2, apart_PP2), 0.0)
        wanted_P2 += np.einsum("pq,pqk->pk", push_PP, apart_PP2)
        wanted_P2 -= velocity_P2
        change = _ACCELERATION_M_S2 * self._dt
        np.clip(wanted_P2, -change, change, out=wanted_P2)
        velocity_P2 += wanted_P2
        for player, order in self.orders.items():
            if order.due_tick >= 0:
                x, y = self.player_xy(player)
                left_s = max(order.due_tick - self.tick, 1) * self._dt
                velocity_P2[player] = ((order.x - x) / left_s, (order.y - y) / left_s)
        position_P2 += velocity_P2 * self._dt
        np.clip(position_P2, 0.3, (PITCH_LENGTH_M - 0.3, PITCH_WIDTH_M - 0.3), out=position_P2)

    def _move_ball(self) -> None:
        if self.owner >= 0:
            x, y = self.player_xy(self.owner)
            vx, vy = self.velocity_P2[self.owner].tolist()
            pace = hypot(vx, vy)
            if pace > 0.8:
                hx, hy = self.heading[0] + 0.3 * vx / pace, self.heading[1] + 0.3 * vy / pace
                length = hypot(hx, hy) or 1.0
                self.heading = (hx / length, hy / length)
            off_x, off_y = self._offset
            off_x += (self.heading[0] * BALL_AHEAD_M - off_x) * 0.4
            off_y += (self.heading[1] * BALL_AHEAD_M - off_y) * 0.4
            self._offset = (off_x, off_y)
            self.ball = (
                min(max(x + off_x, 0.15), PITCH_LENGTH_M - 0.15),
                min(max(y + off_y, 0.15), PITCH_WIDTH_M - 0.15),
            )
        elif self._flight is not None:
            x0, y0, x1, y1, start_tick, ticks, slowing = self._flight
            done = min((self.tick + 1 - start_tick) / ticks, 1.0)
            part = 1.0 - (1.0 - done) ** slowing
            self.ball = (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part)
            if done >= 1.0:
                self._flight = None
