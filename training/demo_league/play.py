"""What happens in a match: who passes to whom, when a main event is due, and how it comes out.

Knows the rhythm of the game and its events. Knows nothing of pictures, words or how people run (motion.py).

The script is a generator that gives orders to `Motion` and yields once a tick. It never ends by itself: the
referee (simulate.py) stops pulling it when a half is over.
"""

from collections.abc import Iterator
from math import hypot

import numpy as np

from training.demo_league.motion import (
    DEFENDER,
    FORWARD,
    GOAL_DEPTH_M,
    GOAL_WIDTH_M,
    KEEPER,
    LEFT,
    MIDDLE_Y_M,
    RIGHT,
    Motion,
    own_frame,
)
from training.demo_league.records import (
    HOME,
    NUM_PLAYERS_PER_TEAM,
    PHASES,
    PITCH_LENGTH_M,
    PITCH_WIDTH_M,
    Event,
    EventKind,
)

MAX_GOALS_PER_SIDE = 15
CELEBRATION_S = 4.0
KICK_OFF_WAIT_S = 1.2
CORNER_WAIT_S = 1.6
THROW_IN_WAIT_S = 1.2
HALF_TIME_S = 6.0

_SHOTS_PER_SIDE_PER_MINUTE = 1.15
"""About how many shots a side gets; spreads the goals it is to score over them."""
_CALM_BEFORE_WHISTLE_S = 5.5
_LAST_KICK_OFF_S = 2.5
_SHOT_RANGE_M = 13.0
_KICK_OFF_SPOTS_5UV = ((2.0, 11.25), (9.0, 11.25), (16.0, 4.5), (16.0, 18.0), (15.0, 11.25))
_HUDDLE_SPOTS_5UV = ((12.0, 2.0), (9.9, 3.5), (14.1, 3.5), (10.6, 6.0), (13.4, 6.0))


