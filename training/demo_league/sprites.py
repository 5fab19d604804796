"""Small pictures with soft edges, drawn large, shrunk once and kept: shirts, ball, digits, panels.

Knows how things look. Knows nothing of matches, nor of where on the picture a thing goes: `draw.py` places them.

Every length is in reference pixels, those of the 640x360 picture. A sprite for another size is drawn at that size, not
scaled from 640x360. Suffixes: H rows, W columns, 3 = RGB.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, cos, floor, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

REFERENCE_SIZE = (640, 360)
Rgb = tuple[int, int, int]
Point = tuple[float, float]
Image = NDArray[np.uint8]

WHITE: Rgb = (255, 255, 255)
INK: Rgb = (14, 17, 24)
_FINE = 8
"""Sub-pixels a pixel, each way, while a sprite is drawn."""
_PHASES = 4
"""Places within a pixel, each way, for which a moving sprite is kept."""


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """A picture to lay over a frame, of which (left, top) is the place relative to the point it is put at."""

    ink: NDArray[np.uint16]
    """(H, W, 3): colour times opacity, times 256."""
    clear: NDArray[np.uint16]
    """(H, W, 1): transparency, 0 to 256."""
    left: int
    top: int


class Brush:
    """Draws with hard edges on a fine canvas around `origin`; `sprite` makes the edges soft by shrinking it."""

    def __init__(
        self, size: tuple[int, int], *, half_width: float, half_height: float, origin: Point = (0.0, 0.0)
    ) -> None:
        self._origin = origin
        self._scale = (_FINE * size[0] / REFERENCE_SIZE[0], _FINE * size[1] / REFERENCE_SIZE[1])
        self._half = (
            ceil(half_width * self._scale[0] / _FINE) + 1,
            ceil(half_height * self._scale[1] / _FINE) + 1,
        )
        shape = (2 * self._half[1] * _FINE, 2 * self._half[0] * _FINE)
        self._colour_HW3 = np.zeros((*shape, 3), np.uint8)
        self._opacity_HW = np.zeros(shape, np.uint8)

    def _to_canvas(self, points: Sequence[Point]) -> NDArray[np.int32]:
        scaled_N2 = np.subtract(points, self._origin) * self._scale + np.multiply(self._half, _FINE)
        return np.rint(scaled_N2).astype(np.int32).reshape(-1, 1, 2)

    def _targets(self, colour: Rgb, opacity: float) -> Iterator[tuple[Image, Rgb | int]]:
        yield self._colour_HW3, colour
        yield self._opacity_HW, round(255 * opacity)

    def area(self, points: Sequence[Point], colour: Rgb, *, opacity: float = 1.0) -> None:
        """Fill a polygon."""
        corners = self._to_canvas(points)
        for canvas, value in self._targets(colour, opacity):
            cv2.fillPoly(canvas, [corners], value)

    def disc(self, x: float, y: float, radius: float, colour: Rgb, *, opacity: float = 1.0) -> None:
        """Fill a circle."""
        self.area(arc(x, y, radius, radius, 0, 360), colour, opacity=opacity)

    def line(self, points: Sequence[Point], width: float, colour: Rgb, *, opacity: float = 1.0) -> None:
        """Draw a line with round ends."""
        path = self._to_canvas(points)
        thickness = max(1, round(width * (self._scale[0] + self._scale[1]) / 2))
        for canvas, value in self._targets(colour, opacity):
            cv2.polylines(canvas, [path], False, value, thickness)

    def text(
        self, text: str, x: float, y: float, height: float, colour: Rgb, *, weight: float = 0.16
    ) -> None:
        """Write digits and a few capitals with their middle at (x, y); `weight` is the stroke over the height."""
        left = x - text_width(text, height, weight=weight) / 2 + height * weight / 2
        inner = height * (1 - weight)
        for character in text:
            width, strokes = _GLYPHS[character]
            for stroke in strokes:
                points = [(left + px * inner, y + (py - 0.5) * inner) for px, py in stroke]
                self.line(points, height * weight, colour)
            left += width * inner + height * (weight + _LETTER_GAP)

    def sprite(self, *, phase: tuple[int, int] = (0, 0)) -> Sprite:
        """Shrink what was drawn, shifted right and down by `phase` quarters of a pixel."""
        shift_x, shift_y = (part * _FINE // _PHASES for part in phase)
        opacity_HW = cv2.copyMakeBorder(
            self._opacity_HW, shift_y, _FINE - shift_y, shift_x, _FINE - shift_x, cv2.BORDER_CONSTANT
        )
        colour_HW3 = cv2.copyMakeBorder(
            self._colour_HW3, shift_y, _FINE - shift_y, shift_x, _FINE - shift_x, cv2.BORDER_CONSTANT
        )
        height, width = opacity_HW.shape[0] // _FINE, opacity_HW.shape[1] // _FINE
        opaque_HW1 = opacity_HW[..., None].astype(np.float32) / 255.0
        ink_HW3 = cv2.resize(colour_HW3 * opaque_HW1, (width, height), interpolation=cv2.INTER_AREA)
        shrunk_HW = cv2.resize(opaque_HW1, (width, height), interpolation=cv2.INTER_AREA)
        return Sprite(
            ink=np.rint(ink_HW3 * 256).astype(np.uint16),
            clear=np.rint((1 - shrunk_HW[..., None]) * 256).astype(np.uint16),
            left=-self._half[0],
            top=-self._half[1],
        )


def lay(frame_HW3: Image, sprite: Sprite, x: int, y: int) -> None:
    """Lay a sprite over a frame with its origin at pixel (x, y); what is outside the frame is cut off."""
    ink_HW3, clear_HW1 = sprite.ink, sprite.clear
    top, left = y + sprite.top, x + sprite.left
    height, width = frame_HW3.shape[:2]
    bottom, right = top + ink_HW3.shape[0], left + ink_HW3.shape[1]
    if top < 0 or left < 0 or bottom > height or right > width:
        cut = np.s_[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
        ink_HW3, clear_HW1 = ink_HW3[cut], clear_HW1[cut]
        top, left = max(top, 0), max(left, 0)
        bottom, right = top + ink_HW3.shape[0], left + ink_HW3.shape[1]
    under_HW3 = frame_HW3[top:bottom, left:right]
    mixed_HW3 = under_HW3 * clear_HW1
    mixed_HW3 += ink_HW3
    mixed_HW3 >>= 8
    under_HW3[:] = mixed_HW3


def whole_and_phase(value: float) -> tuple[int, int]:
    """Split a place in pixels into a whole pixel and the quarter that `Sprite`s are kept for."""
    quarters = floor(value * _PHASES + 0.5)
    return quarters // _PHASES, quarters % _PHASES


def readable_on(colour: Rgb) -> Rgb:
    """Ink or white, whichever stands out from a colour."""
    red, green, blue = colour
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else WHITE


# Digits and capitals: strokes in a box of height 1, y downwards.


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> list[Point]:
    """Points of an ellipse's edge, from one angle to another, clockwise in the picture, in degrees."""
    num_steps = max(6, round(abs(end - start) / 7.5))
    angles = [radians(start + (end - start) * step / num_steps) for step in range(num_steps + 1)]
    return [(x + width * cos(angle), y + height * sin(angle)) for angle in angles]


