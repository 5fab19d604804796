"""When another program's frames have the device, found out from how long our own work takes.

A program that draws at a steady rate has the GPU for a part of every frame's time. Work of ours that begins in that part
has to wait for the other's turn to end, and takes longer; work that begins in the rest does not. Which pieces of work took
longer than their kind usually does, taken as a signal over time, has a peak at the frame rate: the periodogram of unevenly
sampled data (Scargle 1982, doi:10.1086/160554), here of pieces put into half milliseconds. The period near it that explains
the most (epoch folding, Leahy et al. 1983, doi:10.1086/160766) tells which part of every period is quiet.

Knows: pieces of work, their kinds, when they began and ended. Does not know: who the other program is, what the work is, or
when to pause.

Shapes: N pieces, T half milliseconds, F frequencies, B parts of a period.
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque

import numpy as np
import numpy.typing as npt

_SEARCHED_S = 8.0
"""What a rhythm is looked for in: long enough for a peak, short enough for a program that has just come."""
_FOLLOWED_S = 24.0
"""What a known rhythm is followed in: the longer, the better its period is known."""
_NEAR_HZ = 0.06
"""How far a known rhythm may drift from one step to the next; another peak is not farther than twice that."""
_JUDGED_S = 2.5
"""What is looked at to tell whether a rhythm goes on: where it has ended or changed, all before is forgotten."""
_LEAST_JUDGED = 20
_LOST = 0.1
"""A rhythm has ended if what begins in quiet parts is disturbed almost as often as the rest: the difference is smaller."""
_BETTER = 1.15
"""How much more a period twice or three times as long has to explain, to be the true one."""
_LEAST_HEARD_S = 2.0
_LEAST_OF_A_KIND = 8
_USUAL = 20
"""Percentile of a kind's times that is its time with the device to itself: at most four fifths of it may be disturbed."""
_SLOWER_MS, _SLOWER = 0.25, 0.35
"""A piece is disturbed if it takes so much longer, and by such a share, than is usual for its kind."""
_GRID_S = 0.0005
_NUM_GRID = 1 << 15
_SLOWEST_HZ, _FASTEST_HZ = 20.0, 250.0
_LEAST_POWER = 40.0
"""Of a peak, in units of what noise has on average. Noise reaches x at one frequency with probability exp(-x); there are
about 4,000 frequencies, and pieces of one stretch are disturbed together."""
_LEAST_CONTRAST = 0.4
"""Between the part of a period in which most pieces are disturbed and that in which fewest are, in shares of them."""
_QUIET = 0.3
"""A part is quiet if its share of disturbed pieces is this far or less from the fewest to the most."""
_NUM_PARTS = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Beat:
    """A steady rhythm of another program."""

    period_s: float
    origin_s: float
    """A moment at which a period begins."""

    quiet: tuple[bool, ...]
    """For each part of a period, whether a stretch of work that begins in it leaves the other program alone."""

    stretch_s: float
    """How long such a stretch may take."""

    @property
    def room_share(self) -> float:
        """Of the time, in which work may go on: the last stretch of a quiet time ends after it, half of it on the average
        for want of room for another."""
        num_times = sum(
            is_quiet and not after
            for is_quiet, after in zip(self.quiet, self.quiet[1:] + self.quiet[:1], strict=True)
        )
        return sum(self.quiet) / len(self.quiet) + num_times * self.stretch_s / 2 / self.period_s

    def next_quiet_s(self, at_s: float) -> float:
        """The first moment from ``at_s`` on at which a stretch may begin; ``at_s`` if there is none."""
        num_parts = len(self.quiet)
        position = (at_s - self.origin_s) / self.period_s * num_parts
        first = math.floor(position)
        for number in range(num_parts):
            if self.quiet[(first + number) % num_parts]:
                # A part is not quiet to its edge: the frame before may end in it.
                wait = 0.0 if number == 0 else first + number + 0.5 - position
                return at_s + wait / num_parts * self.period_s
        return at_s


