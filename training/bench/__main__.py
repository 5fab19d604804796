"""Command line: python -m training.bench [--size 7b] [--recipe full lora] [--gpus 1 2 4] [--json FILE]

Measures fine-tuning as it is done in earnest: the same trainer, recipes and launchers, with random weights made in memory
and a made-up video that is decoded by workers. Without a GPU it runs on the processor, with small sizes to try it out.
"""

import argparse
import importlib.util
import itertools
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from engine.sizes import SIZES
from training.bench.case import Case
from training.bench.launch import run_case
from training.bench.table import as_table, with_scaling
from training.errors import TrainingError
from training.sft.settings import LossKind


def main(argv: list[str] | None = None) -> int:
    """0 when every row was measured or could not be here, 1 where one failed, 2 for bad input."""
    cli = _parser()
    arguments = cli.parse_args(argv)
    rows: list[dict[str, Any]] = []
    cases: list[Case] = []
    notes = _notes(arguments)
    # A row's processes are in a session of their own: who stops the benchmark means them, too.
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        cases = cases_of(arguments)
        with tempfile.TemporaryDirectory(prefix="ringside-bench-") as place:
            for case in cases:
                rows.append(run_case(case, Path(place), limit_s=arguments.limit))
                report = {"notes": notes, "rows": with_scaling(rows)}
                if arguments.json is not None:  # after every row: a stopped benchmark leaves what it has
                    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except TrainingError as error:
        cli.exit(2, f"{cli.prog}: {error}\n")
    except KeyboardInterrupt:
        notes.append(f"Stopped after {len(rows)} rows.")
    finally:
        signal.signal(signal.SIGTERM, before)
    sys.stdout.write("".join(f"{note}\n" for note in notes) + as_table(with_scaling(rows)) + "\n")
    return int(len(rows) < len(cases) or any("failed" in row for row in rows))


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def cases_of(arguments: argparse.Namespace) -> list[Case]:
    """The rows that were asked for. Raises RecipeError."""
    packings = {"packed": (True,), "padded": (False,), "both": (True, False)}[arguments.packing]
    automatic: LossKind = "liger" if _has_liger() else "chunked"
    loss: LossKind = automatic if arguments.loss == "auto" else arguments.loss
    return [
        Case(
            size=size,
            method=method,
            gpus=gpus,
            pack=pack,
            device_chunks=arguments.device_chunks,
            accumulate=arguments.accumulate,
            steps=arguments.steps,
            warmup=arguments.warmup,
            tokens_per_second=arguments.tokens_per_second,
            chunk_s=arguments.chunk_s,
            recomputed=None if arguments.recompute == "auto" else arguments.recompute,
            compile_layers=arguments.compile,
            attention=arguments.attention,
            loss=loss,
            sharding=arguments.sharding,
            num_workers=arguments.workers,
        )
        for size, method, pack, gpus in itertools.product(
            arguments.size, arguments.recipe, packings, arguments.gpus
        )
    ]


def _has_liger() -> bool:
    return torch.cuda.is_available() and importlib.util.find_spec("liger_kernel") is not None


def _notes(arguments: argparse.Namespace) -> list[str]:
    notes = []
    if arguments.loss == "auto" and not _has_liger():
        notes.append(
            "liger-kernel is not installed here, or there is no GPU: the loss is made in slices (chunked)."
        )
    if importlib.util.find_spec("av") is None:
        notes.append("PyAV is not installed here: frames are made in memory, and decoding is not measured.")
    if not torch.cuda.is_available():
        notes.append("There is no GPU here: processes share the cores, in float32.")
    return notes


def _parser() -> argparse.ArgumentParser:
    cli = argparse.ArgumentParser(prog="python -m training.bench", description="Time fine-tuning.")
    cli.add_argument("--size", choices=sorted(SIZES), nargs="+", default=["7b"])
    cli.add_argument(
        "--recipe",
        choices=("full", "lora"),
        nargs="+",
        default=["full"],
        help="all but vision, or low-rank additions",
    )
    cli.add_argument("--gpus", type=int, nargs="+", default=[1, 2, 4], metavar="N", help="a row for each")
    cli.add_argument("--packing", choices=("packed", "padded", "both"), default="packed")
    cli.add_argument("--steps", type=int, default=3, help="optimizer steps that are measured")
    cli.add_argument("--warmup", type=int, default=1, help="optimizer steps before them")
    cli.add_argument("--accumulate", type=int, default=2, metavar="N", help="device batches to a step")
    cli.add_argument("--device-chunks", type=int, default=1, metavar="N", help="chunks on a GPU at a time")
    cli.add_argument("--tokens-per-second", type=int, default=720, help="vision tokens for a second of video")
    cli.add_argument("--chunk-s", type=int, default=24, help="seconds of video to a chunk")
    cli.add_argument(
        "--recompute",
        choices=("auto", "all", "mlp", "cheap"),
        default="auto",
        help="what of a layer is computed again for the backward pass; auto: the least for which memory suffices",
    )
    cli.add_argument("--compile", action="store_true", help="compile each layer (torch.compile)")
    cli.add_argument("--attention", choices=("auto", "varlen", "chunkwise"), default="auto")
    cli.add_argument("--loss", choices=("auto", "chunked", "liger"), default="auto")
    cli.add_argument("--sharding", choices=("fsdp2", "zero3", "ddp"), default="fsdp2")
    cli.add_argument(
        "--workers", type=int, default=4, metavar="N", help="processes that decode, for each GPU"
    )
    cli.add_argument("--limit", type=float, default=300.0, metavar="S", help="a longer row is stopped")
    cli.add_argument("--json", type=Path, metavar="FILE", help="also write all figures there")
    return cli


if __name__ == "__main__":
    sys.exit(main())
