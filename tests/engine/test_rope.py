"""Contiguous 3-D positions and the rotation by them."""

import numpy as np
import pytest
import torch

from engine import LoadedModel
from engine.rope import TextSpan, VisionSpan, positions_3d, temporal_step
from engine.rotary import TextRotary, rotate, rotate_into


def test_text_and_vision_count_as_the_protocol_says() -> None:
    positions = positions_3d([TextSpan(2), VisionSpan(2, 2, 3, 2.0), TextSpan(2)])
    assert positions.T.tolist() == [
        [0, 0, 0],
        [1, 1, 1],
        *[[2, 2 + h, 2 + w] for h in range(2) for w in range(3)],
        *[[4, 2 + h, 2 + w] for h in range(2) for w in range(3)],
        [5, 5, 5],
        [6, 6, 6],
    ]


def test_text_goes_on_after_the_longest_axis_even_if_that_is_time() -> None:
    positions = positions_3d([VisionSpan(4, 1, 2, 2.0), TextSpan(1)])
    assert positions[:, -1].tolist() == [7, 7, 7]


def test_time_steps_may_be_fractions() -> None:
    assert temporal_step(fps=8.0, temporal_patch_size=2, tokens_per_second=2.0) == 0.5
    positions = positions_3d([TextSpan(1), VisionSpan(4, 1, 1, 0.5), TextSpan(1)])
    assert positions[0].tolist() == [0, 1, 1.5, 2, 2.5, 3.5]


def test_empty_spans_take_no_position() -> None:
    assert positions_3d([TextSpan(0), TextSpan(1), TextSpan(0)]).tolist() == [[0]] * 3
    assert positions_3d([]).shape == (3, 0)


def test_a_split_stream_has_the_positions_of_the_whole() -> None:
    spans = [TextSpan(3), VisionSpan(1, 3, 2, 1.0), TextSpan(4)]
    whole = positions_3d(spans)
    rest = positions_3d(spans[1:], start=3.0)
    assert np.array_equal(whole[:, 3:], rest)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rotation_equals_complex_multiplication(tiny: LoadedModel, dtype: torch.dtype) -> None:
    config = tiny.config.text
    positions = torch.rand(3, 5) * 1000
    table = TextRotary(config, tiny.device).table(positions)
    x = torch.randn(5, 2, config.head_dim, dtype=dtype)
    half = config.head_dim // 2
    axis = [a for a, count in enumerate(config.mrope_section) for _ in range(count)]
    frequency = torch.tensor([config.rope_theta ** (-i / half) for i in range(half)], dtype=torch.float64)
    angle = (positions[axis].T.double() * frequency)[:, None]
    pairs = torch.complex(x[..., :half].double(), x[..., half:].double())
    turned = pairs * torch.polar(torch.ones_like(angle), angle)
    expected = torch.cat([turned.real, turned.imag], dim=-1)
    tolerance = 2e-4 if dtype == torch.float32 else 0.03
    assert torch.allclose(rotate(x, table).double(), expected, atol=tolerance)
    out = torch.empty(2, 5, config.head_dim, dtype=dtype)
    rotate_into(out, x.transpose(0, 1), table)
    assert torch.equal(out.transpose(0, 1), rotate(x, table)) or torch.allclose(
        out.transpose(0, 1).float(), rotate(x, table).float(), atol=1e-6
    )
