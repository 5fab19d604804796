"""Elementwise work of many tokens: one pass over memory on a GPU with Triton, PyTorch's own passes elsewhere.

Knows: which of the two can run. Does not know: layers.

Shapes: N tokens, H heads, D head size, I inner size, A layers, K key/value heads, L filled places.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from engine.rotary import RotaryTable, rotate_into
from engine.rotary import rotate as rotate_plainly
from engine.triton_modules import triton_module


def silu_and_multiply(gate_up_N2I: torch.Tensor) -> torch.Tensor:
    """``silu(gate) * up`` of rows whose first half is the gate, (N, I)."""
    kernels = triton_module("pointwise", gate_up_N2I)
    if kernels:
        return torch.as_tensor(kernels.silu_and_multiply(gate_up_N2I))
    gate, up = gate_up_N2I.chunk(2, dim=-1)
    return functional.silu(gate) * up


def rotate(x_NHD: torch.Tensor, table: RotaryTable) -> torch.Tensor:
    """Rotate every head of (N, H, D) by its token's entry; computed in float32, returned in x's dtype."""
    kernels = triton_module("pointwise", x_NHD)
    if not kernels:
        return rotate_plainly(x_NHD, table)
    out_NHD = torch.empty(x_NHD.shape, dtype=x_NHD.dtype, device=x_NHD.device)
    kernels.rotate_strided(x_NHD, out_NHD, table)
    return out_NHD


def rotate_cache(out_AKLD: torch.Tensor, x_AKLD: torch.Tensor, table: RotaryTable) -> None:
    """Rotate the filled places of every layer into ``out_AKLD``."""
    kernels = triton_module("pointwise", x_AKLD)
    if kernels:
        kernels.rotate_cache(out_AKLD, x_AKLD, table)
    elif x_AKLD.dtype == torch.float32:
        rotate_into(out_AKLD, x_AKLD, table)
    else:
        for out_KLD, x_KLD in zip(out_AKLD, x_AKLD, strict=True):
            rotate_into(out_KLD, x_KLD, table)  # by layer: the float32 copy in between stays small
