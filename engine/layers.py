"""The building blocks that the vision tower and the language model share.

Knows: linear maps, the norm and embeddings. They hold storage only: nothing is initialised, because every value
comes from a checkpoint.
Does not know: attention, where weights come from, weights in fewer bits (``engine/quantised.py``).

Shapes: N tokens, E input size, O output size, B blocks of R output rows.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

_NUM_BLOCKS = 16  # as many threads as still gain from it


def _storage(*shape: int, dtype: torch.dtype) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape, dtype=dtype), requires_grad=False)


def linear(x_NE: torch.Tensor, weight_OE: torch.Tensor, bias_O: torch.Tensor | None = None) -> torch.Tensor:
    """``x @ weight.T + bias``, (N, O)."""
    num_blocks = math.gcd(weight_OE.shape[0], _NUM_BLOCKS)
    if x_NE.shape[0] != 1 or x_NE.device.type != "cpu" or num_blocks == 1:
        return functional.linear(x_NE, weight_OE, bias_O)
    # On a CPU the product with one row is as fast as the weights are read, and the usual kernel reads them with
    # one thread only. Cut into a batch of row blocks, all threads read: four times as fast on two cores.
    weight_BRE = weight_OE.view(num_blocks, -1, weight_OE.shape[1])
    x_BE1 = x_NE.T.expand(num_blocks, -1, -1)  # these strides: with others the batch takes a slow way
    if bias_O is None:
        return torch.bmm(weight_BRE, x_BE1).view(1, -1)
    return torch.baddbmm(bias_O.view(num_blocks, -1, 1), weight_BRE, x_BE1).view(1, -1)


class Projection(Protocol):
    """Anything that maps rows: a linear map, whatever its weight is stored as, or an embedding used backwards."""

    def project(self, x_NE: torch.Tensor) -> torch.Tensor:
        """(N, O) for (N, E)."""


class Linear(nn.Module):
    """A linear map, its weight (output size, input size)."""

    def __init__(self, input_size: int, output_size: int, *, bias: bool, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _storage(output_size, input_size, dtype=dtype)
        self.bias = _storage(output_size, dtype=dtype) if bias else None

    def forward(self, x_NE: torch.Tensor) -> torch.Tensor:
        return linear(x_NE, self.weight, self.bias)

    def project(self, x_NE: torch.Tensor) -> torch.Tensor:
        """As ``forward``."""
        return linear(x_NE, self.weight, self.bias)


class RMSNorm(nn.Module):
    """Root-mean-square norm (arXiv 1910.07467)."""

    def __init__(self, size: int, *, eps: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.eps = eps
        self.weight = _storage(size, dtype=dtype)

    def forward(self, x_NE: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(x_NE, self.weight.shape, self.weight, self.eps)


class Embedding(nn.Module):
    """A row for each id."""

    def __init__(self, num_rows: int, size: int, *, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _storage(num_rows, size, dtype=dtype)

    def forward(self, ids_N: torch.Tensor) -> torch.Tensor:
        return functional.embedding(ids_N, self.weight)

    def project(self, x_NE: torch.Tensor) -> torch.Tensor:
        """The product with every row: what makes logits where the embedding is the head too."""
        return linear(x_NE, self.weight)
