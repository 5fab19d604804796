"""Loading a checkpoint: everything a session needs, ready on its device.

Knows: folders and hub ids, the order in which things are read and checked, devices and types.
Does not know: streams. A loaded model holds no state of one and can serve several, one after the other.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.config import ModelConfig, read_config, read_json
from engine.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    NotQwenVLError,
    OutOfMemoryError,
    SettingsError,
    TokenizerError,
)
from engine.language import LanguageModel
from engine.memory import free_bytes, naming_memory
from engine.perceptron import GatedPerceptron
from engine.precision import FP8_CAPABILITY, OLDEST_CAPABILITY, Precision, dotted, precision_named
from engine.preprocess import PatchSettings
from engine.prompt import PromptBuilder
from engine.quantised import QuantisedRows
from engine.runtime import RuntimeSettings
from engine.settings import StreamSettings
from engine.vision import VisionTower
from engine.weights import load_weights, weight_files

logger = logging.getLogger("ringside.engine.model")

Progress = Callable[[float, str], None]
_DOWNLOADED = ("*.json", "*.safetensors", "merges.txt")
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LoadedModel:
    """A checkpoint in memory."""

    name: str
    """The folder or hub id it was loaded from, as it was asked for."""

    config: ModelConfig
    tokenizer: Any
    """The transformers tokenizer."""

    prompt: PromptBuilder
    language: LanguageModel
    vision: VisionTower
    patches: PatchSettings
    """How the vision tower wants its pixels."""

    stop_ids: frozenset[int]
    """Ids that end a phrase."""

    settings: StreamSettings
    """The stream settings this checkpoint was trained for."""

    device: torch.device
    dtype: torch.dtype

    @property
    def num_parameters(self) -> int:
        """Number of weights."""
        return sum(_num_weights(part) for part in (self.language, self.vision))

    def resolve(self, runtime: RuntimeSettings) -> RuntimeSettings:
        """``runtime`` with every "auto" decided for this model on its device. Raises SettingsError for what cannot run."""
        on_cuda = self.device.type == "cuda"
        capability = torch.cuda.get_device_capability(self.device) if on_cuda else None
        return runtime.resolve(self.device.type, self.config.text.head_dim, capability)


def load_model(
    path_or_hub_id: str | Path,
    *,
    device: str | torch.device = "auto",
    dtype: torch.dtype | str | None = None,
    precision: str | None = None,
    revision: str | None = None,
    progress: Progress | None = None,
) -> LoadedModel:
    """Load any Qwen2.5-VL checkpoint: a folder, or a hub id, which is downloaded once.

    ``revision``: commit or branch of a hub id; None for its main branch. Which commit came is logged.
    ``device``: "auto" takes the first GPU that is new enough, else the processor; a GPU that is named by its number
    becomes the calling thread's current one. ``dtype``: None takes bfloat16 on CUDA and float32 elsewhere.
    ``precision``: how weights are stored, "bf16", "fp8", "int8" or "int4"; None leaves them in that type.
    They are rounded as they are read, so a card needs room for the rounded ones only. ``progress(fraction, text)`` is
    called as loading goes on. Raises CheckpointError (not found, not Qwen2.5-VL, weights missing or damaged, tokenizer
    unfit), OutOfMemoryError, SettingsFileError for its ``ringside.json``, and SettingsError for an unknown device,
    type or precision.
    """
    report = progress or (lambda fraction, text: None)
    report(0.0, "Looking for the model")
    folder = _find(path_or_hub_id, revision, report)
    config = read_config(folder)
    weight_files(folder)
    target = resolve_device(device)
    if target.type == "cuda" and ":" in str(target):
        torch.cuda.set_device(target)  # kernels that are not PyTorch's own run on the current one
    plan = precision_named(precision or "bf16")
    check_precision(plan, target)
    kind = resolve_dtype("bfloat16" if precision == "bf16" and dtype is None else dtype, target)
    settings = StreamSettings.from_checkpoint(folder)
    report(0.05, "Reading the tokenizer")
    tokenizer = _load_tokenizer(folder)
    prompt = PromptBuilder(tokenizer)
    _check_ids(folder, tokenizer, config)
    patches = _patch_settings(folder, config)
    language, vision = allocate(config, target, kind, plan)
    with naming_memory("the model's weights", target):
        load_weights(
            folder, language, vision, config, lambda part: report(0.1 + 0.9 * part, "Reading the weights")
        )
    logger.info("loaded %s on %s as %s", path_or_hub_id, target, kind)
    return LoadedModel(
        name=str(path_or_hub_id),
        config=config,
        tokenizer=tokenizer,
        prompt=prompt,
        language=language,
        vision=vision,
        patches=patches,
        stop_ids=config.stop_ids | {prompt.special.im_end, prompt.special.end_of_text},
        settings=settings,
        device=target,
        dtype=kind,
    )


def _find(path_or_hub_id: str | Path, revision: str | None, report: Progress) -> Path:
    name, folder = str(path_or_hub_id), Path(path_or_hub_id).expanduser()
    if name and folder.is_dir():
        return folder
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        raise CheckpointNotFoundError(path_or_hub_id)
    from huggingface_hub import snapshot_download  # imported late: few runs need it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    report(0.0, f"Downloading {name}")
    try:
        found = Path(snapshot_download(name, revision=revision, allow_patterns=list(_DOWNLOADED)))
    except LocalEntryNotFoundError as error:
        raise CheckpointNotFoundError(name, "The hub cannot be reached from here.") from error
    except (HfHubHTTPError, HFValidationError) as error:
        raise CheckpointNotFoundError(name, "The hub has no public model of this name.") from error
    except OSError as error:
        raise CheckpointError(name, f"it cannot be downloaded ({error}).") from error
    logger.info("the hub's %s is here at commit %s", name, found.name)
    return found


def resolve_device(device: str | torch.device) -> torch.device:
    """ "auto" or a device's name. Raises SettingsError for one that is not there, or a GPU that is too old."""
    if str(device) == "auto":
        return _usual_device()
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise SettingsError("device", device, "use auto, cpu, cuda or cuda:0") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise SettingsError("device", str(device), "PyTorch finds no CUDA GPU here; use auto or cpu")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise SettingsError("device", str(device), f"the last GPU here is cuda:{last}; use that, or auto")
    if chosen.type == "cuda" and (found := torch.cuda.get_device_capability(chosen)) < OLDEST_CAPABILITY:
        raise SettingsError(
            "device",
            str(device),
            f"this GPU has compute capability {dotted(found)}, and {dotted(OLDEST_CAPABILITY)} is needed "
            "(RTX 30, A100 and later); use cpu, or auto",
        )
    return chosen


