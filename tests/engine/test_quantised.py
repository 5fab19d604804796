"""Weights in 8 and 4 bits: how far a product and the demo model's logits move, and loading them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from engine import LoadedModel, SettingsError, StreamingSession, load_model
from engine.layers import Embedding, Linear
from engine.quantised import QuantisedEmbedding, QuantisedLinear, fits_int4, make_linear
from tests.engine.conftest import make_chunk

DEMO = Path(__file__).parents[2] / "assets" / "demo_model"
WORST = {"int8": 0.01, "fp8": 0.035, "int4": 0.09}
"""Relative error of a product with normally distributed weights: what the formats' steps come to."""


@pytest.mark.parametrize("kind", WORST)
def test_a_product_is_as_near_as_the_format_allows(kind: str) -> None:
    torch.manual_seed(0)
    rows, bias, x = torch.randn(96, 256), torch.randn(96), torch.randn(7, 256)
    made = QuantisedLinear(256, 96, bias=True, format=kind, dtype=torch.float32)
    made.store_rows(0, rows[:64])  # as from a checkpoint in which they are two tensors
    made.store_rows(64, rows[64:])
    assert made.bias is not None
    made.bias.copy_(bias)
    exact = x @ rows.T
    assert torch.allclose(made(x), x @ made.widened().T + bias, atol=1e-4)
    assert (made(x) - bias - exact).norm() / exact.norm() < WORST[kind]
    assert made.shape == (96, 256)


@pytest.mark.parametrize("kind", WORST)
def test_a_product_in_parts_is_the_product(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    made = QuantisedLinear(64, 50, bias=True, format=kind, dtype=torch.float32)
    made.store_rows(0, torch.randn(50, 64))
    assert made.bias is not None
    made.bias.copy_(torch.randn(50))
    x = torch.randn(5, 64)
    whole = made(x)
    monkeypatch.setattr("engine.quantised.MOST_WIDENED", 64 * 7)  # seven rows at a time, one left over
    assert torch.allclose(made(x), whole, atol=1e-5)


@pytest.mark.parametrize("kind", WORST)
def test_an_embedding_gives_the_rows_it_would_multiply_with(kind: str) -> None:
    torch.manual_seed(0)
    made = QuantisedEmbedding(50, 64, format=kind, dtype=torch.float32)
    made.store_rows(0, torch.randn(50, 64))
    ids = torch.tensor([3, 49, 3])
    assert torch.equal(made(ids), made.widened()[ids])


def test_a_row_of_zeros_stays_zero() -> None:
    for kind in WORST:
        made = QuantisedLinear(64, 2, bias=False, format=kind, dtype=torch.float32)
        made.store_rows(0, torch.zeros(2, 64))
        assert made.widened().abs().max() < 1e-5


def test_rows_that_four_bits_do_not_fit_take_eight() -> None:
    assert not fits_int4(96)
    assert make_linear(96, 8, bias=False, dtype=torch.float32, format="int4").format == "int8"  # type: ignore[union-attr]  # a format was asked for


@pytest.mark.parametrize("precision", ["fp8", "int8", "int4"])
def test_a_checkpoint_is_rounded_as_it_is_read(tiny_folder: Path, tiny: LoadedModel, precision: str) -> None:
    model = load_model(tiny_folder, device="cpu", precision=precision)
    assert model.num_parameters == tiny.num_parameters
    exact, rounded = tiny.language.layers[0], model.language.layers[0]
    for name in ("qkv", "out"):
        ours, theirs = getattr(rounded, name), getattr(exact, name)
        assert isinstance(theirs, Linear)
        assert (ours.widened() - theirs.weight).norm() < 0.1 * theirs.weight.norm()
    if theirs.bias is not None:
        assert torch.equal(rounded.qkv.bias, exact.qkv.bias)
    assert isinstance(model.language.embed, Embedding) == (precision == "fp8")
    session = StreamingSession(model, model.settings)
    for number in range(3):
        assert session.step(make_chunk(number)).result.token_ids


def test_an_unknown_precision_is_refused(tiny_folder: Path) -> None:
    with pytest.raises(SettingsError, match="int2"):
        load_model(tiny_folder, device="cpu", precision="int2")


@pytest.mark.parametrize(("precision", "least"), [("fp8", 0.999), ("int8", 0.999), ("int4", 0.99)])
def test_logits_of_the_demo_model_keep_their_direction(precision: str, least: float) -> None:
    """On noise, which is harder than the matches it was trained on; the phrases are those of the exact model."""
    exact = load_model(DEMO, device="cpu")
    rounded = load_model(DEMO, device="cpu", precision=precision)
    settings = dataclasses.replace(
        exact.settings, sampling=dataclasses.replace(exact.settings.sampling, greedy=True, max_new_tokens=6)
    )
    sessions = [StreamingSession(model, settings) for model in (exact, rounded)]
    found: list[list[torch.Tensor]] = [[], []]
    for number in range(4):
        words: tuple[int, ...] | None = None
        for session, logits in zip(sessions, found, strict=True):
            step = session.step(
                make_chunk(number),
                forced_ids=words,
                on_scores=lambda _, raw, __, logits=logits: logits.append(raw),
            )
            words = step.result.token_ids
    a, b = (torch.stack(logits) for logits in found)
    assert torch.cosine_similarity(a, b, dim=-1).mean() >= least
