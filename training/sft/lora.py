"""Low-rank adaptation with peft: additions beside the language model's linear layers, and their way into a checkpoint.

Knows peft. Knows nothing of training. The model stays a transformers model: what is written at the end has ordinary
weights, the additions added in, so that the engine and plain transformers load it.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.errors import RecipeError
from training.sft.settings import LoraSettings

ADAPTER_FILE = "adapter_model.safetensors"
_ADAPTER = "default"
_LAYERS = r".*language_model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"


def add_lora(hf: Any, settings: LoraSettings) -> int:
    """Freeze a model and put additions beside its language layers. Returns how many values are trained.

    Raises RecipeError where peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
        from peft.tuners.lora import LoraLayer
    except ImportError as error:
        raise RecipeError("LoRA needs peft: pip install -c constraints.txt -e '.[train]'") from error
    hf.requires_grad_(False)
    inject_adapter_in_model(
        LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=_LAYERS,
        ),
        hf,
    )
    for module in hf.modules():
        if isinstance(module, LoraLayer):
            # Additions learn in float32 beside weights in bfloat16, in which a small step is lost. Autocast computes in
            # bfloat16 by itself: what comes in need not be widened first.
            module.lora_A.float()
            module.lora_B.float()
            module.cast_input_dtype_enabled = False
    return sum(value.numel() for value in hf.parameters() if value.requires_grad)


def has_lora(hf: Any) -> bool:
    """Whether a model has additions."""
    return any(".lora_A." in name for name, _ in hf.named_parameters())


def adapter_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The additions among a model's weights."""
    return {name: value for name, value in state.items() if ".lora_" in name}


def save_adapter(hf: Any, state: dict[str, Tensor], folder: Path) -> None:
    """Write the additions alone, in peft's form: `peft.PeftModel` reads them, and a run goes on from them."""
    values = {
        _peft_name(name): value.detach().cpu().contiguous() for name, value in adapter_state(state).items()
    }
    save_file(values, folder / ADAPTER_FILE, metadata={"format": "pt"})
    hf.peft_config[_ADAPTER].save_pretrained(folder)


def load_adapter(hf: Any, folder: Path) -> None:
    """Read what `save_adapter` wrote into a model with additions."""
    names = {_peft_name(name): name for name in adapter_state(hf.state_dict())}
    missing = set(names) - set(values := load_file(folder / ADAPTER_FILE))
    if missing:
        raise RecipeError(f"{folder / ADAPTER_FILE} is of another LoRA: it lacks {sorted(missing)[0]}.")
    hf.load_state_dict({name: values[in_file] for in_file, name in names.items()}, strict=False)


def _peft_name(name: str) -> str:
    """A value's name in peft's files: as in a wrapped model, without the adapter's own name."""
    return f"base_model.model.{name.replace(f'.{_ADAPTER}.', '.')}"


def merged_state(hf: Any) -> dict[str, Tensor]:
    """The weights of an ordinary model, additions added in, under the names that it had before."""
    from peft.tuners.lora import LoraLayer

    deltas: dict[str, Tensor] = {}
    for name, module in hf.named_modules():
        if isinstance(module, LoraLayer):
            # Linear layers are all there is, and the common base class does not declare it.
            linear: Any = module
            with torch.no_grad():
                deltas[name] = linear.get_delta_weight(_ADAPTER)
    state: dict[str, Tensor] = {}
    for name, value in hf.state_dict().items():
        if ".lora_" in name:
            continue
        layer, found, rest = name.partition(".base_layer.")
        if found:
            added = (value.float() + deltas[layer].float()).to(value.dtype) if rest == "weight" else value
            state[f"{layer}.{rest}"] = added
        else:
            state[name] = value
    return state
