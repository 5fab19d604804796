"""Plays a match: seeded, of any length, tick by tick.

Knows the course of a match (two halves, break, whistles) and writes down its state at every tick. Knows
nothing of how people run (motion.py), what they do on the pitch (play.py), pictures or words.
"""

import numpy as np

from training.demo_league.finishing import MAX_GOALS_PER_SIDE
from training.demo_league.motion import Motion
from training.demo_league.names import make_teams
from training.demo_league.play import HALF_TIME_S, Play
from training.demo_league.records import AWAY, HOME, PITCH_LENGTH_M, PITCH_WIDTH_M, Match, Team
from training.demo_league.script import KICK_OFF_WAIT_S
from training.errors import TrainingError

FULL_TIME_S = 4.0
"""How long the picture goes on after the final whistle."""
FIRST_KICK_OFF_S = 2.0
MIN_MINUTES = 0.75
MAX_MINUTES = 600.0


class MatchError(TrainingError):
    """A match can't be played as asked."""


def default_goals_per_side(minutes: float) -> float:
    """How many goals a side may hope for: more in a longer match, about six from eight minutes on."""
    return min(6.0, 0.4 + 0.9 * minutes)


def simulate(
    seed: int,
    minutes: float,
    *,
    home: Team | None = None,
    away: Team | None = None,
    initial_score: tuple[int, int] = (0, 0),
    goals_per_side: float | None = None,
    tick_hz: float = 15.0,
    clock_offset_s: float = 0.0,
) -> Match:
    """Play a match.

    The same arguments give the same match. The picture begins `FIRST_KICK_OFF_S` before the kick-off, the break
    comes in the middle, and the final whistle `FULL_TIME_S` before the end.

    Args:
        seed: of everything that is drawn, teams included.
        minutes: length of the whole match, break included.
        home: the home team; drawn when None.
        away: the away team; drawn when None.
        initial_score: home and away goals at the start, 0 to 15 each.
        goals_per_side: how many goals each side is to score on average (Poisson), if it gets enough shots; by
            length when None. A side never gets beyond 15.
        tick_hz: states a second that are computed and kept.
        clock_offset_s: what the clock in the picture shows at the start.

    Raises:
        MatchError: an argument is out of range.
    """
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise MatchError(f"A match lasts {MIN_MINUTES:g} to {MAX_MINUTES:g} minutes, not {minutes:g}.")
    if seed < 0:
        raise MatchError(f"The seed must not be negative, and {seed} is.")
    if not all(0 <= goals <= MAX_GOALS_PER_SIDE for goals in initial_score):
        raise MatchError(f"A match begins with 0 to {MAX_GOALS_PER_SIDE} goals a side, not {initial_score}.")
    if not 10.0 <= tick_hz <= 60.0:
        raise MatchError(f"The simulation runs at 10 to 60 ticks a second, not {tick_hz:g}.")
    if goals_per_side is not None and goals_per_side < 0.0:
        raise MatchError(f"A side can't score {goals_per_side:g} goals.")
    teams_seed, play_seed, motion_seed = np.random.SeedSequence(seed).spawn(3)
    drawn_home, drawn_away = make_teams(np.random.default_rng(teams_seed))
    rng = np.random.default_rng(play_seed)
    mean_goals = default_goals_per_side(minutes) if goals_per_side is None else goals_per_side
    home_goals, away_goals = (
        min(int(rng.poisson(mean_goals)), MAX_GOALS_PER_SIDE - goals) for goals in initial_score
    )

    num_ticks = round(minutes * 60.0 * tick_hz)
    full_time_tick = num_ticks - round(FULL_TIME_S * tick_hz)
    half_time_tick = num_ticks // 2
    half_time_ticks = round(HALF_TIME_S * tick_hz)
    motion = Motion(np.random.default_rng(motion_seed), tick_hz=tick_hz)
    play = Play(
        rng,
        motion,
        score=initial_score,
        goals_to_come=(home_goals, away_goals),
        end_s=full_time_tick / tick_hz,
    )
    positions_TP2 = np.empty((num_ticks, 10, 2), dtype=np.float32)
    ball_T2 = np.empty((num_ticks, 2), dtype=np.float32)
    owner_T = np.empty(num_ticks, dtype=np.int8)
    last_touch_T = np.empty(num_ticks, dtype=np.int8)
    score_T2 = np.empty((num_ticks, 2), dtype=np.int16)
    phase_T = np.empty(num_ticks, dtype=np.int8)

    first_team = int(rng.integers(2))
    second_team = AWAY if first_team == HOME else HOME
    play.stand_at_kick_off(first_team)
    parts = (
        (half_time_tick, play.half(first_team, wait_s=FIRST_KICK_OFF_S)),
        (half_time_tick + half_time_ticks, play.rest(second_team)),
        (full_time_tick, play.half(second_team, wait_s=KICK_OFF_WAIT_S)),
        (num_ticks, play.finish()),
    )
    tick = 0
    for end_tick, script in parts:
        play.whistle_s = end_tick / tick_hz
        for _ in script:
            motion.step()
            positions_TP2[tick] = motion.position_P2
            ball_T2[tick] = motion.ball
            owner_T[tick] = motion.owner
            last_touch_T[tick] = play.last_touch
            score_T2[tick] = play.score
            phase_T[tick] = play.phase
            tick += 1
            if tick == end_tick:
                break
    np.clip(positions_TP2, 0.0, (PITCH_LENGTH_M, PITCH_WIDTH_M), out=positions_TP2)
    ball_speed_T = np.zeros(num_ticks, dtype=np.float32)
    ball_speed_T[1:] = np.hypot(*np.diff(ball_T2, axis=0).T) * tick_hz
    return Match(
        seed=seed,
        home=home or drawn_home,
        away=away or drawn_away,
        tick_hz=tick_hz,
        positions_TP2=positions_TP2,
        ball_T2=ball_T2,
        ball_speed_T=ball_speed_T,
        owner_T=owner_T,
        last_touch_T=last_touch_T,
        score_T2=score_T2,
        phase_T=phase_T,
        events=tuple(play.events),
        half_time_s=half_time_tick / tick_hz,
        clock_offset_s=clock_offset_s,
    )
