"""The mean of several pieces' weights: what is written is the mean, complete, and bad folders are named."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from training.demo_model.__main__ import main
from training.demo_model.average import average_runs
from training.errors import ModelFolderError


def write_run(folder: Path, weights: dict[str, torch.Tensor]) -> Path:
    model = folder / "model"
    model.mkdir(parents=True)
    save_file(weights, model / "model-00001-of-00001.safetensors")
    (model / "config.json").write_text("{}")
    (folder / "pieces.jsonl").write_text(json.dumps({"step": 3, "settings": {"seed": 1}}) + "\n")
    return folder


def test_the_mean_is_written_with_what_publishing_needs(tmp_path: Path) -> None:
    first = torch.randn(6, 4).bfloat16()
    second = torch.randn(6, 4).bfloat16()
    runs = [
        write_run(tmp_path / str(i), {"head": weight.clone(), "same": first.clone()})
        for i, weight in enumerate((first, second))
    ]
    out = tmp_path / "mean"
    average_runs(runs, out)
    found = load_file(out / "model" / "model-00001-of-00001.safetensors")
    assert torch.equal(found["head"], ((first.float() + second.float()) / 2).bfloat16())
    assert torch.equal(found["same"], first)
    assert json.loads((out / "model" / "ringside.json").read_text())["window"]["text_rounds"] == 12
    piece = json.loads((out / "pieces.jsonl").read_text())
    assert piece["settings"] == {"seed": 1}
    average_runs(runs, out)  # again, over what is there


def test_what_cannot_be_averaged_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        write_run(tmp_path / "a", {"head": torch.zeros(2)}),
        write_run(tmp_path / "b", {"other": torch.zeros(2)}),
    ]
    with pytest.raises(ModelFolderError, match="other weights"):
        average_runs(runs, tmp_path / "mean")
    assert main(["average", "--runs", str(tmp_path / "nothing"), "--out", str(tmp_path / "mean")]) == 1
    assert "nothing" in capsys.readouterr().err
