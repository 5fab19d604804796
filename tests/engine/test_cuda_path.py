"""What only a GPU can show of the CUDA path: recordings, streams, kernels, and that none of it changes what is said."""

from __future__ import annotations

import dataclasses
import gc
from pathlib import Path

import pytest
import torch

from engine import LoadedModel, StreamingSession, token_parts
from engine import load_model as load
from engine.attention import attend_cached
from engine.bench import tokens
from engine.bench.models import random_model
from engine.preprocess import resize_frames
from engine.quantised import QuantisedLinear
from engine.runtime import PolitenessSettings, RuntimeSettings
from tests.engine.checkpoints import write_tiny
from tests.engine.conftest import make_chunk, scored
from tests.engine.test_decoder import settings, with_many_stops

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _needs_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA GPU here")


@pytest.fixture(scope="module")
def on_gpu(tiny_folder: Path) -> LoadedModel:
    """The tiny checkpoint in float32, whose ids can be held to the last one."""
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA GPU here")
    return load(tiny_folder, device="cuda", dtype="float32")


WAYS = {
    "recorded, PyTorch": RuntimeSettings(attention="torch", kernels="torch"),
    "recorded, Triton": RuntimeSettings(attention="triton", kernels="triton", overlap=False),
    "recorded, Triton tuned": RuntimeSettings(attention="triton", kernels="triton", tune=True),
    "recorded, Triton overlapping": RuntimeSettings(overlap=True),
    "not recorded": RuntimeSettings(attention="triton", kernels="torch", graphs=False),
    "polite": RuntimeSettings(politeness=PolitenessSettings(low_priority=True, duty=0.8, slice_ms=1.0)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sampling", [{"greedy": True}, {"temperature": 2.0, "top_p": 0.9}], ids=str)
def test_every_way_says_what_the_eager_one_says(
    on_gpu: LoadedModel, way: str, sampling: dict[str, object]
) -> None:
    model = with_many_stops(on_gpu)
    eager = StreamingSession(model, settings(**sampling), RuntimeSettings(decoder="eager", graphs=False))
    other = StreamingSession(model, settings(**sampling), WAYS[way])
    chunks = [make_chunk(number) for number in range(12)]
    for number, chunk in enumerate(chunks):
        expected = eager.step(chunk).result
        step = other.step(chunk)
        next(step, "")
        if number % 3:  # sometimes ahead, sometimes not
            other.prepare(chunks[(number + 1) % 12])
        assert step.result.token_ids == expected.token_ids
        assert eager.context.ids == other.context.ids


def test_a_token_in_many_recorded_parts_says_what_the_eager_one_says(
    on_gpu: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_parts, "_SHARE_OF_SLICE", 1e-9)  # a part for every layer, however quick it is
    polite = RuntimeSettings(politeness=PolitenessSettings(low_priority=True, duty=0.9))
    sessions = [
        StreamingSession(on_gpu, settings(temperature=2.0, top_p=0.9), runtime)
        for runtime in (RuntimeSettings(decoder="eager", graphs=False), polite)
    ]
    for number in range(12):
        a, b = (session.step(make_chunk(number)).result for session in sessions)
        assert a.token_ids == b.token_ids


@pytest.mark.parametrize("precision", [None, "fp8", "int8", "int4"])
def test_heads_and_types_of_the_large_models(tmp_path: Path, precision: str | None) -> None:
    """bfloat16 and 128 values a head, recorded, against the same model run eagerly."""
    folder = write_tiny(
        tmp_path,
        text={
            "hidden_size": 512,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
        },
        vision={"hidden_size": 160, "num_heads": 2, "out_hidden_size": 512, "intermediate_size": 404},
    )
    model = load(folder, device="cuda", precision=precision)
    runtimes = (RuntimeSettings(decoder="eager", graphs=False), RuntimeSettings())
    eager, other = (StreamingSession(model, settings(greedy=True), runtime) for runtime in runtimes)
    for number in range(5):
        expected, result = scored(eager, make_chunk(number))
        found: list[torch.Tensor] = []
        step = other.step(
            make_chunk(number),
            forced_ids=result.token_ids,
            on_scores=lambda _, raw, __, found=found: found.append(raw),
        )
        assert step.result.token_ids == result.token_ids
        a, b = torch.stack([raw for raw, _ in expected]), torch.stack(found)
        # In fp8 a chunk's activations are rounded too, a single row's are not: 0.9950 was seen on an H200.
        assert torch.cosine_similarity(a, b, dim=-1).min() > 0.99


def test_memory_does_not_grow() -> None:
    model = random_model("demo", device="cuda")
    window = dataclasses.replace(settings().window, vision_window_s=4.0, text_rounds=4)
    session = StreamingSession(model, dataclasses.replace(settings(temperature=2.0), window=window))
    session.warm_up((112, 168))
    held = []
    for number in range(60):
        _ = session.step(make_chunk(number)).result
        held.append(torch.cuda.memory_allocated())
    assert len(set(held[40:])) == 1


def test_a_rehearsal_leaves_a_stream_where_it_was(on_gpu: LoadedModel) -> None:
    session = StreamingSession(on_gpu, settings(temperature=2.0))
    for number in range(3):
        _ = session.step(make_chunk(number)).result
    before = session.state()
    session.warm_up((112, 168))
    after = session.state()
    assert after["context"]["ledger"] == before["context"]["ledger"]
    for kind in ("keys", "values"):
        assert torch.equal(after["context"][kind], before["context"][kind])
    assert torch.equal(after["sampler"], before["sampler"])
    assert session.step(make_chunk(3)).result.token_ids


@pytest.mark.parametrize(("size", "new_size"), [((720, 1280), (560, 1008)), ((90, 160), (280, 504))])
def test_frames_are_resized_as_on_the_processor(size: tuple[int, int], new_size: tuple[int, int]) -> None:
    frames = torch.randint(0, 256, (2, *size, 3), dtype=torch.uint8)
    assert torch.equal(resize_frames(frames.cuda(), *new_size).cpu(), resize_frames(frames, *new_size))


@pytest.mark.parametrize("num_new", [64, 741])
def test_prefill_in_two_parts_is_prefill(num_new: int) -> None:
    torch.manual_seed(0)
    q = torch.randn(num_new, 28, 128, device="cuda", dtype=torch.bfloat16)
    stores = torch.randn(2, 4, 6000, 128, device="cuda", dtype=torch.bfloat16)
    k, v = stores[0, :, :5500], stores[1, :, :5500]
    whole = attend_cached(q, k, v, None).float()
    parts = attend_cached(q, k, v, None, in_parts=True).float()
    assert (parts - whole).norm() < 0.01 * whole.norm()


@pytest.mark.parametrize(("kind", "worst"), [("int8", 0.005), ("fp8", 0.05), ("int4", 0.005)])
def test_products_of_many_rows(kind: str, worst: float) -> None:
    """Against the widened weight; fp8 rounds the activations as well."""
    torch.manual_seed(0)
    made = QuantisedLinear(512, 256, bias=True, format=kind, dtype=torch.bfloat16).cuda()
    made.store_rows(0, torch.randn(256, 512, device="cuda"))
    assert made.bias is not None
    made.bias.copy_(torch.randn(256))
    x = torch.randn(40, 512, device="cuda", dtype=torch.bfloat16)
    exact = x.double() @ made.widened().double().T + made.bias.double()
    assert (made(x).double() - exact).norm() < worst * exact.norm()


def test_a_closed_session_leaves_the_gpu_as_it_was(on_gpu: LoadedModel) -> None:
    """Recordings, buffers and the cache go with it, and no garbage collection is waited for."""

    def live() -> int:
        """Bytes taken while a session lives."""
        session = StreamingSession(on_gpu, settings(greedy=True))
        session.warm_up((56, 84))
        for number in range(3):
            session.step(make_chunk(number)).result  # noqa: B018 - runs the step
        taken = torch.cuda.memory_allocated()
        session.close()
        return taken

    gc.collect()
    gc.disable()
    try:
        live()  # what libraries and the model keep for good is there now
        before = torch.cuda.memory_allocated()
        assert live() > before
        assert torch.cuda.memory_allocated() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("precision", ["bf16", "fp8", "int8", "int4"])
def test_kernels_that_begin_early_change_no_bit(precision: str) -> None:
    """A kernel that reads what is not yet written, or writes what is still read, shows in one of many tokens."""
    if precision == "fp8" and torch.cuda.get_device_capability() < (8, 9):
        pytest.skip("this GPU has no fp8")
    model = random_model("demo", device="cuda", precision=precision)
    (_, first_V), (_, second_V) = (
        tokens.measure(model, RuntimeSettings(overlap=overlap), 3000) for overlap in (False, True)
    )
    assert torch.equal(first_V, second_V)
