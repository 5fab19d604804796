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
from typing import Any

import torch
from torch.nn import functional


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


def causal_bias(num_new: int, num_cached: int, num_groups: int, like: torch.Tensor) -> torch.Tensor | None:
    """What keeps N new tokens from seeing later ones among L cached: a (G * N, L) bias for ``attend_cached``.

    It is the same for every layer, so it is made once a forward. None where the kernel needs none. ``like``
    is any tensor of the queries' device and dtype.
    """
    if num_new == 1 or _runs_flash(like):
        return None
    later_NN = torch.full((num_new, num_new), -torch.inf, dtype=like.dtype, device=like.device).triu(1)
    bias_NL = functional.pad(later_NN, (num_cached - num_new, 0))
    return bias_NL.repeat(num_groups, 1)


def attend_cached(
    q_NHD: torch.Tensor, k_KLD: torch.Tensor, v_KLD: torch.Tensor, bias_ML: torch.Tensor | None
) -> torch.Tensor:
    """Attention of the last N tokens over all L, each seeing itself and what is before it.

    Grouped queries: head h uses key/value head h // G. ``bias_ML`` is what ``causal_bias`` made. Returns
    (N, H * D).
    """
    num_new, _, head_dim = q_NHD.shape
    if num_new > 1 and bias_ML is None:
        return _attend_cached_flash(q_NHD, k_KLD, v_KLD)
    # The heads of a group pass as queries of one head, (g, n) by (g, n): no key has to be repeated.
    q_KMD = q_NHD.view(num_new, k_KLD.shape[0], -1, head_dim).permute(1, 2, 0, 3).flatten(1, 2)
    out_KMD = functional.scaled_dot_product_attention(
        q_KMD[None], k_KLD[None], v_KLD[None], attn_mask=bias_ML
    )[0]
    return out_KMD.view(k_KLD.shape[0], -1, num_new, head_dim).permute(2, 0, 1, 3).reshape(num_new, -1)


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


def _attend_windows_flash(
    q_SHD: torch.Tensor, k_SHD: torch.Tensor, v_SHD: torch.Tensor, layout: WindowLayout
) -> torch.Tensor:
    flash = _flash_attn()
    kernel = flash.flash_attn_varlen_func if flash else _torch_varlen()
    starts, longest = layout.starts, layout.max_length
    return torch.as_tensor(kernel(q_SHD, k_SHD, v_SHD, starts, starts, longest, longest)).flatten(1)


@functools.cache
def _flash_attn() -> Any:
    """The flash-attn package, or None where it is not installed."""
    return importlib.import_module("flash_attn") if importlib.util.find_spec("flash_attn") else None


@functools.cache
def _torch_varlen() -> Any:
    return importlib.import_module("torch.nn.attention.varlen").varlen_attn
