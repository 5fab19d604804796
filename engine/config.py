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
_MOST_LAYERS = 1 << 10
_MOST_SIZE = 1 << 20
# Of a vocabulary: far more than any memory holds, and still a number that can be counted with.
_MOST_ROWS = 1 << 40


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
    values = read_json(folder, "config.json")
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
    except Exception as error:  # transformers checks with errors of its own, which are of many classes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NotQwenVLError(
            folder, f"config.json is damaged or incomplete ({reason}); download it again"
        ) from error
    _check(folder, config, text, vision)
    generation = read_json(folder, "generation_config.json") or {}
    return ModelConfig(text=text, vision=vision, stop_ids=_ids(folder, generation.get("eos_token_id")))


def _text_config(config: Any, tied: bool) -> TextConfig:
    rope = _rope(config)
    section = rope["mrope_section"]
    if not (isinstance(section, list | tuple) and len(section) == 3 and all(map(_is_whole, section))):
        raise ValueError(f"mrope_section is {section!r}, not three whole numbers")
    return TextConfig(
        num_layers=_size(config, "num_hidden_layers", _MOST_LAYERS),
        hidden_size=_size(config, "hidden_size"),
        intermediate_size=_size(config, "intermediate_size"),
        num_heads=_size(config, "num_attention_heads"),
        num_kv_heads=_size(config, "num_key_value_heads"),
        vocab_size=_size(config, "vocab_size", _MOST_ROWS),
        norm_eps=_positive("rms_norm_eps", config.rms_norm_eps),
        rope_theta=_positive("rope_theta", rope["rope_theta"]),
        mrope_section=(section[0], section[1], section[2]),
        max_positions=_size(config, "max_position_embeddings", _MOST_ROWS),
        tied_embeddings=tied,
    )


def _vision_config(config: Any) -> VisionConfig:
    rope = getattr(config, "rope_parameters", None) or {}
    return VisionConfig(
        num_layers=_size(config, "depth", _MOST_LAYERS),
        hidden_size=_size(config, "hidden_size"),
        intermediate_size=_size(config, "intermediate_size"),
        num_heads=_size(config, "num_heads"),
        output_size=_size(config, "out_hidden_size"),
        in_channels=_size(config, "in_channels"),
        patch_size=_size(config, "patch_size", _MOST_LAYERS),
        temporal_patch_size=_size(config, "temporal_patch_size", _MOST_LAYERS),
        merge_size=_size(config, "spatial_merge_size", _MOST_LAYERS),
        window_size=_size(config, "window_size"),
        full_attention_layers=frozenset(config.fullatt_block_indexes),
        tokens_per_second=_positive("tokens_per_second", config.tokens_per_second),
        rope_theta=_positive("rope_theta", rope.get("rope_theta", 10000.0)),
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _size(config: Any, name: str, most: int = _MOST_SIZE) -> int:
    value = getattr(config, name)
    if not _is_whole(value) or not 1 <= value <= most:
        raise ValueError(f"{name} is {value!r}, not a whole number from 1 to {most}")
    return int(value)


def _positive(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _MOST_ROWS:
        return float(value)
    raise ValueError(f"{name} is {value!r}, not a positive number")


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
        "its heads are of an odd size": bool(text.head_dim % 2 or vision.head_dim % 4),
        "its attention windows are smaller than a token": vision.window_size
        < vision.patch_size * vision.merge_size,
        f"its pictures have {vision.in_channels} channels, not 3": vision.in_channels != 3,
        "vision and language sizes differ": vision.output_size != text.hidden_size,
    }
    for problem, present in problems.items():
        if present:
            raise NotQwenVLError(folder, problem)


def _is_tied(values: dict[str, Any]) -> bool:
    nested = values.get("text_config") or {}
    return bool(values.get("tie_word_embeddings", nested.get("tie_word_embeddings", False)))


def _ids(folder: Path, value: object) -> frozenset[int]:
    ids = value if isinstance(value, list) else [] if value is None else [value]
    if not all(map(_is_whole, ids)):
        raise NotQwenVLError(
            folder,
            f"generation_config.json says eos_token_id {value!r}, not whole numbers; download it again",
        )
    return frozenset(ids)


def read_json(folder: Path, name: str) -> dict[str, Any] | None:
    """The object in a JSON file of a checkpoint; None where there is no such file. Raises NotQwenVLError."""
    file = folder / name
    if not file.is_file():
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: not JSON, or not UTF-8
        raise NotQwenVLError(folder, f"{name} is not readable JSON ({error}); download it again") from error
    if not isinstance(values, dict):
        raise NotQwenVLError(folder, f"{name} does not hold a JSON object; download it again")
    return values
