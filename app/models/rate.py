"""How fast a download goes, and how long it will take.

Knows numbers over time. Knows no network.
"""

from __future__ import annotations

import collections

_SPAN_S = 8.0


class Rate:
    """Speed over the last seconds."""

    def __init__(self) -> None:
        self._points: collections.deque[tuple[float, int]] = collections.deque()

    def push(self, now_s: float, done_bytes: int) -> None:
        """So much was there at this moment."""
        if self._points and done_bytes < self._points[-1][1]:
            self._points.clear()  # a damaged file was thrown away
        self._points.append((now_s, done_bytes))
        while len(self._points) > 2 and now_s - self._points[0][0] > _SPAN_S:
            self._points.popleft()

    def bytes_per_s(self, now_s: float) -> float:
        """Lately; 0 before anything is known, and falling while nothing comes."""
        if len(self._points) < 2:
            return 0.0
        (first_s, first), (_, last) = self._points[0], self._points[-1]
        return (last - first) / max(now_s - first_s, 1e-3)

    def eta_s(self, now_s: float, missing_bytes: int) -> float | None:
        """Seconds until the rest is here; None if that cannot be told."""
        speed = self.bytes_per_s(now_s)
        return missing_bytes / speed if speed > 0 else None


def size_words(num_bytes: float) -> str:
    """A size as people read it: 16.6 GB, 410 MB, 12 kB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= factor:
            value = num_bytes / factor
            return f"{value:.1f} {unit}" if value < 100 and unit == "GB" else f"{value:.0f} {unit}"
    return f"{num_bytes:.0f} bytes"


def time_words(seconds: float) -> str:
    """A time that is left: 40 s, 3 min, 1 h 20 min."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
