"""Chunks of different lengths in one row, each attending to itself only.

A packed row has no padding between chunks, and attention is given where they begin (variable-length attention). On a GPU
that is torch's FlashAttention with sequence starts. Elsewhere, or where chunks are so long that one fills a GPU, every
chunk is attended to by itself: the same sums, chunk by chunk, and on a Hopper GPU by cuDNN's faster kernel.

Knows attention over a packed row. Knows nothing of what is in it.

Shape suffixes: H query heads, G key heads, L tokens of the row, K head size, C chunks.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import pad, scaled_dot_product_attention

from training.sft.settings import AttentionKind

PACKED = "ringside_packed"
"""Name of this attention among those of transformers."""
LONG_CHUNK_TOKENS = 4096
"""From this mean length on, chunk by chunk costs a GPU nothing."""
LENGTH_STEP, LONG_LENGTH_STEP = 64, 256
_FASTEST_FIRST = [
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
]


def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    chunk_starts: Tensor | None = None,
    chunk_lengths: tuple[int, ...] | None = None,
    attention_kind: AttentionKind = "auto",
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention inside each chunk of one row, in the form that transformers calls.

    Without chunks it is transformers' own attention ("sdpa").

    Args:
        query, key, value: (1, H or G, L, K).
        chunk_starts: (C + 1) int32, where chunks begin, and the end of the row.
        chunk_lengths: the same as plain numbers, so that no GPU has to be asked.
        attention_kind: see `SftSettings.attention`.

    Returns (1, L, H, K) and None.
    """
    if chunk_starts is None or chunk_lengths is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **kwargs
        )
        return result
    mixed: Tensor = _attend(
        query, key, value, chunk_starts, chunk_lengths, attention_kind, kwargs.get("scaling")
    )
    return mixed, None


def _mixed(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    starts: Tensor,
    lengths: tuple[int, ...],
    kind: AttentionKind,
    scale: float | None,
) -> Tensor:
    if query.is_cuda:
        # Rows of float32 values under autocast: what torch's own attention is cast to, too.
        if torch.is_autocast_enabled("cuda"):
            query, key, value = (x.to(torch.get_autocast_dtype("cuda")) for x in (query, key, value))
        is_half = query.dtype in (torch.bfloat16, torch.float16)
        is_long = sum(lengths) >= LONG_CHUNK_TOKENS * sum(length >= 64 for length in lengths)
        if kind == "varlen" or (kind == "auto" and not is_long):
            if is_half and _VARLEN is not None:
                return _varlen(query, key, value, starts, max(lengths), scale)[None]
        elif is_half:
            with sdpa_kernel(_FASTEST_FIRST, set_priority=True):
                return chunk_by_chunk(query, key, value, lengths, scale, rounds_up=True)
    return chunk_by_chunk(query, key, value, lengths, scale)


# Where chunks begin differs from row to row: compiled, it would be compiled again for each.
_compiler: Any = torch.compiler  # untyped in torch
_attend: Any = _compiler.disable(_mixed)


def chunk_by_chunk(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: tuple[int, ...],
    scale: float | None,
    *,
    rounds_up: bool = False,
) -> Tensor:
    """(1, L, H, K): every chunk attended to by itself.

    Args:
        rounds_up: bring lengths to `LENGTH_STEP`, or a large chunk's to `LONG_LENGTH_STEP`: cuDNN plans anew for each length
            that it has not seen, and chunks rarely have the same.
    """
    # torch's type stubs leave `split` untyped.
    parts: Any = (query, key, value)
    mixed = []
    for q_HLK, k_GLK, v_GLK in zip(*(part.split(lengths, dim=2) for part in parts), strict=True):
        length = q_HLK.shape[2]
        step = LONG_LENGTH_STEP if length >= LONG_CHUNK_TOKENS else LENGTH_STEP
        # What is put at the end is seen by nothing before it.
        added = (0, 0, 0, -length % step if rounds_up else 0)
        q_HLK, k_GLK, v_GLK = (pad(x, added) for x in (q_HLK, k_GLK, v_GLK))
        whole = scaled_dot_product_attention(
            q_HLK, k_GLK, v_GLK, is_causal=True, scale=scale, enable_gqa=True
        )
        mixed.append(whole[:, :, :length])
    return torch.cat(mixed, dim=2).transpose(1, 2).contiguous()


def register() -> None:
    """Make the attention known to transformers by its name."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(PACKED, packed_attention)
    # Whoever calls the model itself, with padding or a cache, goes on getting the masks of "sdpa".
    AttentionMaskInterface.register(PACKED, sdpa_mask)


def _find_varlen() -> Callable[..., Any] | None:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:  # before torch 2.10
        return None
    found: Callable[..., Any] = varlen_attn
    return found


_VARLEN = _find_varlen()
_VARLEN_NAMES = frozenset(inspect.signature(_VARLEN).parameters) if _VARLEN is not None else frozenset()


def _varlen(
    query: Tensor, key: Tensor, value: Tensor, starts: Tensor, longest: int, scale: float | None
) -> Tensor:
    q_LHK, k_LGK, v_LGK = (x.squeeze(0).transpose(0, 1).contiguous() for x in (query, key, value))
    options: dict[str, Any] = {"scale": scale} if "scale" in _VARLEN_NAMES else {}
    if "scale" not in _VARLEN_NAMES and scale is not None:
        q_LHK = q_LHK * (scale * q_LHK.shape[-1] ** 0.5)
    # Between torch 2.10 and 2.13 a causal window took the place of a flag, and grouped heads came in.
    if "window_size" in _VARLEN_NAMES:
        options["window_size"] = (-1, 0)
    else:
        options["is_causal"] = True
    if "enable_gqa" in _VARLEN_NAMES:
        options["enable_gqa"] = True
    else:
        groups = q_LHK.shape[1] // k_LGK.shape[1]
        k_LGK, v_LGK = k_LGK.repeat_interleave(groups, 1), v_LGK.repeat_interleave(groups, 1)
    assert _VARLEN is not None, "the caller has looked"
    mixed_LHK: Tensor = _VARLEN(q_LHK, k_LGK, v_LGK, starts, starts, longest, longest, **options)
    return mixed_LHK
