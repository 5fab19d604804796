"""One token of an answer, as a function over buffers that never move or change their shape.

That is what a CUDA graph can record; run as it is, on any device, it does the same. Where the token's key goes and
how much of the cache is filled is read from tensors, so one recording serves the whole stream.

Knows: the order of one token's work and the buffers between its parts; the parts in PyTorch (``TorchOps``).
Does not know: when a token is run or read (``engine/decoder.py``), the parts in Triton (``engine/kernels``).

Shapes: S most tokens of an answer, C places of the cache, V vocabulary, E hidden size, H query heads, K
key/value heads, G = H / K, D head size, O output size.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING, Protocol

import torch

from engine.cache import StreamingCache
from engine.config import TextConfig
from engine.rotary import RotaryTable, rotate
from engine.sampling import Sampler, pick

if TYPE_CHECKING:
    from engine.language import LanguageModel
    from engine.layers import Projection, RMSNorm


@dataclasses.dataclass(frozen=True)
class DecodeBuffers:
    """Everything that one token's work reads and writes beside weights and cache."""

    token_1: torch.Tensor
    """The token to run next, int64."""
    number_1: torch.Tensor
    """How many tokens of the answer are picked, int64."""
    base_1: torch.Tensor
    """Place of the answer's first token in the cache, int64."""
    table: RotaryTable
    """Rotations of the answer's tokens, (S, D)."""
    noise_V: torch.Tensor
    """Noise for the next pick, float32."""
    forced_S: torch.Tensor
    """Ids that have to be said, int64; -1 where the choice is free."""
    said_S: torch.Tensor
    """Ids picked so far, int64."""
    logits_V: torch.Tensor
    """Raw logits of the last pick, float32."""
    penalised_V: torch.Tensor
    """The same after the repetition penalty and the nudge towards names."""

    @classmethod
    def of(cls, config: TextConfig, num_most: int, device: torch.device) -> DecodeBuffers:
        """Buffers for answers of at most ``num_most`` tokens."""

        def whole(*shape: int) -> torch.Tensor:
            return torch.zeros(shape, dtype=torch.int64, device=device)

        def real(*shape: int) -> torch.Tensor:
            return torch.ones(shape, dtype=torch.float32, device=device)

        vocab_size, head_dim = config.vocab_size, config.head_dim
        return cls(
            token_1=whole(1),
            number_1=whole(1),
            base_1=whole(1),
            table=RotaryTable(real(num_most, head_dim), real(num_most, head_dim)),
            noise_V=real(vocab_size),
            forced_S=whole(num_most),
            said_S=whole(num_most),
            logits_V=real(vocab_size),
            penalised_V=real(vocab_size),
        )


class DecodeOps(Protocol):
    """The parts of a layer for a single token. ``begin`` is called once a token, before any layer."""

    def begin(self, place_1: torch.Tensor, table: RotaryTable) -> None:
        """Take note of the token's place in the cache and of its rotation, (1, D)."""

    def norm_linear(self, x_1E: torch.Tensor, norm: RMSNorm, linear: Projection) -> torch.Tensor:
        """``linear(norm(x))``, (1, O)."""

    def append(self, qkv_1O: torch.Tensor, layer: int) -> torch.Tensor:
        """Put key and value into the cache, the key also rotated; returns the rotated queries (1, H, D)."""

    def attend(self, q_1HD: torch.Tensor, layer: int) -> torch.Tensor:
        """Attention over every place up to the token's own, (1, H * D)."""

    def linear_add(self, x_1E: torch.Tensor, linear: Projection, residual_1O: torch.Tensor) -> torch.Tensor:
        """``residual + linear(x)``, (1, O)."""

    def gated(self, x_1E: torch.Tensor, norm: RMSNorm, gate_up: Projection) -> torch.Tensor:
        """``silu(gate) * up`` of the normed token."""


