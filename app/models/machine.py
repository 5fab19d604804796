"""What this machine has for a model: memory, and CUDA GPUs.

Knows how to ask without importing torch: the driver's own tool tells about cards, torch's version file whether it can use
them. Knows no model.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import logging
import re
import shutil
import subprocess
from pathlib import Path

from app.system.memory import main_memory

_log = logging.getLogger("ringside.app.models")

_ASK = ("--query-gpu=name,memory.free,memory.total", "--format=csv,noheader,nounits")
_ANSWER_S = 10.0
_MIB = 2**20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gpu:
    """A card."""

    name: str
    free_bytes: int
    total_bytes: int
    is_usable: bool = True
    problem: str = ""
    """Why it is not usable."""


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


def _gpus(tool: str) -> tuple[Gpu, ...]:
    path = shutil.which(tool)
    if path is None:
        return ()
    try:
        answer = subprocess.run(
            [path, *_ASK], capture_output=True, text=True, timeout=_ANSWER_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        _log.info("the GPU's driver does not answer: %s", error)
        return ()
    problem = "" if _torch_has_cuda() else "The PyTorch that is installed cannot use this GPU."
    gpus = []
    for line in answer.splitlines():
        found = re.fullmatch(r"\s*(.+?)\s*,\s*(\d+)\s*,\s*(\d+)\s*", line)
        if found is not None:
            name, free, total = found.groups()
            gpus.append(
                Gpu(
                    name=name,
                    free_bytes=int(free) * _MIB,
                    total_bytes=int(total) * _MIB,
                    is_usable=not problem,
                    problem=problem,
                )
            )
    return tuple(gpus)


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
