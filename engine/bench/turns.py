"""What polite pauses cost another program on a GPU that the two have in turns, reckoned instead of measured.

    python -m engine.bench.turns

Two programs' work on a GPU does not overlap: each has it for a while, and a change costs a little. How long a turn is,
the maker does not say, so several lengths are tried; what was measured beside a real load fits 2 ms. One program draws 60
frames a second of 8.44 ms, as ``engine/bench/neighbour.py`` does, or others; the other is the engine's pacer over pieces of
a step of 7B, two frames a second, as long as they were on an H200 in polite mode. Prints a JSON line for each case.

Knows: turns, pieces, the pacer. Does not know: kernels, a real GPU.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import deque

import numpy as np

from engine.pacer import Pacer
from engine.runtime import PolitenessSettings

_TICK_MS = 0.02
_CHANGE_MS = 0.1
_CALL_MS = 0.2
"""Of a frame's time, what is not the GPU's: it is asked for, and looked after."""
_LAUNCH_MS, _OVERSLEEP_MS = 0.03, 0.06
_SPREAD = 0.97, 1.08
"""What a piece takes, in shares of what it usually does."""
_NUM_WARM, _NUM_FIRST = 4, 10
_TURNS_MS = (0.5, 1.0, 2.0, 5.0)
_BEFORE_TOKENS = (
    [("upload", 1.0), ("resize", 1.6)]
    + [("vision", 0.8)] * 32
    + [("merge", 0.32)]
    + [("evict", 0.24)] * 6
    + [("rotate", 2.0)]
    + [("prefill", 0.62)] * 56
    + [("head", 0.39)]
)
_TOKEN = [("token", 0.43)] * 9 + [("pick", 0.37)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrameLoad:
    """What the other program draws."""

    frames_hz: float = 60.0
    work_ms: float = 8.44
    """Of the GPU's time, for one frame."""

    jitter_ms: float = 0.0
    """A frame is due so much late: the amount of a normal deviate with this spread."""

    @property
    def alone_ms(self) -> float:
        """How long a frame takes that nothing disturbs."""
        return self.work_ms + _CALL_MS


_OTHER_FRAMES = (
    FrameLoad(frames_hz=59.94, jitter_ms=1.5),
    FrameLoad(frames_hz=30.0, work_ms=12.0),
    FrameLoad(frames_hz=90.0, work_ms=5.0, jitter_ms=0.3),
    FrameLoad(frames_hz=144.0, work_ms=3.0),
    FrameLoad(work_ms=12.0),
)


class Turns:
    """A GPU that two programs have in turns of at most ``turn_ms`` while both want it. Times are in milliseconds."""

    def __init__(self, turn_ms: float, frames: FrameLoad) -> None:
        self._turn_ms, self._frames = turn_ms, frames
        self._jitter = np.random.default_rng(0)
        self._first_due_ms, self._num_due = 0.0, 0
        self.now_ms = 0.0
        self.frames_ms: list[float] = []
        """From when a frame was due until it was seen to be done."""
        self._next_due_ms = float("inf")
        self._due_ms: deque[float] = deque()
        self._left_ms = [0.0, 0.0]  # of a frame, of a piece
        self._owner, self._had_ms, self._changing_ms = 0, 0.0, 0.0

    def draw(self) -> None:
        """Frames are drawn from now on."""
        self._first_due_ms = self._next_due_ms = self.now_ms

    def idle(self, ms: float) -> None:
        """Let time pass without asking for the GPU."""
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms:
            self._tick()

    def run(self, ms: float) -> None:
        """Do a piece of work of so many milliseconds."""
        self._left_ms[1] = ms
        while self._left_ms[1] > 0:
            self._tick()

    def _tick(self) -> None:
        self.now_ms += _TICK_MS
        if self.now_ms >= self._next_due_ms:
            self._due_ms.append(self._next_due_ms)
            self._num_due += 1
            late_ms = abs(self._frames.jitter_ms * self._jitter.standard_normal())
            self._next_due_ms = self._first_due_ms + 1000 * self._num_due / self._frames.frames_hz + late_ms
            if len(self._due_ms) == 1:
                self._left_ms[0] = self._frames.work_ms
        if self._changing_ms > 0:
            self._changing_ms -= _TICK_MS
            return
        other = 1 - self._owner
        is_over = self._left_ms[self._owner] <= 0 or self._had_ms >= self._turn_ms
        if self._left_ms[other] > 0 and is_over:
            self._owner, self._had_ms, self._changing_ms = other, 0.0, _CHANGE_MS
            return
        if self._left_ms[self._owner] <= 0:
            return
        if self._had_ms >= self._turn_ms:  # nobody waits: another turn
            self._had_ms = 0.0
        self._left_ms[self._owner] -= _TICK_MS
        self._had_ms += _TICK_MS
        if self._owner == 0 and self._left_ms[0] <= 0:
            self.frames_ms.append(self.now_ms + _CALL_MS - self._due_ms.popleft())
            self._left_ms[0] = self._frames.work_ms if self._due_ms else 0.0


