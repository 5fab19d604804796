"""What polite pauses cost another program on a GPU that the two have in turns, reckoned instead of measured.

    python -m engine.bench.turns

Two programs' work on a GPU does not overlap: each has it for a while, and a change costs a little. How long a turn is,
the maker does not say, so several lengths are tried. One program draws 60 frames a second of 8.44 ms, as
``engine/bench/neighbour.py`` does; the other is the engine's pacer over pieces of a step of 7B, two frames a second, whose
lengths are those measured or reckoned in ``engine/PERFORMANCE.md``. Prints a JSON line for each case.

Knows: turns, pieces, the pacer. Does not know: kernels, a real GPU.
"""

from __future__ import annotations

import json
import sys
from collections import deque

import numpy as np

from engine.bench.neighbour import FRAME_S
from engine.pacer import Pacer
from engine.runtime import PolitenessSettings

_TICK_MS = 0.02
_CHANGE_MS = 0.1
_FRAME_WORK_MS, _FRAME_ALONE_MS = 8.44, 8.64
_LAUNCH_MS, _OVERSLEEP_MS = 0.03, 0.06
_NUM_WARM = 4
_TURNS_MS = (0.5, 1.0, 2.0, 5.0)
_BEFORE_TOKENS = (
    [("upload", 0.4), ("resize", 0.9)]
    + [("vision", 0.28)] * 32
    + [("merge", 0.2)]
    + [("evict", 0.32)] * 6
    + [("rotate", 0.3)]
    + [("prefill", 0.49)] * 56
    + [("head", 0.2)]
)
_TOKEN = [("token", 0.41)] * 9 + [("pick", 0.5)]


class Turns:
    """A GPU that two programs have in turns of at most ``turn_ms`` while both want it. Times are in milliseconds."""

    def __init__(self, turn_ms: float) -> None:
        self._turn_ms = turn_ms
        self.now_ms = 0.0
        self.frames_ms: list[float] = []
        """From when a frame was due until it was seen to be done."""
        self._next_due_ms = float("inf")
        self._due_ms: deque[float] = deque()
        self._left_ms = [0.0, 0.0]  # of a frame, of a piece
        self._owner, self._had_ms, self._changing_ms = 0, 0.0, 0.0

    def draw(self) -> None:
        """Frames are drawn from now on."""
        self._next_due_ms = self.now_ms

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
            self._next_due_ms += 1000 * FRAME_S
            if len(self._due_ms) == 1:
                self._left_ms[0] = _FRAME_WORK_MS
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
        self._left_ms[self._owner] -= _TICK_MS
        self._had_ms += _TICK_MS
        if self._owner == 0 and self._left_ms[0] <= 0:
            self.frames_ms.append(self.now_ms + _FRAME_ALONE_MS - _FRAME_WORK_MS - self._due_ms.popleft())
            self._left_ms[0] = _FRAME_WORK_MS if self._due_ms else 0.0


def beside(
    turn_ms: float, politeness: PolitenessSettings, num_tokens: int, num_steps: int
) -> dict[str, float]:
    """Live steps of ``num_tokens`` beside the frames. Returns the frames' p99, by how much it grew, the longest step."""
    gpu = Turns(turn_ms)
    pacer = Pacer(
        politeness,
        lambda: None,
        lambda: gpu.now_ms / 1000,
        lambda seconds: gpu.idle(1000 * seconds + _OVERSLEEP_MS),
    )
    pieces = _BEFORE_TOKENS + _TOKEN * (num_tokens - 1)
    longest_ms = 0.0
    for number in range(_NUM_WARM + num_steps):
        if number == _NUM_WARM:
            gpu.draw()
        began_ms = gpu.now_ms
        pacer.start(chunk_s=1.0)
        for name, ms in pieces:
            gpu.idle(_LAUNCH_MS)
            gpu.run(ms)
            pacer.rest(name)
        pacer.end()
        if number >= _NUM_WARM:
            longest_ms = max(longest_ms, gpu.now_ms - began_ms)
        gpu.idle(began_ms + 1000 - gpu.now_ms)
    p99_ms = float(np.percentile(gpu.frames_ms, 99))
    return {
        "p99_frame_ms": round(p99_ms, 2),
        "p99_grown_percent": round(100 * (p99_ms / _FRAME_ALONE_MS - 1), 1),
        "longest_step_ms": round(longest_ms, 1),
    }


def main() -> int:
    """Command line: 0 after all cases."""
    for num_tokens in (8, 20):
        for turn_ms in _TURNS_MS:
            report = beside(turn_ms, PolitenessSettings(duty=None), num_tokens, num_steps=20)
            case = {"tokens": num_tokens, "turn_ms": turn_ms}
            sys.stdout.write(json.dumps(case | report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
