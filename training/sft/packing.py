"""Chunks of different lengths in one row, each attending to itself only.

A packed row has no padding between chunks, and attention is given where they begin (variable-length attention). On a GPU
that is torch's FlashAttention with sequence starts; elsewhere, or where it can't be had, every chunk is attended to by
itself: the same sums, chunk by chunk.

Knows attention over a packed row. Knows nothing of what is in it.

Shape suffixes: H query heads, G key heads, L tokens of the row, K head size, C chunks.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

PACKED = "ringside_packed"
"""Name of this attention among those of transformers."""


def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    chunk_starts: Tensor | None = None,
    chunk_lengths: tuple[int, ...] | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention inside each chunk of one row, in the form that transformers calls.

    Without chunks it is transformers' own attention ("sdpa").

    Args:
        query, key, value: (1, H or G, L, K).
        chunk_starts: (C + 1) int32, where chunks begin, and the end of the row.
        chunk_lengths: the same as plain numbers, so that no GPU has to be asked.

    Returns (1, L, H, K) and None.
    """
    if chunk_starts is None or chunk_lengths is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **kwargs
        )
        return result
    scale = kwargs.get("scaling")
    if query.is_cuda and query.dtype in (torch.bfloat16, torch.float16) and _VARLEN is not None:
        return _varlen(query, key, value, chunk_starts, max(chunk_lengths), scale)[None], None
    # torch's type stubs leave `split` untyped.
    parts: Any = (query, key, value)
    mixed = [
        scaled_dot_product_attention(q_HLK, k_GLK, v_GLK, is_causal=True, scale=scale, enable_gqa=True)
        for q_HLK, k_GLK, v_GLK in zip(
            *(part.split(chunk_lengths, dim=2) for part in parts),
            strict=True,
        )
    ]
    return torch.cat(mixed, dim=2).transpose(1, 2).contiguous(), None


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
