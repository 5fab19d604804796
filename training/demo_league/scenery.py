"""The ground: grass, lines, goals and nets, and where a place on the pitch is in the picture.

Knows what never moves. Knows nothing of players, the ball, scores or effects.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from training.demo_league.motion import GOAL_DEPTH_M, GOAL_WIDTH_M, MIDDLE_Y_M
from training.demo_league.records import PITCH_LENGTH_M, PITCH_WIDTH_M
from training.demo_league.sprites import REFERENCE_SIZE, Image, Point, Rgb, arc

METRE = 13.6
"""Reference pixels a metre."""
LEFT, TOP = 66.0, 47.0
"""Where the pitch's corner (0, 0) is, in reference pixels."""

_FINE = 4
_GRASS: tuple[Rgb, Rgb] = ((58, 142, 66), (66, 154, 73))
_SURROUND: Rgb = (34, 92, 50)
_STAND: Rgb = (24, 28, 38)
_LINE: Rgb = (196, 228, 196)
_NET: Rgb = (206, 214, 220)


def to_picture(x: float, y: float) -> Point:
    """Reference pixels of a place on the pitch, in metres."""
    return LEFT + x * METRE, TOP + y * METRE


@lru_cache(maxsize=8)
def ground(size: tuple[int, int]) -> Image:
    """The empty pitch with its surroundings: (H, W, 3) uint8 RGB. Not to be written to."""
    width, height = REFERENCE_SIZE[0] * _FINE, REFERENCE_SIZE[1] * _FINE
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = _SURROUND

    def spots(points: list[Point]) -> NDArray[np.int32]:
        placed = [to_picture(x, y) for x, y in points]
        return np.rint(np.multiply(placed, _FINE)).astype(np.int32).reshape(-1, 1, 2)

    def area(points: list[Point], colour: Rgb) -> None:
        cv2.fillPoly(canvas, [spots(points)], colour)

    def line(points: list[Point], line_width: float, colour: Rgb) -> None:
        cv2.polylines(canvas, [spots(points)], False, colour, round(line_width * _FINE))

    # Stands: rows of seats with a quiet crowd.
    crowd = np.random.default_rng(5)
    stand_height = 40 * _FINE
    canvas[:stand_height] = _STAND
    for row in range(6, 40, 6):
        for column in range(4, REFERENCE_SIZE[0], 6):
            shade = int(crowd.integers(34, 62))
            tint = crowd.integers(-6, 10, size=3)
            colour = tuple(int(value) for value in np.clip(shade + tint + (0, 3, 10), 0, 255))
            cv2.circle(canvas, (column * _FINE, row * _FINE), 2 * _FINE, colour, -1)
    cv2.rectangle(canvas, (0, stand_height - _FINE), (width, stand_height + _FINE), (12, 40, 22), -1)

    num_stripes = 10
    for stripe in range(num_stripes):
        start, end = (PITCH_LENGTH_M * edge / num_stripes for edge in (stripe, stripe + 1))
        area([(start, 0), (end, 0), (end, PITCH_WIDTH_M), (start, PITCH_WIDTH_M)], _GRASS[stripe % 2])

    line_width = 1.8
    length, wide, middle = PITCH_LENGTH_M, PITCH_WIDTH_M, MIDDLE_Y_M
    line([(0, 0), (length, 0), (length, wide), (0, wide), (0, 0)], line_width, _LINE)
    line([(length / 2, 0), (length / 2, wide)], line_width, _LINE)
    line(arc(length / 2, middle, 3.0, 3.0, 0, 360), line_width, _LINE)
    area(arc(length / 2, middle, 0.18, 0.18, 0, 360), _LINE)
    for goal_x, outward, turn in ((0.0, -1.0, 270.0), (length, 1.0, 90.0)):
        line(arc(goal_x, middle, 5.2, 5.2, turn, turn + 180), line_width, _LINE)
        area(arc(goal_x - outward * 5.2, middle, 0.15, 0.15, 0, 360), _LINE)
        low, high = middle - GOAL_WIDTH_M / 2, middle + GOAL_WIDTH_M / 2
        back_x = goal_x + outward * GOAL_DEPTH_M
        area([(goal_x, low), (back_x, low), (back_x, high), (goal_x, high)], (44, 60, 56))
        for part in range(1, 4):
            net_x = goal_x + outward * GOAL_DEPTH_M * part / 4
            line([(net_x, low), (net_x, high)], 0.7, (120, 136, 136))
        for part in range(1, 14):
            net_y = low + GOAL_WIDTH_M * part / 14
            line([(goal_x, net_y), (back_x, net_y)], 0.7, (120, 136, 136))
        line([(goal_x, low), (back_x, low), (back_x, high), (goal_x, high)], 2.2, _NET)
        line([(goal_x, low), (goal_x, high)], 2.6, (250, 250, 250))
        for corner_y, start in ((0.0, 90.0 if outward > 0 else 0.0), (wide, 180.0 if outward > 0 else 270.0)):
            line(arc(goal_x, corner_y, 0.9, 0.9, start, start + 90), line_width, _LINE)
            area(arc(goal_x, corner_y, 0.22, 0.22, 0, 360), (250, 150, 40))
    picture: Image = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    picture.flags.writeable = False
    return picture
