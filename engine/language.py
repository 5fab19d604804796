"""The language model of Qwen2.5-VL over a streaming cache.

Knows: its layers, with the projections of queries, keys and values and those of gate and up fused.
Does not know: where weights come from, sampling, tokens' text, what stays in the cache.

Shapes: N new tokens, E hidden size, H query heads, K key/value heads, D head size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from engine.attention import attend_cached, causal_bias, needs_bias
from engine.cache import StreamingCache
from engine.config import TextConfig
from engine.decoding import DecodeOps
from engine.fused import rotate
from engine.layers import Linear, Projection, RMSNorm
from engine.perceptron import GatedPerceptron
from engine.precision import PRECISIONS, Precision
from engine.quantised import QuantisedLinear, make_embedding, make_linear
from engine.rotary import RotaryTable

# Tokens where a mask is made; a usual chunk has fewer, a long title or a large picture more.
_NEW_AT_ONCE = 1024


class LanguageLayer(nn.Module):
    """Causal attention over the cache, then a gated perceptron."""

    def __init__(self, config: TextConfig, index: int, dtype: torch.dtype, format: str | None) -> None:
        super().__init__()
        self._index = index
        self._num_heads, self._num_kv_heads = config.num_heads, config.num_kv_heads
        size, head_dim = config.hidden_size, config.head_dim
        num_projected = config.num_heads + 2 * config.num_kv_heads
        self.norm1 = RMSNorm(size, eps=config.norm_eps, dtype=dtype)
        self.qkv = make_linear(size, num_projected * head_dim, bias=True, dtype=dtype, format=format)
        self.out = make_linear(config.num_heads * head_dim, size, bias=False, dtype=dtype, format=format)
        self.norm2 = RMSNorm(size, eps=config.norm_eps, dtype=dtype)
        self.mlp = GatedPerceptron(size, config.intermediate_size, bias=False, dtype=dtype, format=format)

    def forward(
        self,
        x_NE: torch.Tensor,
        table: RotaryTable,
        bias_ML: torch.Tensor | None,
        cache: StreamingCache,
        between: Callable[[], None] | None,
        in_parts: bool,
    ) -> torch.Tensor:
        num_rotated = self._num_heads + self._num_kv_heads
        qkv = self.qkv.project(self.norm1(x_NE)).view(x_NE.shape[0], num_rotated + self._num_kv_heads, -1)
        rotated = rotate(qkv[:, :num_rotated], table)
        k_KLD, v_KLD = cache.append(
            self._index,
            qkv[:, self._num_heads : num_rotated],
            rotated[:, self._num_heads :],
            qkv[:, num_rotated:],
        )
        mixed = attend_cached(rotated[:, : self._num_heads], k_KLD, v_KLD, bias_ML, in_parts=in_parts)
        x_NE = x_NE + self.out.project(mixed)
        if between:
            between()
        out_NE: torch.Tensor = x_NE + self.mlp(self.norm2(x_NE))
        return out_NE

    def decode(self, x_1E: torch.Tensor, ops: DecodeOps) -> torch.Tensor:
        """The same for a single token, by parts that can be recorded."""
        q_1HD = ops.append(ops.norm_linear(x_1E, self.norm1, self.qkv), self._index)
        x_1E = ops.linear_add(ops.attend(q_1HD, self._index), self.out, x_1E)
        return ops.linear_add(ops.gated(x_1E, self.norm2, self.mlp.gate_up), self.mlp.down, x_1E)


class LanguageModel(nn.Module):
    """Embeddings, layers, and the head that makes logits."""

    def __init__(
        self, config: TextConfig, dtype: torch.dtype, precision: Precision = PRECISIONS["bf16"]
    ) -> None:
        super().__init__()
        self.config = config
        self._num_groups = config.num_heads // config.num_kv_heads
        self.embed = make_embedding(
            config.vocab_size, config.hidden_size, dtype=dtype, format=precision.embedding
        )
        self.layers = nn.ModuleList(
            LanguageLayer(config, index, dtype, precision.layers) for index in range(config.num_layers)
        )
        self.norm = RMSNorm(config.hidden_size, eps=config.norm_eps, dtype=dtype)
        self.head: Linear | QuantisedLinear | None = None
        """None where the embedding is the head too."""
        if not config.tied_embeddings:
            self.head = make_linear(
                config.hidden_size, config.vocab_size, bias=False, dtype=dtype, format=precision.embedding
            )

    def tie_head(self) -> None:
        """Use the embedding as the head."""
        self.head = None

    def forward(
        self,
        x_NE: torch.Tensor,
        table: RotaryTable,
        cache: StreamingCache,
        between: Callable[[], None] | None = None,
        *,
        in_parts: bool = False,
    ) -> torch.Tensor:
        """Run N embedded tokens after those in ``cache`` and keep their keys and values there.

        ``table`` holds the rotations of the N tokens, ``between`` is called after each half of a layer; ``in_parts``
        as ``attend_cached`` has it. Returns the last layer's states (N, E), before the norm.

        Where attention takes its mask as a tensor (a processor), many tokens run in pieces, one after the other: the
        mask and what the layers need would grow with the square of N otherwise. ``between`` is called for each piece.
        """
        num_new = x_NE.shape[0]
        cache.reserve(num_new)
        at_once = _NEW_AT_ONCE if needs_bias(x_NE) else num_new
        pieces = [
            self._run(x_NE[i : i + at_once], table[i : i + at_once], cache, between, in_parts)
            for i in range(0, num_new, at_once)
        ]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _run(
        self,
        x_NE: torch.Tensor,
        table: RotaryTable,
        cache: StreamingCache,
        between: Callable[[], None] | None,
        in_parts: bool,
    ) -> torch.Tensor:
        num_new = x_NE.shape[0]
        bias_ML = causal_bias(num_new, cache.length + num_new, self._num_groups, x_NE)
        for layer in self.layers:
            x_NE = layer(x_NE, table, bias_ML, cache, between, in_parts)
            if between:
                between()
        cache.commit(num_new)
        return x_NE

    def logits(self, x_NE: torch.Tensor) -> torch.Tensor:
        """Raw logits (N, V), float32, for states that ``forward`` returned."""
        return self.projection.project(self.norm(x_NE)).float()

    def decode(self, token_1: torch.Tensor, ops: DecodeOps) -> torch.Tensor:
        """Run one token at the place and with the rotation that ``ops`` was told. Returns raw logits (1, V)."""
        return self.decode_logits(self.decode_layers(self.embed(token_1), ops, self.layers), ops)

    def decode_layers(self, x_1E: torch.Tensor, ops: DecodeOps, layers: Iterable[nn.Module]) -> torch.Tensor:
        """Part of ``decode``: some of the layers, one after the other."""
        for layer in layers:
            assert isinstance(layer, LanguageLayer)
            x_1E = layer.decode(x_1E, ops)
        return x_1E

    def decode_logits(self, x_1E: torch.Tensor, ops: DecodeOps) -> torch.Tensor:
        """Part of ``decode``: raw logits (1, V) of the last layer's state."""
        return ops.norm_linear(x_1E, self.norm, self.projection).float()

    @property
    def projection(self) -> Projection:
        """What makes logits: the head, or the embedding where that is the head too."""
        return self.embed if self.head is None else self.head
