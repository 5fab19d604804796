"""A training run as small as it can be: `python -m tests.training.sft.small_run OUT [--steps N] [--pack] ...`.

Its chunks are of different lengths, its model has two layers. For tests that kill it or run it in several processes.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from engine.prompt import PromptBuilder
from training.demo_model.architecture import model_config, train_tokenizer
from training.errors import VideoError
from training.sft.annotation import Chunk
from training.sft.collate import Example
from training.sft.conversation import encode
from training.sft.lora import add_lora
from training.sft.model import ChunkModel
from training.sft.processes import leave_together
from training.sft.settings import LoraSettings, OptimizerSettings, PromptSettings, SftSettings
from training.sft.trainer import train
from training.sft.video import ReadableChunks

TEXTS = [
    "system\nYou are a helpful assistant.\nprevious text\nLions in red. ...\nuser\nassistant\n",
    "Time=0.0-1.0s Okafor Lind Sato Marsh ... Okafor ... Lind ... Sato ... Marsh ...",
] * 3
NAMES = ("Okafor", "Lind", "Sato", "Marsh")


class Chunks(Dataset[Example]):
    """Forty chunks of one to four seconds; every picture is the colour of the player who is named."""

    def __init__(
        self, tokenizer: Any, *, num_chunks: int = 40, unreadable: frozenset[int] = frozenset()
    ) -> None:
        self.prompt = PromptBuilder(tokenizer)
        self.num_chunks = num_chunks
        self.unreadable = unreadable

    def __len__(self) -> int:
        return self.num_chunks

    def __getitem__(self, index: int) -> Example:
        if index in self.unreadable:
            raise VideoError(Path(f"{index}.mp4"), "it can't be decoded")
        rng = np.random.default_rng(index)
        num_seconds = 1 + index % 4
        who = rng.integers(0, len(NAMES), num_seconds)
        chunk = Chunk(
            video="",
            start_s=0,
            end_s=num_seconds,
            previous="Lions in red." * (1 + index % 3),
            words=tuple((k + 0.2, k + 0.5, NAMES[name]) for k, name in enumerate(who)),
        )
        frames = np.zeros((2 * num_seconds, 56, 56, 3), np.uint8)
        frames[...] = (60 * np.repeat(who, 2))[:, None, None, None]
        encoded = encode(chunk, self.prompt, PromptSettings(), frame_size=(56, 56), query="")
        return {"encoded": encoded, "frames": frames}


def small_model(tokenizer: Any, *, full_attention_blocks: Sequence[int] = (0, 1)) -> Any:
    """Two layers of 64 values, the same for the same tokenizer."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    value = model_config(tokenizer).to_dict()
    value["text_config"] |= {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "layer_types": ["full_attention"] * 2,
    }
    value["text_config"]["rope_parameters"] |= {"mrope_section": [4, 6, 6]}
    value["vision_config"] |= {
        "depth": 2,
        "hidden_size": 48,
        "num_heads": 2,
        "intermediate_size": 96,
        "out_hidden_size": 64,
        "fullatt_block_indexes": list(full_attention_blocks),
    }
    torch.manual_seed(3)
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**value))


def settings_for(**changes: Any) -> SftSettings:
    """Four chunks a step, a rate that learns within fifty steps, no workers."""
    optimizer = OptimizerSettings(
        learning_rate=2e-3, batch_chunks=4, num_steps=changes.pop("num_steps", 50), warmup_share=0.1
    )
    return SftSettings(
        optimizer=optimizer, **{"max_tokens": 256, "num_workers": 0, "max_skipped_share": 1.0, **changes}
    )


def run(out: Path, settings: SftSettings, *, unreadable: frozenset[int] = frozenset(), **options: Any) -> Any:
    """Train and return the summary."""
    tokenizer = train_tokenizer(TEXTS)
    hf = small_model(tokenizer)
    if settings.lora is not None:
        add_lora(hf, settings.lora)
    model = ChunkModel(
        hf,
        train_vision=settings.train_vision,
        checkpoint_layers=settings.checkpoint_layers,
        recomputed=settings.recomputed,
        loss=settings.loss,
    )
    out.mkdir(parents=True, exist_ok=True)
    chunks = Chunks(tokenizer, unreadable=unreadable)
    readable = ReadableChunks(chunks, len(chunks), notes=out / "skipped.jsonl")
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    return train(model, tokenizer, readable, settings, out, num_devices=world_size, log_every=1, **options)


if __name__ == "__main__":
    cli = argparse.ArgumentParser()
    cli.add_argument("out", type=Path)
    cli.add_argument("--steps", type=int, default=50)
    cli.add_argument("--save-every", type=int)
    cli.add_argument("--minutes", type=float)
    cli.add_argument("--pack", action="store_true")
    cli.add_argument("--lora", action="store_true")
    cli.add_argument("--recomputed", choices=("all", "mlp", "cheap"))
    given = cli.parse_args()
    torch.set_num_threads(1)
    run(
        given.out,
        settings_for(
            num_steps=given.steps,
            save_every=given.save_every,
            pack=given.pack,
            device_batch_chunks=2 if given.pack else 1,
            lora=LoraSettings(rank=4, alpha=8) if given.lora else None,
            checkpoint_layers=given.recomputed is not None,
            recomputed=given.recomputed or "all",
        ),
        minutes=given.minutes,
        model_folder=given.out / "model",
    )
    leave_together()
    sys.exit(0)
