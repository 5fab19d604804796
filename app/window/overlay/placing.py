"""Where the overlay is on a monitor, and how that is remembered for each of them.

Knows rectangles and the lines in which places are kept. Knows no Qt and no window.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST_WIDTH_PX = 160
_EDGE_SHARE = 0.04
"""Distance from the monitor's upper and lower edge, as a share of its height."""


@dataclass(frozen=True)
class Rect:
    """A rectangle in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Place:
    """Where a person put the overlay, from a monitor's upper left corner; its height follows its lines."""

    left: int
    top: int
    width: int


def read_places(entries: Sequence[str]) -> dict[str, Place]:
    """Places by the monitor's name; what cannot be read is passed over."""
    places = {}
    for entry in entries:
        monitor, _, numbers = entry.rpartition("=")
        with contextlib.suppress(ValueError, TypeError):
            places[monitor] = Place(*(int(number) for number in numbers.split()))
    return places


def write_places(places: dict[str, Place]) -> tuple[str, ...]:
    """The reverse of `read_places`."""
    return tuple(f"{name}={place.left} {place.top} {place.width}" for name, place in places.items())


def own_place(place: Place, height: int, monitor: Rect) -> Rect:
    """Where a person put it, moved into sight if the monitor has become smaller. `monitor` in the desktop's pixels."""
    width = min(max(place.width, SMALLEST_WIDTH_PX), monitor.width)
    left = min(max(place.left, 0), monitor.width - width)
    top = min(max(place.top, 0), max(0, monitor.height - height))
    return Rect(monitor.left + left, monitor.top + top, width, height)


def usual_place(position: str, width_percent: int, height: int, monitor: Rect) -> Rect:
    """At the "bottom" (also for any other word), in the "middle" or at the "top"."""
    width = min(max(round(monitor.width * width_percent / 100), SMALLEST_WIDTH_PX), monitor.width)
    edge = round(monitor.height * _EDGE_SHARE)
    top = {"top": edge, "middle": (monitor.height - height) // 2}.get(
        position, monitor.height - height - edge
    )
    return Rect(monitor.left + (monitor.width - width) // 2, monitor.top + max(0, top), width, height)
