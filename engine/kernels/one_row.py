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

from engine.kernels.overlap import launched
from engine.layers import Embedding, Linear, Projection
from engine.quantised import GROUP, QuantisedRows


@dataclasses.dataclass(frozen=True)
class Tile:
    """How a product is cut up."""

    rows: int = 4
    columns: int = 1024
    num_warps: int = 4


@triton.jit
def _finish(total, gated, squares, rows, row_inside, bias_ptr, add_ptr, out_ptr, num_in, eps,
            HAS_NORM: tl.constexpr, HAS_BIAS: tl.constexpr, HAS_ADD: tl.constexpr, GATED: tl.constexpr):  # fmt: skip
    # What comes after the sums of R rows: the norm's factor, the bias, the gate, what is added; then the store.
    if HAS_NORM:
        factor = tl.rsqrt(tl.sum(squares, 0) / num_in + eps)
        total *= factor
        gated *= factor
    if HAS_BIAS:
        total += tl.load(bias_ptr + rows, mask=row_inside, other=0.0).to(tl.float32)
    if GATED:
        total = total / (1.0 + tl.exp(-total)) * gated
    if HAS_ADD:
        total += tl.load(add_ptr + rows, mask=row_inside, other=0.0).to(tl.float32)
    tl.store(out_ptr + rows, total.to(out_ptr.dtype.element_ty), mask=row_inside)


