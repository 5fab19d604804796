"""A tiny Qwen2.5-VL checkpoint with a tokenizer of its own and random weights: a real model that talks nonsense.

It says words, ends phrases and is silent at times, at a few milliseconds a step.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
WORDS = (
    "Okafor",
    "Lind",
    "Lions",
    "Bears",
    "shoots",
    "passes",
    "wins",
    "the",
    "ball",
    "it",
    "is",
    "in",
    "again",
)


def write_tiny_model(folder: Path, *, seed: int = 5, end_scale: float = 1.4) -> Path:
    """Write the checkpoint; returns its folder. ``end_scale``: how much it likes to end a phrase."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _write_tokenizer(folder)
    ids = {token: tokenizer.token_to_id(token) for token in SPECIAL}
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": tokenizer.get_vocab_size(),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 8192,
            "rms_norm_eps": 1e-6,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
            "use_sliding_window": False,
            "tie_word_embeddings": False,
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            "tokens_per_second": 2,
            "hidden_act": "silu",
            "in_channels": 3,
        },
        tie_word_embeddings=False,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    torch.manual_seed(seed)
    model: Any = Qwen2_5_VLForConditionalGeneration(config)
    sayable = [tokenizer.token_to_id(f"Ġ{word}") for word in WORDS]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Larger than usual weights, so that what is said depends on the whole context.
            if parameter.dim() > 1:
                parameter.normal_(0, 0.5 if "embed_tokens" in name else 1.6 / parameter[0].numel() ** 0.5)
        head = torch.zeros_like(model.lm_head.weight)
        head[sayable] = 2 * torch.randn(len(sayable), head.shape[1])
        head[ids["<|im_end|>"]] = 2 * end_scale * torch.randn(head.shape[1])
        head[tokenizer.token_to_id("Ġ...")] = 2 * torch.randn(head.shape[1])
        model.lm_head.weight.copy_(head)
    model.generation_config.eos_token_id = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    model.save_pretrained(folder)
    settings = {
        "window": {"vision_window_s": 4.0, "text_rounds": 4, "text_sink": 24, "text_window": 24},
        "sampling": {"max_new_tokens": 8},
        "resize": {"min_pixels": 4 * 28 * 28, "max_pixels": 12 * 28 * 28},
    }
    (folder / "ringside.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def _write_tokenizer(folder: Path) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    phrases = [f" {word}" for word in WORDS] + [" ...", "system\nYou are a helpful assistant."]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        min_frequency=1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(phrases * 8, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer
