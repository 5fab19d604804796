"""Whole runs on a CPU: what must not change the loss does not, and a run that is killed goes on as if it had not been."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.sft.small_run import TEXTS, Chunks, run, settings_for, small_model
from tests.training.sft.two_processes import UNREADABLE
from training.demo_model.architecture import train_tokenizer
from training.errors import RecipeError
from training.sft.collate import ChunkCollator, PackingCollator
from training.sft.lora import add_lora, merged_state
from training.sft.model import ChunkModel
from training.sft.packing import chunk_by_chunk
from training.sft.settings import LoraSettings
from training.sft.trainer import last_checkpoint

ROOT = Path(__file__).parents[3]
SMALL_RUN = [sys.executable, "-m", "tests.training.sft.small_run"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty steps in one process, a chunk at a time."""
    out = tmp_path_factory.mktemp("plain")
    run(out, settings_for(save_every=100), model_folder=out / "model")
    return out


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes did, one run of them begun by one process alone."""
    out = tmp_path_factory.mktemp("by_two")
    first = run(out / "pieces", settings_for(num_steps=10), unreadable=UNREADABLE, minutes=0.0)
    assert (first["step"], first["finished"]) == (1, False)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    subprocess_run([*launcher, "-m", "tests.training.sft.two_processes", str(out)])
    return out


def losses(out: Path) -> list[float]:
    entries = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    steps = [(entry["step"], entry["loss"]) for entry in entries if "loss" in entry]
    assert [step for step, _ in steps] == list(range(1, len(steps) + 1)), "every step once, in order"
    return [loss for _, loss in steps]


def subprocess_run(arguments: list[str], **environment: str) -> None:
    done = subprocess.run(
        arguments,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_something_is_learnt(plain: Path) -> None:
    curve = losses(plain)
    assert len(curve) == 50
    assert curve[-1] < 0.6 * curve[0]


def test_packed_chunks_give_the_same_losses_as_padded_ones(plain: Path, tmp_path: Path) -> None:
    run(tmp_path, settings_for(pack=True, device_batch_chunks=4))
    np.testing.assert_allclose(losses(tmp_path), losses(plain), rtol=1e-3)


def test_recomputed_layers_give_the_same_losses(plain: Path, tmp_path: Path) -> None:
    run(tmp_path, settings_for(checkpoint_layers=True, pack=True, device_batch_chunks=2))
    np.testing.assert_allclose(losses(tmp_path), losses(plain), rtol=1e-3)


def test_two_processes_give_the_same_losses_as_one(plain: Path, by_two: Path) -> None:
    """A head in two parts, and unequal numbers of tokens, were compared on the way."""
    np.testing.assert_allclose(losses(by_two / "plain"), losses(plain), rtol=1e-3)


def test_a_killed_run_goes_on_as_if_it_had_not_been(plain: Path, tmp_path: Path) -> None:
    arguments = [*SMALL_RUN, str(tmp_path), "--save-every", "20"]
    process = subprocess.Popen(
        arguments,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    history = tmp_path / "history.jsonl"
    # Some steps after the first checkpoint, which are trained and logged once more.
    while process.poll() is None and not (history.exists() and '"step": 23' in history.read_text()):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    checkpoint = last_checkpoint(tmp_path)
    assert checkpoint is not None
    assert 20 <= int(checkpoint.rsplit("-", 1)[1]) < 50
    subprocess_run(arguments)
    np.testing.assert_allclose(losses(tmp_path), losses(plain), rtol=1e-3)


def test_a_half_written_checkpoint_is_not_gone_on_from(tmp_path: Path) -> None:
    for step, state in ((20, '{"global_step": 20}'), (100, None), (90, '{"global_st')):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").touch()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-20")
    assert last_checkpoint(tmp_path / "nothing") is None


@pytest.mark.slow
@pytest.mark.parametrize("sharding", ["fsdp2", "zero3"])
def test_sharded_over_two_processes_stopped_and_resumed_it_is_the_same_run(
    plain: Path, tmp_path: Path, sharding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sharding == "zero3":
        pytest.importorskip("deepspeed", reason="deepspeed is not installed")
        monkeypatch.setenv("DS_ACCELERATOR", "cpu")
    config = tmp_path / "sharding.yaml"
    text = (ROOT / "training" / "sft" / "configs" / f"{sharding}.yaml").read_text()
    config.write_text(
        text.replace("num_processes: 4", "num_processes: 2").replace("bf16", "'no'") + "use_cpu: true\n"
    )
    launcher = [str(Path(sys.executable).parent / "accelerate"), "launch", "--config_file", str(config)]
    out = tmp_path / "out"
    subprocess_run([*launcher, *SMALL_RUN[1:], str(out), "--minutes", "0"])
    checkpoint = last_checkpoint(out)
    assert checkpoint is not None
    assert checkpoint.endswith("checkpoint-1")
    subprocess_run([*launcher, *SMALL_RUN[1:], str(out)])
    np.testing.assert_allclose(losses(out), losses(plain), rtol=1e-3)
    sharded, alone = (load_file(folder / "model" / "model.safetensors") for folder in (out, plain))
    assert sharded.keys() == alone.keys()
    for name, value in alone.items():
        torch.testing.assert_close(sharded[name].float(), value.float(), atol=0.01, rtol=0.05)


def test_unreadable_chunks_are_replaced_counted_and_named(tmp_path: Path) -> None:
    run(tmp_path, settings_for(num_steps=10), unreadable=frozenset({3, 4, 20}))
    entries = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [entry for entry in entries if "loss" in entry][-1]["num_skipped"] == 4, (
        "ten steps see each chunk once, and the third's place is taken by the fifth"
    )
    notes = [json.loads(line) for line in (tmp_path / "skipped.jsonl").read_text().splitlines()]
    assert {note["chunk"] for note in notes} == {3, 4, 20}
    assert all("can't be decoded" in note["reason"] for note in notes)


def test_skipped_chunks_are_counted_over_processes_and_over_stops(by_two: Path, tmp_path: Path) -> None:
    summary = run(tmp_path, settings_for(num_steps=10), unreadable=UNREADABLE)
    assert summary["num_skipped"] >= len(UNREADABLE)
    counts: list[list[int]] = []
    for out in (tmp_path, by_two / "pieces"):
        entries = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
        counts.append([entry.get("num_skipped", 0) for entry in entries if "loss" in entry])
    assert counts[1] == counts[0], "two processes that go on after a step count what one counts"
    assert counts[0][-1] == summary["num_skipped"]


def test_too_many_unreadable_chunks_stop_the_run(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="could not be read"):
        run(tmp_path, settings_for(max_skipped_share=0.1), unreadable=frozenset(range(0, 40, 3)))


def test_low_rank_additions_learn_go_on_after_a_stop_and_are_merged(plain: Path, tmp_path: Path) -> None:
    lora = LoraSettings(rank=4, alpha=8)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    options: dict[str, Any] = {"model_folder": whole / "model", "final_state": merged_state}
    run(whole, settings_for(lora=lora, num_steps=12, save_every=6), **options)
    run(pieces, settings_for(lora=lora, num_steps=12, save_every=6), minutes=0.0)
    assert last_checkpoint(pieces) is not None
    run(pieces, settings_for(lora=lora, num_steps=12, save_every=6))
    np.testing.assert_allclose(losses(pieces), losses(whole), rtol=1e-3)
    assert losses(whole)[-1] < losses(whole)[0]
    files = [load_file(out / "model" / "model.safetensors") for out in (whole, plain)]
    assert [{name: value.shape for name, value in file.items()} for file in files[1:]] == [
        {name: value.shape for name, value in files[0].items()}
    ]
    fresh = small_model(train_tokenizer(TEXTS))
    merged = type(fresh).from_pretrained(whole / "model").state_dict()
    changed = {
        name
        for name, value in fresh.state_dict().items()
        if not torch.equal(merged[name], value.to(torch.bfloat16))
    }
    assert changed
    assert all("language_model.layers" in name and "_proj.weight" in name for name in changed)


def test_peft_reads_a_checkpoints_additions_and_merges_what_the_run_merges(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed: pip install -e '.[train]'")
    lora = LoraSettings(rank=4, alpha=8)
    options: dict[str, Any] = {"model_folder": tmp_path / "model", "final_state": merged_state}
    run(tmp_path, settings_for(lora=lora, num_steps=4, save_every=4), **options)
    checkpoint = last_checkpoint(tmp_path)
    assert checkpoint is not None
    untrained = small_model(train_tokenizer(TEXTS))
    before = {name: value.clone() for name, value in untrained.state_dict().items()}
    by_peft = peft.PeftModel.from_pretrained(untrained, checkpoint).merge_and_unload().state_dict()
    assert any(not torch.equal(by_peft[name], value) for name, value in before.items())
    by_run = type(untrained).from_pretrained(tmp_path / "model", dtype=torch.bfloat16).state_dict()
    assert by_peft.keys() == by_run.keys()
    for name, value in by_run.items():
        torch.testing.assert_close(by_peft[name].to(torch.bfloat16), value, atol=0.0, rtol=0.01)


def test_additions_learn_in_float32_beside_weights_in_bfloat16() -> None:
    tokenizer = train_tokenizer(TEXTS)
    hf = small_model(tokenizer).to(torch.bfloat16)
    add_lora(hf, LoraSettings(rank=4, alpha=8))
    assert {value.dtype for value in hf.parameters() if value.requires_grad} == {torch.float32}
    model = ChunkModel(hf, train_vision=False).train()
    batch = ChunkCollator(num_tokens=256, pad_id=tokenizer.pad_token_id)([Chunks(tokenizer)[3]])
    with torch.autocast("cpu", torch.bfloat16):
        model(**batch)["loss_sum"].backward()
    gradients = [value.grad for name, value in hf.named_parameters() if ".lora_B." in name]
    assert all(grad is not None and bool(grad.abs().sum() > 0) for grad in gradients)
    assert {value.dtype for value in merged_state(hf).values()} == {torch.bfloat16}


def test_merged_additions_say_what_the_adapted_model_says() -> None:
    tokenizer = train_tokenizer(TEXTS)
    hf = small_model(tokenizer).eval()
    num_trained = add_lora(hf, LoraSettings(rank=4, alpha=8))
    assert 0 < num_trained < 0.2 * sum(value.numel() for value in hf.parameters())
    for name, value in hf.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(value, std=0.1)
    plain = small_model(tokenizer).eval()
    batch = ChunkCollator(num_tokens=256, pad_id=tokenizer.pad_token_id)([Chunks(tokenizer)[3]])
    batch.pop("labels")
    with torch.no_grad():
        before = ChunkModel(plain, train_vision=False).logits(**batch)
        plain.load_state_dict(merged_state(hf))
        adapted = ChunkModel(hf, train_vision=False).logits(**batch)
        merged = ChunkModel(plain, train_vision=False).logits(**batch)
    torch.testing.assert_close(merged, adapted, atol=1e-4, rtol=1e-4)
    assert (merged - before).abs().max() > 1e-2


def test_the_log_is_written_for_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(tmp_path, settings_for(num_steps=3, tensorboard=True))
    events = EventAccumulator(str(next((tmp_path / "runs").iterdir())))
    events.Reload()
    logged = [entry.value for entry in events.Scalars("train/loss")]
    np.testing.assert_allclose(logged, losses(tmp_path), rtol=1e-4)
    assert "train/token_accuracy" in events.Tags()["scalars"]


def test_the_finished_model_is_what_engine_and_transformers_load(plain: Path) -> None:
    from transformers import Qwen2_5_VLForConditionalGeneration

    from engine import FrameChunk, StreamingSession, StreamSettings, load_model

    hf = Qwen2_5_VLForConditionalGeneration.from_pretrained(plain / "model")
    assert hf.dtype == torch.bfloat16
    model = load_model(plain / "model", device="cpu")
    session = StreamingSession(model, StreamSettings())
    frames = np.zeros((2, 56, 56, 3), np.uint8)
    step = session.step(FrameChunk(frames=frames, start_s=0.0, end_s=1.0))
    assert step.result.token_ids


def test_a_packed_chunk_does_not_see_its_neighbours() -> None:
    tokenizer = train_tokenizer(TEXTS)
    model = ChunkModel(small_model(tokenizer), train_vision=False).eval()
    chunks = Chunks(tokenizer)
    collate = PackingCollator(max_chunk_tokens=256, pad_id=tokenizer.pad_token_id)
    packed = collate([chunks[2], chunks[3], chunks[1]])
    assert packed["input_ids"].shape[1] % 64 == 0
    with torch.no_grad():
        hidden = model.hidden(
            packed["input_ids"],
            packed["position_ids"],
            packed["frames"],
            chunk_starts=packed["chunk_starts"],
            chunk_lengths=packed["chunk_lengths"],
        )
        for place, index in enumerate((2, 3, 1)):
            alone = collate([chunks[index]])
            length = alone["chunk_lengths"][0]
            by_itself = model.hidden(alone["input_ids"], alone["position_ids"], alone["frames"])
            start = int(packed["chunk_starts"][place])
            torch.testing.assert_close(
                hidden[:, start : start + length], by_itself[:, :length], atol=1e-5, rtol=1e-5
            )


def test_chunks_of_rounded_lengths_attend_as_they_are() -> None:
    torch.manual_seed(0)
    lengths = (70, 64, 3)
    query, key, value = (torch.randn(1, heads, sum(lengths), 16) for heads in (4, 2, 2))
    rounded = chunk_by_chunk(query, key, value, lengths, None, rounds_up=True)
    assert rounded.shape == (1, sum(lengths), 4, 16)
    torch.testing.assert_close(rounded, chunk_by_chunk(query, key, value, lengths, None))


def test_vision_is_computed_once_a_chunk_without_gradients_even_where_layers_are_recomputed() -> None:
    tokenizer = train_tokenizer(TEXTS)
    hf = small_model(tokenizer)
    model = ChunkModel(hf, train_vision=False, checkpoint_layers=True).train()
    calls: dict[str, int] = {"vision": 0, "language": 0}
    hf.model.visual.merger.register_forward_hook(lambda *_: calls.update(vision=calls["vision"] + 1))
    hf.model.language_model.layers[0].mlp.register_forward_pre_hook(
        lambda *_: calls.update(language=calls["language"] + 1)
    )
    batch = PackingCollator(max_chunk_tokens=256, pad_id=0)([Chunks(tokenizer)[2], Chunks(tokenizer)[3]])
    assert not model.vision_features(batch["frames"][0][None]).requires_grad
    calls["vision"] = 0
    model(**batch)["loss_sum"].backward()
    assert calls == {"vision": 2, "language": 2}, (
        "two chunks once each; the layers forward, and again for backward"
    )
    assert hf.model.visual.blocks[0].attn.qkv.weight.grad is None


def test_the_loss_in_slices_is_that_of_all_logits_at_once() -> None:
    from torch.nn.functional import cross_entropy

    from training.sft.loss import token_loss

    torch.manual_seed(0)
    head = torch.nn.Linear(16, 50, bias=False)
    hidden, labels = torch.randn(37, 16, requires_grad=True), torch.randint(0, 50, (37,))
    loss, right = token_loss(head, hidden, labels, tokens_at_once=10)
    loss.backward()
    grads = [head.weight.grad.clone(), hidden.grad.clone()]
    head.weight.grad = hidden.grad = None
    expected = cross_entropy(head(hidden), labels, reduction="sum")
    expected.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(grads, [head.weight.grad, hidden.grad])
    assert int(right) == int((head(hidden).argmax(-1) == labels).sum())
    head.weight.grad = hidden.grad = None
    nothing, none_right = token_loss(head, hidden[:0], labels[:0])
    nothing.backward()
    assert [float(value.grad.abs().sum()) for value in (head.weight, hidden)] == [0.0, 0.0], "none is missing"
    assert (float(nothing.detach()), int(none_right)) == (0.0, 0)
