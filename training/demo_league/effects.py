"""Short marks that make what happens visible for a second: streaks, rings, shields, flashes.

Knows which mark belongs to which event and how it grows and fades. Knows nothing of words, nor of the still things in
the picture.

Every kind of event has a shape of its own, so that two pictures half a second apart, at half size, are enough to tell
a tackle (double ring in the winner's colour, with a star) from a save (shield before the keeper), a shot (thick
streak of fire), a goal (burning goal with rays), a corner (quarter rings in the corner), a throw-in (half rings on
the touchline) and a kick-off (the centre circle filled, with arcs around it).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import cos, hypot, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from training.demo_league.motion import GOAL_DEPTH_M, GOAL_WIDTH_M, MIDDLE_Y_M
from training.demo_league.records import HOME, PITCH_LENGTH_M, PITCH_WIDTH_M, Event, Match
from training.demo_league.scenery import METRE, to_picture
from training.demo_league.sprites import REFERENCE_SIZE, Image, Point, Rgb, arc, readable_on

GOAL_MARK_S = 3.0
"""How long a goal burns, and how long the scoreboard shows it."""
MARK_S = 1.3
"""How long the mark of any other event stays."""
TRAIL_S = 0.4

_SUBPIXEL_BITS = 4
_FIRE: Rgb = (255, 96, 24)
_HOT: Rgb = (255, 236, 150)
_SHIELD: Rgb = (190, 255, 40)
_GOLD: Rgb = (255, 205, 50)
_WHITE: Rgb = (255, 255, 255)


class Veil:
    """Draws see-through shapes on a part of a frame. Places and lengths are in reference pixels."""

    def __init__(self, frame_HW3: Image, *, x: float, y: float, reach: float) -> None:
        height, width = frame_HW3.shape[:2]
        self._scale = (width / REFERENCE_SIZE[0], height / REFERENCE_SIZE[1])
        left, top = int((x - reach) * self._scale[0]), int((y - reach) * self._scale[1])
        right, bottom = int((x + reach) * self._scale[0]) + 2, int((y + reach) * self._scale[1]) + 2
        self._left, self._top = max(left, 0), max(top, 0)
        self._under_HW3 = frame_HW3[self._top : max(bottom, self._top), self._left : max(right, self._left)]
        self._over_HW3 = self._under_HW3.copy()

    def _points(self, points: Sequence[Point]) -> NDArray[np.int32]:
        placed_N2 = np.array(points) * self._scale - (self._left + 0.5, self._top + 0.5)
        whole_N2: NDArray[np.int32] = np.rint(placed_N2 * 2**_SUBPIXEL_BITS).astype(np.int32)
        return whole_N2.reshape(-1, 1, 2)

    def area(self, points: Sequence[Point], colour: Rgb) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self._over_HW3, [self._points(points)], colour, cv2.LINE_AA, _SUBPIXEL_BITS)

    def band(self, inner: Sequence[Point], outer: Sequence[Point], colour: Rgb) -> None:
        """Fill what is between two lines that run the same way."""
        self.area([*inner, *reversed(outer)], colour)

    def ring(
        self, x: float, y: float, radius: float, width: float, colour: Rgb, start: float = 0, end: float = 360
    ) -> None:
        """Draw a circle's line, or a part of it (degrees, clockwise from the right)."""
        inner = arc(x, y, radius - width / 2, radius - width / 2, start, end)
        outer = arc(x, y, radius + width / 2, radius + width / 2, start, end)
        self.band(inner, outer, colour)

    def lift(self, opacity: float) -> None:
        """Let what was drawn show, as strongly as `opacity` (0 to 1) says."""
        if self._over_HW3.size:
            mixed = cv2.addWeighted(self._over_HW3, opacity, self._under_HW3, 1.0 - opacity, 0.0)
            self._under_HW3[:] = mixed


def recent_events(match: Match, time_s: float, *, within_s: float) -> Iterator[Event]:
    """Events of the last seconds up to a moment, latest first."""
    index = bisect_right(match.events, time_s + 1e-6, key=lambda event: event.time_s)
    while index > 0 and match.events[index - 1].time_s > time_s - within_s:
        index -= 1
        yield match.events[index]


