"""Checkpoints as they lie on disks: every layout that loads, every fault that is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import CheckpointError, EngineError, LoadedModel, OutOfMemoryError, SettingsError, load_model
from engine.errors import (
    CheckpointNotFoundError,
    NotQwenVLError,
    TokenizerError,
    WeightsDamagedError,
    WeightsMissingError,
)
from engine.memory import naming_memory
from engine.model import check_precision, resolve_device
from engine.precision import PRECISIONS
from tests.engine.checkpoints import flatten_config, rename_weights, write_tiny


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint, to be changed."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """The tiny checkpoint in several files with an index."""
    return write_tiny(tmp_path / "sharded", shard_size="200KB")


def assert_same(model: LoadedModel, other: LoadedModel) -> None:
    for part in ("language", "vision"):
        ours = dict(getattr(model, part).named_parameters())
        theirs = dict(getattr(other, part).named_parameters())
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_shards_hold_what_one_file_holds(tiny: LoadedModel, sharded: Path) -> None:
    assert len(list(sharded.glob("*.safetensors"))) > 2
    assert_same(load_model(sharded, device="cpu"), tiny)


@pytest.mark.parametrize(
    "prefixes",
    [
        {"model.": "model.language_model.", "visual.": "model.visual."},
        {"model.": "language_model.model.", "lm_head.": "language_model.lm_head."},
    ],
    ids=["newer", "nested"],
)
def test_other_layouts_hold_the_same_model(tiny: LoadedModel, folder: Path, prefixes: dict[str, str]) -> None:
    assert_same(load_model(folder, device="cpu"), tiny)
    rename_weights(folder, prefixes)
    flatten_config(folder)
    assert_same(load_model(folder, device="cpu"), tiny)


def test_a_single_file_of_any_name_is_found(tiny: LoadedModel, folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "weights.safetensors")
    assert_same(load_model(folder, device="cpu"), tiny)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_of_half_precision_are_widened(tiny: LoadedModel, folder: Path, dtype: torch.dtype) -> None:
    file = folder / "model.safetensors"
    save_file({name: value.to(dtype) for name, value in load_file(file).items()}, file)
    loaded = load_model(folder, device="cpu")
    assert loaded.language.embed.weight.dtype == torch.float32
    assert torch.equal(loaded.language.embed.weight, tiny.language.embed.weight.to(dtype).float())


def test_a_model_can_be_loaded_in_half_precision(folder: Path) -> None:
    loaded = load_model(folder, device="cpu", dtype="bfloat16")
    assert loaded.dtype == loaded.vision.embed.weight.dtype == torch.bfloat16


def test_tied_and_missing_heads_use_the_embedding(folder: Path, tmp_path: Path) -> None:
    tied = load_model(write_tiny(tmp_path / "tied", tied=True), device="cpu")
    file = folder / "model.safetensors"
    save_file({name: value for name, value in load_file(file).items() if name != "lm_head.weight"}, file)
    headless = load_model(folder, device="cpu")
    for model in (tied, headless):
        assert model.language.head is None
        x = torch.randn(2, model.config.text.hidden_size)
        expected = model.language.norm(x) @ model.language.embed.weight.T
        assert torch.allclose(model.language.logits(x), expected, atol=1e-5)


def test_loading_reports_progress_up_to_the_end(sharded: Path) -> None:
    seen: list[tuple[float, str]] = []
    load_model(sharded, device="cpu", progress=lambda fraction, text: seen.append((fraction, text)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len(fractions) > 10
    assert all(text for _, text in seen)


def cut(file: Path, keep: float) -> None:
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * keep)])


def change(file: Path, edit: Callable[[dict[str, object]], object]) -> None:
    values = json.loads(file.read_text())
    edit(values)
    file.write_text(json.dumps(values))


def drop_weight(folder: Path, name: str) -> None:
    file = folder / "model.safetensors"
    save_file({key: value for key, value in load_file(file).items() if key != name}, file)


def reshape_weight(folder: Path, name: str) -> None:
    file = folder / "model.safetensors"
    save_file({k: v[:-1].clone() if k == name else v for k, v in load_file(file).items()}, file)


def change_text(folder: Path, **fields: object) -> None:
    change(folder / "config.json", lambda values: values["text_config"].update(fields))


def change_vision(folder: Path, **fields: object) -> None:
    change(folder / "config.json", lambda values: values["vision_config"].update(fields))


@pytest.mark.parametrize(
    ("spoil", "error", "hint"),
    [
        (lambda f: cut(f / "model.safetensors", 0.5), WeightsDamagedError, r"model\.safetensors: .*damaged"),
        (lambda f: cut(f / "model.safetensors", 0), WeightsDamagedError, r"model\.safetensors: .*damaged"),
        (lambda f: (f / "model.safetensors").unlink(), WeightsMissingError, r"model\.safetensors"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), CheckpointError, "convert"),
        (lambda f: drop_weight(f, "visual.merger.ln_q.weight"), WeightsMissingError, r"merger\.ln_q"),
        (lambda f: reshape_weight(f, "lm_head.weight"), WeightsDamagedError, r"lm_head\.weight is .* says"),
        (lambda f: (f / "config.json").unlink(), NotQwenVLError, r"no config\.json"),
        (lambda f: (f / "config.json").write_text("{"), NotQwenVLError, "JSON"),
        (
            lambda f: change(f / "config.json", lambda v: v.update(model_type="llama")),
            NotQwenVLError,
            "llama",
        ),
        (lambda f: change_text(f, num_key_value_heads=3), NotQwenVLError, "heads"),
        (lambda f: change_text(f, use_sliding_window=True), NotQwenVLError, "sliding"),
        (lambda f: change_text(f, hidden_size=128), NotQwenVLError, "mrope_section|sizes differ"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), CheckpointError, "tokenizer"),
        (
            lambda f: (f / "tokenizer.json").write_text("{"),
            TokenizerError,
            r"tokenizer\.json cannot be read.*again",
        ),
        (lambda f: (f / "tokenizer.json").unlink(), TokenizerError, r"tokenizer\.json is not there"),
        (lambda f: change_text(f, vocab_size=100), TokenizerError, "ids up to .* vocab_size 100"),
        (
            lambda f: change_text(f, hidden_size="64"),
            NotQwenVLError,
            r"config\.json is damaged.*hidden_size.*'64'",
        ),
        (lambda f: change_vision(f, depth=10**30), NotQwenVLError, "depth is 1000"),
        (
            lambda f: change_text(f, rms_norm_eps="x"),
            NotQwenVLError,
            r"config\.json is damaged.*rms_norm_eps",
        ),
        (lambda f: change_vision(f, patch_size=0), NotQwenVLError, "patch_size is 0, not a whole number"),
        (lambda f: change_vision(f, window_size=20), NotQwenVLError, "windows are smaller"),
        (lambda f: change_vision(f, in_channels=4), NotQwenVLError, "4 channels"),
        (
            lambda f: (f / "config.json").write_text("[" * 100_000),
            NotQwenVLError,
            r"config\.json is not readable",
        ),
        (
            lambda f: (f / "preprocessor_config.json").write_text("[]"),
            NotQwenVLError,
            r"preproc.*JSON object",
        ),
        (
            lambda f: (f / "preprocessor_config.json").write_text('{"image_std": [0, 0, 0]}'),
            NotQwenVLError,
            "image_std .*not 3 positive numbers",
        ),
        (
            lambda f: (f / "generation_config.json").write_text('{"eos_token_id": "x"}'),
            NotQwenVLError,
            r"generation_config\.json says eos_token_id 'x'",
        ),
        (lambda f: (f / "ringside.json").write_text('{"title": 3}'), EngineError, "title is 3, .*use str"),
        (lambda f: (f / "ringside.json").write_text('{"widow": {}}'), EngineError, "widow"),
    ],
)
def test_a_fault_is_named_with_its_file(
    folder: Path, spoil: Callable[[Path], object], error: type[EngineError], hint: str
) -> None:
    spoil(folder)
    with pytest.raises(error, match=hint) as caught:
        load_model(folder, device="cpu")
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_shard_that_is_not_there_is_named(sharded: Path) -> None:
    gone = sorted(sharded.glob("*.safetensors"))[1]
    gone.unlink()
    with pytest.raises(WeightsMissingError, match=gone.name):
        load_model(sharded, device="cpu")


def test_a_damaged_shard_is_named(sharded: Path) -> None:
    bad = sorted(sharded.glob("*.safetensors"))[1]
    cut(bad, 0.9)
    with pytest.raises(WeightsDamagedError, match=bad.name):
        load_model(sharded, device="cpu")


def test_a_damaged_index_is_named(sharded: Path) -> None:
    (sharded / "model.safetensors.index.json").write_text('{"weight_map": 3}')
    with pytest.raises(WeightsDamagedError, match=r"index\.json"):
        load_model(sharded, device="cpu")


@pytest.mark.parametrize(
    "name", ["/nowhere/at/all", "./missing", "~/missing-model", "too/many/parts", "one", ""]
)
def test_a_folder_that_is_not_there_is_not_looked_for_elsewhere(name: str) -> None:
    with pytest.raises(CheckpointNotFoundError, match="no such folder or hub model"):
        load_model(name)


def test_a_hub_id_that_cannot_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointNotFoundError, match="hub cannot be reached") as caught:
        load_model("nobody/no-such-model")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("option", "value"), [("device", "abacus"), ("dtype", "float7"), ("dtype", "int8")])
def test_an_unknown_device_or_type_is_refused(tiny_folder: Path, option: str, value: str) -> None:
    with pytest.raises(SettingsError, match=value):
        load_model(tiny_folder, **{option: value})


def test_a_gpu_that_is_not_there_is_told_from_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(SettingsError, match=r"cuda:2.*the last GPU here is cuda:1"):
        resolve_device("cuda:2")


@pytest.mark.parametrize(
    ("capabilities", "taken"),
    [([(7, 5)], "cpu"), ([(7, 5), (8, 6)], "cuda:1"), ([(8, 0), (9, 0)], "cuda"), ([(12, 0)], "cuda")],
)
def test_a_gpu_that_is_too_old_is_not_taken_and_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, capabilities: list[tuple[int, int]], taken: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))

    def capability_of(device: torch.device | int) -> tuple[int, int]:
        return capabilities[device if isinstance(device, int) else device.index or 0]

    monkeypatch.setattr(torch.cuda, "get_device_capability", capability_of)
    assert resolve_device("auto") == torch.device(taken)
    if capabilities[0] < (8, 0):
        with pytest.raises(
            SettingsError, match=r"cuda.*compute capability 7\.5, and 8\.0 is needed.*use cpu"
        ):
            resolve_device("cuda")
    else:
        assert resolve_device("cuda") == torch.device("cuda")


def test_fp8_is_refused_where_a_gpu_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 6))
    with pytest.raises(SettingsError, match=r"fp8.*compute capability 8\.6, and fp8 needs 8\.9.*use int8"):
        check_precision(PRECISIONS["fp8"], cuda)
    for name in ("bf16", "int8", "int4"):
        check_precision(PRECISIONS[name], cuda)
    check_precision(PRECISIONS["fp8"], cpu)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 9))
    check_precision(PRECISIONS["fp8"], cuda)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here, so asking for one is no mistake")
def test_asking_for_a_gpu_where_there_is_none_says_so(tiny_folder: Path) -> None:
    with pytest.raises(SettingsError, match="no CUDA GPU"):
        load_model(tiny_folder, device="cuda")


def test_a_model_larger_than_memory_is_refused_before_it_is_read(folder: Path) -> None:
    change(folder / "config.json", lambda values: values["text_config"].update(vocab_size=2**40))
    with pytest.raises(OutOfMemoryError, match=r"weights: .* GB needed, .* GB free"):
        load_model(folder, device="cpu")


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "Triton Error [CUDA]: out of memory",
    ],
)
def test_memory_that_ends_beside_the_allocator_is_named_too(said: str) -> None:
    with (
        pytest.raises(OutOfMemoryError, match="for this step"),
        naming_memory("for this step", torch.device("cpu")),
    ):
        raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="illegal"), naming_memory("for this step", torch.device("cpu")):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
