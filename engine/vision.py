"""The vision tower of Qwen2.5-VL (arXiv 2502.13923): patches in, one embedding per merged token out.

Knows: its layers and how they are evaluated. What depends on the frame's size alone (the order of the
patches, their rotary table, the windows) is worked out once per size and kept.
Does not know: where weights come from, frames, the language model.

Shapes: S patches, P values in a patch, E hidden size, M merged tokens (S / 4), O output size, H heads, D
head size.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from engine.attention import WindowLayout, WindowRun, attend_windows
from engine.config import VisionConfig
from engine.fused import rotate
from engine.layers import Linear, RMSNorm
from engine.perceptron import GatedPerceptron
from engine.quantised import make_linear
from engine.rotary import RotaryTable, vision_rotary

_NORM_EPS = 1e-6
_NUM_PLANS = 8  # frame sizes remembered: more than a stream ever mixes


@dataclasses.dataclass(frozen=True)
class VisionPlan:
    """What follows from a grid of patches alone."""

    order: torch.Tensor | None
    """Merged token at each place while attention runs; None if it is the natural order."""
    inverse: torch.Tensor | None
    table: RotaryTable
    windows: WindowLayout
    frames: WindowLayout


class VisionLayer(nn.Module):
    """Attention inside windows or the whole frame, then a gated perceptron."""

    def __init__(self, config: VisionConfig, dtype: torch.dtype, format: str | None) -> None:
        super().__init__()
        size = config.hidden_size
        self._num_heads = config.num_heads
        self.norm1 = RMSNorm(size, eps=_NORM_EPS, dtype=dtype)
        self.qkv = make_linear(size, 3 * size, bias=True, dtype=dtype, format=format)
        self.out = make_linear(size, size, bias=True, dtype=dtype, format=format)
        self.norm2 = RMSNorm(size, eps=_NORM_EPS, dtype=dtype)
        self.mlp = GatedPerceptron(size, config.intermediate_size, bias=True, dtype=dtype, format=format)

    def forward(self, x_SE: torch.Tensor, table: RotaryTable, layout: WindowLayout) -> torch.Tensor:
        qkv = self.qkv.project(self.norm1(x_SE)).view(x_SE.shape[0], 3 * self._num_heads, -1)
        qk = rotate(qkv[:, : 2 * self._num_heads], table)
        q_SHD, k_SHD = qk.chunk(2, dim=1)
        v_SHD = qkv[:, 2 * self._num_heads :]
        x_SE = x_SE + self.out.project(attend_windows(q_SHD, k_SHD, v_SHD, layout))
        out_SE: torch.Tensor = x_SE + self.mlp(self.norm2(x_SE))
        return out_SE


class VisionTower(nn.Module):
    """The whole tower."""

    def __init__(self, config: VisionConfig, dtype: torch.dtype, format: str | None = None) -> None:
        super().__init__()
        self._config = config
        merged = config.hidden_size * config.merge_size**2
        self.embed = Linear(config.patch_dim, config.hidden_size, bias=False, dtype=dtype)
        self.layers = nn.ModuleList(VisionLayer(config, dtype, format) for _ in range(config.num_layers))
        self.merge_norm = RMSNorm(config.hidden_size, eps=_NORM_EPS, dtype=dtype)
        self.merge_in = make_linear(merged, merged, bias=True, dtype=dtype, format=format)
        self.merge_out = make_linear(merged, config.output_size, bias=True, dtype=dtype, format=format)
        self._plans: OrderedDict[tuple[int, int, int], VisionPlan] = OrderedDict()

    def forward(
        self,
        patches_SP: torch.Tensor,
        grid: tuple[int, int, int],
        between: Callable[[], None] | None = None,
    ) -> torch.Tensor:
        """Embeddings (M, O) of the patches (S, P) of a grid, as ``preprocess.patchify`` makes both.

        ``between`` is called after each layer.
        """
        plan = self.plan(grid)
        merge_unit = self._config.merge_size**2
        x_SE = self._embed_patches(patches_SP.to(self.embed.weight.dtype))
        if plan.order is not None:
            x_SE = x_SE.view(-1, merge_unit, x_SE.shape[-1])[plan.order].flatten(0, 1)
        for index, layer in enumerate(self.layers):
            full = index in self._config.full_attention_layers
            x_SE = layer(x_SE, plan.table, plan.frames if full else plan.windows)
            if between:
                between()
        x_M = self.merge_norm(x_SE).view(-1, merge_unit * self._config.hidden_size)
        x_MO = self.merge_out.project(functional.gelu(self.merge_in.project(x_M)))
        return x_MO if plan.inverse is None else x_MO[plan.inverse]

    def _embed_patches(self, patches_SP: torch.Tensor) -> torch.Tensor:
        if patches_SP.device.type != "cpu":
            out_SE: torch.Tensor = self.embed(patches_SP)
            return out_SE
        # The same product as a convolution, which is how transformers computes it. On a CPU that takes no longer
        # and rounds the same way, so logits agree several times closer and no real difference can hide.
        config = self._config
        kernel = (config.temporal_patch_size, config.patch_size, config.patch_size)
        shape = (-1, config.in_channels, *kernel)
        return functional.conv3d(
            patches_SP.view(shape), self.embed.weight.view(shape), stride=kernel
        ).flatten(1)

    def plan(self, grid: tuple[int, int, int]) -> VisionPlan:
        """What follows from a grid alone; remembered for the grids used last."""
        plan = self._plans.get(grid)
        if plan is None:
            plan = self._make_plan(grid)
            self._plans[grid] = plan
            if len(self._plans) > _NUM_PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(grid)
        return plan

    def _make_plan(self, grid: tuple[int, int, int]) -> VisionPlan:
        config, device = self._config, self.embed.weight.device
        num_t, rows, columns = grid
        merge = config.merge_size
        row_M, column_M = np.indices((rows // merge, columns // merge)).reshape(2, -1)
        runs: tuple[WindowRun, ...] = (WindowRun(0, 1, rows * columns),)
        frames = WindowLayout(runs, num_t, device)
        order_M: npt.NDArray[np.int64] = np.arange(len(row_M))
        windowed = (
            len(config.full_attention_layers.intersection(range(config.num_layers))) < config.num_layers
        )
        if windowed:
            order_M, runs = _window_order(row_M, column_M, config)
        row_S, column_S = _patch_places(row_M[order_M], column_M[order_M], merge)
        table = vision_rotary(
            torch.from_numpy(np.tile(row_S, num_t)).to(device),
            torch.from_numpy(np.tile(column_S, num_t)).to(device),
            config.head_dim,
            config.rope_theta,
        )
        frame_starts = np.arange(num_t)[:, None] * len(order_M)
        order = torch.from_numpy((frame_starts + order_M).ravel()).to(device) if windowed else None
        return VisionPlan(
            order=order,
            inverse=None if order is None else order.argsort(),
            table=table,
            windows=WindowLayout(runs, num_t, device),
            frames=frames,
        )


def _window_order(
    row_M: npt.NDArray[np.int64], column_M: npt.NDArray[np.int64], config: VisionConfig
) -> tuple[npt.NDArray[np.int64], tuple[WindowRun, ...]]:
    """One frame's merged tokens in an order that keeps windows whole and equal ones together."""
    side = config.window_size // config.merge_size // config.patch_size
    window_M = (row_M // side) * (int(column_M.max()) // side + 1) + column_M // side
    length_M = np.bincount(window_M)[window_M]
    order_M = np.lexsort((window_M, -length_M))
    lengths, counts = np.unique(length_M, return_counts=True)
    runs, start, merge_unit = [], 0, config.merge_size**2
    for length, count in zip(lengths[::-1].tolist(), counts[::-1].tolist(), strict=True):
        runs.append(WindowRun(start, count // length, length * merge_unit))
        start += count * merge_unit
    return order_M, tuple(runs)


def _patch_places(
    row_M: npt.NDArray[np.int64], column_M: npt.NDArray[np.int64], merge: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and column of every patch: a merged token is ``merge`` by ``merge`` patches, row by row."""
    row, column = np.indices((merge, merge)).reshape(2, -1)
    return (row_M[:, None] * merge + row).ravel(), (column_M[:, None] * merge + column).ravel()
