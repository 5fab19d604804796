"""The parts of a layer for a single token, in Triton: seven kernels a layer.

Knows: how ``engine/decoding.py``'s parts map onto the kernels, and which way of cutting a product or the attention
is the quickest on this GPU (timed once for each size, before anything is recorded).
Does not know: what the kernels do inside.

Shapes: E hidden size, H query heads, D head size, O output size.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch

from engine.cache import StreamingCache
from engine.config import TextConfig
from engine.decoding import DecodeOps
from engine.kernels.one_query import attend_one_query
from engine.kernels.one_row import Tile, candidate_tiles, multiply_row
from engine.kernels.pointwise import append_token
from engine.layers import Projection, RMSNorm
from engine.rotary import RotaryTable

logger = logging.getLogger("ringside.engine.kernels")
_Way = TypeVar("_Way")

_SPLITS = ((32, 64, 4, 3), (64, 32, 4, 3), (64, 64, 4, 3), (64, 128, 4, 2), (128, 64, 4, 3), (128, 32, 2, 3))
"""Splits, keys a block, warps, stages: ways of cutting the attention that are worth timing."""
_NUM_TIMED = 3
_tiles: dict[tuple[object, ...], Tile] = {}
_splits: dict[tuple[object, ...], tuple[int, int, int, int]] = {}


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
    ) -> None:
        self._num_heads, self._head_dim = config.num_heads, config.head_dim
        self._cache, self._reference = cache, reference
        self._attention, self._products = attention, products

    def begin(self, place_1: torch.Tensor, table: RotaryTable) -> None:
        self._place_1, self._table = place_1, table
        self._reference.begin(place_1, table)

    def norm_linear(self, x_1E: torch.Tensor, norm: RMSNorm, linear: Projection) -> torch.Tensor:
        if not self._products:
            return self._reference.norm_linear(x_1E, norm, linear)
        return multiply_row(x_1E, linear, norm=(norm.weight, norm.eps), tile=_tile_for(x_1E, linear))

    def append(self, qkv_1O: torch.Tensor, layer: int) -> torch.Tensor:
        q_HD = qkv_1O.new_empty((self._num_heads, self._head_dim))
        append_token(qkv_1O, self._table, self._place_1, self._cache.stores(layer), q_HD)
        return q_HD[None]

    def attend(self, q_1HD: torch.Tensor, layer: int) -> torch.Tensor:
        if not self._attention:
            return self._reference.attend(q_1HD, layer)
        _, k_KCD, v_KCD = self._cache.stores(layer)
        out_HD = torch.empty_like(q_1HD[0])
        splits, block, warps, stages = _splits.get(_splits_key(k_KCD), _SPLITS[2])
        attend_one_query(
            q_1HD[0], k_KCD, v_KCD, self._place_1, out_HD,
            num_splits=splits, block=block, num_warps=warps, num_stages=stages,
        )  # fmt: skip
        return out_HD.view(1, -1)

    def linear_add(self, x_1E: torch.Tensor, linear: Projection, residual_1O: torch.Tensor) -> torch.Tensor:
        if not self._products:
            return self._reference.linear_add(x_1E, linear, residual_1O)
        return multiply_row(x_1E, linear, residual_1O=residual_1O, tile=_tile_for(x_1E, linear))

    def gated(self, x_1E: torch.Tensor, norm: RMSNorm, gate_up: Projection) -> torch.Tensor:
        if not self._products:
            return self._reference.gated(x_1E, norm, gate_up)
        tile = _tile_for(x_1E, gate_up)
        return multiply_row(x_1E, gate_up, norm=(norm.weight, norm.eps), gated=True, tile=tile)


def tune_products(
    groups: Iterable[Sequence[Projection]], input_sizes: Iterable[int], dtype: torch.dtype
) -> None:
    """Find the quickest tile for each group of equally large projections on this GPU.

    A group is timed one after the other, as a token runs them, so that no weight is read from a cache it would not be
    in. A tile that does not compile is left out.
    """
    for group, size in zip(groups, input_sizes, strict=True):
        x_1E = torch.randn((1, size), dtype=dtype, device="cuda")
        key = _tile_key(x_1E, group[0])
        if key in _tiles:
            continue

        def run(tile: Tile, group: Sequence[Projection] = group, x_1E: torch.Tensor = x_1E) -> None:
            for projection in group:
                multiply_row(x_1E, projection, tile=tile)

        best = _quickest(candidate_tiles(size), run)
        if best is not None:
            _tiles[key] = best
            logger.info("product %s: %s", key, best)


def tune_attention(cache: StreamingCache, num_heads: int, length: int) -> None:
    """Find the quickest way to cut the attention of one query over ``length`` places of a cache on CUDA."""
    keys = cache.stores(0)[1]
    key = _splits_key(keys)
    if key in _splits:
        return
    q_HD = torch.randn((num_heads, keys.shape[-1]), dtype=keys.dtype, device=keys.device)
    out_HD, place_1 = torch.empty_like(q_HD), torch.tensor([length - 1], device=keys.device)

    def run(way: tuple[int, int, int, int]) -> None:
        splits, block, warps, stages = way
        for layer in range(cache.num_layers):
            _, k_KCD, v_KCD = cache.stores(layer)
            attend_one_query(
                q_HD, k_KCD, v_KCD, place_1, out_HD,
                num_splits=splits, block=block, num_warps=warps, num_stages=stages,
            )  # fmt: skip

    best = _quickest(_SPLITS, run)
    if best is not None:
        _splits[key] = best
        logger.info("attention %s: %s", key, best)


def _quickest(ways: Sequence[_Way], run: Callable[[_Way], None]) -> _Way | None:
    timed = []
    for way in ways:
        try:
            run(way)
            timed.append((_milliseconds(functools.partial(run, way)), way))
        except (RuntimeError, ValueError) as error:  # too much shared memory, or too many registers
            logger.debug("%s cannot run: %s", way, error)
    return min(timed, key=lambda pair: pair[0])[1] if timed else None


def _milliseconds(work: Callable[[], None]) -> float:
    """Of the fastest of a few recorded runs: a recording leaves out the time that launching takes."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    graph.replay()
    times: list[float] = []
    for _ in range(_NUM_TIMED):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(float(start.elapsed_time(end)))
    return min(times)


def _tile_for(x_1E: torch.Tensor, projection: Projection) -> Tile | None:
    return _tiles.get(_tile_key(x_1E, projection))


def _tile_key(x_1E: torch.Tensor, projection: Projection) -> tuple[object, ...]:
    weight = getattr(projection, "codes", None)
    weight = weight if weight is not None else projection.weight  # type: ignore[attr-defined]  # one or the other
    return x_1E.device, tuple(weight.shape), weight.dtype, x_1E.shape[1]


def _splits_key(keys: torch.Tensor) -> tuple[object, ...]:
    return keys.device, keys.shape, keys.dtype
