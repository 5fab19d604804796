"""Small checkpoints for tests: real files, random weights.

Two kinds: a tiny one with a tokenizer of its own, in any layout a checkpoint can have, and the one behind
the recorded runs, whose weights follow from a seed and whose tokenizer here knows just the words those runs
use.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
_SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_MERGES = [
    ("Ġ", "."),
    (".", "."),
    ("Ġ.", ".."),
    ("Ġ", "g"),
    ("o", "a"),
    ("Ġg", "oa"),
    ("Ġgoa", "l"),
    ("e", "r"),
]


def byte_tokenizer() -> Tokenizer:
    """A byte-level tokenizer: 256 bytes, a few merges (" ..." and " goal" are one token), the special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, *(left + right for left, right in _MERGES)]
    tokenizer = Tokenizer(models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=_MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL_TOKENS])
    return tokenizer


def tiny_config(tokenizer: Tokenizer, **changes: Any) -> Qwen2_5_VLConfig:
    """Three language layers with grouped heads, four vision layers of which two attend in windows."""
    vocab_size = changes.pop("vocab_size", tokenizer.get_vocab_size())
    tied = changes.pop("tied", False)
    text = {
        "vocab_size": vocab_size,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]},
        "use_sliding_window": False,
        "tie_word_embeddings": tied,
    }
    vision = {
        "depth": 4,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "out_hidden_size": 64,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [1, 3],
        "tokens_per_second": 2,
        "hidden_act": "silu",
        "in_channels": 3,
    }
    return Qwen2_5_VLConfig(
        text_config=text | changes.pop("text", {}),
        vision_config=vision | changes.pop("vision", {}),
        tie_word_embeddings=tied,
        video_token_id=tokenizer.token_to_id("<|video_pad|>"),
        image_token_id=tokenizer.token_to_id("<|image_pad|>"),
        vision_start_token_id=tokenizer.token_to_id("<|vision_start|>"),
        vision_end_token_id=tokenizer.token_to_id("<|vision_end|>"),
        **changes,
    )


@torch.no_grad()
def write_tiny(folder: Path, *, seed: int = 0, shard_size: str = "1GB", **changes: Any) -> Path:
    """A tiny checkpoint with weights large enough that positions and frames matter to every logit."""
    tokenizer = byte_tokenizer()
    config = tiny_config(tokenizer, **changes)
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(config).float()
    for name, value in model.named_parameters():
        if value.dim() > 1 and "embed_tokens" not in name:
            value.normal_(std=1.5 / float(np.sqrt(np.prod(value.shape[1:]))))
        elif value.dim() > 1:
            value.normal_(std=0.7)
        elif name.endswith("bias"):
            value.normal_(std=0.1)
        else:
            value.normal_(mean=1.0, std=0.1)
    model.generation_config.eos_token_id = [tokenizer.token_to_id(t) for t in ("<|im_end|>", "<|endoftext|>")]
    model.save_pretrained(folder, max_shard_size=shard_size)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def rename_weights(folder: Path, prefixes: dict[str, str]) -> None:
    """Give the weights of a single-file checkpoint other prefixes, as older layouts have them."""
    file = folder / "model.safetensors"
    renamed = {}
    for name, value in load_file(file).items():
        old = next((prefix for prefix in prefixes if name.startswith(prefix)), "")
        renamed[prefixes.get(old, "") + name.removeprefix(old)] = value
    save_file(renamed, file, metadata={"format": "pt"})


def flatten_config(folder: Path) -> None:
    """Rewrite config.json as older checkpoints have it: text fields at the top, ``rope_scaling``."""
    file = folder / "config.json"
    values = json.loads(file.read_text())
    text = values.pop("text_config")
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope["rope_theta"]
    text["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    text.pop("model_type")
    file.write_text(json.dumps(text | values))


# The checkpoint behind the recorded runs.

_TRACE_WORDS = {
    "system": 8948, "You": 2610, " are": 525, " a": 264, " helpful": 10950, " assistant": 17847, "previous": 19702,
    " text": 1467, "user": 872, "assistant": 77091, "Time": 1462, "This": 1986, " is": 374, " match": 2432,
    " between": 1948, " the": 279, " Lions": 32765, " in": 304, " red": 2518, " and": 323, " Sharks": 70823,
    " blue": 6303, "Comment": 10677, "ate": 349, " on": 389, " this": 419, " ...": 2503,
}  # fmt: skip
_TRACE_CHARACTERS = {"\n": 198, ".": 13, "-": 12, "=": 28, "s": 82} | {str(d): 15 + d for d in range(10)}
_TRACE_SPECIAL = {
    "<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645, "<|vision_start|>": 151652,
    "<|vision_end|>": 151653, "<|image_pad|>": 151655, "<|video_pad|>": 151656,
}  # fmt: skip
_SPOKEN = [i for i in range(1000, 3000) if i != _TRACE_WORDS["Time"]]


def write_trace_checkpoint(folder: Path, seed: int, end_scale: float) -> Path:
    """The model the traces were recorded with. A weight's values follow from the seed and its name alone."""
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 152064,
            "hidden_size": 64,
            "intermediate_size": 160,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 32768,
            "rms_norm_eps": 1e-6,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
            "use_sliding_window": False,
            "tie_word_embeddings": False,
        },
        vision_config={
            "depth": 4,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 4,
            "out_hidden_size": 64,
            "fullatt_block_indexes": [1, 3],
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            "tokens_per_second": 2,
            "hidden_act": "silu",
            "in_channels": 3,
        },
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        shapes = {
            name: tuple(value.shape)
            for name, value in Qwen2_5_VLForConditionalGeneration(config).named_parameters()
        }
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: torch.from_numpy(_trace_weight(name, shape, seed, end_scale)) for name, shape in shapes.items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(folder)
    stops = [_TRACE_SPECIAL["<|im_end|>"], _TRACE_SPECIAL["<|endoftext|>"]]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": stops}))
    _trace_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def _trace_weight(name: str, shape: tuple[int, ...], seed: int, end_scale: float) -> np.ndarray:
    key = name.replace("model.language_model.", "lm.").replace("model.visual.", "visual.")
    generator = np.random.Generator(np.random.Philox(key=[seed, zlib.crc32(key.encode())]))

    def normal(*size: int) -> np.ndarray:
        return generator.standard_normal(size, dtype=np.float32)

    if "norm" in key or "ln_q" in key:
        return np.ones(shape, np.float32) + 0.1 * normal(*shape)
    if key.endswith("bias"):
        return 0.05 * normal(*shape)
    if key.startswith("lm_head"):
        head = np.zeros(shape, np.float32)
        head[_SPOKEN] = normal(len(_SPOKEN), shape[1])
        head[_TRACE_SPECIAL["<|im_end|>"]] = end_scale * normal(shape[1])
        head[_TRACE_WORDS[" ..."]] = 1.5 * normal(shape[1])
        return head
    if "embed_tokens" in key:
        return normal(*shape) * 0.5
    return np.asarray(normal(*shape) * (1.6 / np.sqrt(np.prod(shape[1:]))))


def _trace_tokenizer() -> Tokenizer:
    """Knows the words of the recorded runs under their real ids, and nothing else."""
    vocabulary = _TRACE_WORDS | _TRACE_CHARACTERS | _TRACE_SPECIAL
    words = "|".join(sorted(_TRACE_WORDS, key=len, reverse=True)).replace(".", r"\.")
    tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="<|endoftext|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(rf"{words}|\n|."), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in _TRACE_SPECIAL])
    return tokenizer
