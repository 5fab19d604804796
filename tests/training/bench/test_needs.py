"""Operations that are counted against those that a model really does, and what is said to fit against sizes by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.sizes import config_of_size
from training.bench.material import (
    ANNOTATIONS_NAME,
    MadeUpChunks,
    frame_grid,
    made_up_tokenizer,
    random_model,
    write_annotations,
)
from training.bench.needs import ChunkSize, chunk_flops, gpu_bytes, least_recomputed, lora_values
from training.sft.collate import PackingCollator
from training.sft.conversation import IGNORED_LABEL
from training.sft.lora import add_lora
from training.sft.model import ChunkModel, freeze_vision
from training.sft.settings import LoraSettings, PromptSettings


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> MadeUpChunks:
    path = tmp_path_factory.mktemp("chunks") / ANNOTATIONS_NAME
    write_annotations(path, num_chunks=2, chunk_s=4, video_s=5)
    return MadeUpChunks(path, made_up_tokenizer(), PromptSettings(), tokens=32)


@pytest.mark.parametrize("lora", [None, LoraSettings(rank=4, alpha=8)])
def test_operations_are_those_of_a_step_of_training(chunks: MadeUpChunks, lora: LoraSettings | None) -> None:
    config, tokenizer = config_of_size("tiny"), made_up_tokenizer()
    hf = random_model(config, tokenizer, device="cpu", dtype=torch.float32)
    freeze_vision(hf)
    if lora is not None:
        assert add_lora(hf, lora) == lora_values(config.text, lora)
    # Without padding every token counts.
    batch = PackingCollator(max_chunk_tokens=4096, pad_id=0, multiple=1)([chunks[0]])
    model = ChunkModel(hf, train_vision=False).train()
    # Attention by products alone, so that torch counts it.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(**batch)["loss_sum"].backward()
    counted = {str(operation): flops for operation, flops in counter.get_flop_counts()["Global"].items()}
    size = ChunkSize(
        num_tokens=batch["input_ids"].shape[1],
        num_learnt=int((batch["labels"] != IGNORED_LABEL).sum()),
        num_pairs=4,
        pair_patches=4 * 32,
    )
    ours = chunk_flops(config, size, lora=lora)
    # The vocabulary's slices are made twice forward, and torch counts attention as if it were not causal.
    head = ours["head"] * (4 / 3 if lora is None else 3 / 2)
    vision_attention = _vision_attention(size.num_pairs)
    products = ours["layers"] + ours["additions"] + head + ours["vision"] - vision_attention
    assert counted["aten.mm"] + counted["aten.addmm"] == pytest.approx(products, rel=1e-6)
    assert counted["aten.bmm"] == pytest.approx(2 * ours["attention"] + vision_attention, rel=1e-6)


def _vision_attention(num_pairs: int) -> float:
    vision = config_of_size("tiny").vision
    rows, columns = (2 * side for side in frame_grid(32))
    patches = rows * columns
    # One layer sees the whole picture, the others windows of 8 x 8 patches.
    num_full = len(vision.full_attention_layers)
    keys = num_full * patches + (vision.num_layers - num_full) * 64
    return 4.0 * num_pairs * patches * vision.hidden_size * keys


def test_a_pictures_tokens_are_as_many_as_asked_for() -> None:
    assert frame_grid(720) == (20, 36)
    for tokens in (8, 100, 255, 400, 768):
        rows, columns = frame_grid(tokens)
        assert rows * columns == pytest.approx(tokens, rel=0.03)
        assert 1.4 < columns / rows < 2.2


def test_what_fits_on_an_h200() -> None:
    options: dict[str, Any] = {"num_tokens": 19_000, "memory_bytes": 150e9}
    seven = config_of_size("7b")
    # 7.6 billion weights that learn, 16 bytes each.
    whole = gpu_bytes(seven, num_tokens=0, gpus=1, recomputed="all", lora=None)
    assert 121e9 < whole < 145e9
    assert least_recomputed(seven, gpus=4, lora=None, **options) == "cheap"
    assert least_recomputed(seven, gpus=2, lora=None, **options) == "mlp"
    assert least_recomputed(seven, gpus=1, lora=LoraSettings(), **options) == "cheap"
    assert least_recomputed(seven, gpus=1, lora=LoraSettings(), num_tokens=19_000, memory_bytes=80e9) == "mlp"


def test_random_weights_are_never_zeros() -> None:
    config = config_of_size("tiny")
    hf = random_model(config, made_up_tokenizer(), device="cpu", dtype=torch.float32)
    assert all(bool((value != 0).all()) for value in hf.parameters())


def test_annotations_are_those_of_the_published_form(chunks: MadeUpChunks, tmp_path: Path) -> None:
    encoded = chunks.encoded(0)
    assert chunks.file.chunk(0).duration_s == 4
    assert (encoded.labels != IGNORED_LABEL).sum() >= 4 * 2, "a phrase, or its end, every second"
    write_annotations(tmp_path / "again.jsonl", num_chunks=2, chunk_s=4, video_s=5)
    assert (tmp_path / "again.jsonl").read_bytes() == chunks.file.path.read_bytes(), "the same everywhere"