@triton.jit
def _eights(products):
    # Sums of the 8 neighbours that a thread has, (R, C / 8). To keep all C took registers: half as many programs ran at
    # once, with half as many weights on their way.
    return tl.sum(tl.reshape(products, [products.shape[0], products.shape[1] // 8, 8]), 2)


@triton.jit
def _add_columns(first, second, squares, w, up, x_ptr, norm_ptr, columns, inside,
                 HAS_NORM: tl.constexpr, GATED: tl.constexpr):  # fmt: skip
    # The sums with C more columns of the weights in them. Weights come 8 to a thread, as x does: with 16 of 8 bits to a
    # thread, x had to change threads through shared memory in every round, and all warps waited for it twice.
    x = tl.load(x_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    if HAS_NORM:
        squares += x * x
        x *= tl.load(norm_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    first += _eights(x[None, :] * w.to(tl.float32))
    if GATED:
        second += _eights(x[None, :] * up.to(tl.float32))
    return first, second, squares


@triton.jit
def _one_row(
    x_ptr, norm_ptr, w_ptr, scale_ptr, bias_ptr, add_ptr, out_ptr, num_in, num_out, eps,
    HAS_NORM: tl.constexpr, HAS_BIAS: tl.constexpr, HAS_ADD: tl.constexpr, GATED: tl.constexpr,
    SCALED: tl.constexpr, OVERLAP: tl.constexpr, R: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * R + tl.arange(0, R)
    row_inside = rows < num_out
    first = tl.zeros([R, C // 8], tl.float32)
    second = tl.zeros([R, C // 8], tl.float32)
    squares = tl.zeros([C], tl.float32)
    row_at = rows.to(tl.int64)[:, None] * num_in
    up_at = (rows + num_out).to(tl.int64)[:, None] * num_in
    if OVERLAP:
        # Weights alone are read before the kernel before this one has ended.
        tl.extra.cuda.gdc_launch_dependents()
        columns = tl.arange(0, C)
        inside = columns < num_in
        both = row_inside[:, None] & inside[None, :]
        w = tl.load(w_ptr + row_at + tl.max_contiguous(columns, 8)[None, :], mask=both, other=0.0)
        up = w
        if GATED:
            up = tl.load(w_ptr + up_at + tl.max_contiguous(columns, 8)[None, :], mask=both, other=0.0)
        tl.extra.cuda.gdc_wait()
        first, second, squares = _add_columns(
            first, second, squares, w, up, x_ptr, norm_ptr, columns, inside, HAS_NORM, GATED
        )
    for start in range(C if OVERLAP else 0, num_in, C):
        columns = start + tl.arange(0, C)
        inside = columns < num_in
        both = row_inside[:, None] & inside[None, :]
        w = tl.load(w_ptr + row_at + tl.max_contiguous(columns, 8)[None, :], mask=both, other=0.0)
        up = w
        if GATED:
            up = tl.load(w_ptr + up_at + tl.max_contiguous(columns, 8)[None, :], mask=both, other=0.0)
        first, second, squares = _add_columns(
            first, second, squares, w, up, x_ptr, norm_ptr, columns, inside, HAS_NORM, GATED
        )
    total = tl.sum(first, 1)
    gated = tl.sum(second, 1)
    if SCALED:
        total *= tl.load(scale_ptr + rows, mask=row_inside, other=0.0)
        if GATED:
            gated *= tl.load(scale_ptr + num_out + rows, mask=row_inside, other=0.0)
    _finish(total, gated, squares, rows, row_inside, bias_ptr, add_ptr, out_ptr, num_in, eps, HAS_NORM, HAS_BIAS,
            HAS_ADD, GATED)  # fmt: skip


@triton.jit
def _group_sums(nibbles, x, sum_x, scale_ptr, offset_ptr, at, inside,
                GROUP: tl.constexpr, R: tl.constexpr, C: tl.constexpr):  # fmt: skip
    # Sums of (nibble * scale + offset) * x by group, (R, C / GROUP): scale and offset are applied once a group.
    products = tl.reshape(nibbles.to(tl.float32) * x[None, :], [R, C // GROUP, GROUP])
    scale = tl.load(scale_ptr + at, mask=inside, other=0.0).to(tl.float32)
    offset = tl.load(offset_ptr + at, mask=inside, other=0.0).to(tl.float32)
    return tl.sum(products, 2) * scale + sum_x[None, :] * offset


@triton.jit
def _one_row_groups(
    x_ptr, norm_ptr, w_ptr, scale_ptr, offset_ptr, bias_ptr, add_ptr, out_ptr, num_in, num_out, eps,
    HAS_NORM: tl.constexpr, HAS_BIAS: tl.constexpr, HAS_ADD: tl.constexpr, GATED: tl.constexpr,
    GROUP: tl.constexpr, OVERLAP: tl.constexpr, R: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    if OVERLAP:
        tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()
    rows = tl.program_id(0) * R + tl.arange(0, R)
    row_inside = rows < num_out
    first = tl.zeros([R, C // GROUP], tl.float32)
    second = tl.zeros([R, C // GROUP], tl.float32)
    squares = tl.zeros([C], tl.float32)
    width = num_in // 2
    num_groups = num_in // GROUP
    row_at = rows.to(tl.int64)[:, None]
    up_at = (rows + num_out).to(tl.int64)[:, None]
    for start in range(0, width, C):
        columns = start + tl.arange(0, C)
        inside = columns < width
        groups = start // GROUP + tl.arange(0, C // GROUP)
        group_inside = row_inside[:, None] & (groups < width // GROUP)[None, :]
        both = row_inside[:, None] & inside[None, :]
        codes = tl.load(w_ptr + row_at * width + columns[None, :], mask=both, other=0)
        if GATED:
            up_codes = tl.load(w_ptr + up_at * width + columns[None, :], mask=both, other=0)
        for half in tl.static_range(2):
            x = tl.load(x_ptr + half * width + columns, mask=inside, other=0.0).to(tl.float32)
            if HAS_NORM:
                squares += x * x
                x *= tl.load(norm_ptr + half * width + columns, mask=inside, other=0.0).to(tl.float32)
            sum_x = tl.sum(tl.reshape(x, [C // GROUP, GROUP]), 1)
            at = half * (width // GROUP) + groups[None, :]
            nibbles = (codes >> (4 * half)) & 15
            first += _group_sums(
                nibbles, x, sum_x, scale_ptr, offset_ptr, row_at * num_groups + at, group_inside, GROUP, R, C
            )
            if GATED:
                up_nibbles = (up_codes >> (4 * half)) & 15
                second += _group_sums(
                    up_nibbles,
                    x,
                    sum_x,
                    scale_ptr,
                    offset_ptr,
                    up_at * num_groups + at,
                    group_inside,
                    GROUP,
                    R,
                    C,
                )
    _finish(tl.sum(first, 1), tl.sum(second, 1), squares, rows, row_inside, bias_ptr, add_ptr, out_ptr, num_in, eps,
            HAS_NORM, HAS_BIAS, HAS_ADD, GATED)  # fmt: skip


def multiply_row(
    x_1E: torch.Tensor,
    projection: Projection,
    *,
    norm: tuple[torch.Tensor, float] | None = None,
    residual_1O: torch.Tensor | None = None,
    gated: bool = False,
    tile: Tile | None = None,
    overlap: bool = False,
) -> torch.Tensor:
    """``projection(norm(x))``, (1, O) in x's type; with what is asked for beside it.

    ``norm``: weight (E,) and epsilon of the norm before the product. ``residual_1O`` is added. ``gated``: the first
    half of the rows is a gate, the result ``silu(gate) * up``; it has no bias. Sums are float32. ``overlap``: it may
    begin before the kernel before it has ended (``engine/kernels/overlap.py``); that one must not write the weights.
    """
    codes, scale, offset, bias = _operands(projection)
    assert not (gated and bias is not None), "a gated product has no bias"
    num_in, num_out = x_1E.shape[1], codes.shape[0] // 2 if gated else codes.shape[0]
    out_1O = x_1E.new_empty((1, num_out))
    tile = tile or default_tile(num_out, num_in, in_8_bits=scale is not None and offset is None)
    weight, eps = norm or (x_1E, 0.0)
    kept = (x_1E if bias is None else bias, x_1E if residual_1O is None else residual_1O, out_1O)
    which = {
        "HAS_NORM": norm is not None,
        "HAS_BIAS": bias is not None,
        "HAS_ADD": residual_1O is not None,
        "GATED": gated,
        "R": tile.rows,
        "C": tile.columns,
        "OVERLAP": overlap,
        "num_warps": tile.num_warps,
        **launched(overlap),
    }
    grid = (triton.cdiv(num_out, tile.rows),)
    if offset is not None:
        _one_row_groups[grid](
            x_1E, weight, codes, scale, offset, *kept, num_in, num_out, eps, GROUP=GROUP, **which
        )  # fmt: skip
    else:
        scaled = scale is not None
        _one_row[grid](
            x_1E, weight, codes, scale if scaled else x_1E, *kept, num_in, num_out, eps, SCALED=scaled, **which
        )  # fmt: skip
    return out_1O


def default_tile(num_out: int, num_in: int, *, in_8_bits: bool = False) -> Tile:
    """A tile for sizes that were not tuned: enough programs to fill a GPU, enough bytes in flight in each.

    Of weights in 8 bits a thread's share of a round is half as many bytes, so that wider or smaller programs do better;
    which, was found by tuning 7B's products on an H200.
    """
    widest = triton.next_power_of_2(num_in)
    if in_8_bits and num_out >= 8192:
        return Tile(rows=4, columns=min(512, widest), num_warps=2)
    columns = 2048 if in_8_bits and num_in <= 8192 else 1024
    return Tile(rows=4 if num_out >= 8192 else 2, columns=min(columns, widest), num_warps=4)


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
        (8, 1024, 4),
        (4, 2048, 8),
        (16, 512, 8),
        (16, 1024, 8),
        (2, 512, 2),
        (4, 512, 2),
        (1, 4096, 4),
        (2, 4096, 8),
    )
    widest = triton.next_power_of_2(num_in)
    return [Tile(rows, columns, warps) for rows, columns, warps in shapes if columns <= widest]


def _operands(
    projection: Projection,
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
    """Codes, scale, offset and bias."""
    if isinstance(projection, QuantisedRows):
        return projection.codes, projection.scale, projection.offset, projection.bias
    assert isinstance(projection, Linear | Embedding), "a projection of another kind"
    return projection.weight, None, None, getattr(projection, "bias", None)
