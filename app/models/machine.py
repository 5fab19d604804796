"""What this machine has for a model: memory, and CUDA GPUs.

Knows how to ask without importing torch: the driver's own tool tells about cards and what this process holds on them,
torch's version file whether it can use them. Cards stand in the order in which CUDA numbers them, if that was told to
number them as the tool does (`number_cards_as_the_driver`). Knows no model.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from app.system.memory import main_memory
from engine.precision import OLDEST_CAPABILITY, dotted

_log = logging.getLogger("ringside.app.models")

_FORMAT = "--format=csv,noheader,nounits"
_ASK_CARDS = "--query-gpu=uuid,name,memory.free,memory.total"
_ASK_CAPABILITIES = "--query-gpu=uuid,compute_cap"
_ASK_PROCESSES = "--query-compute-apps=gpu_uuid,pid,used_memory"
_ANSWER_S = 10.0
_MIB = 2**20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gpu:
    """A card."""

    name: str
    free_bytes: int
    """As the driver says: without what this process holds."""
    total_bytes: int
    is_usable: bool = True
    problem: str = ""
    """Why it is not usable."""
    own_bytes: int = 0
    """What this process holds there, and lets go before it loads another model."""
    uuid: str = ""
    capability: tuple[int, int] | None = None
    """Compute capability, (8, 9) for an RTX 40; None where the driver is too old to tell."""

    @property
    def available_bytes(self) -> int:
        """What the next model can have."""
        return min(self.free_bytes + self.own_bytes, self.total_bytes)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """What there is."""

    free_bytes: int | None
    """Main memory; None where the system does not tell."""
    total_bytes: int | None
    gpus: tuple[Gpu, ...] = ()

    @property
    def words(self) -> str:
        """In a line."""
        gib = 2**30
        cards = [
            f"{gpu.name}, {gpu.free_bytes / gib:.0f} of {gpu.total_bytes / gib:.0f} GiB free"
            for gpu in self.gpus
        ]
        memory = (
            [f"{self.free_bytes / gib:.0f} of {self.total_bytes / gib:.0f} GiB memory free"]
            if self.free_bytes is not None and self.total_bytes is not None
            else []
        )
        return " · ".join([*(cards or ["No CUDA GPU"]), *memory])


def look(tool: str = "nvidia-smi") -> Machine:
    """Ask the machine; takes up to some seconds, so not on a window's thread."""
    free, total = main_memory()
    return Machine(free_bytes=free, total_bytes=total, gpus=_gpus(tool))


def number_cards_as_the_driver() -> None:
    """Have CUDA number cards as the driver's tool does, unless a person wants another order; before CUDA is used."""
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")


def _gpus(tool: str) -> tuple[Gpu, ...]:
    path = shutil.which(tool)
    if path is None:
        return ()
    problem = "" if _torch_has_cuda() else "The PyTorch that is installed cannot use this GPU."
    gpus = []
    for line in _ask(path, _ASK_CARDS):
        found = re.fullmatch(r"\s*(\S+)\s*,\s*(.+?)\s*,\s*(\d+)\s*,\s*(\d+)\s*", line)
        if found is not None:
            uuid, name, free, total = found.groups()
            gpus.append(
                Gpu(
                    name=name,
                    free_bytes=int(free) * _MIB,
                    total_bytes=int(total) * _MIB,
                    is_usable=not problem,
                    problem=problem,
                    uuid=uuid,
                )
            )
    if not gpus:
        return ()
    capabilities = _capabilities(_ask(path, _ASK_CAPABILITIES))
    gpus = [_with_capability(gpu, capabilities.get(gpu.uuid)) for gpu in gpus]
    held = _held_bytes(_ask(path, _ASK_PROCESSES))
    return tuple(
        dataclasses.replace(gpu, own_bytes=max(held.get(gpu.uuid, 0), _reserved_bytes(number)))
        for number, gpu in enumerate(_visible(gpus, os.environ.get("CUDA_VISIBLE_DEVICES")))
    )


def _ask(path: str, question: str) -> list[str]:
    try:
        answer = subprocess.run(
            [path, question, _FORMAT], capture_output=True, text=True, timeout=_ANSWER_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        _log.info("the GPU's driver does not answer: %s", error)
        return []
    return answer.splitlines()


def _capabilities(lines: Sequence[str]) -> dict[str, tuple[int, int]]:
    """By card; a driver from before 2021 does not know the question."""
    found = (re.fullmatch(r"\s*(\S+)\s*,\s*(\d+)\.(\d+)\s*", line) for line in lines)
    return {match[1]: (int(match[2]), int(match[3])) for match in found if match is not None}


def _with_capability(gpu: Gpu, capability: tuple[int, int] | None) -> Gpu:
    if capability is None or capability >= OLDEST_CAPABILITY:
        return dataclasses.replace(gpu, capability=capability)
    own, least = (dotted(each) for each in (capability, OLDEST_CAPABILITY))
    problem = (
        f"{gpu.name} is too old: compute capability {own}, and models need {least} (RTX 30, A100 and later)."
    )
    return dataclasses.replace(gpu, capability=capability, is_usable=False, problem=gpu.problem or problem)


def _visible(gpus: Sequence[Gpu], given: str | None) -> Sequence[Gpu]:
    """The cards that CUDA shows to this process, numbered as there; `given` is CUDA_VISIBLE_DEVICES."""
    if (
        given is None or "MIG-" in given
    ):  # parts of cards have names of their own, which the tool's list has not
        return gpus
    seen: list[Gpu] = []
    for entry in (part.strip() for part in given.split(",")):
        named = [gpu for gpu in gpus if entry.startswith("GPU-") and gpu.uuid.startswith(entry)]
        if entry.isdecimal() and int(entry) < len(gpus):
            seen.append(gpus[int(entry)])
        elif len(named) == 1:
            seen += named
        else:
            break  # as in CUDA: after one that is not there, none is shown
    return seen


def _held_bytes(lines: Sequence[str]) -> dict[str, int]:
    """By card: what this process holds, where the driver tells (not on Windows, nor in most containers)."""
    held: dict[str, int] = {}
    for line in lines:
        found = re.fullmatch(r"\s*(\S+)\s*,\s*(\d+)\s*,\s*(\d+)\s*", line)
        if found is not None and int(found[2]) == os.getpid():
            held[found[1]] = held.get(found[1], 0) + int(found[3]) * _MIB
    return held


def _reserved_bytes(number: int) -> int:
    """What torch holds on a card; 0 where it was not loaded, or has no card yet. Never loads it."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    is_initialized = getattr(cuda, "is_initialized", None)  # missing while another thread imports torch
    if cuda is None or is_initialized is None or not is_initialized():
        return 0
    return int(cuda.memory_reserved(number)) if number < cuda.device_count() else 0


def _torch_has_cuda() -> bool:
    """Whether the installed torch was built for CUDA, as its version file says."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^cuda(?:\s*:.*)?\s*=\s*['\"]", text, re.MULTILINE) is not None
