"""Pictures of a match: what a viewer, and a model that sees two small pictures a second, can tell from them."""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import pytest

from training.demo_league.draw import PictureError, draw_frame
from training.demo_league.records import Event, Match
from training.demo_league.scenery import METRE, to_picture
from training.demo_league.simulate import simulate
from training.demo_league.sprites import PANEL_BOX, SCORE_BOX, Image

SMALL = (308, 168)
MARKED_KINDS = ("kick-off", "tackle", "shot", "save", "goal", "corner", "throw-in")


@lru_cache
def match_and_first_events() -> tuple[Match, dict[str, Event]]:
    """A match in which everything happens, and the first event of each kind."""
    match = simulate(5, 6.0)
    first: dict[str, Event] = {}
    for event in match.events:
        first.setdefault(event.kind, event)
    assert set(MARKED_KINDS) <= set(first)
    return match, first


def cut(frame: Image, box: tuple[float, float, float, float]) -> Image:
    """A part of a picture; the box is for 640x360."""
    scale_x, scale_y = frame.shape[1] / 640, frame.shape[0] / 360
    left, top, right, bottom = box
    return frame[
        round(top * scale_y) : round(bottom * scale_y), round(left * scale_x) : round(right * scale_x)
    ]


def difference(first: Image, second: Image) -> Image:
    """How much two pictures differ at each pixel: the largest of the three channels."""
    largest: Image = cv2.absdiff(first, second).max(axis=2)
    return largest


def test_the_same_match_gives_the_same_pictures_and_another_does_not() -> None:
    for size in ((640, 360), SMALL):
        first = draw_frame(simulate(6, 1.0), 20.3, size=size)
        assert first.shape == (size[1], size[0], 3)
        assert first.dtype == np.uint8
        assert np.array_equal(first, draw_frame(simulate(6, 1.0), 20.3, size=size))
        assert not np.array_equal(first, draw_frame(simulate(7, 1.0), 20.3, size=size))


def test_a_picture_belongs_to_the_caller() -> None:
    match, _ = match_and_first_events()
    first = draw_frame(match, 30.0)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(draw_frame(match, 30.0), kept)


def test_moments_outside_the_match_show_its_ends() -> None:
    match, _ = match_and_first_events()
    assert np.array_equal(draw_frame(match, -5.0), draw_frame(match, 0.0))
    assert np.array_equal(draw_frame(match, match.duration_s + 9.0), draw_frame(match, match.duration_s))


def test_the_small_picture_is_the_large_one_made_smaller() -> None:
    match, first = match_and_first_events()
    for time_s in (12.0, first["goal"].time_s + 0.6, first["half-time"].time_s + 1.0):
        large = cv2.resize(draw_frame(match, time_s), SMALL, interpolation=cv2.INTER_AREA)
        small = draw_frame(match, time_s, size=SMALL)
        assert float(cv2.absdiff(large, small).mean()) < 3.0


def test_motion_between_ticks_is_smooth() -> None:
    match, first = match_and_first_events()
    start_s = first["shot"].time_s + 0.1
    pictures = [draw_frame(match, start_s + step / 60) for step in range(5)]
    for earlier, later in pairwise(pictures):
        assert not np.array_equal(earlier, later)


@pytest.mark.parametrize("kind", MARKED_KINDS)
@pytest.mark.parametrize("size", [(640, 360), SMALL])
def test_every_event_leaves_a_mark_for_a_second(kind: str, size: tuple[int, int]) -> None:
    match, first = match_and_first_events()
    event = first[kind]
    bare = replace(match, events=())
    num_pixels = size[0] * size[1]
    for age_s in (0.3, 0.6, 1.0):
        marked = draw_frame(match, event.time_s + age_s, size=size)
        changed = difference(marked, draw_frame(bare, event.time_s + age_s, size=size)) > 60
        assert changed.sum() > 0.002 * num_pixels, f"{kind} after {age_s} s"
    marked = draw_frame(match, event.time_s + 4.5, size=size)
    alone = replace(match, events=tuple(other for other in match.events if other is not event))
    assert np.array_equal(marked, draw_frame(alone, event.time_s + 4.5, size=size)), "it goes away again"


def test_the_marks_of_different_kinds_have_different_colours_or_shapes() -> None:
    match, first = match_and_first_events()
    bare = replace(match, events=())
    shapes = {}
    for kind in MARKED_KINDS:
        time_s = first[kind].time_s + 0.5
        alone = replace(match, events=(first[kind],))
        marked = draw_frame(alone, time_s, size=SMALL)
        changed = difference(marked, draw_frame(bare, time_s, size=SMALL)) > 40
        colours = marked[changed].astype(np.float64)
        shapes[kind] = np.array([*colours.mean(axis=0), *colours.std(axis=0), 2.0 * np.sqrt(changed.sum())])
    kinds = list(shapes)
    for index, kind in enumerate(kinds):
        for other in kinds[index + 1 :]:
            assert np.linalg.norm(shapes[kind] - shapes[other]) > 15, (kind, other)


def test_the_scoreboard_shows_another_picture_for_every_score() -> None:
    match, _ = match_and_first_events()
    seen: dict[bytes, tuple[int, int]] = {}
    for home in range(16):
        for away in range(16):
            shown = replace(match, events=(), score_T2=np.full_like(match.score_T2, (home, away)))
            board = cut(draw_frame(shown, 30.0, size=SMALL), SCORE_BOX)
            assert board.tobytes() not in seen
            seen[board.tobytes()] = (home, away)


