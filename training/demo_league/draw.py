"""A picture of any moment of a match, seen from above, as a broadcast would show it.

Knows where in the picture everything goes. Knows nothing of names: what a viewer can't see is not drawn. How single
things look is in sprites.py, scenery.py and effects.py.
"""

import numpy as np

from training.demo_league.effects import draw_ball_trail, draw_over_players, draw_under_players, lit_goal
from training.demo_league.records import (
    NUM_PLAYERS_PER_TEAM,
    PHASES,
    Match,
)
from training.demo_league.scenery import ground, to_picture
from training.demo_league.sprites import (
    REFERENCE_SIZE,
    Image,
    ball_sprite,
    clock_place,
    clock_sprite,
    lay,
    owner_sprite,
    panel_place,
    panel_sprite,
    player_sprite,
    score_place,
    score_sprite,
    whole_and_phase,
)
from training.errors import TrainingError

_HALF_TIME, _FULL_TIME = PHASES.index("half-time"), PHASES.index("full-time")


class PictureError(TrainingError):
    """A picture can't be drawn as asked."""


def draw_frame(match: Match, time_s: float, *, size: tuple[int, int] = REFERENCE_SIZE) -> Image:
    """Draw a moment of a match.

    Positions between two ticks are interpolated, so any frame rate is smooth.

    Args:
        match: the match.
        time_s: when, in seconds from its start; moments before or after the match show its first or last state.
        size: width and height in pixels, at least 96x54.

    Returns:
        (H, W, 3) uint8 RGB; the caller's own.

    Raises:
        PictureError: the size is too small to show anything.
    """
    width, height = size
    if width < 96 or height < 54:
        raise PictureError(f"A picture of a match is at least 96x54 pixels, not {width}x{height}.")
    scale_x, scale_y = width / REFERENCE_SIZE[0], height / REFERENCE_SIZE[1]
    last_tick = len(match.owner_T) - 1
    exact_tick = min(max(time_s * match.tick_hz + 1e-6, 0.0), float(last_tick))
    tick = int(exact_tick)
    later = min(tick + 1, last_tick)
    part = exact_tick - tick
    players_P2 = match.positions_TP2[tick] * (1 - part) + match.positions_TP2[later] * part
    ball_x, ball_y = (match.ball_T2[tick] * (1 - part) + match.ball_T2[later] * part).tolist()
    phase = int(match.phase_T[tick])

    frame_HW3: Image = ground(size).copy()
    places = [to_picture(x, y) for x, y in players_P2.tolist()]
    draw_under_players(frame_HW3, match, time_s, places)
    if match.owner_T[tick] < 0:
        draw_ball_trail(frame_HW3, match, exact_tick, (ball_x, ball_y))
    else:
        x, y = places[match.owner_T[tick]]
        left, phase_x = whole_and_phase(x * scale_x)
        top, phase_y = whole_and_phase(y * scale_y)
        lay(frame_HW3, owner_sprite(size, (phase_x, phase_y)), left, top)
    kits = (match.home.kit.rgb, match.away.kit.rgb)
    for player in sorted(range(2 * NUM_PLAYERS_PER_TEAM), key=lambda index: places[index][1]):
        x, y = places[player]
        left, phase_x = whole_and_phase(x * scale_x)
        top, phase_y = whole_and_phase(y * scale_y)
        team, place = divmod(player, NUM_PLAYERS_PER_TEAM)
        number = match.player(player).number
        sprite = player_sprite(kits[team], number, place == 0, size, (phase_x, phase_y))
        lay(frame_HW3, sprite, left, top)
    draw_over_players(frame_HW3, match, time_s, places)
    x, y = to_picture(ball_x, ball_y)
    left, phase_x = whole_and_phase(x * scale_x)
    top, phase_y = whole_and_phase(y * scale_y)
    lay(frame_HW3, ball_sprite(size, (phase_x, phase_y)), left, top)

    if phase in (_HALF_TIME, _FULL_TIME):
        np.right_shift(frame_HW3, 1, out=frame_HW3)
    home_goals, away_goals = match.score_T2[tick].tolist()
    scorer = lit_goal(match, time_s)
    x, y = score_place()
    score = score_sprite(*kits, (home_goals, away_goals), scorer, size)
    lay(frame_HW3, score, round(x * scale_x), round(y * scale_y))
    x, y = clock_place()
    lay(frame_HW3, clock_sprite(_clock(match, time_s, phase), size), round(x * scale_x), round(y * scale_y))
    last_touch = int(match.last_touch_T[tick])
    x, y = panel_place()
    if last_touch < 0:
        panel = panel_sprite(None, 0, size)
    else:
        panel = panel_sprite(kits[last_touch // NUM_PLAYERS_PER_TEAM], match.player(last_touch).number, size)
    lay(frame_HW3, panel, round(x * scale_x), round(y * scale_y))
    return frame_HW3


def _clock(match: Match, time_s: float, phase: int) -> str:
    if phase == _HALF_TIME:
        return "HT"
    if phase == _FULL_TIME:
        return "FT"
    minutes, seconds = divmod(int(max(time_s, 0.0) + match.clock_offset_s + 1e-6), 60)
    return f"{minutes:02d}:{seconds:02d}"
