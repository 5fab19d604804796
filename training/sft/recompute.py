"""What of a layer is kept for the backward pass and what is computed again (selective activation checkpointing).

Keeping a layer's input alone costs a whole forward pass again. Most of that is matrix products and attention; what lies
between them (norms, rotations, gates) is nearly free to compute again and most of the memory. torch keeps the results of
the operations named here and recomputes the others.

Knows torch's operations. Knows nothing of models, but for how wide a layer's inner part is.
"""

import functools
from typing import Any

import torch
from torch.utils.checkpoint import (
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
)

from training.sft.settings import Recomputed

MIN_INNER = 512
"""A product over fewer values (an addition of low rank) is cheaper to compute again than to keep."""
_ATTENTION = {
    torch.ops.aten._scaled_dot_product_flash_attention.default,
    torch.ops.aten._scaled_dot_product_efficient_attention.default,
    torch.ops.aten._scaled_dot_product_cudnn_attention.default,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default,
}
_PRODUCTS = {torch.ops.aten.mm.default: 0, torch.ops.aten.addmm.default: 1}
"""Where among an operation's values the left factor stands."""


def checkpoint_options(recomputed: Recomputed, *, hidden_size: int, inner_size: int) -> dict[str, Any]:
    """Options of `torch.utils.checkpoint.checkpoint`.

    Args:
        hidden_size: width of what goes from layer to layer.
        inner_size: width of the layer's inner part (its perceptron).
    """
    options: dict[str, Any] = {"use_reentrant": False}
    if recomputed == "all":
        return options
    keeps = functools.partial(
        _policy,
        least_inner=min(MIN_INNER, hidden_size),
        inner_size=inner_size,
        keeps_wide=recomputed == "cheap",
    )
    return options | {"context_fn": functools.partial(create_selective_checkpoint_contexts, keeps)}


def _policy(
    context: SelectiveCheckpointContext,
    operation: Any,
    *values: Any,
    least_inner: int,
    inner_size: int,
    keeps_wide: bool,
    **_: Any,
) -> CheckpointPolicy:
    if operation in _ATTENTION or "_varlen_attn" in str(operation):
        return CheckpointPolicy.MUST_SAVE
    if operation in _PRODUCTS:
        left, right = values[_PRODUCTS[operation] :][:2]
        # The last product of a layer is needed by nothing in it, and torch stops recomputing before it.
        is_last = left.shape[1] == inner_size
        is_wide = right.shape[1] == inner_size
        if left.shape[1] >= least_inner and not is_last and (keeps_wide or not is_wide):
            return CheckpointPolicy.MUST_SAVE
    return CheckpointPolicy.PREFER_RECOMPUTE