def lit_goal(match: Match, time_s: float) -> int | None:
    """The team whose goal the scoreboard celebrates at this moment."""
    for event in recent_events(match, time_s, within_s=GOAL_MARK_S):
        if event.kind == "goal":
            return event.team
    return None


def _fade(age_s: float, length_s: float) -> float:
    """Full strength for most of a mark's life, then down to nothing."""
    return min(1.0, max(0.0, 4.0 * (1.0 - age_s / length_s)))


def _ball_at(match: Match, time_s: float) -> Point:
    tick = min(max(round(time_s * match.tick_hz), 0), len(match.ball_T2) - 1)
    x, y = match.ball_T2[tick].tolist()
    return to_picture(x, y)


def draw_ball_trail(frame_HW3: Image, match: Match, exact_tick: float, ball: Point) -> None:
    """The way of a free ball over the last moments, thinner and fainter the longer ago."""
    num_steps = 4
    ticks = [
        max(0, int(exact_tick - step * TRAIL_S * match.tick_hz / num_steps))
        for step in range(1, num_steps + 1)
    ]
    path = [to_picture(*ball), *(to_picture(*match.ball_T2[tick].tolist()) for tick in ticks)]
    x, y = path[0]
    reach = max(hypot(x - other_x, y - other_y) for other_x, other_y in path) + 6
    if reach < 9:
        return
    veil = Veil(frame_HW3, x=x, y=y, reach=reach)
    left: list[Point] = []
    right: list[Point] = []
    for index, (place, following) in enumerate(pairwise(path)):
        length = hypot(following[0] - place[0], following[1] - place[1]) or 1.0
        normal = ((following[1] - place[1]) / length, (place[0] - following[0]) / length)
        half = 4.2 * (1 - index / num_steps)
        left.append((place[0] + normal[0] * half, place[1] + normal[1] * half))
        right.append((place[0] - normal[0] * half, place[1] - normal[1] * half))
    veil.area([*left, path[-1], *reversed(right)], _WHITE)
    veil.lift(0.55)


def draw_under_players(frame_HW3: Image, match: Match, time_s: float, places: Sequence[Point]) -> None:
    """Marks that lie on the grass. `places` are the players', in reference pixels."""
    for event in recent_events(match, time_s, within_s=GOAL_MARK_S):
        age_s = time_s - event.time_s
        if event.kind == "goal":
            _goal(frame_HW3, match, event, age_s)
        elif age_s < MARK_S and event.kind in _ON_THE_GRASS:
            _ON_THE_GRASS[event.kind](frame_HW3, match, event, age_s, places)


def draw_over_players(frame_HW3: Image, match: Match, time_s: float, places: Sequence[Point]) -> None:
    """Marks that lie over the players. `places` are the players', in reference pixels."""
    for event in recent_events(match, time_s, within_s=MARK_S):
        if event.kind == "save":
            _save(frame_HW3, match, event, time_s - event.time_s, places)


def _shot(frame_HW3: Image, match: Match, event: Event, age_s: float, places: Sequence[Point]) -> None:
    """A streak of fire from the shooter's foot to the ball, or to where the shot ended."""
    flight_s = age_s
    for later in recent_events(match, event.time_s + age_s, within_s=age_s):
        if later.kind in ("save", "goal") and later.time_s > event.time_s:
            flight_s = later.time_s - event.time_s
    start = _ball_at(match, event.time_s)
    end = _ball_at(match, event.time_s + min(flight_s, 0.95))
    length = hypot(end[0] - start[0], end[1] - start[1])
    opacity = _fade(age_s, MARK_S)
    veil = Veil(frame_HW3, x=(start[0] + end[0]) / 2, y=(start[1] + end[1]) / 2, reach=length / 2 + 26)
    if length > 1:
        along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
        for half, colour in ((8.5, _FIRE), (4.0, _HOT)):
            across = (-along[1] * half, along[0] * half)
            veil.area(
                [
                    (start[0] + across[0] * 0.35, start[1] + across[1] * 0.35),
                    (end[0] + across[0], end[1] + across[1]),
                    (end[0] - across[0], end[1] - across[1]),
                    (start[0] - across[0] * 0.35, start[1] - across[1] * 0.35),
                ],
                colour,
            )
    grow = min(1.0, age_s / 0.25)
    veil.area(_star(start, 9 + 8 * grow, 4 + 3 * grow, num_rays=8), _FIRE)
    veil.area(_star(start, 5 + 4 * grow, 2 + 2 * grow, num_rays=8), _HOT)
    veil.lift(0.92 * opacity)