def _turned(strokes: list[list[Point]], width: float) -> list[list[Point]]:
    return [[(width - x, 1.0 - y) for x, y in stroke] for stroke in strokes]


_SIX: list[list[Point]] = [
    arc(0.3, 0.68, 0.3, 0.32, 0, 360),
    arc(0.62, 0.66, 0.62, 0.66, 180, 258),
]
_GLYPHS: dict[str, tuple[float, list[list[Point]]]] = {
    "0": (0.6, [arc(0.3, 0.5, 0.3, 0.5, 0, 360)]),
    "1": (0.34, [[(0.0, 0.22), (0.3, 0.0), (0.3, 1.0)]]),
    "2": (0.58, [[*arc(0.29, 0.29, 0.29, 0.29, 188, 395), (0.0, 1.0), (0.6, 1.0)]]),
    "3": (0.58, [arc(0.28, 0.25, 0.26, 0.25, 200, 450), arc(0.28, 0.74, 0.3, 0.26, 270, 520)]),
    "4": (0.62, [[(0.44, 1.0), (0.44, 0.0), (0.0, 0.7), (0.62, 0.7)]]),
    "5": (0.58, [[(0.54, 0.0), (0.08, 0.0), (0.04, 0.46), *arc(0.27, 0.68, 0.31, 0.32, 228, 508)]]),
    "6": (0.6, _SIX),
    "7": (0.58, [[(0.0, 0.0), (0.58, 0.0), (0.2, 1.0)]]),
    "8": (0.6, [arc(0.3, 0.25, 0.25, 0.25, 0, 360), arc(0.3, 0.74, 0.3, 0.26, 0, 360)]),
    "9": (0.6, _turned(_SIX, 0.6)),
    ":": (0.06, [[(0.03, 0.26), (0.03, 0.27)], [(0.03, 0.73), (0.03, 0.74)]]),
    "F": (0.5, [[(0.52, 0.0), (0.0, 0.0), (0.0, 1.0)], [(0.0, 0.48), (0.44, 0.48)]]),
    "H": (0.58, [[(0.0, 0.0), (0.0, 1.0)], [(0.58, 0.0), (0.58, 1.0)], [(0.0, 0.5), (0.58, 0.5)]]),
    "T": (0.6, [[(0.0, 0.0), (0.6, 0.0)], [(0.3, 0.0), (0.3, 1.0)]]),
}
_LETTER_GAP = 0.1


