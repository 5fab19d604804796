"""What a model has learnt, word by word: of the facts in unseen commentary, which share comes first to its mind.

Knows kinds of words and a full-attention forward pass. Streams nothing: `evaluate` does that, in minutes where this takes
seconds, and tells how well it does rather than what is missing.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration

from training.demo_league.lexicon import NUMBER_WORDS
from training.demo_league.names import SURNAMES, TEAM_NAMES
from training.demo_model.drills import Telling
from training.demo_model.match_chunks import MatchChunks, MatchSettings
from training.demo_model.recipe import demo
from training.sft.collate import ChunkCollator, Example
from training.sft.conversation import IGNORED_LABEL
from training.sft.model import ChunkModel

UNSEEN_ROUND = 987_654_321
"""Seeds matches that no training run plays."""
_SAVE_WORDS = ("save", "Save", "Stopped", "Denied", "Blocked")


def probe(model_dir: Path, *, num_chunks: int, telling: Telling) -> dict[str, dict[str, float]]:
    """For each kind of word: how many there were, the share predicted right, and the mean loss in nats."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(model_dir)
    model = ChunkModel(
        Qwen2_5_VLForConditionalGeneration.from_pretrained(model_dir, dtype=torch.float32), train_vision=False
    ).eval()
    figures: dict[str, list[float]] = {}
    for example in _chunks(tokenizer, num_chunks, telling):
        for kind, is_right, loss in _words(model, tokenizer, example):
            entry = figures.setdefault(kind, [0, 0, 0.0])
            entry[0] += 1
            entry[1] += is_right
            entry[2] += loss
    return {
        kind: {"number": total, "right": round(right / total, 3), "loss": round(loss / total, 3)}
        for kind, (total, right, loss) in sorted(figures.items())
    }


def _chunks(tokenizer: Any, num_chunks: int, telling: Telling) -> Iterable[Example]:
    stream = MatchChunks(tokenizer, demo(), MatchSettings())
    num_made = 0
    match_index = 0
    while num_made < num_chunks:
        rng = np.random.default_rng([UNSEEN_ROUND, match_index])
        match_index += 1
        # Few chunks of many matches: names and scores repeat within a match.
        for example in list(stream.examples(rng, [telling]))[: min(3, num_chunks - num_made)]:
            num_made += 1
            yield example


def _words(model: ChunkModel, tokenizer: Any, example: Example) -> Iterable[tuple[str, bool, float]]:
    length = len(example["encoded"].input_ids)
    batch = ChunkCollator(num_tokens=length, pad_id=int(tokenizer.pad_token_id))([example])
    targets = batch["labels"][0, 1:]
    learnt = targets != IGNORED_LABEL
    with torch.inference_mode():
        logits = model.logits(batch["input_ids"], batch["position_ids"], batch["frames"])[0, :-1][learnt]
    losses = torch.nn.functional.cross_entropy(logits, targets[learnt], reduction="none").tolist()
    said = [str(tokenizer.decode([token])) for token in targets[learnt].tolist()]
    is_right = (logits.argmax(-1) == targets[learnt]).tolist()
    for index, word in enumerate(said):
        yield _kind("".join(said[max(0, index - 4) : index]), word.strip()), is_right[index], losses[index]


def _kind(before: str, word: str) -> str:
    if word in NUMBER_WORDS or word.isdigit():
        return "number"
    if word in TEAM_NAMES:
        return "team"
    if word in SURNAMES:
        return "keeper" if any(save in before for save in _SAVE_WORDS) else "player"
    if word in ("...", "<|im_end|>"):
        return "silence and end"
    return "word" if word.isalpha() else "mark or part of a word"