class Rhythm:
    """Listens to pieces of work for another program's rhythm."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[str, float, float]] = deque()
        self._usual_ms: dict[str, float] = {}
        self.beat: Beat | None = None
        """What was last heard; None where there is no rhythm."""

    def note(self, kind: str, began_s: float, ended_s: float) -> None:
        """A piece of work of some kind has been done."""
        self._pieces.append((kind, began_s, ended_s))

    def undisturbed_s(self, since_s: float) -> float:
        """How long the pieces begun since then would have taken with the device to themselves, as far as is known."""
        work_ms = 0.0
        for kind, began_s, ended_s in reversed(self._pieces):
            if began_s < since_s:
                break
            took_ms = 1000 * (ended_s - began_s)
            work_ms += min(took_ms, self._usual_ms.get(kind, took_ms))
        return work_ms / 1000

    def forget(self) -> None:
        """Nothing noted so far counts."""
        self._pieces.clear()
        self._usual_ms.clear()
        self.beat = None

    def listen(self, stretch_s: float) -> Beat | None:
        """Look for a rhythm in what was noted last; ``stretch_s``: how long a stretch takes that must not meet a frame."""
        before, self.beat = self.beat, None
        if not self._pieces:
            return None
        now_s = self._pieces[-1][2]
        self._drop_before(now_s - _FOLLOWED_S)
        began_N, disturbed_N = self._judged()
        if before and _is_lost(before, began_N, disturbed_N):
            self._drop_before(now_s - _JUDGED_S)
            return None
        lately_N = began_N >= now_s - _SEARCHED_S
        if not disturbed_N[lately_N].any() or disturbed_N[lately_N].all():
            return None
        if before:
            hz = _refined_hz(began_N - began_N[0], disturbed_N, 1 / before.period_s)
            self.beat = _beat(began_N[lately_N], disturbed_N[lately_N], 1 / hz, stretch_s)
        if self.beat is None:
            began_N, disturbed_N = began_N[lately_N], disturbed_N[lately_N]
            peak_hz = _peak_hz(began_N, disturbed_N)
            if peak_hz is not None:
                hz = _fundamental_hz(began_N - began_N[0], disturbed_N, peak_hz)
                self.beat = _beat(began_N, disturbed_N, 1 / hz, stretch_s)
            self._drop_before(now_s - _SEARCHED_S)
        return self.beat

    def _drop_before(self, oldest_s: float) -> None:
        while self._pieces and self._pieces[0][1] < oldest_s:
            self._pieces.popleft()

    def _judged(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """When each piece of a known kind began, in seconds, and whether it was disturbed."""
        if not self._pieces:
            return np.zeros(0), np.zeros(0, bool)
        kinds = np.array([kind for kind, _, _ in self._pieces])
        began_N = np.array([began_s for _, began_s, _ in self._pieces])
        took_N = np.array([1000 * (ended_s - began_s) for _, began_s, ended_s in self._pieces])
        disturbed_N = np.zeros(len(began_N), bool)
        known_N = np.zeros(len(began_N), bool)
        for kind in np.unique(kinds):
            of_kind_N = kinds == kind
            if of_kind_N.sum() < _LEAST_OF_A_KIND:
                continue
            usual_ms = float(np.percentile(took_N[of_kind_N], _USUAL))
            self._usual_ms[str(kind)] = usual_ms
            longest_ms = usual_ms + max(_SLOWER_MS, _SLOWER * usual_ms)
            disturbed_N |= of_kind_N & (took_N > longest_ms)
            known_N |= of_kind_N
        return began_N[known_N], disturbed_N[known_N]


def _is_lost(beat: Beat, began_N: npt.NDArray[np.float64], disturbed_N: npt.NDArray[np.bool_]) -> bool:
    """Whether what began in quiet parts of late was disturbed as often as what began in others, or hardly less."""
    if len(began_N) == 0:
        return True
    num_parts = len(beat.quiet)
    part_N = ((began_N - beat.origin_s) / beat.period_s * num_parts).astype(np.int64) % num_parts
    lately_N = began_N >= began_N[-1] - _JUDGED_S
    quiet_N = np.array(beat.quiet)[part_N]
    in_quiet, elsewhere = disturbed_N[lately_N & quiet_N], disturbed_N[lately_N & ~quiet_N]
    if min(len(in_quiet), len(elsewhere)) < _LEAST_JUDGED:
        return False
    return bool(elsewhere.mean() - in_quiet.mean() < _LOST)


def _peak_hz(began_N: npt.NDArray[np.float64], disturbed_N: npt.NDArray[np.bool_]) -> float | None:
    """The frequency at which disturbances come, if there is one that noise does not explain."""
    if began_N[-1] - began_N[0] < _LEAST_HEARD_S:
        return None
    weight_N = disturbed_N - disturbed_N.mean()
    signal_T = np.zeros(_NUM_GRID)
    np.add.at(signal_T, ((began_N - began_N[0]) / _GRID_S).astype(np.int64), weight_N)
    hz_F = np.fft.rfftfreq(_NUM_GRID, _GRID_S)
    power_F = np.square(np.abs(np.fft.rfft(signal_T))) / np.square(weight_N).sum()
    power_F[(hz_F < _SLOWEST_HZ) | (hz_F > _FASTEST_HZ)] = 0
    return float(hz_F[power_F.argmax()]) if power_F.max() >= _LEAST_POWER else None


def _fundamental_hz(
    since_N: npt.NDArray[np.float64], disturbed_N: npt.NDArray[np.bool_], peak_hz: float
) -> float:
    """The frequency of which that peak may be the second or third harmonic: a short part of a long period has many."""
    best_hz = _refined_hz(since_N, disturbed_N, peak_hz)
    explained = _explained(since_N, disturbed_N, 1 / best_hz)
    for times in (2, 3):
        if peak_hz / times < _SLOWEST_HZ:
            break
        longer_hz = _refined_hz(since_N, disturbed_N, peak_hz / times)
        of_longer = _explained(since_N, disturbed_N, 1 / longer_hz)
        if of_longer > _BETTER * explained:
            best_hz, explained = longer_hz, of_longer
    return best_hz


def _refined_hz(
    since_N: npt.NDArray[np.float64], disturbed_N: npt.NDArray[np.bool_], near_hz: float
) -> float:
    """The frequency near that one which explains the most: edges tell it better than the peak of a periodogram does."""
    reach_hz = _NEAR_HZ
    for _ in range(2):
        hz_F = near_hz + np.linspace(-reach_hz, reach_hz, 25)
        near_hz = float(hz_F[np.argmax([_explained(since_N, disturbed_N, 1 / hz) for hz in hz_F])])
        reach_hz /= 12
    return near_hz


def _beat(
    began_N: npt.NDArray[np.float64],
    disturbed_N: npt.NDArray[np.bool_],
    period_s: float,
    stretch_s: float,
) -> Beat | None:
    """The rhythm of that period, if it has parts that differ and one of them is quiet."""
    origin_s = float(began_N[0])
    quiet = _quiet(_fold(began_N - origin_s, disturbed_N, period_s), stretch_s / period_s)
    if quiet is None:
        return None
    return Beat(period_s=period_s, origin_s=origin_s, quiet=quiet, stretch_s=stretch_s)


def _fold(
    began_N: npt.NDArray[np.float64], disturbed_N: npt.NDArray[np.bool_], period_s: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How many pieces began in each part of the period, and how many of them were disturbed."""
    part_N = (began_N / period_s % 1 * _NUM_PARTS).astype(np.int64) % _NUM_PARTS
    num_B = np.bincount(part_N, minlength=_NUM_PARTS).astype(np.float64)
    disturbed_B = np.bincount(part_N[disturbed_N], minlength=_NUM_PARTS).astype(np.float64)
    return num_B, disturbed_B


