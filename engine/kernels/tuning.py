"""Timing ways of cutting a kernel's work on the GPU at hand.

Knows: the ways worth trying, and how to time them: as CUDA graphs, after a warm-up, the best of a few replays.
Does not know: what the kernels do inside.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from engine.cache import StreamingCache
from engine.kernels.one_query import attend_one_query
from engine.kernels.one_row import Tile, candidate_tiles, multiply_row
from engine.kernels.ops import SPLITS, TILES, split_key, tile_key
from engine.kernels.overlap import can_overlap
from engine.language import LanguageLayer, LanguageModel
from engine.layers import Projection

logger = logging.getLogger("ringside.engine.kernels")

_Way = TypeVar("_Way")
_WAYS = ((32, 64, 4, 3), (64, 32, 4, 3), (64, 64, 4, 3), (64, 128, 4, 2), (128, 64, 4, 3), (128, 32, 2, 3))
_NUM_TIMED = 3
_NUM_LOGGED = 6


def tune_products(language: LanguageModel, *, overlap: bool = False) -> None:
    """Find the quickest tile for each kind of product of one row, run as ``multiply_row`` is with ``overlap``.

    All layers' weights are read one after the other, as a token reads them, so that none comes from a cache it would
    not be in. A tile that does not compile is left out.
    """
    layers = [layer for layer in language.layers if isinstance(layer, LanguageLayer)]
    groups: list[list[Projection]] = [
        [layer.qkv for layer in layers],
        [layer.out for layer in layers],
        [layer.mlp.gate_up for layer in layers],
        [layer.mlp.down for layer in layers],
        [language.projection],
    ]
    config = language.config
    sizes = (config.hidden_size, config.num_heads * config.head_dim, config.hidden_size)
    for group, size in zip(groups, (*sizes, config.intermediate_size, config.hidden_size), strict=True):
        x_1E = torch.randn((1, size), dtype=language.norm.weight.dtype, device=language.norm.weight.device)
        key = tile_key(x_1E, group[0])
        if key in TILES:
            continue

        def run(tile: Tile, group: list[Projection] = group, x_1E: torch.Tensor = x_1E) -> None:
            for projection in group:
                multiply_row(x_1E, projection, tile=tile, overlap=overlap and can_overlap(x_1E.device))

        best = _quickest(f"product {key}", candidate_tiles(size), run)
        if best is not None:
            TILES[key] = best


def tune_attention(cache: StreamingCache, num_heads: int, length: int, *, overlap: bool = False) -> None:
    """Find the quickest way to cut the attention of one query over ``length`` places of a cache on CUDA."""
    keys = cache.stores(0)[1]
    key = split_key(keys)
    if key in SPLITS:
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
                overlap=overlap and can_overlap(keys.device),
            )  # fmt: skip

    best = _quickest(f"attention {key}", _WAYS, run)
    if best is not None:
        SPLITS[key] = best


def _quickest(what: str, ways: Sequence[_Way], run: Callable[[_Way], None]) -> _Way | None:
    timed: list[tuple[float, _Way]] = []
    for way in ways:
        try:
            run(way)
            timed.append((_milliseconds(functools.partial(run, way)), way))
        except (RuntimeError, ValueError) as error:  # too much shared memory, or too many registers
            logger.debug("%s cannot run: %s", way, error)
    timed.sort(key=lambda pair: pair[0])
    logger.info("%s: %s", what, "; ".join(f"{ms:.3f} ms {way}" for ms, way in timed[:_NUM_LOGGED]))
    return timed[0][1] if timed else None


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
