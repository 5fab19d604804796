"""What fits: how much memory a model takes at each precision, whether this machine has it, and on which card.

Knows which precisions are tried and in which order; the bytes are counted by `engine.footprint`. What Ringside's present
model holds counts as free: it is let go before the next one is loaded. Knows no torch, and not how a machine is asked.
"""

from __future__ import annotations

import dataclasses
import enum

from app.models.catalogue import CatalogueModel
from app.models.machine import Gpu, Machine
from engine.config import ModelConfig
from engine.footprint import footprint, weight_bytes
from engine.settings import SETTINGS_FILE, StreamSettings, WindowSettings

GIB = 2**30
AUTO = "auto"
CPU = "cpu"

_FRAME_SIZE = (1080, 1920)
"""What is watched is seldom larger; the model sees it smaller."""
_LIVE_ON_CPU_BYTES = 400_000_000
"""Weights in float32 that two cores read and multiply within a second, with a second's pictures."""
_LADDER = ("bf16", "int8", "int4")
"""Precisions to try on a card, the best first."""
_WINDOWS_S = (12.0, 8.0, 6.0, 4.0)
"""Shorter vision windows to advise where the usual one does not fit."""
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
    """In which to load it on a card: the best that fits, else the smallest; None where the model's own is used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a model is loaded, and how."""

    device: str
    """As the engine names it: "auto", "cpu", "cuda:1"."""
    precision: str | None
    """None: as the model is stored."""
    has_room_beside: bool
    """Whether it fits beside the model that this process has loaded. True on the processor."""


def needed_bytes(config: ModelConfig, precision: str | None, window: WindowSettings | None = None) -> int:
    """Memory of a model and its stream: on a card at a precision, or for None on the processor in float32.

    ``window``: None for the usual one.
    """
    settings = StreamSettings(window=window or WindowSettings())
    if precision is None:
        return footprint(config, settings, _FRAME_SIZE, bytes_a_value=4, on_cuda=False).total
    return footprint(config, settings, _FRAME_SIZE, precision=precision).total


def place(model: CatalogueModel, machine: Machine, precision: str = AUTO, device: str = AUTO) -> Placement:
    """Where to load a model, and in which precision: as wanted, or with "auto" on the best card in the best that fits.

    Where no card fits it just now, the smallest precision is taken, which has the best chance.
    """
    cards = cards_for(machine, device)
    if not cards:
        return Placement(device=device, precision=None, has_room_beside=True)
    best = max(cards, key=lambda gpu: gpu.available_bytes)
    chosen = judge(model, machine, device).precision if precision == AUTO else precision
    # One card needs no number; of several the engine would take the first.
    is_one_of_several = device == AUTO and len(machine.gpus) > 1
    return Placement(
        device=f"cuda:{machine.gpus.index(best)}" if is_one_of_several else device,
        precision=chosen,
        has_room_beside=model.config is not None
        and needed_bytes(model.config, chosen or _LADDER[0]) <= best.free_bytes,
    )


def bits_words(precision: str) -> str:
    """A precision for people: "8 bits"."""
    return _BITS[precision]


def known_device(machine: Machine, device: str) -> str:
    """This device, or "auto" in place of a card that this machine does not have (any more)."""
    return device if device == CPU or cards_for(machine, device) else AUTO


def cards_for(machine: Machine, device: str) -> tuple[Gpu, ...]:
    """The usable cards that a device means: all for "auto", one for "cuda:1", none for "cpu" or a card that is not there."""
    if device == AUTO:
        return tuple(gpu for gpu in machine.gpus if gpu.is_usable)
    kind, _, number = device.partition(":")
    is_card = kind == "cuda" and (number or "0").isdecimal()
    wanted = machine.gpus[int(number or 0) :][:1] if is_card else ()
    return tuple(gpu for gpu in wanted if gpu.is_usable)


def judge(model: CatalogueModel, machine: Machine, device: str = AUTO) -> Verdict:
    """Whether `model` fits `machine`, or that device of it, and why."""
    config = model.config
    if config is None:
        return Verdict(
            fit=Fit.UNKNOWN, words="not known", sentence="How much memory it takes is seen when it loads."
        )
    cards = cards_for(machine, device)
    is_small = weight_bytes(config, bytes_a_value=4) <= _LIVE_ON_CPU_BYTES
    if is_small or not cards:
        return _judge_cpu(config, machine, is_small=is_small)
    best = max(cards, key=lambda gpu: gpu.available_bytes)
    needs = {precision: needed_bytes(config, precision) for precision in _LADDER}
    listed = ", ".join(f"{_gib(need)} in {_BITS[precision]}" for precision, need in needs.items())
    figures = f"It takes {listed}; {best.name} has {_gib(best.available_bytes)} free"
    own = f", with the {_gib(best.own_bytes)} that Ringside uses now" if best.own_bytes else ""
    for precision, need in needs.items():
        if need <= best.available_bytes:
            words = "fits your GPU" if precision == _LADDER[0] else f"fits in {_BITS[precision]}"
            return Verdict(
                fit=Fit.FITS,
                words=words,
                sentence=f"{figures}{own}.",
                needed_bytes=need,
                precision=precision,
            )
    smallest = _LADDER[-1]
    least = needs[smallest]
    shorter = _shorter_window(config, smallest, best.available_bytes)
    if least <= max(gpu.total_bytes for gpu in cards):
        return Verdict(
            fit=Fit.BUSY,
            words="GPU is busy",
            sentence=f"{figures} of {_gib(best.total_bytes)}{own}. Close other programs that use it.{shorter}",
            needed_bytes=least,
            precision=smallest,
        )
    return Verdict(
        fit=Fit.TOO_LARGE,
        words="too large",
        sentence=f"{figures}{own}.{shorter}",
        needed_bytes=least,
        precision=smallest,
    )


def _shorter_window(config: ModelConfig, precision: str, available_bytes: int) -> str:
    """The longest vision window with which it would fit, and how to have it, as a sentence to add; "" if none does."""
    for window_s in _WINDOWS_S:
        need = needed_bytes(config, precision, WindowSettings(vision_window_s=window_s))
        if need <= available_bytes:
            return (
                f" Or let it see the last {window_s:.0f} seconds instead of {WindowSettings().vision_window_s:.0f}: "
                f"that takes {_gib(need)} in {_BITS[precision]}, with a file {SETTINGS_FILE} in the model's folder "
                f'that says {{"window": {{"vision_window_s": {window_s:.0f}}}}}.'
            )
    return ""


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
    problems = [gpu.problem for gpu in machine.gpus if gpu.problem]
    why = problems[0] if problems else "Without a CUDA GPU it will not keep up with live pictures."
    return Verdict(fit=Fit.SLOW, words="too slow live", sentence=f"{figures}. {why}", needed_bytes=needed)


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / GIB:.1f} GiB"
