"""From a checkpoint's safetensors files into our fused parameters.

Knows: how Qwen2.5-VL's weights are called in the layouts that are about, where each of them goes in our
model, and what can be wrong with the files. Nothing is unpickled and no code of a checkpoint runs.
Does not know: what the parameters are for.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.nn import functional

from engine.config import ModelConfig
from engine.errors import CheckpointError, WeightsDamagedError, WeightsMissingError
from engine.language import LanguageModel
from engine.perceptron import GatedPerceptron, filled_size
from engine.quantised import QuantisedRows
from engine.vision import VisionTower

INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"
HEAD = "lm_head.weight"
# Prefixes in files, longest first, and the part of the model they stand for.
_PREFIXES = (
    ("model.language_model.lm_head.", "lm_head."),
    ("model.language_model.", "text."),
    ("language_model.lm_head.", "lm_head."),
    ("language_model.model.", "text."),
    ("model.lm_head.", "lm_head."),
    ("model.visual.", "vision."),
    ("visual.", "vision."),
    ("lm_head.", "lm_head."),
    ("model.", "text."),
)


@dataclasses.dataclass(frozen=True)
class Target:
    """Rows of one of our parameters."""

    parameter: str
    first_row: int = 0
    num_rows: int | None = None
    """None: all rows."""
    num_columns: int | None = None
    """None: all columns. Columns behind these are zero."""


def weight_files(folder: Path) -> list[Path]:
    """The checkpoint's safetensors files, as its index names them or, without an index, as they lie there.

    Raises WeightsMissingError if there are none, or if one that the index names is not there.
    """
    index = folder / INDEX_FILE
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            missing = [name for name in names if not (folder / name).is_file()]
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise WeightsDamagedError(index, f"it is not a readable index ({error!r})") from error
        if missing:
            raise WeightsMissingError(folder, missing, "weight files are")
        return [folder / name for name in names]
    if (folder / SINGLE_FILE).is_file():
        return [folder / SINGLE_FILE]
    files = sorted(folder.glob("*.safetensors"))
    if not files and any(folder.glob("*.bin")):
        raise CheckpointError(
            folder, "its weights are .bin files, which could run code; convert to safetensors."
        )
    if not files:
        raise WeightsMissingError(folder, [SINGLE_FILE], "the weight file is")
    return files


def load_weights(
    folder: Path,
    language: LanguageModel,
    vision: VisionTower,
    config: ModelConfig,
    progress: Callable[[float], None],
) -> None:
    """Copy every weight of a checkpoint into its place, whatever floating type it is stored in.

    A head that the files leave out is tied to the embedding, whatever the configuration says. ``progress``
    is called with the fraction read so far. Raises WeightsMissingError or WeightsDamagedError, naming the
    file.
    """
    for module in (*language.modules(), *vision.modules()):
        if isinstance(module, GatedPerceptron):
            module.clear_filling()
    places = {**_places("language.", language), **_places("vision.", vision)}
    targets = targets_of(config)
    files = weight_files(folder)
    missing = set(targets)
    for number, file in enumerate(files):
        try:
            with safe_open(file, framework="pt", device="cpu") as stored:
                names = list(stored.keys())
                for done, name in enumerate(names, start=1):
                    target = targets.get(_canonical(name))
                    if target is not None:
                        _copy(file, name, stored.get_tensor(name), places[target.parameter], target)
                        missing.discard(_canonical(name))
                    progress((number + done / len(names)) / len(files))
        except (SafetensorError, OSError) as error:
            raise WeightsDamagedError(file, str(error)) from error
    if HEAD in missing:
        language.tie_head()
        missing.remove(HEAD)
    if missing:
        raise WeightsMissingError(folder, sorted(missing), "weights are")


def _canonical(name: str) -> str:
    for prefix, part in _PREFIXES:
        if name.startswith(prefix):
            return part + name[len(prefix) :]
    return name


def _places(prefix: str, part: nn.Module) -> dict[str, nn.Parameter | QuantisedRows]:
    """Where weights go, by our names: parameters, and rounded rows under the name their weight would have."""
    rounded = {name: module for name, module in part.named_modules() if isinstance(module, QuantisedRows)}
    places: dict[str, nn.Parameter | QuantisedRows] = {
        f"{prefix}{name}": value
        for name, value in part.named_parameters()
        if name.rpartition(".")[0] not in rounded or name.endswith(".bias")
    }
    return places | {f"{prefix}{name}.weight": module for name, module in rounded.items()}


@torch.no_grad()
def _copy(
    file: Path, name: str, value: torch.Tensor, place: nn.Parameter | QuantisedRows, target: Target
) -> None:
    num_rows = place.shape[0] if target.num_rows is None else target.num_rows
    wanted = (num_rows, *([target.num_columns] if target.num_columns else place.shape[1:]))
    value = value.flatten(1) if value.dim() > 2 else value
    if value.shape != wanted or not value.is_floating_point():
        raise WeightsDamagedError(
            file, f"{name} is {value.dtype} {list(value.shape)}, the configuration says {list(wanted)}"
        )
    if target.num_columns:
        value = functional.pad(value, (0, place.shape[1] - target.num_columns))
    if isinstance(place, QuantisedRows):
        place.store_rows(target.first_row, value)
    else:
        place[target.first_row : target.first_row + num_rows].copy_(value)


def targets_of(config: ModelConfig) -> dict[str, Target]:
    """Where each weight of a checkpoint goes, by its canonical name."""
    text, vision = config.text, config.vision
    targets = {
        "text.embed_tokens.weight": Target("language.embed.weight"),
        "text.norm.weight": Target("language.norm.weight"),
        "vision.patch_embed.proj.weight": Target("vision.embed.weight"),
        "vision.merger.ln_q.weight": Target("vision.merge_norm.weight"),
    }
    if not text.tied_embeddings:
        targets[HEAD] = Target("language.head.weight")
    for kind in ("weight", "bias"):
        targets[f"vision.merger.mlp.0.{kind}"] = Target(f"vision.merge_in.{kind}")
        targets[f"vision.merger.mlp.2.{kind}"] = Target(f"vision.merge_out.{kind}")
    num_q, num_kv = text.num_heads * text.head_dim, text.num_kv_heads * text.head_dim
    for layer in range(text.num_layers):
        theirs, ours = f"text.layers.{layer}", f"language.layers.{layer}"
        for kind in ("weight", "bias"):
            _add(targets, f"{theirs}.self_attn.q_proj.{kind}", f"{ours}.qkv.{kind}", 0, num_q)
            _add(targets, f"{theirs}.self_attn.k_proj.{kind}", f"{ours}.qkv.{kind}", num_q, num_kv)
            _add(targets, f"{theirs}.self_attn.v_proj.{kind}", f"{ours}.qkv.{kind}", num_q + num_kv, num_kv)
        targets[f"{theirs}.self_attn.o_proj.weight"] = Target(f"{ours}.out.weight")
        targets[f"{theirs}.input_layernorm.weight"] = Target(f"{ours}.norm1.weight")
        targets[f"{theirs}.post_attention_layernorm.weight"] = Target(f"{ours}.norm2.weight")
        _add_perceptron(targets, theirs, ours, text.intermediate_size, ("weight",))
    for layer in range(vision.num_layers):
        theirs, ours = f"vision.blocks.{layer}", f"vision.layers.{layer}"
        for kind in ("weight", "bias"):
            targets[f"{theirs}.attn.qkv.{kind}"] = Target(f"{ours}.qkv.{kind}")
            targets[f"{theirs}.attn.proj.{kind}"] = Target(f"{ours}.out.{kind}")
        targets[f"{theirs}.norm1.weight"] = Target(f"{ours}.norm1.weight")
        targets[f"{theirs}.norm2.weight"] = Target(f"{ours}.norm2.weight")
        _add_perceptron(targets, theirs, ours, vision.intermediate_size, ("weight", "bias"))
    return targets


def _add_perceptron(
    targets: dict[str, Target], theirs: str, ours: str, inner: int, kinds: tuple[str, ...]
) -> None:
    for kind in kinds:
        _add(targets, f"{theirs}.mlp.gate_proj.{kind}", f"{ours}.mlp.gate_up.{kind}", 0, inner)
        _add(targets, f"{theirs}.mlp.up_proj.{kind}", f"{ours}.mlp.gate_up.{kind}", filled_size(inner), inner)
        num_columns = inner if kind == "weight" else None
        targets[f"{theirs}.mlp.down_proj.{kind}"] = Target(f"{ours}.mlp.down.{kind}", num_columns=num_columns)


def _add(targets: dict[str, Target], name: str, parameter: str, first_row: int, num_rows: int) -> None:
    targets[name] = Target(parameter, first_row, num_rows)
