"""Products of one row with a weight: what a decoded token spends nearly all its time on.

Such a product is as fast as its weight is read, so everything near it is done on the way: the norm before it (its
factor is one number, applied to the sums at the end), the gate behind it, the addition of what goes past it, and the
widening of weights kept in 8 or 4 bits.

Knows: these products and where their operands lie. Does not know: layers.

Shapes: E input size, O output size (of a gated product: half the weight's rows), R rows of a program.
"""

from __future__ import annotations

import dataclasses

import torch
import triton
import triton.language as tl

from engine.layers import Embedding, Linear, Projection
from engine.quantised import GROUP, QuantisedRows

_PLAIN, _ROWS, _GROUPS = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Tile:
    """How a product is cut up."""

    rows: int = 4
    columns: int = 1024
    num_warps: int = 4


@triton.jit
def _widen(w_ptr, scale_ptr, offset_ptr, rows, row_inside, columns, column_inside, width, shift,
           FORMAT: tl.constexpr, GROUP: tl.constexpr):  # fmt: skip
    # One tile (R, C) of weights in float32. ``columns`` counts stored columns; ``shift`` is 0, or E / 2 for the high
    # halves of packed bytes.
    inside = row_inside[:, None] & column_inside[None, :]
    at = rows.to(tl.int64)[:, None] * width + columns[None, :]
    codes = tl.load(w_ptr + at, mask=inside, other=0.0)
    if FORMAT == 2:
        nibbles = tl.where(shift > 0, codes >> 4, codes & 15).to(tl.float32)
        num_groups = 2 * width // GROUP
        group_at = rows.to(tl.int64)[:, None] * num_groups + ((columns + shift) // GROUP)[None, :]
        scale = tl.load(scale_ptr + group_at, mask=inside, other=0.0).to(tl.float32)
        offset = tl.load(offset_ptr + group_at, mask=inside, other=0.0).to(tl.float32)
        return nibbles * scale + offset
    return codes.to(tl.float32)


@triton.jit
def _one_row(
    x_ptr, norm_ptr, w_ptr, scale_ptr, offset_ptr, bias_ptr, add_ptr, out_ptr, num_in, num_out, eps,
    HAS_NORM: tl.constexpr, HAS_BIAS: tl.constexpr, HAS_ADD: tl.constexpr, GATED: tl.constexpr,
    FORMAT: tl.constexpr, GROUP: tl.constexpr, R: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * R + tl.arange(0, R)
    row_inside = rows < num_out
    first = tl.zeros([R, C], tl.float32)
    second = tl.zeros([R, C], tl.float32)
    squares = tl.zeros([C], tl.float32)
    num_halves: tl.constexpr = 2 if FORMAT == 2 else 1
    width = num_in // num_halves
    for start in range(0, width, C):
        columns = start + tl.arange(0, C)
        inside = columns < width
        for half in tl.static_range(num_halves):
            shift = half * width
            x = tl.load(x_ptr + columns + shift, mask=inside, other=0.0).to(tl.float32)
            if HAS_NORM:
                squares += x * x
                x *= tl.load(norm_ptr + columns + shift, mask=inside, other=0.0).to(tl.float32)
            first += x[None, :] * _widen(
                w_ptr, scale_ptr, offset_ptr, rows, row_inside, columns, inside, width, shift, FORMAT, GROUP
            )
            if GATED:
                second += x[None, :] * _widen(
                    w_ptr, scale_ptr, offset_ptr, rows + num_out, row_inside, columns, inside, width, shift,
                    FORMAT, GROUP,
                )  # fmt: skip
    total = tl.sum(first, 1)
    gated = tl.sum(second, 1)
    if HAS_NORM:
        factor = tl.rsqrt(tl.sum(squares, 0) / num_in + eps)
        total *= factor
        gated *= factor
    if FORMAT == 1:
        total *= tl.load(scale_ptr + rows, mask=row_inside, other=0.0)
        if GATED:
            gated *= tl.load(scale_ptr + num_out + rows, mask=row_inside, other=0.0)
    if HAS_BIAS:
        total += tl.load(bias_ptr + rows, mask=row_inside, other=0.0).to(tl.float32)
    if GATED:
        total = total / (1.0 + tl.exp(-total)) * gated
    if HAS_ADD:
        total += tl.load(add_ptr + rows, mask=row_inside, other=0.0).to(tl.float32)
    tl.store(out_ptr + rows, total.to(out_ptr.dtype.element_ty), mask=row_inside)


def multiply_row(
    x_1E: torch.Tensor,
    projection: Projection,
    *,
    norm: tuple[torch.Tensor, float] | None = None,
    residual_1O: torch.Tensor | None = None,
    gated: bool = False,
    tile: Tile | None = None,
) -> torch.Tensor:
    """``projection(norm(x))``, (1, O) in x's type; with what is asked for beside it.

    ``norm``: weight (E,) and epsilon of the norm before the product. ``residual_1O`` is added. ``gated``: the first
    half of the rows is a gate, the result ``silu(gate) * up``; it has no bias. Sums are float32.
    """
    codes, scale, offset, bias, kind = _operands(projection)
    assert not (gated and bias is not None), "a gated product has no bias"
    num_out = codes.shape[0] // 2 if gated else codes.shape[0]
    out_1O = x_1E.new_empty((1, num_out))
    tile = tile or default_tile(num_out, x_1E.shape[1], gated=gated)
    weight, eps = norm or (x_1E, 0.0)
    _one_row[(triton.cdiv(num_out, tile.rows),)](
        x_1E, weight, codes, x_1E if scale is None else scale, x_1E if offset is None else offset,
        x_1E if bias is None else bias, x_1E if residual_1O is None else residual_1O, out_1O,
        x_1E.shape[1], num_out, eps, HAS_NORM=norm is not None, HAS_BIAS=bias is not None,
        HAS_ADD=residual_1O is not None, GATED=gated, FORMAT=kind, GROUP=GROUP, R=tile.rows, C=tile.columns,
        num_warps=tile.num_warps,
    )  # fmt: skip
    return out_1O


def default_tile(num_out: int, num_in: int, *, gated: bool = False) -> Tile:
    """A tile for sizes that were not tuned: enough programs to fill a GPU, enough bytes in flight in each."""
    columns = min(1024, triton.next_power_of_2(num_in))
    rows = 8 if num_out >= 100_000 else 4 if num_out >= 16_384 or not gated else 2
    return Tile(rows=rows if num_out >= 8192 else 2, columns=columns, num_warps=4)


def candidate_tiles(num_in: int) -> list[Tile]:
    """Tiles worth timing."""
    shapes = (
        (1, 2048, 4),
        (2, 1024, 4),
        (2, 2048, 4),
        (4, 512, 4),
        (4, 1024, 4),
        (8, 512, 4),
        (8, 1024, 8),
        (16, 512, 8),
    )
    widest = triton.next_power_of_2(num_in)
    return [Tile(rows, columns, warps) for rows, columns, warps in shapes if columns <= widest]


def _operands(
    projection: Projection,
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None, torch.Tensor | None, int]:
    """Codes, scale, offset, bias and format."""
    if isinstance(projection, QuantisedRows):
        kind = _GROUPS if projection.format == "int4" else _ROWS
        return projection.codes, projection.scale, projection.offset, projection.bias, kind
    assert isinstance(projection, Linear | Embedding), "a projection of another kind"
    return projection.weight, None, None, getattr(projection, "bias", None), _PLAIN
