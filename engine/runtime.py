"""How a session runs on its device: which decoder, which kernels, and how much of the device it may take.

None of this changes what is said beyond the rounding of the device's arithmetic.

Knows: the choices and what "auto" stands for on a device. Does not know: torch, kernels, streams of frames.
"""

from __future__ import annotations

import dataclasses
import importlib.util

from engine.errors import SettingsError

DECODERS = ("auto", "eager", "static")
ATTENTIONS = ("auto", "torch", "triton", "flash")
PREFILLS = ("auto", "flash", "cudnn")
KERNELS = ("auto", "torch", "triton")
LEAST_DUTY = 0.05
_HOPPER = (9, 0)


def _require_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingsError(name, value, f"use one of {', '.join(choices)}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PolitenessSettings:
    """How much of a GPU (or of the processor) is left to other programs."""

    low_priority: bool = False
    """Run on CUDA streams of the lowest priority: other work of this process goes first."""

    duty: float | None = 1.0
    """Largest share of the time in which work may be under way; below 1, pauses are made between layers, and between
    parts of a token. None: as little as the stream needs to keep up, found from its last steps (``engine/pacer.py``), in
    even pauses, or, beside a program that draws at a steady rate, between its frames (``engine/rhythm.py``); a stream that
    needs all of the time makes none, for being late would be worse.

    Other programs on a GPU take turns with this one whatever the priority of its streams; what leaves them
    room is the pauses."""

    slice_ms: float = 1.0
    """Work that may go on at a stretch before a pause, in milliseconds. Another program's frame that comes meanwhile waits
    for the end of the stretch; short ones that come so often that a frame meets several cost it no less."""

    def __post_init__(self) -> None:
        if self.duty is not None and not LEAST_DUTY <= self.duty <= 1:
            raise SettingsError("duty", self.duty, f"use {LEAST_DUTY} to 1; 1 makes no pauses")
        if not 0.2 <= self.slice_ms <= 1000:
            raise SettingsError("slice_ms", self.slice_ms, "use 0.2 to 1000 milliseconds")

    @property
    def pauses(self) -> bool:
        """Whether pauses are ever made."""
        return self.duty is None or self.duty < 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class RuntimeSettings:
    """What a session runs with."""

    decoder: str = "auto"
    """"eager": shapes follow the context; "static": fixed buffers, one CUDA graph a token, ids read one token behind."""

    attention: str = "auto"
    """The static decoder's attention of one query: PyTorch's over masked storage, our Triton kernel, or flash-attn."""

    kernels: str = "auto"
    """Products with one row, rotations and gates: PyTorch's kernels, or ours in Triton."""

    prefill: str = "auto"
    """Attention of a chunk's tokens on CUDA: "flash" does it at once; "cudnn" leaves what needs no mask to cuDNN, whose
    kernels for Hopper took 71% of the time at 47,000 tokens of context (``engine/PERFORMANCE.md``)."""

    graphs: bool = True
    """Whether the static decoder and the vision tower are recorded as CUDA graphs."""

    overlap: bool | None = None
    """Whether a kernel of a token may begin before the one before it has ended, with Triton on Hopper and later. None: on
    Hopper, where the same logits came 1.3 to 1.9% sooner (``python -m engine.bench.tokens``), unless pauses are made."""

    tune: bool = False
    """Time a few ways of cutting each Triton kernel at warm-up (about a minute) instead of taking the usual ones."""

    politeness: PolitenessSettings = dataclasses.field(default_factory=PolitenessSettings)
    """What is left to other programs."""

    def __post_init__(self) -> None:
        _require_one_of("decoder", self.decoder, DECODERS)
        _require_one_of("attention", self.attention, ATTENTIONS)
        _require_one_of("prefill", self.prefill, PREFILLS)
        _require_one_of("kernels", self.kernels, KERNELS)

    def resolve(
        self, device_type: str, head_dim: int, capability: tuple[int, int] | None = None
    ) -> RuntimeSettings:
        """The same with every "auto" decided for a device and the language model's head size.

        ``capability``: a CUDA device's compute capability, (9, 0) for Hopper. Raises SettingsError for what cannot run
        there.
        """
        on_cuda = device_type == "cuda"
        fits_triton = head_dim >= 16 and head_dim & (head_dim - 1) == 0
        triton = on_cuda and fits_triton and _is_installed("triton")
        flash = on_cuda and _is_installed("flash_attn")
        is_hopper = on_cuda and capability is not None and capability[0] == _HOPPER[0]
        if self.attention == "flash" and not flash:
            raise SettingsError("attention", "flash", "install flash-attn and use a CUDA GPU, or use auto")
        if "triton" in (self.attention, self.kernels) and not (fits_triton and _is_installed("triton")):
            raise SettingsError("attention or kernels", "triton", "Triton cannot run here; use auto or torch")
        return dataclasses.replace(
            self,
            decoder=("static" if on_cuda else "eager") if self.decoder == "auto" else self.decoder,
            attention=("triton" if triton else "flash" if flash else "torch")
            if self.attention == "auto"
            else self.attention,
            kernels=("triton" if triton else "torch") if self.kernels == "auto" else self.kernels,
            prefill=("cudnn" if is_hopper else "flash") if self.prefill == "auto" else self.prefill,
            graphs=self.graphs and on_cuda,
            overlap=(triton and is_hopper and not self.politeness.pauses)
            if self.overlap is None
            else self.overlap,
        )


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
