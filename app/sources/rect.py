"""Rectangles on the desktop, in its pixels.

Knows corners, sizes and how two of them overlap. Knows no window and no screen.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Rect:
    """A rectangle; the desktop's upper left corner is usually (0, 0)."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column that is not in it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row that is not in it."""
        return self.top + self.height

    def common(self, other: Rect) -> Rect | None:
        """What both have in common; None if nothing."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Rect(left, top, right - left, bottom - top) if left < right and top < bottom else None

    def seen_from(self, corner: Rect) -> Rect:
        """The same place, counted from the upper left corner of another rectangle."""
        return Rect(self.left - corner.left, self.top - corner.top, self.width, self.height)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an array of pixels."""
        return slice(self.top, self.bottom), slice(self.left, self.right)
