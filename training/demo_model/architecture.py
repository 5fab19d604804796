"""The demo model's shape, its tokenizer and its settings for streaming. Knows no weights and no data set.

The architecture is Qwen2.5-VL's own, so that whatever runs the demo model runs the 3B and the 7B too.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
VOCABULARY_SIZE = 3072
# Qwen2's own pre-tokenizer: digits stand alone, a word takes the space before it.
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# 640x360 halves to 320x180, which is 308x168 in multiples of 28: 66 tokens for two frames.
MAX_PIXELS, MIN_PIXELS = 57_600, 4 * 28 * 28
STREAMING: dict[str, Any] = {
    "window": {
        "chunk_s": 1.0,
        "fps": 2.0,
        "vision_window_s": 12.0,
        "text_rounds": 12,
        "text_sink": 96,
        "text_window": 64,
    },
    "sampling": {
        "max_new_tokens": 20,
        "temperature": 0.3,
        "top_p": 0.9,
        "repetition_penalty": 1.0,
        "name_bias": 1.5,
    },
    "resize": {"min_pixels": MIN_PIXELS, "max_pixels": MAX_PIXELS},
    "query": "Commentate on this match",
}


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of VOCABULARY_SIZE tokens with Qwen2.5-VL's special tokens and " ..." as one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = Sequence(
        [Split(Regex(QWEN_SPLIT), behavior="isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - len(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS]
    )
    wrap: Any = PreTrainedTokenizerFast
    wrapped: PreTrainedTokenizerFast = wrap(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
        model_max_length=32768,
    )
    return wrapped


def model_config(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    """The demo model's configuration: about 17 M parameters."""
    ids: dict[str, Any] = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": VOCABULARY_SIZE,
            "hidden_size": 384,
            "intermediate_size": 1024,
            "num_hidden_layers": 8,
            "num_attention_heads": 6,
            "num_key_value_heads": 2,
            "max_position_embeddings": 32768,
            "rms_norm_eps": 1e-6,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 100_000.0,
                "mrope_section": [8, 12, 12],
            },
            "use_sliding_window": False,
            "tie_word_embeddings": True,
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={
            "depth": 6,
            "hidden_size": 192,
            "intermediate_size": 512,
            "num_heads": 3,
            "out_hidden_size": 384,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 112,
            # A small picture has few patches: full attention costs little, and every frame pair is one batch row.
            "fullatt_block_indexes": list(range(6)),
            "tokens_per_second": 2,
            "hidden_act": "silu",
            "in_channels": 3,
        },
        tie_word_embeddings=True,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )


def new_model(tokenizer: PreTrainedTokenizerFast) -> Any:
    """The model with fresh random weights, float32."""
    from transformers import Qwen2_5_VLForConditionalGeneration

    model = Qwen2_5_VLForConditionalGeneration(model_config(tokenizer))
    model.generation_config.eos_token_id = [
        tokenizer.convert_tokens_to_ids("<|im_end|>"),
        tokenizer.convert_tokens_to_ids("<|endoftext|>"),
    ]
    return model


def write_streaming_settings(folder: Path) -> None:
    """Write `ringside.json`: the windows, sampling and picture size that this model was made for."""
    (folder / "ringside.json").write_text(json.dumps(STREAMING, indent=2) + "\n", encoding="utf-8")
