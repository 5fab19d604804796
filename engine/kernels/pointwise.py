"""What is done to every value by itself: rotations, gates, and putting a token into the cache.

Each is one pass over memory; PyTorch would make three to five of it. The arithmetic is that of the reference
functions in ``engine/rotary.py`` and ``engine/layers.py``: in float32, rounded once at the end.

Knows: these passes. Does not know: layers, positions, what stays in the cache.

Shapes: N tokens, H heads, D head size, A layers, K key/value heads, L filled places, I inner size.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from engine.kernels.overlap import launched
from engine.rotary import RotaryTable

_BLOCK = 1024


@triton.jit
def _rotate(
    x_ptr, out_ptr, cos_ptr, sin_ptr, x_stride_n, x_stride_h, out_stride_n, out_stride_h, num_tokens,
    D: tl.constexpr, COLUMNS: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(1).to(tl.int64)
    tokens = tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)
    columns = tl.arange(0, COLUMNS)
    inside = (tokens[:, None] < num_tokens) & (columns[None, :] < D)
    other_columns = tl.where(columns < D // 2, columns + D // 2, columns - D // 2)
    tokens = tokens.to(tl.int64)
    row = x_ptr + head * x_stride_h + tokens[:, None] * x_stride_n
    x = tl.load(row + columns[None, :], mask=inside, other=0.0).to(tl.float32)
    other = tl.load(row + other_columns[None, :], mask=inside, other=0.0).to(tl.float32)
    cos = tl.load(cos_ptr + tokens[:, None] * D + columns[None, :], mask=inside, other=0.0)
    sin = tl.load(sin_ptr + tokens[:, None] * D + columns[None, :], mask=inside, other=0.0)
    out = x * cos + other * sin
    at = head * out_stride_h + tokens[:, None] * out_stride_n + columns[None, :]
    tl.store(out_ptr + at, out.to(out_ptr.dtype.element_ty), mask=inside)


def rotate_strided(
    x_NHD: torch.Tensor, out_NHD: torch.Tensor, table: RotaryTable, *, num_tokens_a_program: int = 16
) -> None:
    """Rotate ``x_NHD`` into ``out_NHD``; tokens and heads may lie any distance apart."""
    num_tokens, num_heads, head_dim = x_NHD.shape
    if num_tokens == 0:
        return
    _rotate[(triton.cdiv(num_tokens, num_tokens_a_program), num_heads)](
        x_NHD, out_NHD, table.cos, table.sin, x_NHD.stride(0), x_NHD.stride(1), out_NHD.stride(0),
        out_NHD.stride(1), num_tokens, D=head_dim, COLUMNS=triton.next_power_of_2(head_dim),
        TOKENS=num_tokens_a_program,
    )  # fmt: skip


def rotate_cache(out_AKLD: torch.Tensor, x_AKLD: torch.Tensor, table: RotaryTable) -> None:
    """Rotate the filled places of every layer at once: views of contiguous storage, cut at L places."""
    num_layers, num_kv_heads, length, head_dim = x_AKLD.shape
    shape = (length, num_layers * num_kv_heads, head_dim)
    strides = (head_dim, x_AKLD.stride(1), 1)
    rotate_strided(x_AKLD.as_strided(shape, strides), out_AKLD.as_strided(shape, strides), table)


@triton.jit
def _gate(x_ptr, out_ptr, inner, BLOCK: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < inner
    gate = tl.load(x_ptr + token * 2 * inner + columns, mask=inside, other=0.0)
    up = tl.load(x_ptr + token * 2 * inner + inner + columns, mask=inside, other=0.0)
    gate_wide = gate.to(tl.float32)
    out = (gate_wide / (1.0 + tl.exp(-gate_wide))).to(gate.dtype).to(tl.float32) * up.to(tl.float32)
    tl.store(out_ptr + token * inner + columns, out.to(out_ptr.dtype.element_ty), mask=inside)


def silu_and_multiply(gate_up_N2I: torch.Tensor) -> torch.Tensor:
    """``silu(gate) * up`` of contiguous rows whose first half is the gate. Returns (N, I)."""
    num_tokens, inner = gate_up_N2I.shape[0], gate_up_N2I.shape[1] // 2
    out_NI = gate_up_N2I.new_empty((num_tokens, inner))
    _gate[(num_tokens, triton.cdiv(inner, _BLOCK))](gate_up_N2I, out_NI, inner, BLOCK=_BLOCK)
    return out_NI


@triton.jit
def _append(
    qkv_ptr, cos_ptr, sin_ptr, place_ptr, q_ptr, keys_ptr, rotated_ptr, values_ptr, head_stride,
    NUM_HEADS: tl.constexpr, NUM_KV_HEADS: tl.constexpr, D: tl.constexpr, OVERLAP: tl.constexpr,
):  # fmt: skip
    if OVERLAP:
        tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()
    head = tl.program_id(0)
    columns = tl.arange(0, D)
    other_columns = tl.where(columns < D // 2, columns + D // 2, columns - D // 2)
    x = tl.load(qkv_ptr + head * D + columns)
    other = tl.load(qkv_ptr + head * D + other_columns).to(tl.float32)
    turned = x.to(tl.float32) * tl.load(cos_ptr + columns) + other * tl.load(sin_ptr + columns)
    if head < NUM_HEADS:
        tl.store(q_ptr + head * D + columns, turned.to(q_ptr.dtype.element_ty))
    else:
        kv_head = head - NUM_HEADS
        at = kv_head.to(tl.int64) * head_stride + tl.load(place_ptr) * D + columns
        tl.store(keys_ptr + at, x)
        tl.store(rotated_ptr + at, turned.to(rotated_ptr.dtype.element_ty))
        value = tl.load(qkv_ptr + (head + NUM_KV_HEADS) * D + columns)
        tl.store(values_ptr + at, value)


def append_token(
    qkv_1O: torch.Tensor,
    table: RotaryTable,
    place_1: torch.Tensor,
    stores: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    q_HD: torch.Tensor,
    *,
    overlap: bool = False,
) -> None:
    """Rotate one token's queries into ``q_HD``, and put its key, rotated key and value at ``place_1``.

    ``table`` is the token's own, (1, D). ``stores`` are one layer's unrotated keys, rotated keys and values,
    (K, C, D) each, all equally strided. ``overlap`` as ``multiply_row`` has it.
    """
    num_heads, head_dim = q_HD.shape
    num_kv_heads = stores[0].shape[0]
    _append[(num_heads + num_kv_heads,)](
        qkv_1O, table.cos, table.sin, place_1, q_HD, *stores, stores[0].stride(0),
        NUM_HEADS=num_heads, NUM_KV_HEADS=num_kv_heads, D=head_dim, OVERLAP=overlap, num_warps=1, **launched(overlap),
    )  # fmt: skip
