"""From frames to the patches that the vision tower reads.

Knows: the size a frame is brought to, resizing, normalising and cutting into patches, as transformers'
Qwen2-VL processor does it (its Pillow variant, to the last bit of every resized pixel). Works on any
device.
Does not know: the model, the context, where frames come from.

Shapes: T frames, H rows, W columns, C=3 channels; N patches of P = C * temporal_patch * patch * patch values.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import numpy.typing as npt
import torch

from engine.errors import ChunkError
from engine.frame_size import smart_resize as smart_resize

_FIXED_POINT_BITS = 22  # Pillow's precision: 32 bits less 8 of the pixel less 2 for overshoot
_BLOCK = 1 << 12  # values a row resampled at once: small enough to stay in a processor's cache


@dataclasses.dataclass(frozen=True, kw_only=True)
class PatchSettings:
    """How a checkpoint's vision tower wants its pixels."""

    patch_size: int = 14
    """Pixels on a patch's side."""

    temporal_patch_size: int = 2
    """Frames in a patch."""

    merge_size: int = 2
    """Patches on the side of what becomes one token."""

    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    """Mean of each channel, of pixels in 0..1."""

    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    """Standard deviation of each channel, of pixels in 0..1."""

    @property
    def factor(self) -> int:
        """Height and width are multiples of this."""
        return self.patch_size * self.merge_size


def resize_frames(frames_THWC: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Frames (T, H, W, C) uint8 brought to (T, height, width, C) uint8: bicubic with antialiasing.

    The arithmetic is Pillow's own (columns first, 22-bit fixed point, rounded to whole levels after each
    pass), so the result is the same on every device and equals what the model saw in training.
    """
    if frames_THWC.dtype != torch.uint8:
        raise ChunkError(f"frames must be uint8 before they are resized, not {frames_THWC.dtype}")
    x_THWC = frames_THWC
    if x_THWC.shape[2] != width:
        x_THWC = _resample(x_THWC.permute(2, 0, 1, 3), width).permute(1, 2, 0, 3)
    if x_THWC.shape[1] != height:
        x_THWC = _resample(x_THWC.permute(1, 0, 2, 3), height).permute(1, 0, 2, 3)
    return x_THWC


def patchify(
    frames_THWC: torch.Tensor, patches: PatchSettings | None = None
) -> tuple[torch.Tensor, tuple[int, int, int]]:
    """Normalise frames of the right size and cut them into patches.

    ``frames_THWC``: (T, H, W, 3), uint8 or float, levels 0 to 255; H and W multiples of ``factor``. A
    number of frames that does not fill the last temporal patch is filled up with the last frame, as the
    processor does.
    Returns the patches, float32 (N, P) in the order in which merged tokens need them, and the grid
    (temporal, rows, columns) of patches; N is the grid's product.
    """
    patches = patches or PatchSettings()
    size, merge, depth = patches.patch_size, patches.merge_size, patches.temporal_patch_size
    num_frames, height, width, channels = frames_THWC.shape
    if height % patches.factor or width % patches.factor:
        raise ChunkError(
            f"{width}x{height} pixels are not multiples of {patches.factor}; resize the frames first"
        )
    missing = -num_frames % depth
    if missing:
        last_1HWC = frames_THWC[-1:]
        frames_THWC = torch.cat([frames_THWC, last_1HWC.expand(missing, -1, -1, -1)])
    grid_t, grid_h, grid_w = frames_THWC.shape[0] // depth, height // size, width // size
    cut = frames_THWC.reshape(
        grid_t, depth, grid_h // merge, merge, size, grid_w // merge, merge, size, channels
    ).permute(0, 2, 5, 3, 6, 8, 1, 4, 7)  # while pixels are bytes: moving them is what costs
    x_NCP = cut.reshape(grid_t * grid_h * grid_w, channels, -1).float()
    scale_C1, shift_C1 = _scale_and_shift(patches, frames_THWC.device)
    return (x_NCP * scale_C1 + shift_C1).flatten(1), (grid_t, grid_h, grid_w)


def kept_constants(
    shape: tuple[int, ...], size: tuple[int, int], patches: PatchSettings, device: torch.device
) -> object:
    """What resizing frames (T, H, W, 3) to ``size`` and cutting them reads beside them: hold it while a CUDA graph
    of that work may be replayed."""
    taps = [_taps(old, new, device) for old, new in zip(shape[1:3], size, strict=True) if old != new]
    return taps, _scale_and_shift(patches, device)


@functools.lru_cache(maxsize=16)
def _scale_and_shift(patches: PatchSettings, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (patches.mean, patches.std))
    return (1 / (255 * std)).float()[:, None].to(device), (-mean / std).float()[:, None].to(device)


def _resample(x_LX: torch.Tensor, new_length: int) -> torch.Tensor:
    """Resample the first axis of a uint8 tensor; every other axis is carried along."""
    index_KL, weight_KL = _taps(x_LX.shape[0], new_length, x_LX.device)
    shape = x_LX.shape[1:]
    x_LX = x_LX.reshape(x_LX.shape[0], -1)
    block = _BLOCK if x_LX.device.type == "cpu" else x_LX.shape[1]
    resampled = [
        _weigh(x_LB.to(torch.int32), index_KL, weight_KL) for x_LB in torch.split(x_LX, block, dim=1)
    ]
    return torch.cat(resampled, dim=1).view(new_length, *shape)


def _weigh(x_LX: torch.Tensor, index_KL: torch.Tensor, weight_KL: torch.Tensor) -> torch.Tensor:
    half = 1 << (_FIXED_POINT_BITS - 1)
    total_LX = torch.full((index_KL.shape[1], x_LX.shape[1]), half, dtype=torch.int32, device=x_LX.device)
    for index_L, weight_L in zip(index_KL, weight_KL, strict=True):
        total_LX.addcmul_(x_LX.index_select(0, index_L), weight_L[:, None])
    return (total_LX >> _FIXED_POINT_BITS).clamp_(0, 255).to(torch.uint8)


@functools.lru_cache(maxsize=16)
def _taps(length: int, new_length: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Which inputs make an output, and with what fixed-point weights: two (num_taps, new_length) tensors."""
    scale = length / new_length
    stretch = max(scale, 1.0)
    support = 2.0 * stretch
    num_taps = math.ceil(support) * 2 + 1
    index = np.zeros((num_taps, new_length), dtype=np.int64)
    weight = np.zeros((num_taps, new_length), dtype=np.int32)
    for place in range(new_length):
        center = (place + 0.5) * scale
        first = max(int(center - support + 0.5), 0)
        last = min(int(center + support + 0.5), length)
        inputs = np.arange(first, last, dtype=np.float64)
        values = _bicubic((inputs - center + 0.5) / stretch)
        values = values / values.sum()
        index[: len(inputs), place] = inputs
        weight[: len(inputs), place] = np.trunc(values * (1 << _FIXED_POINT_BITS) + np.copysign(0.5, values))
    return torch.from_numpy(index).to(device), torch.from_numpy(weight).to(device)


def _bicubic(x: npt.NDArray[np.float64], a: float = -0.5) -> npt.NDArray[np.float64]:
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
