"""What a stream costs another program on the same GPU, and what politeness costs the stream.

    python -m engine.bench.polite --size 7b

Measures a load of 60 frames a second alone (``engine/bench/neighbour.py``, a process of its own), then beside a live stream
run in several ways, on one model. Prints a JSON line for each: the load's frame times and how much its p99 grew, the
stream's step times from a chunk's last frame to its last word, the longest stretches of work between two pauses.

Knows: how to run the two side by side. Does not know: how pauses are made.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from engine.bench.stream import forced_phrase, keep_longest, made_up_chunks, percentiles, rounded
from engine.model import LoadedModel
from engine.runtime import PolitenessSettings, RuntimeSettings
from engine.session import StreamingSession
from engine.settings import StreamSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Way:
    """A way to run the stream, and how much it says a second."""

    duty: float | None
    slice_ms: float
    num_tokens: int


WAYS = (
    Way(duty=None, slice_ms=1.0, num_tokens=8),
    Way(duty=None, slice_ms=1.0, num_tokens=20),
    Way(duty=None, slice_ms=1.5, num_tokens=8),
    Way(duty=1.0, slice_ms=1.0, num_tokens=8),
    Way(duty=0.5, slice_ms=1.0, num_tokens=8),
)
"""The most telling first."""


def way_of(text: str) -> Way:
    """The way that is written DUTY:SLICE_MS:TOKENS. Raises ValueError if it is not."""
    duty, slice_ms, num_tokens = text.split(":")
    return Way(
        duty=None if duty == "auto" else float(duty), slice_ms=float(slice_ms), num_tokens=int(num_tokens)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: 0 after a measurement."""
    cli = argparse.ArgumentParser(
        prog="python -m engine.bench.polite", description="A stream beside another program on one GPU."
    )
    cli.add_argument("--size", default="7b", help="of the model, whose weights are random (7b)")
    cli.add_argument("--height", type=int, default=720, help="of a frame (720)")
    cli.add_argument("--width", type=int, default=1280, help="of a frame (1280)")
    cli.add_argument("--seconds", type=float, default=60.0, help="of the load, each time (60)")
    cli.add_argument(
        "--ways",
        nargs="+",
        type=way_of,
        default=WAYS,
        metavar="DUTY:SLICE_MS:TOKENS",
        help="ways to try instead of the usual; a duty of 'auto' is as little as the stream needs",
    )
    cli.add_argument("--device", default="cuda", help="cuda (default) or cpu")
    cli.add_argument("--side", type=int, default=2048, help="of the matrices of the load's products (2048)")
    args = cli.parse_args(argv)
    load = [f"--seconds={args.seconds}", f"--device={args.device}", f"--side={args.side}"]
    alone = _read(_start(load))
    _print({"way": "alone", "neighbour": alone})
    from engine.bench.models import random_model  # only now: the load was sized on an idle GPU

    model = random_model(args.size, device=args.device, dtype=None, precision=None)
    load.append(f"--products={alone['products_a_frame']}")
    for way in args.ways:
        report = beside(model, way, (args.height, args.width), lambda: _start(load))
        growth = report["neighbour"]["p99_frame_ms"] / alone["p99_frame_ms"] - 1
        _print({**report, "p99_grown_percent": round(100 * growth, 1)})
    return 0


def beside(
    model: LoadedModel,
    way: Way,
    frame_size: tuple[int, int],
    start_load: Callable[[], subprocess.Popen[str]],
) -> dict[str, Any]:
    """Run a live stream one way while the load runs. Returns what became of both."""
    sampling = dataclasses.replace(
        model.settings.sampling, max_new_tokens=max(model.settings.sampling.max_new_tokens, way.num_tokens)
    )
    settings = dataclasses.replace(model.settings, sampling=sampling)
    politeness = PolitenessSettings(
        low_priority=way.duty is None or way.duty < 1, duty=way.duty, slice_ms=way.slice_ms
    )
    session = StreamingSession(model, settings, RuntimeSettings(politeness=politeness))
    session.warm_up(frame_size, rehearses=False)
    run = _LiveRun(session, settings, frame_size, forced_phrase(model, way.num_tokens))
    for _ in range(max(settings.window.vision_rounds, settings.window.text_rounds) + 2):
        run.step()  # until the windows are full
    run.begin_live()
    process = start_load()
    while process.poll() is None:
        run.step()
    session.close()
    return {
        "way": dataclasses.asdict(way),
        "neighbour": _read(process),
        "steps": len(run.step_ms),
        "step_ms": percentiles(run.step_ms),
        "latest_start_ms": round(max(run.late_ms), 1),
        "longest_stretch_ms": rounded(run.longest_ms),
        "avoided_hz": run.avoided_hz,
    }


class _LiveRun:
    """A stream whose steps begin no sooner than their chunk would have been seen."""

    def __init__(
        self,
        session: StreamingSession,
        settings: StreamSettings,
        frame_size: tuple[int, int],
        forced: list[int] | None,
    ) -> None:
        self._session, self._forced = session, forced
        self._chunks = made_up_chunks(settings, *frame_size)
        self._chunk_s = settings.window.chunk_s
        self._began_s: float | None = None
        self.step_ms: list[float] = []
        self.late_ms: list[float] = []
        self.longest_ms: dict[str, float] = {}
        self.avoided_hz: list[float | None] = []

    def begin_live(self) -> None:
        """Steps are measured, and wait for their time, from now on."""
        self._began_s = time.perf_counter()

    def step(self) -> None:
        """One step, its pauses included."""
        chunk = next(self._chunks)
        if self._began_s is not None:
            due_s = self._began_s + len(self.step_ms) * self._chunk_s
            time.sleep(max(0.0, due_s - time.perf_counter()))
            self.late_ms.append(1000 * (time.perf_counter() - due_s))
        started_s = time.perf_counter()
        _ = self._session.step(chunk, forced_ids=self._forced).result
        if self._began_s is None:
            return
        self.step_ms.append(1000 * (time.perf_counter() - started_s))
        hz = self._session.avoided_hz
        self.avoided_hz.append(None if hz is None else round(hz, 2))
        keep_longest(self.longest_ms, self._session.longest_stretches_ms)


def _start(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "engine.bench.neighbour", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _read(process: subprocess.Popen[str]) -> dict[str, Any]:
    printed, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"The load ended with {process.returncode}; what it said stands above.")
    report: dict[str, Any] = json.loads(printed)
    return report


def _print(report: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
