"""The building blocks that the vision tower and the language model share.

Knows: linear maps, the norm and the gated perceptron, with gate and up fused into one product. They hold storage
only: nothing is initialised, because every value comes from a checkpoint.
Does not know: attention, where weights come from.

Shapes: N tokens, E hidden size.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def _storage(*shape: int, dtype: torch.dtype) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape, dtype=dtype), requires_grad=False)


class Linear(nn.Module):
    """A linear map, its weight (output size, input size)."""

    def __init__(self, input_size: int, output_size: int, *, bias: bool, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _storage(output_size, input_size, dtype=dtype)
        self.bias = _storage(output_size, dtype=dtype) if bias else None

    def forward(self, x_NE: torch.Tensor) -> torch.Tensor:
        return functional.linear(x_NE, self.weight, self.bias)


class RMSNorm(nn.Module):
    """Root-mean-square norm (arXiv 1910.07467)."""

    def __init__(self, size: int, *, eps: float, dtype: torch.dtype) -> None:
        super().__init__()
        self._eps = eps
        self.weight = _storage(size, dtype=dtype)

    def forward(self, x_NE: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(x_NE, self.weight.shape, self.weight, self._eps)


class Embedding(nn.Module):
    """A row for each id."""

    def __init__(self, num_rows: int, size: int, *, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _storage(num_rows, size, dtype=dtype)

    def forward(self, ids_N: torch.Tensor) -> torch.Tensor:
        return functional.embedding(ids_N, self.weight)


class GatedPerceptron(nn.Module):
    """SwiGLU (arXiv 2002.05202)."""

    def __init__(self, size: int, inner_size: int, *, bias: bool, dtype: torch.dtype) -> None:
        super().__init__()
        self.gate_up = Linear(size, 2 * inner_size, bias=bias, dtype=dtype)
        self.down = Linear(inner_size, size, bias=bias, dtype=dtype)

    def forward(self, x_NE: torch.Tensor) -> torch.Tensor:
        gate, up = self.gate_up(x_NE).chunk(2, dim=-1)
        out_NE: torch.Tensor = self.down(functional.silu(gate) * up)
        return out_NE
