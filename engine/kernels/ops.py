"""The parts of a layer for a single token, in Triton: seven kernels a layer.

Knows: how ``engine/decoding.py``'s parts map onto the kernels, and which way of cutting each was found the quickest.
Does not know: what the kernels do inside, or how they are timed (``tuning.py``).

Shapes: E hidden size, H query heads, D head size, O output size.
"""

from __future__ import annotations

import torch

from engine.cache import StreamingCache
from engine.config import TextConfig
from engine.decoding import DecodeOps
from engine.kernels.one_query import attend_one_query
from engine.kernels.one_row import Tile, multiply_row
from engine.kernels.overlap import can_overlap
from engine.kernels.pointwise import append_token
from engine.layers import Projection, RMSNorm
from engine.rotary import RotaryTable

USUAL_SPLIT = (64, 64, 4, 3)
"""Splits, keys a block, warps, stages: how the attention is cut where that was not tuned."""
TILES: dict[tuple[object, ...], Tile] = {}
"""Tiles found quickest, by ``tile_key``."""
SPLITS: dict[tuple[object, ...], tuple[int, int, int, int]] = {}
"""Cuts found quickest, by ``split_key``."""


class TritonOps:
    """``DecodeOps`` in our kernels; ``reference`` does what ``attention`` or ``products`` leaves out."""

    def __init__(
        self,
        config: TextConfig,
        cache: StreamingCache,
        reference: DecodeOps,
        *,
        attention: bool = True,
        products: bool = True,
        overlap: bool = False,
    ) -> None:
        """``overlap``: kernels may begin before those before them have ended, where the device can do that."""
        self._num_heads, self._head_dim = config.num_heads, config.head_dim
        self._cache, self._reference = cache, reference
        self._attention, self._products = attention, products
        self._overlap = overlap and can_overlap(cache.device)

    def begin(self, place_1: torch.Tensor, table: RotaryTable) -> None:
        self._place_1, self._table = place_1, table
        if not (self._attention and self._products):
            self._reference.begin(place_1, table)

    def norm_linear(self, x_1E: torch.Tensor, norm: RMSNorm, linear: Projection) -> torch.Tensor:
        if not self._products:
            return self._reference.norm_linear(x_1E, norm, linear)
        return multiply_row(
            x_1E, linear, norm=(norm.weight, norm.eps), tile=_tile_for(x_1E, linear), overlap=self._overlap
        )

    def append(self, qkv_1O: torch.Tensor, layer: int) -> torch.Tensor:
        q_HD = qkv_1O.new_empty((self._num_heads, self._head_dim))
        append_token(
            qkv_1O, self._table, self._place_1, self._cache.stores(layer), q_HD, overlap=self._overlap
        )
        return q_HD[None]

    def attend(self, q_1HD: torch.Tensor, layer: int) -> torch.Tensor:
        if not self._attention:
            return self._reference.attend(q_1HD, layer)
        _, k_KCD, v_KCD = self._cache.stores(layer)
        out_HD = torch.empty_like(q_1HD[0])
        splits, block, warps, stages = SPLITS.get(split_key(k_KCD), USUAL_SPLIT)
        attend_one_query(
            q_1HD[0], k_KCD, v_KCD, self._place_1, out_HD,
            num_splits=splits, block=block, num_warps=warps, num_stages=stages, overlap=self._overlap,
        )  # fmt: skip
        return out_HD.view(1, -1)

    def linear_add(self, x_1E: torch.Tensor, linear: Projection, residual_1O: torch.Tensor) -> torch.Tensor:
        if not self._products:
            return self._reference.linear_add(x_1E, linear, residual_1O)
        return multiply_row(
            x_1E, linear, residual_1O=residual_1O, tile=_tile_for(x_1E, linear), overlap=self._overlap
        )

    def gated(self, x_1E: torch.Tensor, norm: RMSNorm, gate_up: Projection) -> torch.Tensor:
        if not self._products:
            return self._reference.gated(x_1E, norm, gate_up)
        tile = _tile_for(x_1E, gate_up)
        return multiply_row(
            x_1E, gate_up, norm=(norm.weight, norm.eps), gated=True, tile=tile, overlap=self._overlap
        )


def _tile_for(x_1E: torch.Tensor, projection: Projection) -> Tile | None:
    return TILES.get(tile_key(x_1E, projection))


def tile_key(x_1E: torch.Tensor, projection: Projection) -> tuple[object, ...]:
    """What a product's best tile depends on."""
    weight = getattr(projection, "codes", None)
    weight = weight if weight is not None else projection.weight  # type: ignore[attr-defined]  # one or the other
    return x_1E.device, tuple(weight.shape), weight.dtype, x_1E.shape[1]


def split_key(keys: torch.Tensor) -> tuple[object, ...]:
    """What the best cut of the attention over one layer's keys depends on."""
    return keys.device, keys.shape, keys.dtype