class Play:
    """The script of a match.

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

    # Small things

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

    def _to_kick_off_spots(self, kicking_team: int, *, speed: float) -> None:
        for player in range(2 * NUM_PLAYERS_PER_TEAM):
            team, place = divmod(player, NUM_PLAYERS_PER_TEAM)
            u, v = _KICK_OFF_SPOTS_5UV[place]
            if place == FORWARD and team == kicking_team:
                u, v = PITCH_LENGTH_M / 2 - 0.95, MIDDLE_Y_M
            elif place == FORWARD:
                u = 13.6
            self.motion.send(player, *own_frame(team, u, v), speed=speed)

    def stand_at_kick_off(self, kicking_team: int) -> None:
        """Put everybody at his kick-off place at once: the state before the first tick."""
        self._to_kick_off_spots(kicking_team, speed=6.0)
        for player, order in self.motion.orders.items():
            self.motion.position_P2[player] = (order.x, order.y)

    # A half

    def half(self, kicking_team: int, *, wait_s: float) -> Iterator[None]:
        """A half, from the wait before its kick-off; goes on for as long as it is pulled."""
        yield from self._kick_off(kicking_team, wait_s=wait_s)
        while True:
            if self.now_s < self._quiet_until_s:
                yield from self._keep_ball()
            else:
                self.motion.patient = False
                yield from self._attack()

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
        taker = team * NUM_PLAYERS_PER_TEAM + FORWARD
        receiver = team * NUM_PLAYERS_PER_TEAM + (LEFT, RIGHT, DEFENDER)[int(self._rng.integers(3))]
        self.phase = PHASES.index("play")
        self.last_touch = taker
        self.note("kick-off", taker, receiver)
        self._plan(2.6, 4.8)
        motion.release()
        yield from self._pass_flight(taker, receiver, *motion.player_xy(receiver))

    # Passing

    def _press(self) -> None:
        """The nearest outfield opponent closes the owner down."""
        motion = self.motion
        team = motion.owner // NUM_PLAYERS_PER_TEAM
        if motion.patient or motion.owner % NUM_PLAYERS_PER_TEAM == KEEPER:
            motion.presser = -1
            return
        motion.presser = self._nearest(1 - team, *motion.ball)

    def _nearest(self, team: int, x: float, y: float, *, but: int = -1) -> int:
        """The outfield player of a team nearest to a place."""
        spots = self.motion.positions()
        first = team * NUM_PLAYERS_PER_TEAM
        outfield = [player for player in range(first + 1, first + NUM_PLAYERS_PER_TEAM) if player != but]
        return min(outfield, key=lambda player: hypot(spots[player][0] - x, spots[player][1] - y))

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

    def _keep_ball(self) -> Iterator[None]:
        """One carry and one short pass at the back, unhurried."""
        self.motion.patient = True
        self.motion.presser = -1
        yield from self._dribble(self._between(1.2, 2.0), forward=self._between(-1.0, 1.0), speed=1.8)
        yield from self._pass(eagerness=-0.9, keeper_too=True)

    def _may_rest(self) -> None:
        """Begin a quiet spell, if there has been none for long and there is time for it."""
        if self.now_s - self._last_quiet_s < self._quiet_gap_s or self.whistle_s - self.now_s < 20.0:
            return
        self._quiet_until_s = self.now_s + self._between(6.0, 10.0)
        self._last_quiet_s = self._quiet_until_s
        self._quiet_gap_s = self._between(30.0, 70.0)
        self._due_s = max(self._due_s, self._quiet_until_s + self._between(1.5, 3.0))

    # Main events

    def _attack(self) -> Iterator[None]:
        """One carry, then a pass or the main event that is due."""
        motion = self.motion
        owner = motion.owner
        team, place = divmod(owner, NUM_PLAYERS_PER_TEAM)
        u, v = own_frame(team, *motion.player_xy(owner))
        late_s = self.now_s - self._due_s
        calm = self.whistle_s - self.now_s < _CALM_BEFORE_WHISTLE_S
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
            if self._intent != "shot" and 7.0 < u < 36.0:
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

    def _goal_distance(self, team: int) -> float:
        u, v = own_frame(team, *self.motion.ball)
        return hypot(PITCH_LENGTH_M - u, v - MIDDLE_Y_M)

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
        while motion.tick < end_tick:
            ball_x, ball_y = motion.ball
            x, y = motion.player_xy(tackler)
            away = hypot(x - ball_x, y - ball_y) or 1.0
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
        self._plan(2.6, 4.8)
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
        self._plan(2.8, 4.8)
        yield from self._wait(THROW_IN_WAIT_S)
        motion.turn(out_x, MIDDLE_Y_M)
        self.phase = PHASES.index("play")
        u, _ = own_frame(taking_team, out_x, place_y)
        if u < 18.0:
            self._may_rest()
        yield from self._pass(eagerness=0.2)

    # Shots and what comes of them

    def _will_score(self, team: int) -> bool:
        left = self._goals_left[team]
        if left <= 0 or self.score[team] >= MAX_GOALS_PER_SIDE:
            return False
        shots_left = max(0.0, self._end_s - self.now_s - 8.0) / 60.0 * _SHOTS_PER_SIDE_PER_MINUTE
        return self._chance(min(left / max(shots_left, 1.0), 0.7))

    def _shoot(self) -> Iterator[None]:
        motion = self.motion
        shooter = motion.owner
        team = shooter // NUM_PLAYERS_PER_TEAM
        keeper = (1 - team) * NUM_PLAYERS_PER_TEAM + KEEPER
        goal_x = PITCH_LENGTH_M if team == HOME else 0.0
        outward = 1.0 if team == HOME else -1.0
        motion.presser = -1
        motion.release(shooter)
        scores = self._will_score(team)
        room_s = self.whistle_s - self.now_s
        draw = self._rng.random()
        misses = not scores and draw < 0.18
        behind = not scores and not misses and draw < 0.56 and room_s > 12.0
        side = 1.0 if self._chance(0.5) else -1.0
        half_width = GOAL_WIDTH_M / 2
        if scores:
            cross_y = MIDDLE_Y_M + side * self._between(1.0, half_width - 0.5)
        elif misses:
            cross_y = MIDDLE_Y_M + side * (half_width + self._between(0.9, 2.2))
        else:
            cross_y = MIDDLE_Y_M + side * self._between(0.2, half_width - 0.7)
        x, y = motion.ball
        _, keeper_y = motion.player_xy(keeper)
        line_x = goal_x - outward * 1.2 if not (scores or misses) else goal_x
        line_y = cross_y
        ticks = self._ticks(min(max(0.4 + 0.05 * hypot(line_x - x, line_y - y), 0.65), 1.0))
        motion.turn(line_x, line_y)
        self.last_touch = shooter
        self.note("shot", shooter, keeper)
        motion.kick(line_x, line_y, ticks=ticks, slowing=1.0)
        due_tick = motion.tick + ticks
        if scores:
            short_y = keeper_y + (line_y - keeper_y) * 0.35
            if abs(short_y - line_y) < 1.3:
                short_y = line_y - side * 1.5
            motion.send(keeper, goal_x - outward * 1.0, short_y, speed=5.0)
        elif misses:
            motion.send(keeper, goal_x - outward * 1.0, MIDDLE_Y_M + side * 1.6, speed=5.0)
        else:
            motion.send(keeper, line_x + outward * 0.6, line_y, speed=8.0, due_tick=due_tick)
        for _ in range(ticks):
            yield
        if scores:
            yield from self._goal(shooter, keeper, goal_x, outward, cross_y)
        elif misses:
            yield from self._go_wide(keeper, goal_x, outward, cross_y)
        elif behind:
            yield from self._saved_behind(shooter, keeper, goal_x, outward, cross_y)
        else:
            yield from self._held(shooter, keeper)

    def _goal(self, scorer: int, keeper: int, goal_x: float, outward: float, y: float) -> Iterator[None]:
        motion = self.motion
        team = scorer // NUM_PLAYERS_PER_TEAM
        self.score[team] += 1
        self._goals_left[team] -= 1
        self.phase = PHASES.index("celebration")
        motion.kick(goal_x + outward * (GOAL_DEPTH_M - 0.35), y, ticks=self._ticks(0.25), slowing=1.6)
        self.note("goal", scorer, keeper)
        start_tick = motion.tick
        corner_y = 2.5 if y < MIDDLE_Y_M else PITCH_WIDTH_M - 2.5
        party_x, party_y = goal_x - outward * 6.0, corner_y
        self._to_kick_off_spots(1 - team, speed=2.5)
        motion.send(keeper, goal_x - outward * 1.0, MIDDLE_Y_M, speed=1.5)
        first = team * NUM_PLAYERS_PER_TEAM
        for place in range(1, NUM_PLAYERS_PER_TEAM):
            angle = 1.57 * place
            motion.send(
                first + place,
                party_x + 2.0 * float(np.cos(angle)) - outward * 1.0,
                party_y + 1.6 * float(np.sin(angle)),
                speed=6.0,
            )
        motion.send(scorer, party_x, party_y, speed=6.5)
        yield from self._wait(2.2)
        self._to_kick_off_spots(1 - team, speed=7.5)
        motion.kick(PITCH_LENGTH_M / 2, MIDDLE_Y_M, ticks=self._ticks(1.4), slowing=2.0)
        while motion.tick < start_tick + self._ticks(CELEBRATION_S):
            yield
        yield from self._kick_off(1 - team, wait_s=KICK_OFF_WAIT_S)
        if self._chance(0.5):
            self._may_rest()

    def _held(self, shooter: int, keeper: int) -> Iterator[None]:
        motion = self.motion
        motion.heading = (1.0 if keeper < NUM_PLAYERS_PER_TEAM else -1.0, 0.0)
        self._take(keeper)
        self.note("save", keeper, shooter)
        self._plan(3.0, 5.2)
        motion.send(keeper, *motion.player_xy(keeper), speed=1.0)
        yield from self._wait(1.3)
        self._may_rest()

    def _go_wide(self, keeper: int, goal_x: float, outward: float, y: float) -> Iterator[None]:
        motion = self.motion
        motion.kick(goal_x + outward * 1.25, y + (0.3 if y > MIDDLE_Y_M else -0.3), ticks=self._ticks(0.3))
        self._plan(3.8, 5.6)
        yield from self._wait(0.8)
        motion.possession = keeper // NUM_PLAYERS_PER_TEAM
        due_tick = motion.tick + self._ticks(1.0)
        spot_x, spot_y = goal_x - outward * 2.0, MIDDLE_Y_M + (y - MIDDLE_Y_M) * 0.3
        motion.send(keeper, spot_x, spot_y, speed=6.0, due_tick=due_tick)
        motion.kick(spot_x - outward * 0.9, spot_y, ticks=self._ticks(1.0), slowing=1.5)
        yield from self._wait(1.0)
        motion.heading = (-outward, 0.0)
        self._take(keeper)
        self._may_rest()

    def _saved_behind(
        self, shooter: int, keeper: int, goal_x: float, outward: float, y: float
    ) -> Iterator[None]:
        motion = self.motion
        team = shooter // NUM_PLAYERS_PER_TEAM
        self.last_touch = keeper
        self.note("save", keeper, shooter)
        self._plan(6.6, 9.0)
        side = 1.0 if y > MIDDLE_Y_M else -1.0
        out_y = MIDDLE_Y_M + side * (GOAL_WIDTH_M / 2 + self._between(1.2, 2.6))
        motion.kick(goal_x + outward * 1.0, out_y, ticks=self._ticks(0.5), slowing=1.2)
        motion.send(keeper, *motion.player_xy(keeper), speed=1.0)
        yield from self._wait(0.6)
        self.phase = PHASES.index("corner")
        # The taker, in his own frame, stands just inside the corner; two wait in front of goal.
        corner_y = 0.45 if side < 0 else PITCH_WIDTH_M - 0.45
        arc_x = goal_x - outward * 0.45
        first = team * NUM_PLAYERS_PER_TEAM
        left_side = (corner_y < MIDDLE_Y_M) == (team == HOME)
        taker, winger = (first + LEFT, first + RIGHT) if left_side else (first + RIGHT, first + LEFT)
        forward = first + FORWARD
        wait_ticks = self._ticks(1.4)
        inside_y = corner_y - side * 1.1
        motion.release(keeper)
        motion.send(taker, goal_x - outward * 0.9, inside_y, speed=8.0, due_tick=motion.tick + wait_ticks)
        motion.send(forward, goal_x - outward * 6.0, MIDDLE_Y_M + side * self._between(0.5, 2.0), speed=4.5)
        motion.send(winger, goal_x - outward * 8.0, MIDDLE_Y_M - side * self._between(2.0, 4.0), speed=4.5)
        motion.send(first + DEFENDER, goal_x - outward * 16.0, MIDDLE_Y_M, speed=4.0)
        motion.kick(arc_x, corner_y, ticks=wait_ticks, slowing=1.8)
        for _ in range(wait_ticks):
            yield
        self.last_touch = taker
        self.motion.owner = -1
        self.note("corner", taker)
        corner_s = self.now_s
        yield from self._wait(CORNER_WAIT_S)
        self.phase = PHASES.index("play")
        receiver = forward if self._chance(0.6) else winger
        x, y = motion.player_xy(receiver)
        yield from self._pass_flight(taker, receiver, x, y)
        motion.release()
        if self._chance(0.6) and self.whistle_s - self.now_s > _CALM_BEFORE_WHISTLE_S:
            yield from self._dribble(max(0.7, corner_s + 3.2 - self.now_s), forward=1.0, speed=2.5)
            yield from self._shoot()
        else:
            self._plan(1.8, 4.0)

    # Breaks

    def rest(self, kicking_team: int) -> Iterator[None]:
        """The half-time break, up to the wait before the second half's kick-off."""
        motion = self.motion
        self.phase = PHASES.index("half-time")
        self.note("half-time")
        self._stop_play()
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
