"""A CUDA graph's way to run work, on a processor.

A recording notes every operation with the tensors it read and wrote; a replay does the same operations on the very same
tensors and runs none of the Python around them. What a graph would not see (a tensor that has been replaced since, a
number that Python has read) a replay does not see either, so recorded code can be held to this without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

NUM_WARM = 2


class _Noting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Any, tuple[Any, ...], dict[str, Any], list[torch.Tensor]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.done.append((func, args, kwargs or {}, _tensors(out)))
        return out


def record(work: Callable[[], None], device: torch.device, *, use: str, recorded: bool) -> Callable[[], None]:
    """Takes the place of ``engine.graphs.record``: runs ``work`` as often as that does, and notes it the last time."""
    for _ in range(NUM_WARM):
        work()
    noting = _Noting()
    with noting:
        work()

    def replay() -> None:
        for func, args, kwargs, outs in noting.done:
            written = {tensor.untyped_storage().data_ptr() for tensor in _tensors((args, kwargs))}
            for old, new in zip(outs, _tensors(func(*args, **kwargs)), strict=True):
                if old.untyped_storage().data_ptr() not in written:  # no view, not written in place
                    old.copy_(new)

    return replay


def _tensors(values: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]
