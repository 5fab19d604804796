"""Command line: python -m training.sft --recipe NAME --model FOLDER --annotations FILE.jsonl --out FOLDER

One process on one GPU (or a CPU, for trying out); on more, the same behind `accelerate launch --config_file
training/sft/configs/fsdp2.yaml -m training.sft ...` or torchrun. Run again, it goes on from its newest checkpoint. The
model lies in OUT/model, for the engine and for plain transformers: finished, or as it was when --minutes were spent.
"""

import argparse
import dataclasses
import json
import logging
import math
import os
import sys
from pathlib import Path
from typing import Any

from training.errors import ModelFolderError, RecipeError, TrainingError
from training.sft.recipes import RECIPES, recipe
from training.sft.settings import SftSettings


def main(argv: list[str] | None = None) -> int:
    """Train, or go on: 0 when it worked, 1 with a line that says why not."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        summary = run(arguments)
    except TrainingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if int(os.environ.get("RANK", "0")) == 0:
        sys.stdout.write(json.dumps(summary) + "\n")
    return 0


def settings_of(arguments: argparse.Namespace) -> SftSettings:
    """The recipe with what the command line changes. Raises RecipeError."""
    settings = recipe(arguments.recipe)
    optimizer = settings.optimizer
    wanted = {"num_steps": arguments.steps, "batch_chunks": arguments.batch, "learning_rate": arguments.rate}
    optimizer = dataclasses.replace(
        optimizer, **{name: value for name, value in wanted.items() if value is not None}
    )
    changes: dict[str, Any] = {
        "device_batch_chunks": arguments.device_batch,
        "num_workers": arguments.workers,
        "save_every": arguments.save_every,
        "loss": arguments.loss,
        "recomputed": arguments.recompute,
        "max_tokens": arguments.max_tokens,
        "seed": arguments.seed,
        "compile_layers": arguments.compile or None,
    }
    return dataclasses.replace(
        settings,
        optimizer=optimizer,
        **{name: value for name, value in changes.items() if value is not None},
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Load, train and write the model. Raises TrainingError."""
    import torch
    from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration, set_seed

    from training.sft.lora import add_lora, has_lora, merged_state
    from training.sft.model import ChunkModel, freeze_vision
    from training.sft.processes import leave_together
    from training.sft.processor import copy_processor
    from training.sft.trainer import train
    from training.sft.video import ReadableChunks, VideoChunks

    settings = settings_of(arguments)
    set_seed(settings.seed)
    try:
        tokenizer = AutoTokenizer.from_pretrained(arguments.model)
        # Weights are kept in float32 where all of them learn: a step of 1e-5 is lost in bfloat16. Autocast computes in bf16.
        dtype = torch.bfloat16 if settings.lora is not None and torch.cuda.is_available() else torch.float32
        hf = Qwen2_5_VLForConditionalGeneration.from_pretrained(arguments.model, dtype=dtype)
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{arguments.model} is no Qwen2.5-VL that can be loaded: {error}") from error
    if settings.lora is not None:
        add_lora(hf, settings.lora)
    if not settings.train_vision:
        freeze_vision(hf)
    model = ChunkModel(
        hf,
        train_vision=settings.train_vision,
        compile_layers=settings.compile_layers,
        is_packed=settings.pack,
        pixel_noise=settings.pixel_noise,
        checkpoint_layers=settings.checkpoint_layers,
        recomputed=settings.recomputed,
        attention=settings.attention,
        loss=settings.loss,
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    chunks = VideoChunks(arguments.annotations, tokenizer, settings)
    if not len(chunks):
        raise RecipeError(f"There are no chunks in {', '.join(map(str, arguments.annotations))}.")
    if arguments.steps is None:
        num_steps = math.ceil(arguments.epochs * len(chunks) / settings.optimizer.batch_chunks)
        settings = dataclasses.replace(
            settings, optimizer=dataclasses.replace(settings.optimizer, num_steps=max(1, num_steps))
        )
    optimizer = settings.optimizer
    logging.getLogger("ringside.training.sft").info(
        "%d chunks: %d steps of %d, %.2f times each chunk",
        *(len(chunks), optimizer.num_steps, optimizer.batch_chunks),
        optimizer.num_steps * optimizer.batch_chunks / len(chunks),
    )
    readable = ReadableChunks(chunks, len(chunks), notes=arguments.out / "skipped.jsonl")
    summary = train(
        model,
        tokenizer,
        readable,
        settings,
        arguments.out,
        minutes=arguments.minutes,
        num_devices=int(os.environ.get("WORLD_SIZE", "1")),
        log_every=arguments.log_every,
        model_folder=arguments.out / "model",
        final_state=merged_state if has_lora(hf) else None,
    )
    if (arguments.out / "model").is_dir() and int(os.environ.get("RANK", "0")) == 0:
        copy_processor(arguments.model, arguments.out / "model")
    leave_together()
    return {**summary, "num_chunks": len(chunks), "recipe": arguments.recipe}


def _number_above_0(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError(text)
    return number


def _parser() -> argparse.ArgumentParser:
    cli = argparse.ArgumentParser(
        prog="python -m training.sft", description="Fine-tune a Qwen2.5-VL on chunks."
    )
    cli.add_argument(
        "--recipe", choices=sorted(RECIPES), required=True, help="a whole set of settings by name"
    )
    cli.add_argument("--model", required=True, help="folder (or hub name) of the model to begin with")
    cli.add_argument("--annotations", type=Path, nargs="+", required=True, metavar="FILE.jsonl")
    cli.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="checkpoints, log and model")
    cli.add_argument(
        "--minutes",
        type=float,
        help="after so long save, write the model as it is and stop; run again to go on",
    )
    length = cli.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs",
        type=_number_above_0,
        default=1.0,
        metavar="N",
        help="how often each chunk is seen (default: once)",
    )
    length.add_argument("--steps", type=int, help="optimizer steps in the whole run, instead of --epochs")
    cli.add_argument("--batch", type=int, metavar="N", help="chunks to a step, over all devices")
    cli.add_argument("--device-batch", type=int, metavar="N", help="chunks on one device at a time")
    cli.add_argument("--rate", type=float, help="greatest learning rate")
    cli.add_argument("--workers", type=int, metavar="N", help="processes that decode video ahead")
    cli.add_argument("--save-every", type=int, metavar="N", help="steps from checkpoint to checkpoint")
    cli.add_argument(
        "--log-every", type=int, default=1, metavar="N", help="steps from line to line of the log"
    )
    cli.add_argument("--max-tokens", type=int, metavar="N", help="a longer chunk is skipped")
    cli.add_argument(
        "--recompute",
        choices=("all", "mlp", "cheap"),
        help="what of a layer is computed again instead of kept: a 24 s chunk keeps about 4, 20 or 60 GB at 7B",
    )
    cli.add_argument("--compile", action="store_true", help="compile each layer (torch.compile)")
    cli.add_argument("--loss", choices=("chunked", "liger"), help="how cross-entropy is computed")
    cli.add_argument("--seed", type=int)
    return cli


if __name__ == "__main__":
    sys.exit(main())