def text_width(text: str, height: float, *, weight: float = 0.16) -> float:
    """How wide `Brush.text` writes a text."""
    inner = height * (1 - weight)
    widths = sum(_GLYPHS[character][0] * inner + height * weight for character in text)
    return widths + height * _LETTER_GAP * (len(text) - 1)


def rounded(left: float, top: float, right: float, bottom: float, radius: float) -> list[Point]:
    """The outline of a box with round corners."""
    return [
        *arc(right - radius, top + radius, radius, radius, 270, 360),
        *arc(right - radius, bottom - radius, radius, radius, 0, 90),
        *arc(left + radius, bottom - radius, radius, radius, 90, 180),
        *arc(left + radius, top + radius, radius, radius, 180, 270),
    ]


# What moves

PLAYER_RADIUS = 10.6
BALL_RADIUS = 4.9


@lru_cache(maxsize=512)
def _player_brush(colour: Rgb, number: int, keeper: bool, size: tuple[int, int]) -> Brush:
    brush = Brush(size, half_width=PLAYER_RADIUS + 6, half_height=PLAYER_RADIUS + 6)
    for radius, opacity in ((PLAYER_RADIUS + 3.4, 0.1), (PLAYER_RADIUS + 2.0, 0.22), (PLAYER_RADIUS, 0.36)):
        brush.disc(2.0, 2.8, radius, (0, 12, 0), opacity=opacity)
    rim = readable_on(colour)
    if keeper:
        brush.disc(0, 0, PLAYER_RADIUS + 2.2, (196, 255, 60))
    brush.disc(0, 0, PLAYER_RADIUS, rim)
    brush.disc(0, 0, PLAYER_RADIUS - 1.7, colour)
    brush.text(str(number), 0, 0, 12.0 if number < 10 else 10.5, rim, weight=0.18)
    return brush


@lru_cache(maxsize=8192)
def player_sprite(
    colour: Rgb, number: int, keeper: bool, size: tuple[int, int], phase: tuple[int, int]
) -> Sprite:
    """A player seen from above: a disc in his colour, with his number, rim and shadow."""
    return _player_brush(colour, number, keeper, size).sprite(phase=phase)


@lru_cache(maxsize=256)
def ball_sprite(size: tuple[int, int], phase: tuple[int, int]) -> Sprite:
    """The ball."""
    brush = Brush(size, half_width=BALL_RADIUS + 5, half_height=BALL_RADIUS + 5)
    brush.disc(1.6, 2.2, BALL_RADIUS + 0.9, (0, 12, 0), opacity=0.4)
    brush.disc(0, 0, BALL_RADIUS, INK)
    brush.disc(0, 0, BALL_RADIUS - 1.0, WHITE)
    return brush.sprite(phase=phase)


@lru_cache(maxsize=256)
def owner_sprite(size: tuple[int, int], phase: tuple[int, int]) -> Sprite:
    """The ring under the player who has the ball."""
    radius = PLAYER_RADIUS + 5.2
    brush = Brush(size, half_width=radius + 2, half_height=radius + 2)
    brush.disc(0, 0, radius, WHITE, opacity=0.95)
    brush.disc(0, 0, radius - 2.6, WHITE, opacity=0.22)
    return brush.sprite(phase=phase)


