"""Activations of many tokens to fp8, in one pass: PyTorch makes four of it, which take longer than fp8 products save.

Knows: e4m3 with a scale a row. Does not know: products, or how weights were rounded.

Shapes: N tokens, E input size.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

_WIDEST = 32_768


@triton.jit
def _round_rows(x_ptr, codes_ptr, scale_ptr, num_in, largest, C: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, C)
    inside = columns < num_in
    x = tl.load(x_ptr + token * num_in + columns, mask=inside, other=0.0).to(tl.float32)
    scale = tl.maximum(tl.div_rn(tl.max(tl.abs(x), 0), largest), 1e-12)
    tl.store(scale_ptr + token, scale)
    codes = tl.div_rn(x, scale).to(codes_ptr.dtype.element_ty)
    tl.store(codes_ptr + token * num_in + columns, codes, mask=inside)


def fits(num_in: int) -> bool:
    """Whether a row is held by one program."""
    return num_in <= _WIDEST


def round_rows(x_NE: torch.Tensor, largest: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes (N, E) in e4m3 and their scale (N, 1), so that each row's largest is ``largest``; x is contiguous."""
    num_tokens, num_in = x_NE.shape
    codes_NE = torch.empty((num_tokens, num_in), dtype=torch.float8_e4m3fn, device=x_NE.device)
    scale_N1 = torch.empty((num_tokens, 1), dtype=torch.float32, device=x_NE.device)
    columns = triton.next_power_of_2(num_in)
    _round_rows[(num_tokens,)](
        x_NE, codes_NE, scale_N1, num_in, largest, C=columns, num_warps=max(1, min(16, columns // 1024))
    )  # fmt: skip
    return codes_NE, scale_N1
