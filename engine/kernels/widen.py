"""Weights of 8 and 4 bits back to the model's type, in one pass: for products of many rows by the library.

Knows: the two layouts of ``engine/quantised.py``. Does not know: products.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

_BLOCK = 1024


@triton.jit
def _widen_rows(codes_ptr, scale_ptr, out_ptr, size, C: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * C + tl.arange(0, C)
    inside = columns < size
    codes = tl.load(codes_ptr + row * size + columns, mask=inside, other=0.0).to(tl.float32)
    out = codes * tl.load(scale_ptr + row)
    tl.store(out_ptr + row * size + columns, out.to(out_ptr.dtype.element_ty), mask=inside)


@triton.jit
def _widen_groups(codes_ptr, scale_ptr, offset_ptr, out_ptr, size, GROUP: tl.constexpr, C: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    width = size // 2
    columns = tl.program_id(1) * C + tl.arange(0, C)
    inside = columns < width
    codes = tl.load(codes_ptr + row * width + columns, mask=inside, other=0)
    for half in tl.static_range(2):
        group = row * (size // GROUP) + (half * width + columns) // GROUP
        scale = tl.load(scale_ptr + group, mask=inside, other=0.0).to(tl.float32)
        offset = tl.load(offset_ptr + group, mask=inside, other=0.0).to(tl.float32)
        out = ((codes >> (4 * half)) & 15).to(tl.float32) * scale + offset
        at = row * size + half * width + columns
        tl.store(out_ptr + at, out.to(out_ptr.dtype.element_ty), mask=inside)


def widen(
    codes: torch.Tensor, scale: torch.Tensor, offset: torch.Tensor | None, size: int, dtype: torch.dtype
) -> torch.Tensor:
    """All rows (O, E) in ``dtype``; with an offset the codes are packed four-bit ones."""
    num_rows = codes.shape[0]
    out = torch.empty((num_rows, size), dtype=dtype, device=codes.device)
    grid = (num_rows, triton.cdiv(codes.shape[1], _BLOCK))
    if offset is None:
        _widen_rows[grid](codes, scale, out, size, C=_BLOCK)
    else:
        _widen_groups[grid](codes, scale, offset, out, size, GROUP=size // scale.shape[1], C=_BLOCK)
    return out
