"""Kernels that begin before the one before them has ended: programmatic dependent launch, on Hopper and later.

A token is some two hundred short kernels in a row, and between two of them the memory stands still for a microsecond or
two: the last programs of one end, the first of the next begin and ask for their weights. A kernel that may begin early asks
for them meanwhile, for weights never change; it touches nothing else until ``gdc_wait`` has seen the one before it end.
Every kernel of the chain waits so, thus each comes after all before it.

Knows: where this can be done. Does not know: what kernels do with it.
"""

from __future__ import annotations

import functools

import torch
import triton.language as tl

_HOPPER = (9, 0)


@functools.cache
def can_overlap(device: torch.device) -> bool:
    """Whether kernels on this device can begin early."""
    if device.type != "cuda" or not hasattr(getattr(tl.extra, "cuda", None), "gdc_wait"):
        return False
    return torch.cuda.get_device_capability(device) >= _HOPPER


def launched(overlap: bool) -> dict[str, bool]:
    """Launch options of a kernel that may begin early, or may not."""
    return {"launch_pdl": True} if overlap else {}
