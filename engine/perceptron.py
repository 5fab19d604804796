"""The gated perceptron, with gate and up fused into one product.

Knows: SwiGLU (arXiv 2002.05202). Does not know: attention, how weights are stored.
"""

from __future__ import annotations

import torch
from torch import nn

from engine.fused import silu_and_multiply
from engine.quantised import make_linear


class GatedPerceptron(nn.Module):
    """``down(silu(gate(x)) * up(x))``; ``format`` says how its weights are stored."""

    def __init__(
        self, size: int, inner_size: int, *, bias: bool, dtype: torch.dtype, format: str | None = None
    ) -> None:
        super().__init__()
        self.gate_up = make_linear(size, 2 * inner_size, bias=bias, dtype=dtype, format=format)
        self.down = make_linear(inner_size, size, bias=bias, dtype=dtype, format=format)

    def forward(self, x_NE: torch.Tensor) -> torch.Tensor:
        return self.down.project(silu_and_multiply(self.gate_up.project(x_NE)))
