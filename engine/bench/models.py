"""Models of a size with random weights, made in memory.

Never zeros: a GPU multiplies zeros faster, and they hide what was not computed.

Knows: how to fill a model, and a tokenizer that can spell the protocol. Does not know: what is measured.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from engine.model import LoadedModel, allocate, check_precision, resolve_device, resolve_dtype
from engine.perceptron import GatedPerceptron
from engine.precision import precision_named
from engine.preprocess import PatchSettings
from engine.prompt import PromptBuilder
from engine.quantised import QuantisedRows
from engine.settings import StreamSettings
from engine.sizes import config_of_size

_SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
_ROWS_AT_ONCE = 4096


def random_model(
    size: str, *, device: str = "auto", dtype: str | None = None, precision: str | None = None, seed: int = 0
) -> LoadedModel:
    """A model of a size. Raises SettingsError for an unknown size, device, type or precision."""
    config = config_of_size(size)
    plan = precision_named(precision or "bf16")
    target = resolve_device(device)
    check_precision(plan, target)
    kind = resolve_dtype("bfloat16" if precision == "bf16" and dtype is None else dtype, target)
    language, vision = allocate(config, target, kind, plan)
    generator = torch.Generator(device=target).manual_seed(seed)
    for part in (language, vision):
        _fill(part, generator)
    tokenizer = made_up_tokenizer()
    prompt = PromptBuilder(tokenizer)
    return LoadedModel(
        name=f"{size}, random weights",
        config=config,
        tokenizer=tokenizer,
        prompt=prompt,
        language=language,
        vision=vision,
        patches=PatchSettings(),
        stop_ids=frozenset({prompt.special.im_end, prompt.special.end_of_text}),
        settings=StreamSettings(),
        device=target,
        dtype=kind,
    )


def made_up_tokenizer() -> Any:
    """A byte-level tokenizer with the protocol's special tokens; it fits into the smallest vocabulary."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers  # imported late: slow
    from transformers import PreTrainedTokenizerFast

    words = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "Ġ.", "..", "Ġ..", "Ġ..."]
    merges = [("Ġ", "."), (".", "."), ("Ġ.", "."), ("Ġ.", "..")]
    vocabulary = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in _SPECIAL])
    make: Any = PreTrainedTokenizerFast
    return make(tokenizer_object=tokenizer)


@torch.no_grad()
def _fill(part: torch.nn.Module, generator: torch.Generator) -> None:
    """Random values that keep the size of what passes through about the same."""
    rounded = {name: module for name, module in part.named_modules() if isinstance(module, QuantisedRows)}
    for name, value in part.named_parameters():
        if name.rpartition(".")[0] in rounded and not name.endswith(".bias"):
            continue
        if value.dim() > 1:
            value.normal_(std=1 / math.sqrt(value.shape[1]), generator=generator)
        elif name.endswith("bias"):
            value.normal_(std=0.02, generator=generator)
        else:
            value.uniform_(0.9, 1.1, generator=generator)
    for module in rounded.values():
        num_rows, size = module.shape
        for first in range(0, num_rows, _ROWS_AT_ONCE):
            shape = (min(_ROWS_AT_ONCE, num_rows - first), size)
            rows = torch.randn(shape, generator=generator, device=module.codes.device)
            module.store_rows(first, rows / math.sqrt(size))
    for each in part.modules():
        if isinstance(each, GatedPerceptron):
            each.clear_filling()