def _explained(
    began_N: npt.NDArray[np.float64], disturbed_N: npt.NDArray[np.bool_], period_s: float
) -> float:
    """Share of the disturbances' variance that the part of the period explains."""
    num_B, disturbed_B = _fold(began_N, disturbed_N, period_s)
    mean = disturbed_N.mean()
    # A part with few pieces says little: as if one more were there that is like the mean.
    share_B = (disturbed_B + mean) / (num_B + 1)
    return float((num_B * np.square(share_B - mean)).sum() / (len(began_N) * mean * (1 - mean)))


def _quiet(
    folded: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]], stretch: float
) -> tuple[bool, ...] | None:
    """The parts in which a stretch may begin that takes such a share of the period. None if all parts are much alike."""
    num_B, disturbed_B = (_smooth(counts_B) for counts_B in folded)
    known_B = num_B >= 1
    if not known_B.any():
        return None
    share_B = disturbed_B / np.maximum(num_B, 1e-9)
    least, most = float(share_B[known_B].min()), float(share_B[known_B].max())
    if most - least < _LEAST_CONTRAST:
        return None
    calm_B = known_B & (share_B <= least + _QUIET * (most - least))
    num_after = math.ceil(stretch * _NUM_PARTS)
    if num_after >= _NUM_PARTS:
        return None
    fits_B = calm_B.copy()
    for number in range(1, num_after + 1):
        fits_B &= np.roll(calm_B, -number)
    return tuple(bool(fits) for fits in fits_B) if fits_B.any() else None


def _smooth(counts_B: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return (np.roll(counts_B, 1) + 2 * counts_B + np.roll(counts_B, -1)) / 4
