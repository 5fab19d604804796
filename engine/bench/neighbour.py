"""Another program on the same GPU: how its frames fare beside the engine.

    python -m engine.bench.neighbour --seconds 20

Draws 60 "frames" a second, each a matrix product made as large as takes half a frame's time on an idle GPU, and prints
one JSON line with the percentiles of how long a frame took from when it was due until it was done.
``engine/bench/polite.py`` runs it alone, then beside a stream; the ratio of the p99s is what a polite mode is judged by.

Knows: a load of a known size. Does not know: the engine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

FRAME_S = 1 / 60
_SHARE = 0.5  # of a frame's time
_NUM_IN_TEN_SECONDS = 600


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: 0 after a measurement."""
    cli = argparse.ArgumentParser(
        prog="python -m engine.bench.neighbour", description="A load on the same GPU."
    )
    cli.add_argument("--seconds", type=float, default=20.0, help="how long to draw (20)")
    cli.add_argument("--side", type=int, default=2048, help="of the matrices of one product (2048)")
    cli.add_argument("--products", type=int, help="products a frame (as many as take half of it)")
    cli.add_argument("--device", default="cuda", help="cuda (default) or cpu")
    args = cli.parse_args(argv)
    multiply = _product(args.side, torch.device(args.device))
    count = args.products or _products_a_frame(multiply)
    late_ms = draw(lambda: multiply(count), args.seconds)
    report = {
        "frames": len(late_ms),
        "products_a_frame": count,
        **{f"p{p}_frame_ms": round(float(np.percentile(late_ms, p)), 3) for p in (50, 95, 99)},
        "p99_of_each_ten_seconds_ms": [
            round(float(np.percentile(late_ms[first : first + _NUM_IN_TEN_SECONDS], 99)), 2)
            for first in range(0, len(late_ms), _NUM_IN_TEN_SECONDS)
        ],
    }
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


def draw(
    frame: Callable[[], None],
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> list[float]:
    """Milliseconds from when each frame was due until it was done; a frame that is late does not move the next."""
    start_s = clock()
    late_ms: list[float] = []
    number = 0
    while number * FRAME_S < seconds:
        due_s = start_s + number * FRAME_S
        wait_s = due_s - clock()
        if wait_s > 0:
            sleep(wait_s)
        frame()
        done_s = clock()
        late_ms.append(1000 * (done_s - due_s))
        number = max(
            number + 1, int((done_s - start_s) / FRAME_S)
        )  # frames missed altogether are not made up for
    return late_ms


def _product(side: int, device: torch.device) -> Callable[[int], None]:
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    a, b = (torch.randn((side, side), device=device).to(kind) for _ in range(2))
    out = torch.empty_like(a)

    def multiply(count: int) -> None:
        for _ in range(count):
            torch.mm(a, b, out=out)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return multiply


def _products_a_frame(multiply: Callable[[int], None]) -> int:
    for _ in range(3):
        multiply(20)
    start_s = time.perf_counter()
    multiply(100)
    return max(1, round(_SHARE * FRAME_S / ((time.perf_counter() - start_s) / 100)))


if __name__ == "__main__":
    sys.exit(main())
