"""The vision tower of a transformers Qwen2.5-VL over many frame pairs of one size, as one batch.

transformers attends window by window in a loop where no flash-attn is installed: a chunk of 24 s has more than a thousand
windows a layer. All frame pairs have the same windows, so that windows of one size are simply a batch.

Knows the tower's layout. Knows nothing of video, language or training.

Shape suffixes: N frame pairs, P patches of a pair, D hidden, H heads, K head size, F values of a patch, W windows of one
size, S patches of such a window.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention

Runs = tuple[tuple[int, int], ...]
"""(number of windows, patches in each), as they follow one another in the order of `window_order`."""
Block = Callable[[Any, Tensor, Tensor, Tensor, Runs], Tensor]


def vision_forward(
    visual: Any, patches: Tensor, grid: tuple[int, int, int], *, block: Block | None = None
) -> Tensor:
    """(merged tokens, D) of all frame pairs, in order. Agrees with `visual(patches, grid_thw)` of each pair.

    Args:
        patches: (N * P, F) as `engine.preprocess.patchify` makes them.
        grid: (pairs, rows, columns) of patches.
        block: runs one layer; None: `vision_block`.
    """
    num_pairs, height, width = grid
    block = block or vision_block
    unit = visual.spatial_merge_size**2
    side = visual.config.window_size // visual.spatial_merge_size // visual.config.patch_size
    order, back, windows = window_order(
        height // visual.spatial_merge_size, width // visual.spatial_merge_size, side, unit
    )
    whole: Runs = ((1, height * width),)
    order, back = order.to(patches.device), back.to(patches.device)
    hidden_NPD = _embedded(visual, patches).view(num_pairs, height * width // unit, unit, -1)
    hidden_NPD = hidden_NPD[:, order].flatten(1, 2)
    cos_PK, sin_PK = (
        table.view(-1, unit, table.shape[1])[order].flatten(0, 1)
        for table in _rope(visual, height, width, patches.device)
    )
    full = set(visual.fullatt_block_indexes)
    for index, layer in enumerate(visual.blocks):
        hidden_NPD = block(layer, hidden_NPD, cos_PK, sin_PK, whole if index in full else windows)
    merged: Tensor = visual.merger(hidden_NPD.flatten(0, 1))
    return merged.view(num_pairs, height * width // unit, -1)[:, back].flatten(0, 1)


def vision_block(layer: Any, hidden_NPD: Tensor, cos_PK: Tensor, sin_PK: Tensor, runs: Runs) -> Tensor:
    """One layer of the tower; patches attend inside their window."""
    attention = layer.attn
    num_pairs, num_patches, _ = hidden_NPD.shape
    qkv = attention.qkv(layer.norm1(hidden_NPD)).view(num_pairs, num_patches, 3, attention.num_heads, -1)
    query_NHPK, key_NHPK, value_NHPK = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    query_NHPK, key_NHPK = _rotate(query_NHPK, cos_PK, sin_PK), _rotate(key_NHPK, cos_PK, sin_PK)
    mixed_NPD = _attend(query_NHPK, key_NHPK, value_NHPK, runs)
    hidden_NPD = hidden_NPD + attention.proj(mixed_NPD)
    result: Tensor = hidden_NPD + layer.mlp(layer.norm2(hidden_NPD))
    return result


@functools.lru_cache(maxsize=64)
def window_order(num_rows: int, num_columns: int, side: int, unit: int) -> tuple[Tensor, Tensor, Runs]:
    """How one pair's merged tokens are put so that windows are whole and those of one size follow one another.

    Args:
        num_rows, num_columns: of merged tokens.
        side: merged tokens on a window's side.
        unit: patches to a merged token.

    Returns the order, the way back, both int64 (rows * columns), and the runs, counted in patches.
    """
    windows: dict[int, list[list[int]]] = {}
    for top in range(0, num_rows, side):
        for left in range(0, num_columns, side):
            inside = [
                row * num_columns + column
                for row in range(top, min(top + side, num_rows))
                for column in range(left, min(left + side, num_columns))
            ]
            windows.setdefault(len(inside), []).append(inside)
    order = torch.tensor([place for group in windows.values() for window in group for place in window])
    return order, order.argsort(), tuple((len(group), size * unit) for size, group in windows.items())


def _attend(query_NHPK: Tensor, key_NHPK: Tensor, value_NHPK: Tensor, runs: Runs) -> Tensor:
    """(N, P, H * K)."""
    # torch's type stubs leave `unflatten` untyped.
    values: tuple[Any, ...] = (query_NHPK, key_NHPK, value_NHPK)
    parts = []
    at = 0
    for num_windows, size in runs:
        end = at + num_windows * size
        if num_windows == 1:
            query, key, value = (x[:, :, at:end] for x in values)
        else:
            query, key, value = (
                x[:, :, at:end].unflatten(2, (num_windows, size)).transpose(1, 2).flatten(0, 1)
                for x in values
            )
        mixed: Any = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        parts.append(mixed.unflatten(0, (-1, num_windows)).flatten(1, 2))
        at = end
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _embedded(visual: Any, patches: Tensor) -> Tensor:
    weight = visual.patch_embed.proj.weight
    if not weight.numel():  # ZeRO-3 holds weights only while their own module runs
        embedded: Tensor = visual.patch_embed(patches)
        return embedded
    # A convolution whose stride is its kernel is a matrix product, and bf16 Conv3d is far slower on CUDA.
    return linear(patches.to(weight.dtype), weight.flatten(1))


def _rotate(x: Tensor, cos_PK: Tensor, sin_PK: Tensor) -> Tensor:
    first, second = x.float().chunk(2, dim=-1)
    return (x.float() * cos_PK + torch.cat((-second, first), dim=-1) * sin_PK).to(x.dtype)


def _rope(visual: Any, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(P, K) cosines and sines of one frame pair's patches, in the tower's order: 2x2 merge groups, row by row."""
    merge = visual.spatial_merge_size
    rows = (
        torch.arange(height, device=device)
        .view(height // merge, merge, 1, 1)
        .expand(-1, -1, width // merge, merge)
    )
    columns = (
        torch.arange(width, device=device)
        .view(1, 1, width // merge, merge)
        .expand(height // merge, merge, -1, -1)
    )
    place_P2 = torch.stack(
        (rows.permute(0, 2, 1, 3).reshape(-1), columns.permute(0, 2, 1, 3).reshape(-1)), dim=-1
    )
    head_size = visual.blocks[0].attn.qkv.out_features // 3 // visual.blocks[0].attn.num_heads
    inverse = 1.0 / (
        10000.0 ** (torch.arange(0, head_size // 2, 2, device=device).float() / (head_size // 2))
    )
    angles_PK = (place_P2.unsqueeze(-1).float() * inverse).flatten(1).repeat(1, 2)
    return angles_PK.cos(), angles_PK.sin()
