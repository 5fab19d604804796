"""Pixels become patches as transformers' Qwen2-VL processor makes them."""

import numpy as np
import pytest
import torch
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from engine import EngineError, ResizeSettings
from engine.preprocess import PatchSettings, patchify, resize_frames, smart_resize

SIZES = [(720, 1280), (360, 640), (180, 320), (1080, 1920), (224, 364), (37, 911), (640, 360)]


@pytest.mark.parametrize(("size", "expected"), [((720, 1280), (560, 1008)), ((360, 640), (364, 644))])
def test_known_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert smart_resize(*size, ResizeSettings()) == expected


@pytest.mark.parametrize("size", SIZES)
def test_sizes_are_multiples_within_the_limits(size: tuple[int, int]) -> None:
    resize = ResizeSettings()
    height, width = smart_resize(*size, resize)
    assert height % 28 == width % 28 == 0
    assert resize.min_pixels <= height * width <= resize.max_pixels


def test_a_ribbon_is_refused() -> None:
    with pytest.raises(EngineError, match="200 times"):
        smart_resize(10, 2010, ResizeSettings())


def picture(height: int, width: int) -> np.ndarray:
    """Noise over a gradient: hard edges make resampling overshoot, and overshoot must be clipped the same way."""
    noise = np.random.default_rng(7).integers(0, 256, (height, width, 3))
    gradient = np.linspace(0, 255, width)[None, :, None]
    return np.where(np.arange(height)[:, None, None] % 3, noise, gradient).astype(np.uint8)


@pytest.mark.parametrize("size", [(360, 640), (180, 320), (95, 130), (224, 364)])
def test_patches_equal_the_processors(size: tuple[int, int]) -> None:
    resize = ResizeSettings(min_pixels=64 * 28 * 28, max_pixels=200 * 28 * 28)
    image = picture(*size)
    processor = Qwen2VLImageProcessorPil(
        size={"shortest_edge": resize.min_pixels, "longest_edge": resize.max_pixels}
    )
    expected = processor(images=[image], return_tensors="pt")
    frames = torch.from_numpy(image)[None]
    patches, grid = patchify(resize_frames(frames, *smart_resize(*size, resize)))
    assert list(grid) == expected["image_grid_thw"][0].tolist()
    assert (patches - expected["pixel_values"]).abs().max() < 1e-4


def slow_patches(frames: np.ndarray, settings: PatchSettings) -> np.ndarray:
    size, merge, depth = settings.patch_size, settings.merge_size, settings.temporal_patch_size
    frames = (frames / 255 - np.array(settings.mean)) / np.array(settings.std)
    rows = []
    for t in range(0, len(frames), depth):
        for block_y in range(0, frames.shape[1], size * merge):
            for block_x in range(0, frames.shape[2], size * merge):
                for y in range(block_y, block_y + size * merge, size):
                    for x in range(block_x, block_x + size * merge, size):
                        patch = frames[t : t + depth, y : y + size, x : x + size]
                        rows.append(patch.transpose(3, 0, 1, 2).ravel())
    return np.array(rows)


@pytest.mark.parametrize(("num_frames", "depth"), [(4, 2), (6, 3), (1, 1)])
def test_video_patches_are_cut_in_merge_order(num_frames: int, depth: int) -> None:
    settings = PatchSettings(temporal_patch_size=depth)
    frames = np.random.default_rng(1).integers(0, 256, (num_frames, 56, 84, 3), dtype=np.uint8)
    patches, grid = patchify(torch.from_numpy(frames), settings)
    assert grid == (num_frames // depth, 4, 6)
    assert np.abs(patches.numpy() - slow_patches(frames, settings)).max() < 1e-5


def test_a_missing_frame_is_the_last_one_again() -> None:
    frames = torch.randint(0, 256, (3, 28, 28, 3), dtype=torch.uint8)
    odd, grid = patchify(frames)
    even, _ = patchify(torch.cat([frames, frames[-1:]]))
    assert grid == (2, 2, 2)
    assert torch.equal(odd, even)


def test_frames_already_in_float_give_the_same_patches() -> None:
    frames = torch.randint(0, 256, (2, 28, 56, 3), dtype=torch.uint8)
    assert torch.equal(patchify(frames)[0], patchify(frames.float())[0])


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(EngineError, match="multiples of 28"):
        patchify(torch.zeros(2, 30, 28, 3, dtype=torch.uint8))
    with pytest.raises(EngineError, match="uint8"):
        resize_frames(torch.zeros(2, 30, 28, 3), 28, 28)
