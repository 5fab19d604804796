"""What fits: how much memory a model takes, and whether this machine has it.

Knows sizes and arithmetic. Knows no torch, and not how a machine is asked.
"""

from __future__ import annotations

import dataclasses
import enum

from app.models.catalogue import CatalogueModel, ModelSizes
from app.models.machine import Machine

GIB = 2**30

_CONTEXT_TOKENS = 16 * 768 + 2048
"""A vision window of 16 s at the largest frames, and the words beside it."""
_KEY_COPIES = 1.5
"""Keys are kept twice, turned and unturned; values once."""
_WORKSPACE_BYTES = int(1.5 * GIB)
"""For what is on its way through the layers, and the libraries themselves."""
_SMALL_WORKSPACE_BYTES = int(0.4 * GIB)
_SMALL_PARAMETERS = 200_000_000
_BYTES_ON_GPU, _BYTES_ON_CPU = 2, 4


class Fit(enum.Enum):
    """A verdict in one word."""

    FITS = "fits"
    SLOW = "slow"
    """There is memory for it, but it will not keep up with live pictures."""
    BUSY = "busy"
    """It would fit if other programs let go of the card."""
    TOO_LARGE = "too large"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a model fits this machine."""

    fit: Fit
    words: str
    """A word or two."""
    sentence: str
    """Why, with figures."""
    needed_bytes: int = 0


def needed_bytes(sizes: ModelSizes, bytes_per_value: int) -> int:
    """Memory for weights, the longest usual context and room to work in."""
    weights = sizes.num_parameters * bytes_per_value
    per_token = sizes.num_layers * 2 * sizes.num_kv_heads * sizes.head_dim * bytes_per_value
    is_small = sizes.num_parameters <= _SMALL_PARAMETERS
    room = _SMALL_WORKSPACE_BYTES if is_small else _WORKSPACE_BYTES
    return weights + round(per_token * _KEY_COPIES) * _CONTEXT_TOKENS + room


def judge(model: CatalogueModel, machine: Machine) -> Verdict:
    """Whether `model` fits `machine`, and why."""
    sizes = model.sizes
    if sizes is None:
        return Verdict(
            fit=Fit.UNKNOWN, words="not known", sentence="How much memory it takes is seen when it loads."
        )
    on_gpu, on_cpu = needed_bytes(sizes, _BYTES_ON_GPU), needed_bytes(sizes, _BYTES_ON_CPU)
    usable = [gpu for gpu in machine.gpus if gpu.is_usable]
    if sizes.num_parameters > _SMALL_PARAMETERS and usable:
        best = max(usable, key=lambda gpu: gpu.free_bytes)
        figures = f"It takes {_gib(on_gpu)} of GPU memory; {best.name} has {_gib(best.free_bytes)} free"
        if on_gpu <= best.free_bytes:
            return Verdict(fit=Fit.FITS, words="fits your GPU", sentence=f"{figures}.", needed_bytes=on_gpu)
        if on_gpu <= max(gpu.total_bytes for gpu in usable):
            return Verdict(
                fit=Fit.BUSY,
                words="GPU is busy",
                sentence=f"{figures} of {_gib(best.total_bytes)}. Close other programs that use it.",
                needed_bytes=on_gpu,
            )
        return Verdict(fit=Fit.TOO_LARGE, words="too large", sentence=f"{figures}.", needed_bytes=on_gpu)
    return _judge_cpu(sizes, machine, on_cpu)


def _judge_cpu(sizes: ModelSizes, machine: Machine, needed: int) -> Verdict:
    free = machine.free_bytes
    if free is None:
        return Verdict(
            fit=Fit.UNKNOWN,
            words="not known",
            sentence=f"It takes {_gib(needed)}; this system does not tell how much memory is free.",
            needed_bytes=needed,
        )
    figures = f"It takes {_gib(needed)} of memory; {_gib(free)} are free"
    if needed > free:
        return Verdict(fit=Fit.TOO_LARGE, words="too large", sentence=f"{figures}.", needed_bytes=needed)
    if sizes.num_parameters <= _SMALL_PARAMETERS:
        return Verdict(
            fit=Fit.FITS, words="fits", sentence=f"{figures}. It needs no GPU.", needed_bytes=needed
        )
    why = (
        machine.gpus[0].problem
        if machine.gpus
        else "Without a CUDA GPU it will not keep up with live pictures."
    )
    return Verdict(fit=Fit.SLOW, words="too slow live", sentence=f"{figures}. {why}", needed_bytes=needed)


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / GIB:.1f} GiB"
