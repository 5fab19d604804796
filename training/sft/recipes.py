"""Named recipes: a whole run for a model and the machines it fits on, as functions that return settings.

Knows numbers only. `configs/` holds what accelerate needs beside them (FSDP2, ZeRO-3, plain data parallel).

| recipe      | trains                | meant for                            | launched with       |
|-------------|-----------------------|--------------------------------------|---------------------|
| 7b          | all but vision        | 4 GPUs of 80 GB or more              | fsdp2.yaml or zero3 |
| 7b-anneal   | the paper's stage 2   | as 7b                                | as 7b               |
| 7b-lora     | additions of rank 64  | one GPU of 40 to 80 GB               | none, or ddp.yaml   |
| 3b          | all but vision        | 2 GPUs of 80 GB, 4 of 48 GB          | fsdp2.yaml or zero3 |
| 3b-lora     | additions of rank 64  | one GPU of 24 GB                     | none, or ddp.yaml   |
"""

from collections.abc import Callable
from dataclasses import replace

from engine.settings import ResizeSettings
from training.errors import RecipeError
from training.sft.settings import LoraSettings, OptimizerSettings, SftSettings

TOKEN_PIXELS = 28 * 28
MAX_CHUNK_PIXELS = 24_576 * TOKEN_PIXELS
"""Of all frame pairs of a chunk together (arXiv 2510.09608): 768 tokens a pair up to 32 s, then fewer and fewer."""


def stage_1() -> SftSettings:
    """The paper's first stage at 7B (arXiv 2510.09608, section 3.3): 1,051 K chunks once, global batch 512."""
    return SftSettings(
        # A pair of frames costs the tokens of one frame, and a second is one pair.
        resize=ResizeSettings(min_pixels=100 * TOKEN_PIXELS, max_pixels=768 * TOKEN_PIXELS),
        max_chunk_pixels=MAX_CHUNK_PIXELS,
        pack=True,
        checkpoint_layers=True,
        tensorboard=True,
        save_every=100,
    )


def stage_2() -> SftSettings:
    """The paper's annealing stage: 14,786 chunks picked for what is on the screen."""
    settings = stage_1()
    return replace(settings, optimizer=replace(settings.optimizer, num_steps=29), save_every=10)


def seven_b_lora() -> SftSettings:
    """7B on one large GPU: low-rank additions, a smaller batch, the rate that they want."""
    return replace(
        stage_1(),
        lora=LoraSettings(rank=64, alpha=128),
        optimizer=OptimizerSettings(learning_rate=1e-4, batch_chunks=64, num_steps=2000),
    )


def three_b() -> SftSettings:
    """3B with the paper's numbers for 7B."""
    return replace(
        stage_1(), optimizer=OptimizerSettings(learning_rate=1e-5, batch_chunks=512, num_steps=2050)
    )


def three_b_lora() -> SftSettings:
    """3B on one 24 GB GPU: at most 400 tokens a second, so that a chunk's activations fit."""
    return replace(
        seven_b_lora(),
        resize=ResizeSettings(min_pixels=100 * TOKEN_PIXELS, max_pixels=400 * TOKEN_PIXELS),
        max_tokens=16_384,
    )


RECIPES: dict[str, Callable[[], SftSettings]] = {
    "7b": stage_1,
    "7b-anneal": stage_2,
    "7b-lora": seven_b_lora,
    "3b": three_b,
    "3b-lora": three_b_lora,
}


def recipe(name: str) -> SftSettings:
    """A recipe by its name. Raises RecipeError."""
    if name not in RECIPES:
        raise RecipeError(f"There is no recipe {name!r}; there are {', '.join(sorted(RECIPES))}.")
    return RECIPES[name]()
