"""Cross-entropy over assistant tokens without ever holding all their logits.

A 7B model has 152,064 logits a token: a packed row's would be gigabytes. They are made a slice at a time, and made again
for the backward pass; or by liger-kernel's fused kernel where it is installed.

Knows the head and the labels. Knows nothing of how the hidden states came about.

Shape suffixes: N learnt tokens, D hidden, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from training.errors import RecipeError
from training.sft.settings import LossKind

TOKENS_AT_ONCE = 1024


def token_loss(
    head: Any,
    hidden_ND: Tensor,
    labels_N: Tensor,
    *,
    kind: LossKind = "chunked",
    tokens_at_once: int = TOKENS_AT_ONCE,
) -> tuple[Tensor, Tensor]:
    """Sum of the losses of all tokens, and how many of them the model has right.

    Args:
        head: the module that makes logits.
        hidden_ND, labels_N: the learnt tokens only, already aligned.
        kind: how the sum is made; "liger" needs a GPU and liger-kernel.

    Raises RecipeError where liger-kernel is asked for and not there.
    """
    if kind == "liger":
        loss = _liger(head, hidden_ND, labels_N)
        return loss, _num_correct(head, hidden_ND, labels_N, tokens_at_once)
    parts = [
        _slice(head, hidden, labels)
        for hidden, labels in zip(
            _slices(hidden_ND, tokens_at_once), _slices(labels_N, tokens_at_once), strict=True
        )
    ]
    if (
        not parts
    ):  # a row in which nothing is said: still part of the graph, so that every process has gradients
        return hidden_ND.sum() * 0.0, labels_N.new_zeros(())
    return torch.stack([loss for loss, _ in parts]).sum(), torch.stack([right for _, right in parts]).sum()


def _slices(rows: Any, size: int) -> tuple[Tensor, ...]:
    # torch's type stubs leave `split` untyped.
    parts: tuple[Tensor, ...] = rows.split(size) if len(rows) else ()
    return parts


def _slice(head: Any, hidden_ND: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    def run(hidden: Tensor) -> tuple[Tensor, Tensor]:
        logits_NV = head(hidden).float()
        return cross_entropy(logits_NV, labels_N, reduction="sum"), (logits_NV.argmax(-1) == labels_N).sum()

    if not torch.is_grad_enabled():
        return run(hidden_ND)
    result: tuple[Tensor, Tensor] = checkpoint(run, hidden_ND, use_reentrant=False)
    return result


def _num_correct(head: Any, hidden_ND: Tensor, labels_N: Tensor, tokens_at_once: int) -> Tensor:
    with torch.no_grad():
        right = [
            (head(hidden).argmax(-1) == labels).sum()
            for hidden, labels in zip(
                _slices(hidden_ND, tokens_at_once), _slices(labels_N, tokens_at_once), strict=True
            )
        ]
    return torch.stack(right).sum() if right else labels_N.new_zeros(())


def _liger(head: Any, hidden_ND: Tensor, labels_N: Tensor) -> Tensor:
    try:
        from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss
    except ImportError as error:
        raise RecipeError(
            "loss='liger' needs liger-kernel and a GPU: pip install -c constraints.txt -e '.[liger]', or take "
            "loss='chunked'."
        ) from error
    loss: Tensor = LigerFusedLinearCrossEntropyLoss(reduction="sum")(head.weight, hidden_ND, labels_N)
    return loss
