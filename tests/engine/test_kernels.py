"""The Triton kernels against plain PyTorch: on a GPU where there is one, else in Triton's interpreter.

Triton comes with CUDA builds of PyTorch only; without it there is nothing to test.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
pytest.importorskip("triton", reason="Triton is not installed: it comes with CUDA builds of PyTorch")
if DEVICE == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("without a GPU, start pytest with TRITON_INTERPRET=1", allow_module_level=True)

from engine import LoadedModel  # noqa: E402 - see above
from engine.cache import StreamingCache  # noqa: E402 - see above
from engine.decoding import TorchOps  # noqa: E402 - see above
from engine.fused import rotate as rotate_fused  # noqa: E402 - see above
from engine.kernels.one_query import attend_one_query  # noqa: E402 - see above
from engine.kernels.one_row import Tile, multiply_row  # noqa: E402 - see above
from engine.kernels.ops import TritonOps  # noqa: E402 - see above
from engine.kernels.pointwise import rotate_cache, rotate_strided, silu_and_multiply  # noqa: E402 - see above
from engine.kernels.rounding import round_rows  # noqa: E402 - see above
from engine.kernels.widen import widen  # noqa: E402 - see above
from engine.layers import Linear  # noqa: E402 - see above
from engine.quantised import QuantisedLinear  # noqa: E402 - see above
from engine.rotary import RotaryTable, rotate  # noqa: E402 - see above


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def near(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-5) -> bool:
    """Close by the norm of the difference; NaN is never close."""
    return bool((a.double() - b.double()).norm() <= tolerance * b.double().norm())


def table(num: int, head_dim: int) -> RotaryTable:
    return RotaryTable.from_angles(torch.randn(num, head_dim // 2, device=DEVICE) * 3)


@pytest.mark.parametrize("length", [1, 5, 64, 130, 300])
@pytest.mark.parametrize(("num_heads", "num_kv_heads"), [(4, 2), (6, 2), (7, 1)])
def test_one_query_over_a_cache(length: int, num_heads: int, num_kv_heads: int) -> None:
    head_dim = 16
    stores = torch.randn(2, num_kv_heads, 320, head_dim, device=DEVICE)
    stores[:, :, length:] = torch.nan  # nothing behind the filled places may be read
    q = torch.randn(num_heads, head_dim, device=DEVICE)
    out = torch.full_like(q, torch.nan)
    place = torch.tensor([length - 1], device=DEVICE)
    attend_one_query(q, stores[0], stores[1], place, out, num_splits=4, block=16)
    k, v = (
        store[:, :length].repeat_interleave(num_heads // num_kv_heads, dim=0).double() for store in stores
    )
    p = torch.softmax(torch.einsum("hd,hld->hl", q.double(), k) / head_dim**0.5, dim=-1)
    assert near(out, torch.einsum("hl,hld->hd", p, v))


def linear_of(num_in: int, num_out: int, bias: bool, kind: str) -> Any:
    rows = torch.randn(num_out, num_in, device=DEVICE) / num_in**0.5
    if kind == "plain":
        made: Any = Linear(num_in, num_out, bias=bias, dtype=torch.float32).to(DEVICE)
        made.weight.copy_(rows)
    else:
        made = QuantisedLinear(num_in, num_out, bias=bias, format=kind, dtype=torch.float32).to(DEVICE)
        made.store_rows(0, rows)
    if bias:
        made.bias.copy_(torch.randn(num_out, device=DEVICE))
    return made


@pytest.mark.parametrize("kind", ["plain", "int8", "fp8", "int4"])
@pytest.mark.parametrize(("num_in", "num_out"), [(64, 96), (192, 50)])
def test_products_of_one_row(kind: str, num_in: int, num_out: int) -> None:
    if kind == "fp8" and DEVICE == "cpu":
        pytest.skip("Triton's interpreter has no fp8")
    tile = Tile(rows=4, columns=64, num_warps=4)
    x, residual = torch.randn(1, num_in, device=DEVICE), torch.randn(1, num_out, device=DEVICE)
    weight = torch.rand(num_in, device=DEVICE) + 0.5
    normed = torch.nn.functional.rms_norm(x, (num_in,), weight, 1e-6)
    linear = linear_of(num_in, num_out, True, kind)
    expected = normed @ linear.widened().T + linear.bias if kind != "plain" else linear(normed)
    assert near(multiply_row(x, linear, norm=(weight, 1e-6), tile=tile), expected)
    assert near(multiply_row(x, linear, residual_1O=residual, tile=tile), residual + linear.project(x))
    gate_up = linear_of(num_in, 2 * num_out, False, kind)
    gate, up = gate_up.project(normed).chunk(2, dim=-1)
    gated = multiply_row(x, gate_up, norm=(weight, 1e-6), gated=True, tile=tile)
    assert near(gated, torch.nn.functional.silu(gate) * up)


@pytest.mark.parametrize("head_dim", [16, 80])
def test_rotations(head_dim: int) -> None:
    qkv = torch.randn(21, 9, head_dim, device=DEVICE)
    turned = torch.full((21, 5, head_dim), torch.nan, device=DEVICE)
    angles = table(21, head_dim)
    rotate_strided(qkv[:, :5], turned, angles)
    assert near(turned, rotate(qkv[:, :5], angles))
    assert near(rotate_fused(qkv[:, :5], angles), turned)
    stores = torch.randn(2, 3, 2, 40, head_dim, device=DEVICE)
    before = stores[1, :, :, 21:].clone()
    rotate_cache(stores[1, :, :, :21], stores[0, :, :, :21], angles)
    expected = stores[0, :, :, :21] * angles.cos + stores[0, :, :, :21].roll(head_dim // 2, -1) * angles.sin
    assert near(stores[1, :, :, :21], expected)
    assert torch.equal(stores[1, :, :, 21:], before)


@pytest.mark.parametrize("kind", ["int8", "fp8", "int4"])
def test_weights_are_widened_as_by_pytorch(kind: str) -> None:
    if kind == "fp8" and DEVICE == "cpu":
        pytest.skip("Triton's interpreter has no fp8")
    rows = linear_of(192, 20, False, kind)
    found = widen(rows.codes, rows.scale, rows.offset, rows.size, torch.float32)
    assert near(found, rows.widened(torch.arange(20, device=DEVICE)))


@pytest.mark.skipif(DEVICE == "cpu", reason="Triton's interpreter has no fp8")
@pytest.mark.parametrize("num_in", [64, 3584, 18_944])
def test_activations_are_rounded_as_by_pytorch(num_in: int) -> None:
    x = (torch.randn(33, num_in, device=DEVICE) * torch.rand(33, 1, device=DEVICE) * 9).bfloat16()
    x[5] = 0.0
    codes, scale = round_rows(x, 448.0)
    assert near(scale, (x.abs().amax(dim=1, keepdim=True).float() / 448.0).clamp_min(1e-12), 1e-6)
    assert torch.equal(codes.float(), (x / scale).to(torch.float8_e4m3fn).float())


def test_gates() -> None:
    gate_up = torch.randn(5, 2 * 70, device=DEVICE)
    gate, up = gate_up.chunk(2, dim=-1)
    assert near(silu_and_multiply(gate_up), torch.nn.functional.silu(gate) * up)


@pytest.mark.skipif(
    DEVICE == "cuda", reason="the tiny model of this test is on the CPU; test_cuda.py has the rest"
)
@pytest.mark.parametrize("num_cached", [0, 37])
def test_a_token_by_kernels_equals_one_by_pytorch(tiny: LoadedModel, num_cached: int) -> None:
    config, language = tiny.config.text, tiny.language
    caches = [StreamingCache(config, 64, torch.device("cpu"), torch.float32) for _ in range(2)]
    for cache in caches:
        torch.manual_seed(1)
        for layer in range(config.num_layers):
            for store in cache.stores(layer):
                store.normal_()
    plain = TorchOps(config, caches[0])
    ours = TritonOps(config, caches[1], TorchOps(config, caches[1]))
    token, place, angles = torch.tensor([70]), torch.tensor([num_cached]), table(1, config.head_dim)
    logits = []
    for ops in (plain, ours):
        ops.begin(place, angles)
        logits.append(language.decode(token, ops))
    assert near(logits[1], logits[0])
    for layer in range(config.num_layers):
        for a, b in zip(caches[0].stores(layer), caches[1].stores(layer), strict=True):
            assert near(b, a)
