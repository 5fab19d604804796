"""The gated perceptron, with gate and up fused into one product.

The inner size is filled up to whole 16 bytes: the vision tower's 3420 would have a GPU read its rows in small pieces.
What fills is zero, so nothing changes.

Knows: SwiGLU (arXiv 2002.05202). Does not know: attention, how weights are stored.
"""

from __future__ import annotations

import torch
from torch import nn

from engine.fused import silu_and_multiply
from engine.layers import Linear
from engine.quantised import QuantisedRows, make_linear

_FILLED = 8  # values of half precision in 16 bytes


def filled_size(inner_size: int) -> int:
    """The inner size that is stored."""
    return -(-inner_size // _FILLED) * _FILLED


class GatedPerceptron(nn.Module):
    """``down(silu(gate(x)) * up(x))``; ``format`` says how its weights are stored."""

    def __init__(
        self, size: int, inner_size: int, *, bias: bool, dtype: torch.dtype, format: str | None = None
    ) -> None:
        super().__init__()
        self._inner_size, stored = inner_size, filled_size(inner_size)
        self.gate_up = make_linear(size, 2 * stored, bias=bias, dtype=dtype, format=format)
        self.down = make_linear(stored, size, bias=bias, dtype=dtype, format=format)

    def forward(self, x_NE: torch.Tensor) -> torch.Tensor:
        return self.down.project(silu_and_multiply(self.gate_up.project(x_NE)))

    @property
    def num_filling(self) -> int:
        """Stored values that are no weights."""
        rows = 2 * (filled_size(self._inner_size) - self._inner_size)
        size = self.down.shape[0] if isinstance(self.down, QuantisedRows) else self.down.weight.shape[0]
        return rows * size + rows // 2 * size + (rows if self.gate_up.bias is not None else 0)

    @torch.no_grad()
    def clear_filling(self) -> None:
        """Make what fills zero. Rows of ``down`` that are written later bring their own zeros."""
        inner, stored = self._inner_size, filled_size(self._inner_size)
        if stored == inner:
            return
        for first in (inner, stored + inner):
            rows = slice(first, first + stored - inner)
            if isinstance(self.gate_up, QuantisedRows):
                self.gate_up.store_rows(first, torch.zeros(stored - inner, self.gate_up.size))
            else:
                self.gate_up.weight[rows] = 0
            if self.gate_up.bias is not None:
                self.gate_up.bias[rows] = 0
        if isinstance(self.down, Linear):
            self.down.weight[:, inner:] = 0