def beside(
    turn_ms: float,
    politeness: PolitenessSettings,
    num_tokens: int,
    num_steps: int,
    frames: FrameLoad | None = None,
) -> dict[str, float]:
    """Live steps of ``num_tokens`` beside the frames.

    Returns the frames' p99 and by how much it grew, the same of those after the first ten seconds where there are such, the
    longest step and the median one.
    """
    frames = frames or FrameLoad()
    gpu = Turns(turn_ms, frames)
    pacer = Pacer(
        politeness,
        lambda: None,
        lambda: gpu.now_ms / 1000,
        lambda seconds: gpu.idle(1000 * seconds + _OVERSLEEP_MS),
    )
    pieces = _BEFORE_TOKENS + _TOKEN * (num_tokens - 1)
    spread = np.random.default_rng(1)
    steps_ms: list[float] = []
    num_first = 0
    for number in range(_NUM_WARM + num_steps):
        if number == _NUM_WARM:
            gpu.draw()
        if number == _NUM_WARM + _NUM_FIRST:
            num_first = len(gpu.frames_ms)
        began_ms = gpu.now_ms
        pacer.start(chunk_s=1.0)
        for name, ms in pieces:
            gpu.idle(_LAUNCH_MS)
            gpu.run(ms * spread.uniform(*_SPREAD))
            pacer.rest(name)
        pacer.end()
        if number >= _NUM_WARM:
            steps_ms.append(gpu.now_ms - began_ms)
        gpu.idle(began_ms + 1000 - gpu.now_ms)

    def grown_percent(frames_ms: list[float]) -> float:
        return round(100 * (float(np.percentile(frames_ms, 99)) / frames.alone_ms - 1), 1)

    known = {"p99_grown_once_known_percent": grown_percent(gpu.frames_ms[num_first:])} if num_first else {}
    return {
        "p99_frame_ms": round(float(np.percentile(gpu.frames_ms, 99)), 2),
        "p99_grown_percent": grown_percent(gpu.frames_ms),
        **known,
        "median_step_ms": round(float(np.median(steps_ms)), 1),
        "longest_step_ms": round(max(steps_ms), 1),
    }


def main() -> int:
    """Command line: 0 after all cases."""
    usual = FrameLoad()
    cases = [(num_tokens, turn_ms, usual) for num_tokens in (8, 20) for turn_ms in _TURNS_MS]
    for num_tokens, turn_ms, frames in cases + [(8, 2.0, frames) for frames in _OTHER_FRAMES]:
        report = beside(turn_ms, PolitenessSettings(duty=None), num_tokens, num_steps=30, frames=frames)
        case = {"tokens": num_tokens, "turn_ms": turn_ms, **dataclasses.asdict(frames)}
        sys.stdout.write(json.dumps(case | report) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
