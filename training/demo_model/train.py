"""Train the demo model, in as many pieces of GPU time as it takes.

Knows the order of things: tokenizer, model, chunks, Trainer. Knows nothing of how well the model does (`evaluate`).
"""

import dataclasses
import json
import logging
import sys
import zlib
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from training.demo_model.architecture import new_model, train_tokenizer, write_streaming_settings
from training.demo_model.match_chunks import MatchChunks, MatchSettings, sample_texts
from training.demo_model.squads import MAX_TOKENS, SquadDrills
from training.errors import RecipeError
from training.sft.model import ChunkModel
from training.sft.settings import SftSettings
from training.sft.trainer import last_checkpoint, train

logger = logging.getLogger("ringside.training.demo_model")
NUM_TOKENIZER_MATCHES = 800
SQUADS_LEARNT = 0.985
"""Share of names and teams that must be right before pictures come."""


def tokenizer_for(folder: Path, *, seed: int) -> PreTrainedTokenizerFast:
    """The run's tokenizer: trained once on sampled commentary, then read back."""
    place = folder / "tokenizer"
    if not (place / "tokenizer.json").exists():
        tokenizer = train_tokenizer(sample_texts(NUM_TOKENIZER_MATCHES, seed))
        tokenizer.save_pretrained(place)
    loaded: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(place)
    return loaded


def run(
    folder: Path,
    settings: SftSettings,
    matches: MatchSettings,
    *,
    minutes: float | None = None,
    start_from: Path | None = None,
    log_every: int = 20,
) -> dict[str, Any]:
    """Train for up to `minutes`, going on from `folder` where an earlier piece stopped. Returns the run's summary.

    Args:
        folder: checkpoints, tokenizer, history and, when this piece ends, `model/` (a complete checkpoint).
        start_from: a model folder whose weights and tokenizer to begin with, where the optimizer's state is gone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    if start_from is not None and not (folder / "tokenizer").exists():
        PreTrainedTokenizerFast.from_pretrained(start_from).save_pretrained(folder / "tokenizer")
    tokenizer = tokenizer_for(folder, seed=settings.seed)
    hf = new_model(tokenizer)
    if start_from is not None:
        hf = type(hf).from_pretrained(start_from, dtype=torch.float32)
    checkpoint = last_checkpoint(folder)
    round_index = 0 if checkpoint is None else int(checkpoint.rsplit("-", 1)[1])
    if start_from is not None:
        # Weights that come from elsewhere have seen matches already; with other weights come other matches.
        round_index += 1_000_000 + fingerprint(start_from)
    model = ChunkModel(
        hf,
        train_vision=settings.train_vision,
        compile_layers=settings.compile_layers,
        pixel_noise=settings.pixel_noise,
    )
    chunks = MatchChunks(tokenizer, settings, matches, round_index=round_index)
    summary = train(model, tokenizer, chunks, settings, folder, minutes=minutes, log_every=log_every)
    summary["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    write_model(hf, tokenizer, folder / "model")
    command = " ".join(["python -m training.demo_model", *sys.argv[1:]])
    with (folder / "pieces.jsonl").open("a", encoding="utf-8") as pieces:
        pieces.write(
            json.dumps({**summary, "command": command, "settings": dataclasses.asdict(settings)}) + "\n"
        )
    return summary


def learn_squads(
    folder: Path, settings: SftSettings, *, minutes: float, batch_chunks: int, start_from: Path | None
) -> dict[str, Any]:
    """The text-only stage: look-ups in the title (`squads`), until everything that can be known is right.

    Writes `folder`/squads/model, from which `run` goes on.
    """
    place = folder / "squads"
    if start_from is not None and not (folder / "tokenizer").exists():
        PreTrainedTokenizerFast.from_pretrained(start_from).save_pretrained(folder / "tokenizer")
    tokenizer = tokenizer_for(folder, seed=settings.seed)
    torch.manual_seed(settings.seed)
    hf = new_model(tokenizer)
    if start_from is not None:
        hf = type(hf).from_pretrained(start_from, dtype=torch.float32)
    text_settings = dataclasses.replace(
        settings,
        max_tokens=MAX_TOKENS,
        train_vision=False,
        device_batch_chunks=batch_chunks,
        optimizer=dataclasses.replace(
            settings.optimizer,
            batch_chunks=batch_chunks,
            num_steps=20_000,
            warmup_share=0.005,
            decay_share=0.0,
        ),
    )
    model = ChunkModel(hf, train_vision=False, compile_layers=settings.compile_layers)
    summary = train(
        model,
        tokenizer,
        SquadDrills(tokenizer, seed=settings.seed),
        text_settings,
        place,
        minutes=minutes,
        stop_at_accuracy=SQUADS_LEARNT,
        log_every=50,
    )
    write_model(hf, tokenizer, place / "model")
    return summary


def fingerprint(model_dir: Path) -> int:
    """32 bits that differ wherever a model's weights do. Raises RecipeError where there are none."""
    shards = sorted(model_dir.glob("*.safetensors"))
    if not shards:
        raise RecipeError(f"{model_dir} has no weights (*.safetensors) to begin with.")
    checksum = 0
    for shard in shards:
        checksum = zlib.crc32(shard.read_bytes(), checksum)
    return checksum


def write_model(hf: Any, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """A complete checkpoint: bf16 shards of at most 16 MB, tokenizer, streaming settings."""
    tied = {"lm_head.weight"} if hf.config.tie_word_embeddings else set()
    weights = {name: value.to(torch.bfloat16) for name, value in hf.state_dict().items() if name not in tied}
    hf.config.dtype = "bfloat16"
    hf.save_pretrained(folder, state_dict=weights, max_shard_size="15MB")
    tokenizer.save_pretrained(folder)
    write_streaming_settings(folder)
