"""What fits: how much memory a model takes at each precision, and whether this machine has it.

Knows which precisions are tried and in which order; the bytes are counted by `engine.footprint`. Knows no torch, and not how
a machine is asked.
"""

from __future__ import annotations

import dataclasses
import enum

from app.models.catalogue import CatalogueModel
from app.models.machine import Machine
from engine.config import ModelConfig
from engine.footprint import footprint, weight_bytes
from engine.settings import StreamSettings

GIB = 2**30
AUTO = "auto"

_FRAME_SIZE = (1080, 1920)
"""What is watched is seldom larger; the model sees it smaller."""
_LIVE_ON_CPU_BYTES = 400_000_000
"""Weights in float32 that two cores read and multiply within a second, with a second's pictures."""
_LADDER = ("bf16", "int8", "int4")
"""Precisions to try on a card, the best first."""
_BITS = {"bf16": "16 bits", "fp8": "8 bits", "int8": "8 bits", "int4": "4 bits"}


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
    """A few words."""
    sentence: str
    """Why, with figures."""
    needed_bytes: int = 0
    precision: str | None = None
    """The best precision that fits a card; None where the model's own is used."""


def needed_bytes(config: ModelConfig, precision: str | None) -> int:
    """Memory of a model and its stream: on a card at a precision, or for None on the processor in float32."""
    if precision is None:
        return footprint(config, StreamSettings(), _FRAME_SIZE, bytes_a_value=4, on_cuda=False).total
    return footprint(config, StreamSettings(), _FRAME_SIZE, precision=precision).total


def choose_precision(model: CatalogueModel, machine: Machine, wanted: str) -> str | None:
    """The precision in which to load a model: the wanted one, or with "auto" the best that fits.

    None: as the model is stored, which is right without a card and for models of which too little is known.
    """
    if wanted == AUTO:
        return judge(model, machine).precision
    return wanted if any(gpu.is_usable for gpu in machine.gpus) else None


def judge(model: CatalogueModel, machine: Machine) -> Verdict:
    """Whether `model` fits `machine`, and why."""
    config = model.config
    if config is None:
        return Verdict(
            fit=Fit.UNKNOWN, words="not known", sentence="How much memory it takes is seen when it loads."
        )
    usable = [gpu for gpu in machine.gpus if gpu.is_usable]
    is_small = weight_bytes(config, bytes_a_value=4) <= _LIVE_ON_CPU_BYTES
    if is_small or not usable:
        return _judge_cpu(config, machine, is_small=is_small)
    best = max(usable, key=lambda gpu: gpu.free_bytes)
    needs = {precision: needed_bytes(config, precision) for precision in _LADDER}
    listed = ", ".join(f"{_gib(need)} in {_BITS[precision]}" for precision, need in needs.items())
    figures = f"It takes {listed}; {best.name} has {_gib(best.free_bytes)} free"
    for precision, need in needs.items():
        if need <= best.free_bytes:
            words = "fits your GPU" if precision == _LADDER[0] else f"fits in {_BITS[precision]}"
            return Verdict(
                fit=Fit.FITS, words=words, sentence=f"{figures}.", needed_bytes=need, precision=precision
            )
    least = needs[_LADDER[-1]]
    if least <= max(gpu.total_bytes for gpu in usable):
        return Verdict(
            fit=Fit.BUSY,
            words="GPU is busy",
            sentence=f"{figures} of {_gib(best.total_bytes)}. Close other programs that use it.",
            needed_bytes=least,
        )
    return Verdict(fit=Fit.TOO_LARGE, words="too large", sentence=f"{figures}.", needed_bytes=least)


def _judge_cpu(config: ModelConfig, machine: Machine, *, is_small: bool) -> Verdict:
    needed, free = needed_bytes(config, None), machine.free_bytes
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
    if is_small:
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
