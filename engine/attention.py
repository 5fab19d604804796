"""The one file that calls attention kernels.

Knows: causal attention of new tokens over a cache, and attention inside the windows of a packed sequence;
for each, PyTorch's own kernels everywhere and flash-attn where it is installed.
Does not know: layers, caches, or why a sequence is cut into windows.

Shapes: N new tokens, L cached ones (the N included), H query heads, K key/value heads, G = H / K, D head
size, M = G * N, S tokens of packed sequences, B of which follow one another.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.util
import logging
from typing import Any

import torch
from torch.nn import functional

logger = logging.getLogger("ringside.engine.attention")

_PART = 2048  # places: a longer part is built more rarely, a shorter one leaves less to the slower kernel
_QUERIES = 128


@dataclasses.dataclass(frozen=True)
class WindowRun:
    """Windows of one length that follow one another in a packed sequence."""

    start: int
    num_windows: int
    length: int


class WindowLayout:
    """How each of B equally long packed sequences is cut into windows."""

    def __init__(self, runs: tuple[WindowRun, ...], num_sequences: int, device: torch.device) -> None:
        self.runs = runs
        self.num_sequences = num_sequences
        self.max_length = max(run.length for run in runs)
        lengths = [run.length for run in runs for _ in range(run.num_windows)] * num_sequences
        starts = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
        self.starts = starts.to(device)
        """Where windows start, cumulatively over all sequences: what variable-length kernels take."""


def needs_bias(like: torch.Tensor) -> bool:
    """Whether new tokens of this device and dtype are kept from seeing later ones by a tensor, which grows with both
    lengths, and not by the kernel itself."""
    return not _runs_flash(like)


def causal_bias(num_new: int, num_cached: int, num_groups: int, like: torch.Tensor) -> torch.Tensor | None:
    """What keeps N new tokens from seeing later ones among L cached: a (G * N, L) bias for ``attend_cached``.

    It is the same for every layer, so it is made once a forward. None where the kernel needs none. ``like``
    is any tensor of the queries' device and dtype.
    """
    if num_new == 1 or not needs_bias(like):
        return None
    later_NN = torch.full((num_new, num_new), -torch.inf, dtype=like.dtype, device=like.device).triu(1)
    bias_NL = functional.pad(later_NN, (num_cached - num_new, 0))
    return bias_NL.repeat(num_groups, 1)


def attend_cached(
    q_NHD: torch.Tensor,
    k_KLD: torch.Tensor,
    v_KLD: torch.Tensor,
    bias_ML: torch.Tensor | None,
    *,
    in_parts: bool = False,
) -> torch.Tensor:
    """Attention of the last N tokens over all L, each seeing itself and what is before it.

    Grouped queries: head h uses key/value head h // G. ``bias_ML`` is what ``causal_bias`` made. ``in_parts``: on a
    GPU, let cuDNN do the part where nothing has to be masked. Returns (N, H * D).
    """
    num_new, _, head_dim = q_NHD.shape
    num_unmasked = (k_KLD.shape[1] - num_new) // _PART * _PART
    if num_new > 1 and bias_ML is None and in_parts and num_unmasked:
        return _attend_cached_in_parts(q_NHD, k_KLD, v_KLD, num_unmasked)
    if num_new > 1 and bias_ML is None:
        return _attend_cached_flash(q_NHD, k_KLD, v_KLD)
    # The heads of a group pass as queries of one head, (g, n) by (g, n): no key has to be repeated.
    q_KMD = q_NHD.view(num_new, k_KLD.shape[0], -1, head_dim).permute(1, 2, 0, 3).flatten(1, 2)
    out_KMD = functional.scaled_dot_product_attention(
        q_KMD[None], k_KLD[None], v_KLD[None], attn_mask=bias_ML
    )[0]
    return out_KMD.view(k_KLD.shape[0], -1, num_new, head_dim).permute(2, 0, 1, 3).reshape(num_new, -1)


def join_parts(
    out_a_NHD: torch.Tensor, lse_a_HN: torch.Tensor, out_b_NHD: torch.Tensor, lse_b_HN: torch.Tensor
) -> torch.Tensor:
    """Attention over keys of which some made ``out_a`` and the others ``out_b``, (N, H, D).

    ``lse``: the natural logarithm of each part's sum of exponentials.
    """
    share_a_NH1 = torch.sigmoid(lse_a_HN - lse_b_HN).float().T[..., None]
    return out_b_NHD.float().lerp(out_a_NHD.float(), share_a_NH1).to(out_b_NHD.dtype)


def attend_windows(
    q_SHD: torch.Tensor, k_SHD: torch.Tensor, v_SHD: torch.Tensor, layout: WindowLayout
) -> torch.Tensor:
    """Attention inside the windows of packed sequences, without a mask. Returns (S, H * D)."""
    if _runs_flash(q_SHD) and len(layout.runs) > 1:
        return _attend_windows_flash(q_SHD, k_SHD, v_SHD, layout)
    # Windows of one length make a batch; a frame has at most four lengths (inside, two edges, corner).
    parts = [x.view(layout.num_sequences, -1, *x.shape[1:]) for x in (q_SHD, k_SHD, v_SHD)]
    outputs = []
    for run in layout.runs:
        window = slice(run.start, run.start + run.num_windows * run.length)
        q, k, v = (x[:, window].reshape(-1, run.length, *x.shape[2:]).transpose(1, 2) for x in parts)
        out = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        outputs.append(out.reshape(layout.num_sequences, run.num_windows * run.length, -1))
    return (outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)).flatten(0, 1)


def _runs_flash(x: torch.Tensor) -> bool:
    """Whether FlashAttention can run on such tensors."""
    return x.is_cuda and x.dtype != torch.float32


def _attend_cached_flash(q_NHD: torch.Tensor, k_KLD: torch.Tensor, v_KLD: torch.Tensor) -> torch.Tensor:
    flash = _flash_attn()
    if flash:
        out_1NHD = flash.flash_attn_func(
            q_NHD[None], k_KLD.transpose(0, 1)[None], v_KLD.transpose(0, 1)[None], causal=True
        )
        return torch.as_tensor(out_1NHD).flatten(2)[0]
    from torch.nn.attention.bias import causal_lower_right  # imported late: it loads the whole compiler

    out_1HND = functional.scaled_dot_product_attention(
        q_NHD.transpose(0, 1)[None],
        k_KLD[None],
        v_KLD[None],
        attn_mask=causal_lower_right(q_NHD.shape[0], k_KLD.shape[1]),
        enable_gqa=True,
    )
    return out_1HND[0].transpose(0, 1).flatten(1)


def _attend_cached_in_parts(
    q_NHD: torch.Tensor, k_KLD: torch.Tensor, v_KLD: torch.Tensor, num_unmasked: int
) -> torch.Tensor:
    """cuDNN over the first places, which every query sees; FlashAttention over the others, with the causal mask.

    On Hopper cuDNN's kernel is about twice as fast, but it is built anew for every shape: so its part is a whole number
    of blocks, and the queries are filled up to one. Without a mask the order of queries does not matter, so those of a
    group pass as queries of one head, and no key has to be repeated.
    """
    num_new, num_heads, head_dim = q_NHD.shape
    num_kv_heads = k_KLD.shape[0]
    filled_NHD = functional.pad(q_NHD, (0, 0, 0, 0, 0, -num_new % _QUERIES))
    num_filled = filled_NHD.shape[0]
    q_KMD = filled_NHD.view(num_filled, num_kv_heads, -1, head_dim).permute(1, 2, 0, 3).flatten(1, 2)
    out_1KMD, lse_1KM, *_ = torch.ops.aten._scaled_dot_product_cudnn_attention(
        q_KMD[None],
        k_KLD[None, :, :num_unmasked],
        v_KLD[None, :, :num_unmasked],
        None,
        True,
        0.0,
        False,
        False,
    )
    out_HND = out_1KMD.reshape(num_heads, num_filled, head_dim)
    lse_HN = lse_1KM.reshape(num_heads, num_filled)
    masked_out, masked_lse, *_ = torch.ops.aten._scaled_dot_product_flash_attention(
        q_NHD.transpose(0, 1)[None], k_KLD[None, :, num_unmasked:], v_KLD[None, :, num_unmasked:], 0.0, True
    )
    return join_parts(
        out_HND.transpose(0, 1)[:num_new],
        lse_HN[:, :num_new],
        masked_out[0].transpose(0, 1),
        masked_lse[0, :, :num_new],
    ).flatten(1)


def _attend_windows_flash(
    q_SHD: torch.Tensor, k_SHD: torch.Tensor, v_SHD: torch.Tensor, layout: WindowLayout
) -> torch.Tensor:
    flash = _flash_attn()
    kernel = flash.flash_attn_varlen_func if flash else _torch_varlen()
    starts, longest = layout.starts, layout.max_length
    return torch.as_tensor(kernel(q_SHD, k_SHD, v_SHD, starts, starts, longest, longest)).flatten(1)


@functools.cache
def _flash_attn() -> Any:
    """The flash-attn package, or None where it is not installed, or was built for another PyTorch."""
    if importlib.util.find_spec("flash_attn") is None:
        return None
    try:
        return importlib.import_module("flash_attn")
    except ImportError as error:
        logger.warning("flash-attn is installed but can't be loaded (%s); PyTorch's attention is used", error)
        return None


@functools.cache
def _torch_varlen() -> Any:
    return importlib.import_module("torch.nn.attention.varlen").varlen_attn
