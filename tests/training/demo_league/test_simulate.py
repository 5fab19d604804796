"""Matches that are played: what a viewer would see, and what the records promise."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from training.demo_league.kits import KITS, PAIRS, brightness, colour_gap, distinct_pair
from training.demo_league.motion import GOAL_DEPTH_M, GOAL_WIDTH_M, MIDDLE_Y_M
from training.demo_league.names import make_teams
from training.demo_league.records import HOME, PHASES, PITCH_LENGTH_M, PITCH_WIDTH_M, Event, Match
from training.demo_league.simulate import FIRST_KICK_OFF_S, FULL_TIME_S, MatchError, simulate

MAIN_KINDS = {"tackle", "shot", "save", "goal", "corner", "throw-in", "kick-off", "half-time", "full-time"}
SEEDS = range(8)


@lru_cache
def played(seed: int) -> Match:
    """A five-minute match."""
    return simulate(seed, 5.0)


def tick_of(match: Match, time_s: float) -> int:
    """The tick at a moment."""
    return round(time_s * match.tick_hz)


def events_of(*kinds: str) -> list[tuple[Match, Event, int]]:
    """All events of some kinds in all matches, with their ticks."""
    found = [
        (match, event, tick_of(match, event.time_s))
        for match in map(played, SEEDS)
        for event in match.events
        if event.kind in kinds
    ]
    assert found, f"no {kinds} in {len(SEEDS)} matches"
    return found


def distance(match: Match, tick: int, player: int | None) -> float:
    """Metres between a player and the ball."""
    assert player is not None
    return float(np.linalg.norm(match.positions_TP2[tick, player] - match.ball_T2[tick]))


def test_the_same_seed_plays_the_same_match_and_others_do_not() -> None:
    first, again, other = simulate(4, 2.0), simulate(4, 2.0), simulate(5, 2.0)
    assert first.events == again.events
    assert first.title == again.title
    for name in ("positions_TP2", "ball_T2", "owner_T", "last_touch_T", "score_T2", "phase_T"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert first.title != other.title
    assert [event.time_s for event in first.events] != [event.time_s for event in other.events]


def test_nobody_leaves_the_pitch_and_the_ball_stays_in_the_picture() -> None:
    for seed in SEEDS:
        match = played(seed)
        positions = match.positions_TP2
        assert positions.min() >= 0
        assert positions[..., 0].max() <= PITCH_LENGTH_M
        assert positions[..., 1].max() <= PITCH_WIDTH_M
        ball_x, ball_y = match.ball_T2.T
        assert ball_x.min() >= -GOAL_DEPTH_M
        assert ball_x.max() <= PITCH_LENGTH_M + GOAL_DEPTH_M
        assert ball_y.min() >= -1
        assert ball_y.max() <= PITCH_WIDTH_M + 1


def test_nobody_jumps() -> None:
    for seed in SEEDS:
        match = played(seed)
        steps = np.linalg.norm(np.diff(match.positions_TP2, axis=0), axis=2) * match.tick_hz
        assert steps.max() < 11.5, "faster than the fastest sprinter"
        assert np.mean(steps > 9.0) < 1e-3
        ball_steps = np.linalg.norm(np.diff(match.ball_T2, axis=0), axis=1) * match.tick_hz
        assert ball_steps.max() < 45
        assert np.allclose(ball_steps, match.ball_speed_T[1:], atol=1e-2)


def test_owner_last_touch_and_score_agree_with_the_events() -> None:
    for match, event, tick in events_of(
        "pass", "tackle", "shot", "save", "goal", "corner", "throw-in", "kick-off"
    ):
        assert tuple(match.score_T2[tick]) == event.score
        assert event.team == (event.player or 0) // 5
        toucher = event.other if event.kind == "pass" else event.player
        assert match.last_touch_T[tick] == toucher
        if event.kind in ("pass", "tackle"):
            assert match.owner_T[tick] == toucher
        if event.kind in ("shot", "goal", "kick-off"):
            assert match.owner_T[tick] == -1
    for seed in SEEDS:
        match = played(seed)
        goals = [event for event in match.events if event.kind == "goal"]
        assert match.score_T2[-1].sum() == len(goals)
        assert np.all(np.diff(match.score_T2, axis=0) >= 0)
        held = match.owner_T >= 0
        assert np.array_equal(match.owner_T[held], match.last_touch_T[held])


def test_who_has_the_ball_is_near_it() -> None:
    for seed in SEEDS:
        match = played(seed)
        ticks = np.flatnonzero(match.owner_T >= 0)
        away = np.linalg.norm(match.positions_TP2[ticks, match.owner_T[ticks]] - match.ball_T2[ticks], axis=1)
        assert away.max() < 2.0


def test_a_goal_is_in_the_goal_of_the_other_team() -> None:
    for match, event, tick in events_of("goal"):
        goal_x = PITCH_LENGTH_M if event.team == HOME else 0.0
        assert abs(match.ball_T2[tick, 0] - goal_x) < 0.9
        later_x, later_y = match.ball_T2[tick + 8]
        assert later_x > PITCH_LENGTH_M if event.team == HOME else later_x < 0
        assert abs(later_y - MIDDLE_Y_M) < GOAL_WIDTH_M / 2
        assert distance(match, tick, event.other) > 1.2, "the keeper is beaten"


def test_a_saved_ball_is_at_the_keeper_and_never_in_the_goal() -> None:
    for match, event, tick in events_of("save"):
        assert event.player in (0, 5)
        assert event.other is not None
        assert event.other // 5 != event.team
        assert distance(match, tick, event.player) < 1.5
        assert 0 < match.ball_T2[tick, 0] < PITCH_LENGTH_M


def test_every_shot_is_a_goal_a_save_or_goes_wide_within_a_moment() -> None:
    outcomes = []
    for match, event, tick in events_of("shot"):
        soon = [
            later.kind
            for later in match.events
            if event.time_s < later.time_s <= event.time_s + 1.1 and later.kind in ("save", "goal")
        ]
        assert len(soon) <= 1
        outcomes += soon or ["wide"]
        if not soon:
            x, y = match.ball_T2[tick : tick + 22].T
            out = (x > PITCH_LENGTH_M) if event.team == HOME else (x < 0)
            assert out.any()
            assert np.all(np.abs(y[out] - MIDDLE_Y_M) > GOAL_WIDTH_M / 2)
    assert {"goal", "save", "wide"} == set(outcomes)


def test_a_tackle_is_a_duel_at_the_ball() -> None:
    for match, event, tick in events_of("tackle"):
        assert match.owner_T[tick - 1] == event.other
        assert event.other is not None
        assert event.other // 5 != event.team
        assert distance(match, tick, event.player) < 1.5
        assert distance(match, tick, event.other) < 2.0
        assert np.all(match.owner_T[tick : tick + 15] == event.player), "the winner keeps it for a second"


def test_a_corner_is_taken_from_the_arc() -> None:
    for match, event, tick in events_of("corner"):
        x, y = match.ball_T2[tick : tick + 20].T
        assert np.all(np.minimum(y, PITCH_WIDTH_M - y) < 1.0)
        assert np.all((PITCH_LENGTH_M - x if event.team == HOME else x) < 1.0)
        assert distance(match, tick, event.player) < 2.0


def test_a_throw_in_is_taken_from_the_touchline() -> None:
    for match, event, tick in events_of("throw-in"):
        y = match.ball_T2[tick : tick + 15, 1]
        assert np.all(np.minimum(np.abs(y), np.abs(PITCH_WIDTH_M - y)) < 1.0)
        assert distance(match, tick, event.player) < 1.5


def test_a_kick_off_is_taken_from_the_centre_spot_with_the_teams_in_their_halves() -> None:
    for match, event, tick in events_of("kick-off"):
        assert np.allclose(match.ball_T2[tick - 1], (PITCH_LENGTH_M / 2, MIDDLE_Y_M), atol=0.5)
        x = match.positions_TP2[tick - 1, :, 0]
        assert np.all(x[:5] < PITCH_LENGTH_M / 2 + 1)
        assert np.all(x[5:] > PITCH_LENGTH_M / 2 - 1)
        assert distance(match, tick - 1, event.player) < 1.6


def test_main_events_leave_time_to_tell_them() -> None:
    for seed in SEEDS:
        main = [event for event in played(seed).events if event.kind in MAIN_KINDS]
        for event, following in pairwise(main):
            gap_s = following.time_s - event.time_s
            if event.kind == "shot" and following.kind in ("save", "goal"):
                assert 0.55 <= gap_s <= 1.05
            elif (event.kind, following.kind) == ("save", "corner"):
                assert 1.5 <= gap_s <= 2.5
            else:
                assert gap_s >= 2.0, (event, following)


def test_the_rhythm_is_that_of_a_match() -> None:
    main_gaps: list[float] = []
    pass_gaps: list[float] = []
    for seed in SEEDS:
        events = played(seed).events
        main = [
            event for event in events if event.kind in ("tackle", "shot", "corner", "throw-in", "kick-off")
        ]
        main_gaps += [
            following.time_s - event.time_s
            for event, following in pairwise(main)
            if following.kind != "kick-off"
        ]
        passes = [event.time_s for event in events if event.kind == "pass"]
        pass_gaps += np.diff(passes).tolist()
    assert 6.0 <= float(np.mean(main_gaps)) <= 9.0
    assert 1.5 <= float(np.median(pass_gaps)) <= 3.0
    assert min(pass_gaps) > 1.0, "a name needs time to be said"
    quiet = [gap_s for gap_s in main_gaps if gap_s > 12.0]
    assert 0.02 < len(quiet) / len(main_gaps) < 0.25, "now and then a team just keeps the ball"


def test_a_match_has_two_halves_a_break_and_an_end() -> None:
    for seed in SEEDS:
        match = played(seed)
        kinds = [event.kind for event in match.events]
        assert kinds[0] == "kick-off"
        assert match.events[0].time_s == pytest.approx(FIRST_KICK_OFF_S, abs=0.1)
        assert kinds.count("half-time") == kinds.count("full-time") == 1
        assert kinds[-1] == "full-time"
        assert match.events[-1].time_s == pytest.approx(match.duration_s - FULL_TIME_S, abs=0.1)
        break_index = kinds.index("half-time")
        assert match.events[break_index].time_s == match.half_time_s == pytest.approx(150.0, abs=0.1)
        second_half = match.events[break_index + 1]
        assert second_half.kind == "kick-off"
        assert second_half.team != match.events[0].team
        during = match.phase_T[tick_of(match, match.half_time_s) : tick_of(match, match.half_time_s + 6.0)]
        assert np.all(during == PHASES.index("half-time"))
        assert match.duration_s == pytest.approx(300.0)


def test_after_a_goal_the_others_kick_off() -> None:
    num_checked = 0
    for seed in SEEDS:
        main = [event for event in played(seed).events if event.kind in MAIN_KINDS]
        for event, following in pairwise(main):
            if event.kind == "goal" and following.kind == "kick-off":
                assert following.team != event.team
                assert 4.0 <= following.time_s - event.time_s <= 6.0
                num_checked += 1
    assert num_checked > 10


def test_a_match_may_start_at_any_score_and_never_gets_beyond_fifteen() -> None:
    match = simulate(2, 15.0, initial_score=(13, 6), goals_per_side=40.0)
    assert tuple(match.score_T2[0]) == (13, 6)
    assert match.score_T2[-1].tolist() == [15, 15]
    assert simulate(2, 5.0, goals_per_side=0.0).score_T2.max() == 0


def test_goals_come_with_time_but_an_hour_has_no_more_than_a_long_match() -> None:
    short = np.mean([simulate(seed, 1.5).score_T2[-1].sum() for seed in range(20)])
    usual = np.mean([played(seed).score_T2[-1].sum() for seed in SEEDS])
    hour = simulate(1, 60.0).score_T2[-1]
    assert 0 < short < usual < 14
    assert hour.max() <= 15


def test_teams_may_be_given_and_the_clock_may_start_late() -> None:
    home, away = make_teams(np.random.default_rng(77))
    match = simulate(3, 1.0, home=home, away=away, clock_offset_s=3600.0)
    assert (match.home, match.away) == (home, away)
    assert match.clock_offset_s == 3600.0
    assert np.array_equal(match.ball_T2, simulate(3, 1.0).ball_T2), (
        "who plays does not change how it is played"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": 1, "minutes": 0.1}, r"lasts 0\.75 to 600 minutes, not 0\.1"),
        ({"seed": 1, "minutes": float("nan")}, "lasts"),
        ({"seed": -1, "minutes": 1.0}, "must not be negative, and -1 is"),
        ({"seed": 1, "minutes": 1.0, "initial_score": (16, 0)}, r"0 to 15 goals a side, not \(16, 0\)"),
        ({"seed": 1, "minutes": 1.0, "tick_hz": 1.0}, "10 to 60 ticks a second, not 1"),
        ({"seed": 1, "minutes": 1.0, "goals_per_side": -1.0}, "can't score -1 goals"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(MatchError, match=message):
        simulate(**arguments)  # type: ignore[arg-type]  # wrong values are the point


def test_the_kits_of_a_match_are_far_apart() -> None:
    assert len(KITS) == len({kit.name for kit in KITS}) == 8
    for kit in KITS:
        red, green, blue = kit.rgb
        assert not (green > red + 40 and green > blue + 40), f"{kit.name} is lost on grass"
    assert {kit.name for pair in PAIRS for kit in pair} == {kit.name for kit in KITS}
    drawn = {distinct_pair(np.random.default_rng(seed)) for seed in range(300)}
    assert len(drawn) > 20
    for home, away in drawn:
        assert abs(brightness(home) - brightness(away)) >= 50
        assert colour_gap(home, away) >= 175