class TorchOps:
    """``DecodeOps`` in PyTorch's own kernels; the reference that the Triton ones are tested against.

    ``num_places``: how much of the cache's storage is looked at; what is not filled is masked out.
    ``flash`` uses flash-attn's kernel for a single query, which reads the filled length from the device.
    """

    def __init__(
        self, config: TextConfig, cache: StreamingCache, num_places: int | None = None, *, flash: bool = False
    ) -> None:
        self._num_heads, self._num_kv_heads = config.num_heads, config.num_kv_heads
        self._scale = config.head_dim**-0.5
        self._cache = cache
        self._num_places = min(num_places or cache.capacity, cache.capacity)
        self._arange_C = torch.arange(self._num_places, device=cache.device)
        self._flash = importlib.import_module("flash_attn").flash_attn_with_kvcache if flash else None

    def begin(self, place_1: torch.Tensor, table: RotaryTable) -> None:
        self._place_1, self._table = place_1, table
        self._hidden_C = self._arange_C > place_1

    def norm_linear(self, x_1E: torch.Tensor, norm: RMSNorm, linear: Projection) -> torch.Tensor:
        return linear.project(norm(x_1E))

    def append(self, qkv_1O: torch.Tensor, layer: int) -> torch.Tensor:
        num_rotated = self._num_heads + self._num_kv_heads
        qkv = qkv_1O.view(1, num_rotated + self._num_kv_heads, -1)
        rotated = rotate(qkv[:, :num_rotated], self._table)
        new = (qkv[:, self._num_heads : num_rotated], rotated[:, self._num_heads :], qkv[:, num_rotated:])
        for store, x_1KD in zip(self._cache.stores(layer), new, strict=True):
            store.index_copy_(1, self._place_1, x_1KD.transpose(0, 1))
        return rotated[:, : self._num_heads]

    def attend(self, q_1HD: torch.Tensor, layer: int) -> torch.Tensor:
        _, k_KCD, v_KCD = (store[:, : self._num_places] for store in self._cache.stores(layer))
        if self._flash is not None:
            k_1CKD, v_1CKD = k_KCD.transpose(0, 1)[None], v_KCD.transpose(0, 1)[None]
            lengths_1 = (self._place_1 + 1).to(torch.int32)
            return torch.as_tensor(self._flash(q_1HD[None], k_1CKD, v_1CKD, cache_seqlens=lengths_1)).view(
                1, -1
            )
        q_KGD = q_1HD.view(self._num_kv_heads, -1, q_1HD.shape[-1])
        scores_KGC = torch.matmul(q_KGD, k_KCD.transpose(1, 2)).float() * self._scale
        p_KGC = torch.softmax(scores_KGC.masked_fill(self._hidden_C, -torch.inf), dim=-1).to(v_KCD.dtype)
        return torch.matmul(p_KGC, v_KCD).view(1, -1)

    def linear_add(self, x_1E: torch.Tensor, linear: Projection, residual_1O: torch.Tensor) -> torch.Tensor:
        return residual_1O + linear.project(x_1E)

    def gated(self, x_1E: torch.Tensor, norm: RMSNorm, gate_up: Projection) -> torch.Tensor:
        gate, up = gate_up.project(norm(x_1E)).chunk(2, dim=-1)
        return torch.nn.functional.silu(gate) * up


def begin_token(ops: DecodeOps, buffers: DecodeBuffers) -> None:
    """Tell ``ops`` the place and the rotation of the last token picked."""
    row_1 = buffers.number_1 - 1
    table = RotaryTable(buffers.table.cos.index_select(0, row_1), buffers.table.sin.index_select(0, row_1))
    ops.begin(buffers.base_1 + row_1, table)


def run_token(language: LanguageModel, ops: DecodeOps, buffers: DecodeBuffers) -> None:
    """Run the last token picked; its raw logits go to ``logits_V``."""
    begin_token(ops, buffers)
    buffers.logits_V.copy_(language.decode(buffers.token_1, ops)[0])


def choose_token(buffers: DecodeBuffers, sampler: Sampler) -> None:
    """Pick the next token by ``logits_V``: it becomes the one to run next, and counts as seen."""
    buffers.penalised_V.copy_(sampler.penalise(buffers.logits_V))
    picked_1 = pick(buffers.penalised_V, buffers.noise_V, sampler.settings)
    forced_1 = buffers.forced_S.index_select(0, buffers.number_1)
    buffers.token_1.copy_(torch.where(forced_1 >= 0, forced_1, picked_1))
    buffers.said_S.index_copy_(0, buffers.number_1, buffers.token_1)
    sampler.note(buffers.token_1)
    buffers.number_1.add_(1)