def _usual_device() -> torch.device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    for index in range(count):
        found = torch.cuda.get_device_capability(index)
        if found >= OLDEST_CAPABILITY:
            return torch.device(f"cuda:{index}" if index else "cuda")
        logger.info("cuda:%d has compute capability %s, which is too old", index, dotted(found))
    return torch.device("cpu")


def check_precision(precision: Precision, device: torch.device) -> None:
    """Raises SettingsError for what a GPU has no arithmetic for."""
    if "fp8" not in (precision.layers, precision.embedding, precision.vision) or device.type != "cuda":
        return
    found = torch.cuda.get_device_capability(device)
    if found < FP8_CAPABILITY:
        raise SettingsError(
            "precision",
            precision.name,
            f"this GPU has compute capability {dotted(found)}, and fp8 needs {dotted(FP8_CAPABILITY)} "
            "(RTX 40, H100 and later); use int8, which takes less",
        )


def resolve_dtype(dtype: torch.dtype | str | None, device: torch.device) -> torch.dtype:
    """A type by name, or a device's usual one. Raises SettingsError."""
    if dtype is None:
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    chosen = _DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if chosen is None or chosen not in _DTYPES.values():
        raise SettingsError("dtype", dtype, f"use one of {', '.join(_DTYPES)}")
    return chosen


def _load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast  # imported late: it takes a second

    file = folder / "tokenizer.json"
    if not file.is_file() and not (folder / "vocab.json").is_file():
        raise TokenizerError(folder, "tokenizer.json is not there; download the checkpoint again")
    try:
        if file.is_file():
            # The file is taken as it is: a class named in tokenizer_config.json may bring rules of its own.
            make: Any = PreTrainedTokenizerFast
            return make(tokenizer_file=str(file), name_or_path=str(folder))
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises nothing narrower
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TokenizerError(folder, f"{file.name} cannot be read ({reason}); download it again") from error


def _check_ids(folder: Path, tokenizer: Any, config: ModelConfig) -> None:
    """Every id must have an embedding: one too large would end a stream in its middle."""
    highest = max(tokenizer.get_vocab().values())
    if highest >= config.text.vocab_size:
        raise TokenizerError(
            folder,
            f"it has ids up to {highest}, and config.json says vocab_size {config.text.vocab_size}; "
            "take both files from the same checkpoint",
        )


def allocate(
    config: ModelConfig, device: torch.device, dtype: torch.dtype, precision: Precision
) -> tuple[LanguageModel, VisionTower]:
    """Both models with storage on ``device`` and no values yet. Raises OutOfMemoryError if there is no room."""

    def make() -> tuple[LanguageModel, VisionTower]:
        language = LanguageModel(config.text, dtype, precision)
        return language, VisionTower(config.vision, dtype, precision.vision)

    with torch.device("meta"):  # storage that takes no memory, to see how much the real one would take
        needed = sum(p.nbytes for part in make() for p in part.parameters())
    free = free_bytes(device)
    if free is not None and needed > free:
        raise OutOfMemoryError("the model's weights", str(device), needed, free)
    with naming_memory("the model's weights", device), device:
        return make()


def _num_weights(part: nn.Module) -> int:
    rounded = [module for module in part.modules() if isinstance(module, QuantisedRows)]
    inside = {id(value) for module in rounded for value in (module.codes, module.scale, module.offset)}
    plain = sum(value.numel() for value in part.parameters() if id(value) not in inside)
    filling = sum(module.num_filling for module in part.modules() if isinstance(module, GatedPerceptron))
    return plain + sum(math.prod(module.shape) for module in rounded) - filling


def _patch_settings(folder: Path, config: ModelConfig) -> PatchSettings:
    """Sizes from the model's configuration, mean and deviation from the processor's where it has any."""
    name = "preprocessor_config.json"
    values = read_json(folder, name) or {}
    vision, usual = config.vision, PatchSettings()
    mean, std = values.get("image_mean", usual.mean), values.get("image_std", usual.std)
    for field, levels, least in (("image_mean", mean, -math.inf), ("image_std", std, 0.0)):
        if not _are_levels(levels, vision.in_channels, least):
            kind = "numbers" if least < 0 else "positive numbers"
            raise NotQwenVLError(
                folder,
                f"{name} says {field} {levels!r}, not {vision.in_channels} {kind}; download it again",
            )
    return PatchSettings(
        patch_size=vision.patch_size,
        temporal_patch_size=vision.temporal_patch_size,
        merge_size=vision.merge_size,
        mean=tuple(mean),
        std=tuple(std),
    )


def _are_levels(values: object, num_channels: int, least: float) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == num_channels
        and all(
            isinstance(v, int | float) and not isinstance(v, bool) and least < v < math.inf for v in values
        )
    )
