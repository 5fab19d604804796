"""The course of a half and what is tried in it: attacks, tackles, overhit passes, quiet spells; and the breaks.

Knows what to do with the ball when nothing has just happened. Knows nothing of pictures, words or how people run
(motion.py); the small steps are in script.py, shots and what follows them in finishing.py.

The script is a generator that gives orders to `Motion` and yields once a tick. A half never ends by itself: the
referee (simulate.py) stops pulling it when it is over.
"""

from collections.abc import Iterator
from math import hypot

from training.demo_league.finishing import Finishing
from training.demo_league.motion import DEFENDER, KEEPER, MIDDLE_Y_M, own_frame
from training.demo_league.records import HOME, NUM_PLAYERS_PER_TEAM, PHASES, PITCH_LENGTH_M, PITCH_WIDTH_M
from training.demo_league.script import CALM_BEFORE_WHISTLE_S

THROW_IN_WAIT_S = 1.2
HALF_TIME_S = 6.0
_FULL_SPEED_M_S = 7.5
_SHOT_RANGE_M = 13.0
_HUDDLE_SPOTS_5UV = ((12.0, 2.0), (9.9, 3.5), (14.1, 3.5), (10.6, 6.0), (13.4, 6.0))


class Play(Finishing):
    """The script of a match: its halves, its breaks, and what is tried in between."""

    def stand_at_kick_off(self, kicking_team: int) -> None:
        """Put everybody at his kick-off place at once: the state before the first tick."""
        self._choose_taker()
        self._to_kick_off_spots(kicking_team, speed=6.0)
        for player, order in self.motion.orders.items():
            self.motion.position_P2[player] = (order.x, order.y)

    def half(self, kicking_team: int, *, wait_s: float) -> Iterator[None]:
        """A half, from the wait before its kick-off; goes on for as long as it is pulled."""
        yield from self._kick_off(kicking_team, wait_s=wait_s)
        while True:
            if self.now_s < self._quiet_until_s:
                yield from self._keep_ball()
            else:
                self.motion.patient = False
                yield from self._attack()

    def _keep_ball(self) -> Iterator[None]:
        """One carry and one short pass at the back, unhurried."""
        self.motion.patient = True
        self.motion.presser = -1
        yield from self._dribble(self._between(1.2, 2.0), forward=self._between(-1.0, 1.0), speed=1.8)
        yield from self._pass(eagerness=-0.9, keeper_too=True)

    def _attack(self) -> Iterator[None]:
        """One carry, then a pass or the main event that is due."""
        motion = self.motion
        owner = motion.owner
        team, place = divmod(owner, NUM_PLAYERS_PER_TEAM)
        u, v = own_frame(team, *motion.player_xy(owner))
        late_s = self.now_s - self._due_s
        calm = self.whistle_s - self.now_s < CALM_BEFORE_WHISTLE_S
        if place == KEEPER:
            yield from self._dribble(self._between(1.2, 1.6), forward=0.6, speed=1.5)
            yield from self._pass(eagerness=0.2)
            return
        if late_s > 3.0 and self._intent == "shot" and u < 20.0:
            self._intent = "tackle"
        if late_s > -0.9 and not calm:
            if self._intent == "shot" and self._goal_distance(team) < _SHOT_RANGE_M:
                yield from self._dribble(max(0.7, -late_s), forward=3.0, speed=3.6)
                yield from self._shoot()
                return
            if self._intent == "throw-in" and 8.0 < u < 34.0 and abs(v - MIDDLE_Y_M) > 3.0:
                yield from self._dribble(max(0.8, -late_s), forward=1.5, speed=3.0)
                yield from self._overhit()
                return
            if (
                self._intent != "shot"
                and (place != DEFENDER or late_s > 0.8)
                and (14.0 if late_s < 2.0 else 6.0) < u < 36.0
            ):
                tackler = self._nearest(1 - team, *motion.ball)
                x, y = motion.player_xy(tackler)
                if hypot(x - motion.ball[0], y - motion.ball[1]) < 8.5:
                    yield from self._tackle(tackler, wait_s=max(0.8, -late_s))
                    return
        if self._intent == "shot" and not calm and late_s > -5.0:
            yield from self._dribble(self._between(0.9, 1.5), forward=self._between(2.0, 5.0), speed=4.2)
            if late_s > -2.0 and self._goal_distance(team) < _SHOT_RANGE_M - 2.0:
                return
            yield from self._pass(eagerness=1.0)
        else:
            yield from self._dribble(self._between(1.0, 1.9), forward=self._between(-1.0, 3.0), speed=3.2)
            yield from self._pass(eagerness=0.25, keeper_too=u < 12.0 and self._chance(0.25))

    def _tackle(self, tackler: int, *, wait_s: float) -> Iterator[None]:
        """The tackler runs at the owner and takes the ball off him."""
        motion = self.motion
        victim = motion.owner
        team = victim // NUM_PLAYERS_PER_TEAM
        u, v = own_frame(team, *motion.player_xy(victim))
        motion.send(victim, *own_frame(team, min(u + 2.5, 35.0), v), speed=2.4)
        motion.presser = -1
        x, y = motion.player_xy(tackler)
        run_s = hypot(x - motion.ball[0], y - motion.ball[1]) / 5.5
        end_tick = motion.tick + self._ticks(max(wait_s, run_s))
        last_tick = motion.tick + self._ticks(3.0)
        while motion.tick < end_tick:
            ball_x, ball_y = motion.ball
            x, y = motion.player_xy(tackler)
            away = hypot(x - ball_x, y - ball_y) or 1.0
            if away > _FULL_SPEED_M_S * (end_tick - motion.tick) / motion.tick_hz and motion.tick < last_tick:
                end_tick += 1
            near = 0.55 / away
            motion.send(
                tackler,
                ball_x + (x - ball_x) * near,
                ball_y + (y - ball_y) * near,
                speed=8.0,
                due_tick=end_tick,
            )
            yield
        motion.release(victim, tackler)
        self._take(tackler)
        self.note("tackle", tackler, victim)
        tackler_team = 1 - team
        own_u, own_v = own_frame(tackler_team, *motion.player_xy(tackler))
        aside = 3.0 if own_v < MIDDLE_Y_M else -3.0
        motion.heading = (1.0 if tackler_team == HOME else -1.0, 0.0)
        motion.send(tackler, *own_frame(tackler_team, own_u + 2.5, own_v + aside), speed=3.8)
        motion.send(victim, *motion.player_xy(victim), speed=1.0)
        self._plan(2.0, 3.6)
        yield from self._wait(0.8)
        motion.release(victim)
        yield from self._wait(0.7)
        self._press()
        if own_u < 18.0:
            self._may_rest()
        yield from self._pass(eagerness=0.3)

    def _overhit(self) -> Iterator[None]:
        """A pass that nobody reaches: the ball goes into touch, and the others throw it in."""
        motion = self.motion
        owner = motion.owner
        team = owner // NUM_PLAYERS_PER_TEAM
        x, y = motion.ball
        side_y = 0.0 if y < MIDDLE_Y_M else PITCH_WIDTH_M
        out_y = side_y + (-0.55 if side_y == 0.0 else 0.55)
        out_x = min(max(x + (1 if team == HOME else -1) * self._between(2.0, 5.0), 3.0), PITCH_LENGTH_M - 3.0)
        ticks = self._ticks(min(max(0.1 * hypot(out_x - x, out_y - y), 0.5), 0.9))
        motion.turn(out_x, out_y)
        motion.release(owner)
        self.last_touch = owner
        motion.presser = -1
        motion.kick(out_x, out_y, ticks=ticks, slowing=1.2)
        for _ in range(ticks):
            yield
        self.phase = PHASES.index("throw-in")
        taking_team = 1 - team
        taker = self._nearest(taking_team, out_x, out_y)
        wait_ticks = self._ticks(1.4)
        place_y = 0.35 if side_y == 0.0 else PITCH_WIDTH_M - 0.35
        motion.send(taker, out_x, place_y, speed=8.0, due_tick=motion.tick + wait_ticks)
        motion.possession = taking_team
        yield from self._wait(0.5)
        motion.kick(out_x + 0.75, side_y, ticks=wait_ticks - self._ticks(0.5), slowing=1.6)
        for _ in range(wait_ticks - self._ticks(0.5)):
            yield
        self.last_touch = taker
        motion.heading = (1.0, 0.0)
        motion.give_ball(taker)
        motion.send(taker, out_x, place_y, speed=2.0)
        self.note("throw-in", taker)
        self._plan(2.4, 4.0)
        yield from self._wait(THROW_IN_WAIT_S)
        motion.turn(out_x, MIDDLE_Y_M)
        self.phase = PHASES.index("play")
        u, _ = own_frame(taking_team, out_x, place_y)
        if u < 18.0:
            self._may_rest()
        yield from self._pass(eagerness=0.2)

    def rest(self, kicking_team: int) -> Iterator[None]:
        """The half-time break, up to the wait before the second half's kick-off."""
        motion = self.motion
        self.phase = PHASES.index("half-time")
        self.note("half-time")
        self._stop_play()
        self._choose_taker()
        for player in range(2 * NUM_PLAYERS_PER_TEAM):
            team, place = divmod(player, NUM_PLAYERS_PER_TEAM)
            u, v = _HUDDLE_SPOTS_5UV[place]
            x, _ = own_frame(team, u, v)
            motion.send(player, x, v, speed=5.5)
        yield from self._wait(1.0)
        motion.kick(PITCH_LENGTH_M / 2, MIDDLE_Y_M, ticks=self._ticks(1.5), slowing=1.8)
        yield from self._wait(2.4)
        self._to_kick_off_spots(kicking_team, speed=5.5)
        yield from self._wait(HALF_TIME_S - 3.4)

    def finish(self) -> Iterator[None]:
        """After the final whistle: hands are shaken until the picture ends."""
        motion = self.motion
        self.phase = PHASES.index("full-time")
        self.note("full-time")
        self._stop_play()
        for player in range(2 * NUM_PLAYERS_PER_TEAM):
            team, place = divmod(player, NUM_PLAYERS_PER_TEAM)
            x = PITCH_LENGTH_M / 2 + (-1.1 if team == HOME else 1.1)
            motion.send(player, x, MIDDLE_Y_M + (place - 2) * 2.4, speed=5.0)
        while True:
            yield

    def _stop_play(self) -> None:
        """Let the ball roll out where it is; nobody plays it any more."""
        motion = self.motion
        motion.release()
        motion.presser = -1
        motion.patient = False
        self._quiet_until_s = -1.0
        x, y = motion.ball
        motion.kick(min(max(x, 0.5), PITCH_LENGTH_M - 0.5), min(max(y, 0.5), PITCH_WIDTH_M - 0.5), ticks=6)