def _tackle(frame_HW3: Image, match: Match, event: Event, age_s: float, places: Sequence[Point]) -> None:
    """Two rings in the winner's colour around the winner, and a star where it happened."""
    if event.player is None or event.team is None:
        return
    x, y = places[event.player]
    colour = match.team(event.team).kit.rgb
    edge = readable_on(colour)
    grow = min(1.0, age_s / 0.3)
    near, far = 17 + 3 * grow, 23 + 8 * grow
    veil = Veil(frame_HW3, x=x, y=y, reach=far + 8)
    for radius in (far, near):
        veil.ring(x, y, radius, 7.0, edge)
        veil.ring(x, y, radius, 4.2, colour)
    veil.lift(0.95 * _fade(age_s, MARK_S))
    x, y = _ball_at(match, event.time_s)
    veil = Veil(frame_HW3, x=x, y=y, reach=24)
    veil.area(_star((x, y), 18, 7, num_rays=6), _WHITE)
    veil.lift(0.9 * _fade(age_s, 0.7))


def _save(frame_HW3: Image, match: Match, event: Event, age_s: float, places: Sequence[Point]) -> None:
    """A shield of three arcs between the keeper and the pitch."""
    if event.player is None:
        return
    x, y = places[event.player]
    facing = 0 if event.team == HOME else 180
    grow = min(1.0, age_s / 0.25)
    veil = Veil(frame_HW3, x=x, y=y, reach=52)
    for index in range(3):
        radius = 19 + (6 + 4 * grow) * index
        veil.ring(x, y, radius, 7.4, (16, 60, 20), facing - 62, facing + 62)
        veil.ring(x, y, radius, 4.8, _SHIELD, facing - 60, facing + 60)
    veil.lift(_fade(age_s, MARK_S))


def _goal(frame_HW3: Image, match: Match, event: Event, age_s: float) -> None:
    """The goal burns in gold, its net bulges, rays go out over the pitch."""
    right = event.team == HOME
    goal_x, inward = (PITCH_LENGTH_M, -1) if right else (0.0, 1)
    x, y = to_picture(goal_x, MIDDLE_Y_M)
    opacity = _fade(age_s, GOAL_MARK_S)
    beat = 0.5 + 0.5 * cos(age_s * 2 * pi * 1.5)
    half = GOAL_WIDTH_M / 2 * METRE
    depth = GOAL_DEPTH_M * METRE
    veil = Veil(frame_HW3, x=x, y=y, reach=110)
    for ray in range(7):
        angle = (ray - 3) * 24 * pi / 180
        reach = 62 + 26 * min(1.0, age_s / 0.4) + 8 * beat
        tip = (x + inward * cos(angle) * reach, y + sin(angle) * reach)
        root = (x + inward * cos(angle) * 22, y + sin(angle) * 38)
        across = (-sin(angle) * 6.0 * inward, cos(angle) * 6.0)
        veil.area(
            [(root[0] + across[0], root[1] + across[1]), tip, (root[0] - across[0], root[1] - across[1])],
            _GOLD,
        )
    veil.lift(0.8 * opacity)
    veil = Veil(frame_HW3, x=x, y=y, reach=half + 12)
    bulge = 5 + 3 * beat
    veil.area(
        [
            (x - inward * -3, y - half - 3),
            (x - inward * (depth + 2), y - half - 3),
            (x - inward * (depth + bulge + 2), y),
            (x - inward * (depth + 2), y + half + 3),
            (x - inward * -3, y + half + 3),
        ],
        _GOLD if beat < 0.5 else (255, 240, 190),
    )
    for part in range(1, 8):
        net_y = y - half + 2 * half * part / 8
        veil.area(
            [
                (x, net_y - 0.6),
                (x - inward * (depth + bulge), net_y - 0.6),
                (x - inward * (depth + bulge), net_y + 0.6),
                (x, net_y + 0.6),
            ],
            (190, 120, 10),
        )
    veil.lift(0.9 * opacity)