def test_a_goal_changes_the_digits_of_who_scored_and_lights_them_for_three_seconds() -> None:
    match, first = match_and_first_events()
    goal = first["goal"]
    left, top, _, bottom = SCORE_BOX
    middle = (left + 349) / 2
    home_box, away_box = (left, top, middle, bottom), (middle, top, 349.0, bottom)
    scorer_box, other_box = (home_box, away_box) if goal.team == 0 else (away_box, home_box)
    before, lit, late = (draw_frame(match, goal.time_s + after_s) for after_s in (-0.2, 2.8, 3.3))
    assert difference(cut(before, scorer_box), cut(late, scorer_box)).max() > 150
    assert difference(cut(lit, scorer_box), cut(late, scorer_box)).max() > 150
    inner = tuple(np.add(other_box, (4, 4, -4, -4)))
    assert np.array_equal(cut(before, inner), cut(late, inner))


def test_the_clock_runs_from_its_offset_and_gives_way_to_the_breaks() -> None:
    match, first = match_and_first_events()
    clock_box = (354.0, SCORE_BOX[1], SCORE_BOX[2], SCORE_BOX[3])
    shifted = replace(match, clock_offset_s=17.0)
    assert np.array_equal(cut(draw_frame(match, 57.0), clock_box), cut(draw_frame(shifted, 40.0), clock_box))
    assert not np.array_equal(
        cut(draw_frame(match, 57.0), clock_box), cut(draw_frame(match, 58.0), clock_box)
    )
    long = replace(match, clock_offset_s=3 * 3600.0)
    assert (
        difference(cut(draw_frame(long, 57.0), clock_box), cut(draw_frame(match, 57.0), clock_box)).max()
        > 100
    )
    half_time, still = (draw_frame(match, first["half-time"].time_s + after_s) for after_s in (1.0, 4.0))
    assert np.array_equal(cut(half_time, clock_box), cut(still, clock_box)), "HT does not count"
    assert half_time.mean() < 0.7 * draw_frame(match, 20.0).mean(), "the pitch is dimmed"
    full_time = draw_frame(match, match.duration_s - 1.0)
    assert not np.array_equal(cut(full_time, clock_box), cut(half_time, clock_box))


def test_the_panel_shows_who_touched_the_ball_last() -> None:
    match, _ = match_and_first_events()
    panels: dict[int, Image] = {}
    for player in range(-1, 10):
        shown = replace(match, last_touch_T=np.full_like(match.last_touch_T, player))
        panels[player] = cut(draw_frame(shown, 30.0, size=SMALL), PANEL_BOX)
    for player, panel in panels.items():
        for other, other_panel in panels.items():
            if player < other:
                assert (difference(panel, other_panel) > 60).sum() > 15, (player, other)
        if player >= 0:
            colour = np.array(match.team(player // 5).kit.rgb)
            near = np.abs(panel.astype(int) - colour).max(axis=2) < 40
            assert near.mean() > 0.25, "in the kit's colour"


@pytest.mark.parametrize("size", [(640, 360), SMALL])
def test_a_flying_ball_is_white_and_has_a_trail(size: tuple[int, int]) -> None:
    match, _ = match_and_first_events()
    bare = replace(match, events=())
    slow = (match.owner_T >= 0) | (match.ball_speed_T < 6) | (match.phase_T != 0)
    flying = np.flatnonzero(np.convolve(slow, np.ones(5), mode="full")[: len(slow)] == 0)
    num_checked = 0
    for tick in flying[::12]:
        x, y = to_picture(*match.ball_T2[tick])
        spot = (round(x * size[0] / 640), round(y * size[1] / 360))
        picture = draw_frame(bare, tick / match.tick_hz, size=size)
        around = picture[spot[1] - 2 : spot[1] + 2, spot[0] - 2 : spot[0] + 2]
        assert around.min(axis=2).max() > 200
        still = replace(bare, ball_T2=np.broadcast_to(match.ball_T2[tick], match.ball_T2.shape))
        trail = difference(picture, draw_frame(still, tick / match.tick_hz, size=size)) > 25
        assert trail.sum() > 20 * (size[0] / 640) ** 2
        num_checked += 1
    assert num_checked > 10


def test_players_stand_where_the_records_say() -> None:
    match, _ = match_and_first_events()
    bare = replace(match, events=())
    time_s = 40.0
    picture = draw_frame(bare, time_s)
    tick = round(time_s * match.tick_hz)
    num_seen = 0
    for player in range(10):
        x, y = to_picture(*match.positions_TP2[tick, player])
        reach = round(0.5 * METRE)
        area = picture[round(y) - reach : round(y) + reach, round(x) - reach : round(x) + reach].astype(int)
        near = np.abs(area - match.team(player // 5).kit.rgb).max(axis=2) < 30
        num_seen += bool(near.mean() > 0.3)
    assert num_seen >= 9, "one may be hidden behind another"


def test_a_picture_too_small_to_show_anything_is_refused() -> None:
    match, _ = match_and_first_events()
    with pytest.raises(PictureError, match="at least 96x54 pixels, not 20x10"):
        draw_frame(match, 1.0, size=(20, 10))
