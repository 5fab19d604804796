"""Shots and what comes of them: goals, saves, corners, balls that go wide.

Knows how many goals are to fall and how each attempt ends. Knows nothing of how a shot came about (play.py), of
pictures or words.
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
)
from training.demo_league.records import HOME, NUM_PLAYERS_PER_TEAM, PHASES, PITCH_LENGTH_M, PITCH_WIDTH_M
from training.demo_league.script import CALM_BEFORE_WHISTLE_S, KICK_OFF_WAIT_S, Script

MAX_GOALS_PER_SIDE = 15
CELEBRATION_S = 4.0
CORNER_WAIT_S = 1.6
_SHOTS_PER_SIDE_PER_MINUTE = 1.0
"""About how many shots a side gets; spreads the goals it is to score over them."""


class Finishing(Script):
    """The steps of play from a shot until the ball is with somebody again."""

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

    def _will_score(self, team: int) -> bool:
        left = self._goals_left[team]
        if left <= 0 or self.score[team] >= MAX_GOALS_PER_SIDE:
            return False
        shots_left = max(0.0, self._end_s - self.now_s - 8.0) / 60.0 * _SHOTS_PER_SIDE_PER_MINUTE
        return self._chance(min(left / max(shots_left, 1.0), 0.7))

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
        self._choose_taker()
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
        self._plan(2.6, 4.4)
        motion.send(keeper, *motion.player_xy(keeper), speed=1.0)
        yield from self._wait(1.3)
        self._may_rest()

    def _go_wide(self, keeper: int, goal_x: float, outward: float, y: float) -> Iterator[None]:
        motion = self.motion
        motion.kick(goal_x + outward * 1.25, y + (0.3 if y > MIDDLE_Y_M else -0.3), ticks=self._ticks(0.3))
        self._plan(3.4, 5.0)
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
        corner_y = 0.45 if side < 0 else PITCH_WIDTH_M - 0.45
        first = team * NUM_PLAYERS_PER_TEAM
        left_side = (corner_y < MIDDLE_Y_M) == (team == HOME)
        taker, winger = (first + LEFT, first + RIGHT) if left_side else (first + RIGHT, first + LEFT)
        taker_x, taker_y = goal_x - outward * 0.9, corner_y - side * 1.1
        due_tick = motion.tick + self._ticks(0.6) + self._ticks(1.4)
        motion.send(taker, taker_x, taker_y, speed=8.0, due_tick=due_tick)
        yield from self._wait(0.6)
        self.phase = PHASES.index("corner")
        arc_x = goal_x - outward * 0.45
        forward = first + FORWARD
        wait_ticks = self._ticks(1.4)
        motion.release(keeper)
        motion.send(forward, goal_x - outward * 6.0, MIDDLE_Y_M + side * self._between(0.5, 2.0), speed=4.5)
        motion.send(winger, goal_x - outward * 8.0, MIDDLE_Y_M - side * self._between(2.0, 4.0), speed=4.5)
        motion.send(first + DEFENDER, goal_x - outward * 16.0, MIDDLE_Y_M, speed=4.0)
        # The taker's own marker waits at the near post instead of following him to the corner.
        marker = (1 - team) * NUM_PLAYERS_PER_TEAM + (RIGHT if taker == first + LEFT else LEFT)
        motion.send(marker, goal_x - outward * 3.5, MIDDLE_Y_M + side * 3.2, speed=4.5)
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
        if self._chance(0.6) and self.whistle_s - self.now_s > CALM_BEFORE_WHISTLE_S:
            yield from self._dribble(max(0.7, corner_s + 3.2 - self.now_s), forward=1.0, speed=2.5)
            yield from self._shoot()
        else:
            self._plan(1.8, 4.0)
