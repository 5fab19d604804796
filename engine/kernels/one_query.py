"""Attention of one query over a long cache, split over the keys (Flash-Decoding, after arXiv 2205.14135).

A layer of the 7B model has 4 key/value heads: one program a head would leave nearly all of a GPU idle. So each
head's keys are dealt out to many programs; each keeps its largest score, its sum and its weighted values, and a
second kernel joins them. How many places are filled is read from device memory, so one recording serves every
length. All queries of a group share a program: keys and values are read once.

Knows: this one product. Does not know: the cache, layers, rotations.

Shapes: K key/value heads, G queries that share one, H = K * G, C places of storage, D head size, S splits.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from engine.kernels.overlap import launched

_LOG2_E = 1.4426950408889634
_MIN_ROWS = 16  # the smallest tile that the matrix units take


@triton.jit
def _attend_part(
    q_ptr, k_ptr, v_ptr, place_ptr, part_ptr, lse_ptr, scale, head_stride,
    G: tl.constexpr, ROWS: tl.constexpr, D: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr,
    OVERLAP: tl.constexpr,
):  # fmt: skip
    if OVERLAP:
        tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()
    head = tl.program_id(0)
    split = tl.program_id(1)
    length = tl.load(place_ptr).to(tl.int32) + 1
    share = tl.cdiv(tl.cdiv(length, SPLITS), BLOCK) * BLOCK
    first = split * share
    last = tl.minimum(first + share, length)
    rows = tl.arange(0, ROWS)
    columns = tl.arange(0, D)
    q_at = (head * G + rows)[:, None] * D + columns[None, :]
    q = tl.load(q_ptr + q_at, mask=rows[:, None] < G, other=0.0)
    largest = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    mixed = tl.zeros([ROWS, D], tl.float32)
    start_of_head = head.to(tl.int64) * head_stride
    for start in range(first, last, BLOCK):
        places = start + tl.arange(0, BLOCK)
        inside = places < last
        at = start_of_head + places[:, None] * D + columns[None, :]
        k = tl.load(k_ptr + at, mask=inside[:, None], other=0.0)
        v = tl.load(v_ptr + at, mask=inside[:, None], other=0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        scores = tl.where(inside[None, :], scores, float("-inf"))
        now_largest = tl.maximum(largest, tl.max(scores, 1))
        shrink = tl.exp2(largest - now_largest)
        p = tl.exp2(scores - now_largest[:, None])
        total = total * shrink + tl.sum(p, 1)
        mixed = mixed * shrink[:, None] + tl.dot(p.to(v.dtype), v, input_precision="ieee")
        largest = now_largest
    empty = total == 0.0
    total = tl.where(empty, 1.0, total)
    part_at = ((head * G + rows) * SPLITS + split)[:, None] * D + columns[None, :]
    tl.store(part_ptr + part_at, mixed / total[:, None], mask=rows[:, None] < G)
    lse = tl.where(empty, float("-inf"), largest + tl.log2(total))
    tl.store(lse_ptr + (head * G + rows) * SPLITS + split, lse, mask=rows < G)


@triton.jit
def _join_parts(part_ptr, lse_ptr, out_ptr, D: tl.constexpr, SPLITS: tl.constexpr, OVERLAP: tl.constexpr):
    if OVERLAP:
        tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()
    head = tl.program_id(0)
    splits = tl.arange(0, SPLITS)
    columns = tl.arange(0, D)
    lse = tl.load(lse_ptr + head * SPLITS + splits)
    weight = tl.exp2(lse - tl.max(lse, 0))
    weight = weight / tl.sum(weight, 0)
    part = tl.load(part_ptr + (head * SPLITS + splits)[:, None] * D + columns[None, :])
    out = tl.sum(part * weight[:, None], 0)
    tl.store(out_ptr + head * D + columns, out.to(out_ptr.dtype.element_ty))


def attend_one_query(
    q_HD: torch.Tensor,
    k_KCD: torch.Tensor,
    v_KCD: torch.Tensor,
    place_1: torch.Tensor,
    out_HD: torch.Tensor,
    *,
    num_splits: int = 64,
    block: int = 64,
    num_warps: int = 4,
    num_stages: int = 3,
    overlap: bool = False,
) -> None:
    """Attention of contiguous ``q_HD`` over the first ``place_1 + 1`` places, into ``out_HD``.

    ``k_KCD`` and ``v_KCD`` are one layer's storage: heads equally far apart, places contiguous. D and
    ``num_splits`` must be powers of two. Head h reads key/value head h // G. ``overlap`` as ``multiply_row`` has it.
    """
    num_heads, head_dim = q_HD.shape
    num_kv_heads = k_KCD.shape[0]
    num_groups = num_heads // num_kv_heads
    part = torch.empty((num_heads, num_splits, head_dim), dtype=torch.float32, device=q_HD.device)
    lse = torch.empty((num_heads, num_splits), dtype=torch.float32, device=q_HD.device)
    _attend_part[(num_kv_heads, num_splits)](
        q_HD, k_KCD, v_KCD, place_1, part, lse, head_dim**-0.5 * _LOG2_E, k_KCD.stride(0),
        G=num_groups, ROWS=max(_MIN_ROWS, triton.next_power_of_2(num_groups)), D=head_dim, BLOCK=block,
        SPLITS=num_splits, OVERLAP=overlap, num_warps=num_warps, num_stages=num_stages, **launched(overlap),
    )  # fmt: skip
    _join_parts[(num_heads,)](
        part, lse, out_HD, D=head_dim, SPLITS=num_splits, OVERLAP=overlap, num_warps=num_warps, **launched(overlap)
    )  # fmt: skip
