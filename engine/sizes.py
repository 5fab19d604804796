"""The sizes of model that are about, for measuring and for telling beforehand what fits.

Knows: the shapes of Qwen2.5-VL 3B and 7B (arXiv 2502.13923), of the demo model, and of a tiny one for tests.
Does not know: torch, weights, what a checkpoint at hand really contains.
"""

from __future__ import annotations

from engine.config import ModelConfig, TextConfig, VisionConfig
from engine.errors import SettingsError


def _vision(output_size: int) -> VisionConfig:
    return VisionConfig(
        num_layers=32,
        hidden_size=1280,
        intermediate_size=3420,
        num_heads=16,
        output_size=output_size,
        in_channels=3,
        patch_size=14,
        temporal_patch_size=2,
        merge_size=2,
        window_size=112,
        full_attention_layers=frozenset({7, 15, 23, 31}),
        tokens_per_second=2.0,
        rope_theta=10_000.0,
    )


def _small(
    text_layers: int, size: int, inner: int, heads: tuple[int, int], vocab_size: int, vision: tuple[int, ...]
) -> ModelConfig:
    """``heads``: of queries and of keys. ``vision``: layers, hidden size, intermediate size, heads."""
    num_heads, num_kv_heads = heads
    eighth = size // num_heads // 8
    vision_layers, vision_size, vision_inner, vision_heads = vision
    return ModelConfig(
        text=TextConfig(
            num_layers=text_layers,
            hidden_size=size,
            intermediate_size=inner,
            num_heads=num_heads,
            num_kv_heads=num_kv_heads,
            vocab_size=vocab_size,
            norm_eps=1e-6,
            rope_theta=100_000.0,
            mrope_section=(eighth, 3 * eighth // 2, 4 * eighth - eighth - 3 * eighth // 2),
            max_positions=32_768,
            tied_embeddings=True,
        ),
        vision=VisionConfig(
            num_layers=vision_layers,
            hidden_size=vision_size,
            intermediate_size=vision_inner,
            num_heads=vision_heads,
            output_size=size,
            in_channels=3,
            patch_size=14,
            temporal_patch_size=2,
            merge_size=2,
            window_size=112,
            full_attention_layers=frozenset({vision_layers - 1}),
            tokens_per_second=2.0,
            rope_theta=10_000.0,
        ),
        stop_ids=frozenset(),
    )


def _large(
    num_layers: int, size: int, inner: int, heads: tuple[int, int], vocab_size: int, tied: bool
) -> ModelConfig:
    text = TextConfig(
        num_layers=num_layers,
        hidden_size=size,
        intermediate_size=inner,
        num_heads=heads[0],
        num_kv_heads=heads[1],
        vocab_size=vocab_size,
        norm_eps=1e-6,
        rope_theta=1_000_000.0,
        mrope_section=(16, 24, 24),
        max_positions=128_000,
        tied_embeddings=tied,
    )
    return ModelConfig(text=text, vision=_vision(size), stop_ids=frozenset())


SIZES = {
    "tiny": _small(2, 64, 96, (4, 2), 512, (2, 32, 48, 2)),
    "demo": _small(8, 384, 1024, (6, 2), 3072, (6, 192, 512, 3)),
    "3b": _large(36, 2048, 11_008, (16, 2), 151_936, tied=True),
    "7b": _large(28, 3584, 18_944, (28, 4), 152_064, tied=False),
}


def config_of_size(name: str) -> ModelConfig:
    """Raises SettingsError for a size that is not known."""
    if name not in SIZES:
        raise SettingsError("size", name, f"use one of {', '.join(SIZES)}")
    return SIZES[name]
