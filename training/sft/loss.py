"""Cross-entropy over assistant tokens without ever holding all their logits.

A 7B model has 152,064 logits a token: a packed row's would be gigabytes. They are made a slice at a time, and made again
for the backward pass; or by liger-kernel's fused kernel where it is installed.

Knows the head and the labels. Knows nothing of how the hidden states came about.

Shape suffixes: N learnt tokens, D hidden, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor, distributed
from torch.distributed.tensor import DTensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from training.errors import RecipeError
from training.sft.conversation import IGNORED_LABEL
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

    Where processes hold parts of the head (ZeRO-3), each call of it gathers them: all processes make as many slices then,
    however many tokens each has to learn. Empty ones are of one token that counts nothing.

    Raises RecipeError where liger-kernel is asked for and not there, or the head is in parts.
    """
    if kind == "liger":
        loss = _liger(head, hidden_ND, labels_N)
        return loss, _num_correct(head, hidden_ND, labels_N, tokens_at_once)
    slices = list(zip(_slices(hidden_ND, tokens_at_once), _slices(labels_N, tokens_at_once), strict=True))
    # One at least, also for a row in which nothing is said: every process has gradients of everything, the head too.
    num_slices = max(1, len(slices))
    if _is_sharded(head):
        num_slices = _most_of_any_process(num_slices, hidden_ND.device)
    if num_slices > len(slices):
        # The sum keeps what is below the head in the graph where there is no token of its own.
        nothing = hidden_ND.new_zeros((1, hidden_ND.shape[1])) + hidden_ND.sum() * 0.0
        slices += [(nothing, labels_N.new_full((1,), IGNORED_LABEL))] * (num_slices - len(slices))
    parts = [_slice(head, hidden, labels) for hidden, labels in slices]
    return torch.stack([loss for loss, _ in parts]).sum(), torch.stack([right for _, right in parts]).sum()


def _is_sharded(head: Any) -> bool:
    """Whether this process holds only a part of the head between two calls: by ZeRO-3, or FSDP2 with the head by itself."""
    return isinstance(head.weight, DTensor) or hasattr(head.weight, "ds_id")


def _most_of_any_process(number: int, device: torch.device) -> int:
    most = torch.tensor(number, device=device)
    distributed.all_reduce(most, distributed.ReduceOp.MAX)
    return int(most)


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
    if _is_sharded(head):
        raise RecipeError(
            "loss='liger' reads the whole head, of which ZeRO-3 leaves a part here: take loss='chunked'."
        )
    loss: Tensor = LigerFusedLinearCrossEntropyLoss(reduction="sum")(head.weight, hidden_ND, labels_N)
    return loss
