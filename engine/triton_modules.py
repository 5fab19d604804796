"""Our Triton kernels, where they can run.

Knows: that Triton comes with CUDA builds of PyTorch only. Does not know: what a kernel does.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from typing import Any

import torch


def triton_module(name: str, x: torch.Tensor) -> Any:
    """The module ``engine.kernels.NAME``, or None where its kernels cannot run on ``x``."""
    return _load(name) if x.is_cuda else None


@functools.cache
def _load(name: str) -> Any:
    found = importlib.util.find_spec("triton") is not None
    return importlib.import_module(f"engine.kernels.{name}") if found else None
