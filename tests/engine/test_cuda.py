"""The same code on a CUDA GPU: float32 follows the CPU, half precision follows within its precision."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from engine import (
    LoadedModel,
    ResizeSettings,
    SamplingSettings,
    StreamingSession,
    StreamSettings,
    WindowSettings,
)
from engine import load_model as load
from engine.attention import WindowLayout, WindowRun, attend_cached, attend_windows, causal_bias
from tests.engine.checkpoints import write_tiny
from tests.engine.conftest import make_chunk, scored

pytestmark = pytest.mark.gpu

SETTINGS = StreamSettings(
    window=WindowSettings(vision_window_s=3.0, text_rounds=2, text_sink=6, text_window=8),
    sampling=SamplingSettings(max_new_tokens=5, greedy=True),
    resize=ResizeSettings(min_pixels=28 * 28),
    title="Lions against Sharks.",
)


@pytest.fixture(autouse=True)
def _needs_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA GPU here")


def logits_of(
    model: LoadedModel, words: list[tuple[int, ...]] | None
) -> tuple[list[torch.Tensor], list[tuple[int, ...]]]:
    """Raw logits of a stream that says ``words``, or what it would say; and what was said."""
    session = StreamingSession(model, SETTINGS)
    found, said = [], []
    for number in range(8):
        if words is None:
            scores, result = scored(session, make_chunk(number))
        else:
            kept: list[tuple[torch.Tensor, torch.Tensor]] = []
            step = session.step(
                make_chunk(number),
                forced_ids=words[number],
                on_scores=lambda _, raw, penalised, kept=kept: kept.append((raw, penalised)),
            )
            scores, result = kept, step.result
        found += [raw.cpu() for raw, _ in scores]
        said.append(result.token_ids)
    return found, said


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-3), ("bfloat16", 1.0), ("float16", 0.2)])
def test_a_stream_follows_the_cpu(tiny_folder: Path, tiny: LoadedModel, dtype: str, tolerance: float) -> None:
    expected, words = logits_of(tiny, None)
    found, _ = logits_of(load(tiny_folder, device="cuda", dtype=dtype), words)
    errors = [float((a - b).abs().max()) for a, b in zip(found, expected, strict=True)]
    assert sum(errors) / len(errors) < tolerance


@pytest.mark.parametrize("num_new", [1, 9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attention_over_the_cache(num_new: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    q, kv = torch.randn(num_new, 6, 64), torch.randn(2, 2, 50, 64)
    expected = attend_cached(q, kv[0, :, :40], kv[1, :, :40], causal_bias(num_new, 40, 3, q))
    q, kv = q.to("cuda", dtype), kv.to("cuda", dtype)
    out = attend_cached(q, kv[0, :, :40], kv[1, :, :40], causal_bias(num_new, 40, 3, q))
    assert (out.float().cpu() - expected).abs().max() < (1e-4 if dtype == torch.float32 else 0.03)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attention_inside_windows(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    runs = (WindowRun(0, 2, 64), WindowRun(128, 3, 16))
    qkv = torch.randn(3, 2 * 176, 2, 80)
    expected = attend_windows(*qkv, WindowLayout(runs, 2, torch.device("cpu")))
    out = attend_windows(*qkv.to("cuda", dtype), WindowLayout(runs, 2, torch.device("cuda")))
    assert (out.float().cpu() - expected).abs().max() < (1e-4 if dtype == torch.float32 else 0.03)


def test_the_seven_billion_heads_run_in_half_precision(tmp_path: Path) -> None:
    """Heads of 80 and 128 values, as the real models have them."""
    folder = write_tiny(
        tmp_path,
        text={
            "hidden_size": 512,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
        },
        vision={"hidden_size": 160, "num_heads": 2, "out_hidden_size": 512},
    )
    session = StreamingSession(load(folder, device="cuda"), dataclasses.replace(SETTINGS))
    for number in range(4):
        assert session.step(make_chunk(number)).result.token_ids
