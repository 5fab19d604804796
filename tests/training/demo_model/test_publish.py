"""Publishing: what the card says is what the runs and the evaluation wrote."""

import json
from pathlib import Path

import pytest
import torch

from training.demo_model.architecture import new_model, train_tokenizer
from training.demo_model.match_chunks import sample_texts
from training.demo_model.publish import MEASURES, num_parameters, publish_runs
from training.demo_model.train import write_model
from training.errors import ModelFolderError


def write_run(run: Path, steps: list[int], command: str) -> None:
    run.mkdir()
    entries = [{"step": step, "loss": 3.0 - step / 100, "token_accuracy": step / 200} for step in steps]
    (run / "history.jsonl").write_text(
        "".join(json.dumps(entry) + "\n" for entry in [*entries, {"step": steps[-1]}])
    )
    settings = {"seed": 7, "optimizer": {"batch_chunks": 64}}
    piece = {"step": steps[-1], "seconds": 90.0, "device": "a GPU", "command": command, "settings": settings}
    (run / "pieces.jsonl").write_text(json.dumps(piece) + "\n")


def write_scores(folder: Path) -> None:
    folder.mkdir()
    values = {**dict.fromkeys(MEASURES, 0.875), "score_accuracy": None, "step_ms_p95": 123.4}
    scores = {"minutes": 10.0, "greedy": True, "name_bias": 1.5, "seeds": {"9001": values}}
    (folder / "scores.json").write_text(json.dumps(scores))


def test_a_card_tells_the_whole_run(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(sample_texts(5, seed=1))
    torch.manual_seed(0)
    model = new_model(tokenizer)
    write_run(tmp_path / "a", [100, 200], "first command")
    write_run(tmp_path / "b", [50], "second command")
    write_model(model, tokenizer, tmp_path / "b" / "model")
    write_scores(tmp_path / "scores")
    out = tmp_path / "published"
    summary = publish_runs([tmp_path / "a", tmp_path / "b"], tmp_path / "scores", out)
    assert summary["bytes"] < 64_000_000
    assert all(file.stat().st_size <= 16_000_000 for file in out.iterdir())
    expected = sum(parameter.numel() for parameter in model.parameters())
    assert num_parameters(out) == expected <= 30_000_000
    card = (out / "README.md").read_text(encoding="utf-8")
    assert f"{expected / 1e6:.1f} M parameters" in card
    assert "250 optimizer steps of 64 chunks, 3 minutes" in card
    assert "`first command`" in card
    assert "| 9001 | 0.875 | 0.875 | nothing said | 0.875 | 0.875 | 123 |" in card
    assert (out / "loss.png").stat().st_size > 5000
    assert json.loads((out / "ringside.json").read_text())["window"]["text_sink"] > 0


def test_a_model_trained_further_is_published_with_the_record_of_its_earlier_runs(tmp_path: Path) -> None:
    model = new_model(tokenizer := train_tokenizer(sample_texts(5, seed=1)))
    write_scores(tmp_path / "scores")
    for name, steps in (("a", [100, 200]), ("b", [50])):
        write_run(tmp_path / name, steps, f"{name} command")
        write_model(model, tokenizer, tmp_path / name / "model")
    out, whole = tmp_path / "published", tmp_path / "whole"
    publish_runs([tmp_path / "a"], tmp_path / "scores", out)
    (out / "loss-1.png").write_bytes(b"an earlier picture")
    publish_runs([tmp_path / "b"], tmp_path / "scores", out, before=out)
    publish_runs([tmp_path / "a", tmp_path / "b"], tmp_path / "scores", whole)
    for name in ("README.md", "training.json", "loss.png"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert (out / "loss-1.png").read_bytes() == b"an earlier picture"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [100], "command")
    with pytest.raises(ModelFolderError, match="holds no model"):
        publish_runs([tmp_path / "a"], tmp_path / "scores", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    write_scores(tmp_path / "scores")
    write_model(
        new_model(tokenizer := train_tokenizer(sample_texts(5, seed=1))), tokenizer, tmp_path / "a" / "model"
    )
    with pytest.raises(ModelFolderError, match=r"training\.json does not exist"):
        publish_runs([tmp_path / "a"], tmp_path / "scores", tmp_path / "out", before=tmp_path)
