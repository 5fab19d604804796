"""Time steps of a checkpoint on this machine.

    python -m engine.bench --model DIR [--steps 60] [--size 640x360] [--tokens N] [--json]

Runs a stream of made-up frames and prints the 50th and 95th percentile of every phase in milliseconds, the
share of real time, and the memory this process holds at the start and at the end.

Knows: how to measure a session from outside. Does not know: what is inside.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.chunk import FrameChunk
from engine.errors import EngineError
from engine.settings import StreamSettings
from engine.threads import share_cores

if TYPE_CHECKING:
    from engine.model import LoadedModel

_STATM = Path("/proc/self/statm")


def made_up_chunks(settings: StreamSettings, num_steps: int, width: int, height: int) -> Iterator[FrameChunk]:
    """Chunks of noise that moves: as hard to resize as any picture, and the same on every run."""
    window = settings.window
    noise = np.random.default_rng(0).integers(0, 256, (height + 64, width + 64, 3), dtype=np.uint8)
    for step in range(num_steps):
        offsets = [(step * window.frames_per_chunk + i) % 64 for i in range(window.frames_per_chunk)]
        frames = np.stack([noise[o : o + height, o : o + width] for o in offsets])
        start_s = step * window.chunk_s
        yield FrameChunk(frames=frames, start_s=start_s, end_s=start_s + window.chunk_s)


def measure(
    model: LoadedModel,
    settings: StreamSettings,
    num_steps: int,
    size: tuple[int, int],
    num_tokens: int | None,
) -> dict[str, Any]:
    """Run ``num_steps`` steps after filling the windows, and sum up what they took.

    ``num_tokens``: how many tokens each phrase is made to have; None leaves it to the model.
    """
    from engine.session import StreamingSession  # imported late: it loads torch

    session = StreamingSession(model, settings)
    ordinary = model.prompt.encode(" a")[:1]
    forced = None if num_tokens is None else ordinary * num_tokens
    num_warm = max(settings.window.vision_rounds, settings.window.text_rounds) + 2
    results, resident_start = [], 0
    for number, chunk in enumerate(made_up_chunks(settings, num_warm + num_steps, *size)):
        result = session.step(chunk, forced_ids=forced).result
        if number == num_warm:
            resident_start = resident_bytes()
        if number >= num_warm:
            results.append(result)
    phases = {
        field.name: np.array([getattr(result.timings, field.name) for result in results])
        for field in dataclasses.fields(results[0].timings)
    }
    fifth = max(1, len(results) // 5)
    total_ms = phases["total_ms"]
    return {
        "model": model.name,
        "device": str(model.device),
        "dtype": str(model.dtype).removeprefix("torch."),
        "num_parameters": model.num_parameters,
        "steps": num_steps,
        "frame": f"{size[0]}x{size[1]}",
        "num_context_tokens": results[-1].num_context_tokens,
        "tokens_said_mean": round(float(np.mean([len(result.token_ids) for result in results])), 2),
        "phases_ms": {
            name: {
                "p50": round(float(np.percentile(ms, 50)), 2),
                "p95": round(float(np.percentile(ms, 95)), 2),
            }
            for name, ms in phases.items()
        },
        "last_fifth_to_first": round(float(np.median(total_ms[-fifth:]) / np.median(total_ms[:fifth])), 3),
        "times_real_time": round(settings.window.chunk_s * 1000 / float(total_ms.mean()), 2),
        "cache_mb": round(session.context.cache.num_bytes / 1e6, 2),
        "resident_mb_start": round(resident_start / 1e6, 1),
        "resident_mb_end": round(resident_bytes() / 1e6, 1),
    }


def resident_bytes() -> int:
    """Memory this process holds at present; its highest so far where the system does not tell."""
    if _STATM.is_file():
        return int(_STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: 0 after a measurement, 2 for bad input."""
    cli = argparse.ArgumentParser(prog="python -m engine.bench", description="Time steps of a checkpoint.")
    cli.add_argument("--model", required=True, metavar="DIR", help="checkpoint folder or hub id")
    cli.add_argument(
        "--steps", type=_positive, default=60, help="steps measured, once the windows are full (60)"
    )
    cli.add_argument(
        "--size", type=_size, default=(640, 360), metavar="WxH", help="size of a frame (640x360)"
    )
    cli.add_argument(
        "--tokens", type=_positive, help="tokens each phrase is made to have (the model's choice)"
    )
    cli.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    cli.add_argument("--dtype", help="float32, bfloat16 or float16 (the device's usual one)")
    cli.add_argument("--threads", type=_positive, help="CPU threads of PyTorch (its own choice)")
    cli.add_argument("--json", action="store_true", help="print one JSON line instead of a table")
    args = cli.parse_args(argv)
    share_cores()
    try:
        import torch  # imported late: --help is quick

        from engine.model import load_model

        if args.threads:
            torch.set_num_threads(args.threads)
        model = load_model(args.model, device=args.device, dtype=args.dtype)
        report = measure(model, model.settings, args.steps, args.size, args.tokens)
    except EngineError as error:
        cli.exit(2, f"{cli.prog}: {error}\n")
    sys.stdout.write((json.dumps(report) if args.json else _as_table(report)) + "\n")
    return 0


def _as_table(report: dict[str, Any]) -> str:
    lines = [f"{name:>22}  {value}" for name, value in report.items() if name != "phases_ms"]
    lines += [f"{'phase':>22}  {'p50 ms':>9} {'p95 ms':>9}"]
    lines += [f"{name:>22}  {ms['p50']:9.2f} {ms['p95']:9.2f}" for name, ms in report["phases_ms"].items()]
    return "\n".join(lines)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("use a number from 1 on")
    return value


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise argparse.ArgumentTypeError("use WIDTHxHEIGHT, for example 640x360") from error
    if min(width, height) < 1:
        raise argparse.ArgumentTypeError("use WIDTHxHEIGHT, for example 640x360")
    return width, height


if __name__ == "__main__":
    sys.exit(main())