# What stands still

SCORE_BOX = (233.0, 3.0, 465.0, 43.0)
"""Left, top, right, bottom of the scoreboard: home colour and goals, away goals and colour, clock."""
PANEL_BOX = (3.0, 303.0, 56.0, 357.0)
"""Left, top, right, bottom of the "on the ball" panel."""
_HOME_X, _AWAY_X, _CLOCK_X = 271.5, 311.5, 407.5
_GOLD: Rgb = (255, 205, 50)


@lru_cache(maxsize=1024)
def score_sprite(
    home: Rgb, away: Rgb, score: tuple[int, int], scorer: int | None, size: tuple[int, int]
) -> Sprite:
    """The scoreboard without its clock, with the origin at its middle; the scorer's goals are lit up."""
    left, top, right, bottom = SCORE_BOX
    middle = (top + bottom) / 2
    brush = Brush(
        size,
        half_width=(right - left) / 2 + 4,
        half_height=(bottom - top) / 2 + 4,
        origin=((left + right) / 2, middle),
    )
    if scorer is not None:
        brush.area(rounded(left - 3, top - 3, right + 3, bottom + 3, 9), _GOLD)
    brush.area(rounded(left, top, right, bottom, 7), INK)
    brush.area(rounded(352, top + 3, right - 3, bottom - 3, 5), (38, 43, 56))
    for side, (colour, x, patch) in enumerate(
        ((home, _HOME_X, (left + 3, left + 20)), (away, _AWAY_X, (329.0, 346.0)))
    ):
        edge = WHITE if readable_on(colour) == WHITE else colour
        brush.area(rounded(patch[0], top + 3, patch[1], bottom - 3, 4), edge)
        brush.area(rounded(patch[0] + 1.2, top + 4.2, patch[1] - 1.2, bottom - 4.2, 3), colour)
        ink = WHITE
        if scorer == side:
            brush.area(rounded(x - 18, top + 3, x + 18, bottom - 3, 4), _GOLD)
            ink = INK
        brush.text(str(score[side]), x, middle, 28, ink, weight=0.17)
    return brush.sprite()


@lru_cache(maxsize=4096)
def clock_sprite(text: str, size: tuple[int, int]) -> Sprite:
    """The clock, or HT or FT, with the origin at the middle of its box."""
    brush = Brush(size, half_width=56, half_height=18)
    height = 25.0 if len(text) <= 5 else 23.0
    if text[0].isdigit():
        brush.text(text, 0, 0, height, (235, 238, 245), weight=0.14)
    else:
        brush.text(text, 0, 0, 28.0, _GOLD, weight=0.19)
    return brush.sprite()


def score_place() -> Point:
    """The middle of the scoreboard."""
    left, top, right, bottom = SCORE_BOX
    return (left + right) / 2, (top + bottom) / 2


def clock_place() -> Point:
    """The middle of the clock's box."""
    return _CLOCK_X, (SCORE_BOX[1] + SCORE_BOX[3]) / 2


@lru_cache(maxsize=256)
def panel_sprite(colour: Rgb | None, number: int, size: tuple[int, int]) -> Sprite:
    """The "on the ball" panel: the colour and number of who touched the ball last; grey when nobody has."""
    left, top, right, bottom = PANEL_BOX
    half_width, half_height = (right - left) / 2, (bottom - top) / 2
    brush = Brush(size, half_width=half_width + 1, half_height=half_height + 1)
    fill = (60, 66, 76) if colour is None else colour
    ink = readable_on(fill)
    brush.area(rounded(-half_width, -half_height, half_width, half_height, 9), INK)
    brush.area(rounded(2 - half_width, 2 - half_height, half_width - 2, half_height - 2, 7), ink)
    brush.area(rounded(4 - half_width, 4 - half_height, half_width - 4, half_height - 4, 5), fill)
    if colour is not None:
        brush.text(str(number), 0, 0, 38.0 if number < 10 else 34.0, ink, weight=0.18)
    return brush.sprite()


def panel_place() -> Point:
    """The middle of the panel."""
    left, top, right, bottom = PANEL_BOX
    return (left + right) / 2, (top + bottom) / 2
