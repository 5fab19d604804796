"""Sizes and constants of a Qwen2.5-VL checkpoint, read from its configuration files.

Knows: both layouts of config.json that are about (text fields at the top, or under ``text_config``), and
that the rotary settings are called ``rope_parameters`` or ``rope_scaling`` and ``rope_theta``. transformers
fills in what a file leaves out.
Does not know: torch, weights, tokens.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from engine.errors import CheckpointNotFoundError, NotQwenVLError

MODEL_TYPE = "qwen2_5_vl"


@dataclasses.dataclass(frozen=True, kw_only=True)
class VisionConfig:
    """The vision tower."""

    num_layers: int
    hidden_size: int
    intermediate_size: int
    num_heads: int
    output_size: int
    in_channels: int
    patch_size: int
    temporal_patch_size: int
    merge_size: int
    """Patches on the side of one token."""
    window_size: int
    """Pixels on the side of an attention window."""
    full_attention_layers: frozenset[int]
    """Layers that attend to the whole frame instead of a window."""
    tokens_per_second: float
    """Temporal positions in one second of video."""
    rope_theta: float

    @property
    def head_dim(self) -> int:
        """Size of one attention head."""
        return self.hidden_size // self.num_heads

    @property
    def patch_dim(self) -> int:
        """Values in one patch."""
        return self.in_channels * self.temporal_patch_size * self.patch_size**2


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextConfig:
    """The language model."""

    num_layers: int
    hidden_size: int
    intermediate_size: int
    num_heads: int
    num_kv_heads: int
    vocab_size: int
    norm_eps: float
    rope_theta: float
    mrope_section: tuple[int, int, int]
    """How many rotary frequencies follow the temporal, the height and the width position."""
    max_positions: int
    tied_embeddings: bool

    @property
    def head_dim(self) -> int:
        """Size of one attention head."""
        return self.hidden_size // self.num_heads


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A whole checkpoint."""

    text: TextConfig
    vision: VisionConfig
    stop_ids: frozenset[int]
    """Ids that end a phrase, as the checkpoint's generation settings name them; may be empty."""


def read_config(folder: Path) -> ModelConfig:
    """Read ``config.json`` and ``generation_config.json`` of a checkpoint folder.

    Raises CheckpointNotFoundError without a folder, NotQwenVLError if the folder holds no Qwen2.5-VL model
    or one of a kind that this engine cannot run.
    """
    if not folder.is_dir():
        raise CheckpointNotFoundError(folder)
    values = _read_json(folder, "config.json")
    if values is None:
        raise NotQwenVLError(folder, "it has no config.json")
    model_type = values.get("model_type")
    if model_type != MODEL_TYPE:
        raise NotQwenVLError(folder, f"config.json says model_type {model_type!r}, not {MODEL_TYPE!r}")
    from transformers import Qwen2_5_VLConfig  # imported late: it loads torch

    try:
        config = Qwen2_5_VLConfig.from_dict(values)
        text = _text_config(config.text_config, _is_tied(values))
        vision = _vision_config(config.vision_config)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotQwenVLError(folder, f"config.json is incomplete ({error})") from error
    _check(folder, config, text, vision)
    generation = _read_json(folder, "generation_config.json") or {}
    return ModelConfig(text=text, vision=vision, stop_ids=_ids(generation.get("eos_token_id")))


def _text_config(config: Any, tied: bool) -> TextConfig:
    rope = _rope(config)
    first, second, third = rope["mrope_section"]
    return TextConfig(
        num_layers=config.num_hidden_layers,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_heads=config.num_attention_heads,
        num_kv_heads=config.num_key_value_heads,
        vocab_size=config.vocab_size,
        norm_eps=config.rms_norm_eps,
        rope_theta=float(rope["rope_theta"]),
        mrope_section=(first, second, third),
        max_positions=config.max_position_embeddings,
        tied_embeddings=tied,
    )


def _vision_config(config: Any) -> VisionConfig:
    rope = getattr(config, "rope_parameters", None) or {}
    return VisionConfig(
        num_layers=config.depth,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_heads=config.num_heads,
        output_size=config.out_hidden_size,
        in_channels=config.in_channels,
        patch_size=config.patch_size,
        temporal_patch_size=config.temporal_patch_size,
        merge_size=config.spatial_merge_size,
        window_size=config.window_size,
        full_attention_layers=frozenset(config.fullatt_block_indexes),
        tokens_per_second=float(config.tokens_per_second),
        rope_theta=float(rope.get("rope_theta", 10000.0)),
    )


def _rope(config: Any) -> dict[str, Any]:
    rope = dict(getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {})
    rope.setdefault("rope_theta", getattr(config, "rope_theta", None))
    rope.setdefault("mrope_section", [16, 24, 24])
    return rope


def _check(folder: Path, config: Any, text: TextConfig, vision: VisionConfig) -> None:
    kind = _rope(config.text_config).get("rope_type", "default")
    problems = {
        f"its rotary embedding is of type {kind!r}; only the default can be run": kind
        not in ("default", "mrope"),
        "it uses sliding-window attention in the language model": bool(
            getattr(config.text_config, "use_sliding_window", False)
        ),
        "its activation is not silu": {config.text_config.hidden_act, config.vision_config.hidden_act}
        != {"silu"},
        "mrope_section does not add up to half a head": 2 * sum(text.mrope_section) != text.head_dim,
        "its heads do not divide evenly": bool(
            text.hidden_size % text.num_heads
            or text.num_heads % text.num_kv_heads
            or vision.hidden_size % vision.num_heads
        ),
        "vision and language sizes differ": vision.output_size != text.hidden_size,
    }
    for problem, present in problems.items():
        if present:
            raise NotQwenVLError(folder, problem)


def _is_tied(values: dict[str, Any]) -> bool:
    nested = values.get("text_config") or {}
    return bool(values.get("tie_word_embeddings", nested.get("tie_word_embeddings", False)))


def _ids(value: object) -> frozenset[int]:
    if isinstance(value, int):
        return frozenset({value})
    return frozenset(i for i in value if isinstance(i, int)) if isinstance(value, list) else frozenset()


def _read_json(folder: Path, name: str) -> dict[str, Any] | None:
    file = folder / name
    if not file.is_file():
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NotQwenVLError(folder, f"{name} is not readable JSON ({error})") from error
    if not isinstance(values, dict):
        raise NotQwenVLError(folder, f"{name} does not hold a JSON object")
    return values