def _spreading_rings(
    frame_HW3: Image, centre: Point, colour: Rgb, age_s: float, *, start: float, end: float
) -> None:
    """Rings that spread from a place, in a team's colour with an edge."""
    x, y = centre
    edge = readable_on(colour)
    veil = Veil(frame_HW3, x=x, y=y, reach=62)
    for index in range(2):
        radius = 20 + 17 * index + 10 * min(1.0, age_s / 0.8)
        veil.ring(x, y, radius, 9.0, edge, start, end)
        veil.ring(x, y, radius, 5.6, colour, start, end)
    veil.lift(0.95 * _fade(age_s, MARK_S))


def _corner(frame_HW3: Image, match: Match, event: Event, age_s: float, places: Sequence[Point]) -> None:
    ball_x, ball_y = _ball_at(match, event.time_s)
    middle_x, middle_y = to_picture(PITCH_LENGTH_M / 2, MIDDLE_Y_M)
    right, low = ball_x > middle_x, ball_y > middle_y
    corner = to_picture(PITCH_LENGTH_M if right else 0.0, PITCH_WIDTH_M if low else 0.0)
    start = {(False, False): 0, (True, False): 90, (True, True): 180, (False, True): 270}[right, low]
    colour = match.team(event.team or 0).kit.rgb
    _spreading_rings(frame_HW3, corner, colour, age_s, start=start, end=start + 90)


def _throw_in(frame_HW3: Image, match: Match, event: Event, age_s: float, places: Sequence[Point]) -> None:
    ball_x, ball_y = _ball_at(match, event.time_s)
    _, middle_y = to_picture(0.0, MIDDLE_Y_M)
    low = ball_y > middle_y
    _, y = to_picture(0.0, PITCH_WIDTH_M if low else 0.0)
    start = 180 if low else 0
    veil = Veil(frame_HW3, x=ball_x, y=y, reach=40)
    veil.ring(ball_x, y, 21 + 6 * min(1.0, age_s / 0.6), 7.0, _WHITE, start, start + 180)
    veil.lift(0.9 * _fade(age_s, MARK_S))


def _kick_off(frame_HW3: Image, match: Match, event: Event, age_s: float, places: Sequence[Point]) -> None:
    x, y = to_picture(PITCH_LENGTH_M / 2, MIDDLE_Y_M)
    colour = match.team(event.team or 0).kit.rgb
    edge = readable_on(colour)
    veil = Veil(frame_HW3, x=x, y=y, reach=66)
    veil.area(arc(x, y, 3.0 * METRE, 3.0 * METRE, 0, 360), colour)
    grow = min(1.0, age_s / 0.5)
    for turn in (0, 90, 180, 270):
        veil.ring(x, y, 46 + 10 * grow, 6.0, edge, turn - 24, turn + 24)
    veil.lift(0.85 * _fade(age_s, MARK_S))


def _star(centre: Point, far: float, near: float, *, num_rays: int) -> list[Point]:
    points = []
    for index in range(2 * num_rays):
        radius = far if index % 2 == 0 else near
        angle = pi * index / num_rays
        points.append((centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)))
    return points


_Mark = Callable[[Image, Match, Event, float, Sequence[Point]], None]
_ON_THE_GRASS: dict[str, _Mark] = {
    "shot": _shot,
    "tackle": _tackle,
    "corner": _corner,
    "throw-in": _throw_in,
    "kick-off": _kick_off,
}
