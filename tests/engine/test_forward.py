"""The engine's model against transformers, from the same files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine import LoadedModel, StreamingSession, StreamSettings, load_model
from engine.attention import causal_bias
from engine.cache import StreamingCache
from engine.rope import TextSpan, VisionSpan, positions_3d
from engine.rotary import TextRotary
from tests.engine.checkpoints import write_tiny
from tests.engine.conftest import load_oracle, make_chunk

GRIDS = [(1, 4, 4), (1, 8, 12), (1, 16, 26), (2, 12, 22), (3, 8, 8), (2, 22, 38), (1, 2, 30)]


def patches_for(grid: tuple[int, int, int], model: LoadedModel) -> torch.Tensor:
    size = (math.prod(grid), model.config.vision.patch_dim)
    return torch.from_numpy(np.random.default_rng(0).standard_normal(size, dtype=np.float32))


@torch.inference_mode()
def compare_towers(model: LoadedModel, oracle: Any, grid: tuple[int, int, int]) -> float:
    patches = patches_for(grid, model)
    expected = oracle.model.visual(patches, torch.tensor([grid])).pooler_output
    return float((model.vision(patches, grid) - expected).abs().max())


@torch.inference_mode()
def compare_logits(model: LoadedModel, oracle: Any, grid: tuple[int, int, int]) -> float:
    """Text, one video block, text: all logits of one causal pass."""
    patches = patches_for(grid, model)
    merge = model.patches.merge_size
    block = VisionSpan(grid[0], grid[1] // merge, grid[2] // merge, 2.0)
    prompt = model.prompt
    ids = [
        *prompt.prefix("Lions against Sharks"),
        *prompt.user_turn(0, 1, block.length, "Commentate on this match"),
        *prompt.assistant_header(),
        *prompt.assistant_content(" A goal"),
    ]
    start = ids.index(prompt.special.video_pad)
    after = len(ids) - start - block.length
    positions = torch.from_numpy(positions_3d([TextSpan(start), block, TextSpan(after)]))
    x = model.language.embed(torch.tensor(ids))
    x[start : start + block.length] = model.vision(patches, grid)
    cache = StreamingCache(model.config.text, len(ids), model.device, model.dtype)
    states = model.language(x, TextRotary(model.config.text, model.device).table(positions), cache)
    expected = oracle(
        input_ids=torch.tensor([ids]),
        pixel_values_videos=patches,
        video_grid_thw=torch.tensor([grid]),
        position_ids=positions[:, None].long(),
    ).logits[0]
    assert expected.abs().max() > 1
    return float((model.language.logits(states) - expected).abs().max())


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_the_vision_tower_equals_transformers(
    tiny: LoadedModel, oracle: Any, grid: tuple[int, int, int]
) -> None:
    assert compare_towers(tiny, oracle, grid) < 1e-3


@pytest.mark.parametrize("grid", [(1, 8, 12), (2, 16, 26)], ids=str)
def test_full_attention_logits_equal_transformers(
    tiny: LoadedModel, oracle: Any, grid: tuple[int, int, int]
) -> None:
    assert compare_logits(tiny, oracle, grid) < 1e-3


@pytest.mark.parametrize("full_layers", [[0, 1, 2, 3], []], ids=["all full", "all windows"])
def test_any_choice_of_full_attention_layers(tmp_path: Path, full_layers: list[int]) -> None:
    folder = write_tiny(tmp_path, seed=1, tied=True, vision={"fullatt_block_indexes": full_layers})
    model, oracle = load_model(folder, device="cpu"), load_oracle(folder)
    for grid in GRIDS:
        assert compare_towers(model, oracle, grid) < 1e-3
    assert compare_logits(model, oracle, (2, 8, 12)) < 1e-3


@torch.inference_mode()
def test_tokens_run_one_by_one_give_the_logits_of_one_pass(tiny: LoadedModel) -> None:
    ids = torch.tensor(tiny.prompt.prefix("Lions against Sharks, and a goal."))
    table = TextRotary(tiny.config.text, tiny.device).table(
        torch.from_numpy(positions_3d([TextSpan(len(ids))]))
    )

    def run(sizes: list[int]) -> torch.Tensor:
        cache = StreamingCache(tiny.config.text, 4, tiny.device, tiny.dtype)
        outputs = []
        for part in torch.arange(len(ids)).split(sizes):
            tokens = slice(int(part[0]), int(part[-1]) + 1)
            outputs.append(tiny.language(tiny.language.embed(ids[tokens]), table[tokens], cache))
        return tiny.language.logits(torch.cat(outputs))

    whole = run([len(ids)])
    assert torch.allclose(run([1] * len(ids)), whole, atol=1e-4)
    assert torch.allclose(run([5, 1, len(ids) - 6]), whole, atol=1e-4)


@pytest.mark.parametrize("precision", [None, "int8"])
def test_an_inner_size_that_is_filled_up_changes_nothing(tmp_path: Path, precision: str | None) -> None:
    """3420 in the real vision tower, 44 here: storage is longer than the checkpoint's rows."""
    folder = write_tiny(tmp_path, vision={"intermediate_size": 44})
    model, oracle = load_model(folder, device="cpu", precision=precision), load_oracle(folder)
    num_theirs = sum(p.numel() for p in oracle.parameters())
    assert model.num_parameters == num_theirs
    error = compare_towers(model, oracle, (1, 8, 12))
    assert error < (1e-3 if precision is None else 1.0)


@pytest.mark.parametrize("at_once", [1, 7, 16, 33])
def test_many_tokens_in_pieces_are_the_same_tokens(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    torch.manual_seed(0)
    config, language = tiny.config.text, tiny.language
    before_NE, x_NE = torch.randn(20, config.hidden_size), torch.randn(33, config.hidden_size)
    table = TextRotary(config, tiny.device).table(torch.arange(53.0).expand(3, -1))

    def run() -> tuple[torch.Tensor, StreamingCache]:
        cache = StreamingCache(config, 64, tiny.device, tiny.dtype)
        with torch.inference_mode():
            language(before_NE, table[:20], cache)
            return language(x_NE, table[20:], cache), cache

    whole_NE, whole = run()
    monkeypatch.setattr("engine.language._NEW_AT_ONCE", at_once)
    pieces_NE, cache = run()
    assert cache.length == whole.length == 53
    assert torch.allclose(pieces_NE, whole_NE, atol=1e-4, rtol=1e-4)
    for ours, theirs in (
        (cache.keys, whole.keys),
        (cache.rotated, whole.rotated),
        (cache.values, whole.values),
    ):
        assert torch.allclose(ours, theirs, atol=1e-4, rtol=1e-4)


def test_no_mask_grows_with_the_square_of_a_long_title(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []

    def seen(num_new: int, num_cached: int, num_groups: int, like: torch.Tensor) -> torch.Tensor | None:
        bias = causal_bias(num_new, num_cached, num_groups, like)
        rows.append(0 if bias is None else len(bias))
        return bias

    monkeypatch.setattr("engine.language.causal_bias", seen)
    session = StreamingSession(tiny, StreamSettings(title="x1 " * 700))
    said = session.step(make_chunk(0)).result.token_ids
    most = 1024 * tiny.config.text.num_heads // tiny.config.text.num_kv_heads
    assert max(rows) == most
    assert said
    assert len(session.context.ids) > 2000
