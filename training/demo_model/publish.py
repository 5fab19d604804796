"""Publish a trained demo model: weights, model card, loss curve, and the record of how it was trained. Knows files; runs
no model.

Every figure in the card is read from what the runs and the evaluation wrote. The record goes along (`training.json`), so
that a model which is trained further is published without the folders of its earlier runs.
"""

import json
import math
import shutil
from pathlib import Path
from string import Template
from typing import Any

from training.demo_model.architecture import STREAMING
from training.errors import ModelFolderError

MAX_SHARD_BYTES, MAX_FOLDER_BYTES = 16_000_000, 64_000_000
RECORD = "training.json"
"""Pieces and logged losses of all runs so far, beside the weights."""
MEASURES = ("event_f1", "team_accuracy", "score_accuracy", "name_accuracy", "silence_agreement")
CARD = Path(__file__).with_name("card.md")


def publish_runs(
    runs: list[Path], scores_folder: Path, out: Path, *, before: Path | None = None
) -> dict[str, Any]:
    """Copy the last run's model to `out`; write README.md, loss.png, scores.json and training.json beside it.

    Args:
        runs: run folders in order, each begun with the model of the one before.
        scores_folder: what `evaluate --out` wrote for that model.
        before: a published folder that the first of the runs began with; it may be `out` itself.

    Raises:
        ModelFolderError: there is no model, there are no scores, `before` has no record, or the result is larger than we
            ship.
    """
    model, scores_file = runs[-1] / "model", scores_folder / "scores.json"
    if not (model / "config.json").exists():
        raise ModelFolderError(f"{model} holds no model. Train one first: --out {runs[-1]}.")
    if not scores_file.exists():
        raise ModelFolderError(
            f"{scores_file} does not exist. Evaluate {model} first: --out {scores_folder}."
        )
    record: dict[str, Any] = _record(before) if before else {"num_steps": 0, "pieces": [], "history": []}
    pieces, history = record["pieces"], record["history"]
    pictures = {file.name: file.read_bytes() for file in before.glob("loss-*.png")} if before else {}
    for run in runs:
        logged = [entry for entry in _lines(run / "history.jsonl") if "loss" in entry]
        history += [{**entry, "step": record["num_steps"] + entry["step"]} for entry in logged]
        pieces += _lines(run / "pieces.jsonl")
        record["num_steps"] += pieces[-1]["step"]  # a run's last piece counts the run's steps from its start
    if out.exists():
        shutil.rmtree(out)
    shutil.copytree(model, out)
    for name, picture in pictures.items():
        (out / name).write_bytes(picture)
    (out / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draw_loss(history, out / "loss.png")
    shutil.copy(scores_file, out / "scores.json")
    scores = json.loads(scores_file.read_text(encoding="utf-8"))
    (out / "README.md").write_text(card(record, scores, out), encoding="utf-8")
    sizes = {file.name: file.stat().st_size for file in out.iterdir()}
    too_large = [name for name, size in sizes.items() if size > MAX_SHARD_BYTES]
    if too_large or sum(sizes.values()) > MAX_FOLDER_BYTES:
        raise ModelFolderError(
            f"{out} is too large to ship: {sum(sizes.values())} bytes; over 16 MB: {too_large}."
        )
    return {"out": str(out), "bytes": sum(sizes.values()), "files": sorted(sizes)}


def draw_loss(history: list[dict[str, Any]], out: Path) -> None:
    """The loss and the share of right tokens against the step, as a small PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = [entry["step"] for entry in history]
    figure, left = pyplot.subplots(figsize=(7, 3.2), dpi=110)
    left.plot(steps, [entry["loss"] for entry in history], color="#C4320A")
    left.set(xlabel="optimizer step", ylabel="loss a token", ylim=(0, None))
    right = left.twinx()
    right.plot(steps, [entry["token_accuracy"] for entry in history], color="#5A606B", lw=0.8)
    right.set(ylabel="share of tokens right", ylim=(0, 1))
    figure.tight_layout()
    figure.savefig(out)
    pyplot.close(figure)


def card(record: dict[str, Any], scores: dict[str, Any], folder: Path) -> str:
    """The model card (`card.md`), filled with what was measured."""
    pieces, last = record["pieces"], record["history"][-1]
    window = STREAMING["window"]
    score_rows = [
        [seed, *(_shown(values[name]) for name in MEASURES), f"{values['step_ms_p95']:.0f}"]
        for seed, values in scores["seeds"].items()
    ]
    piece_rows = [
        [
            str(index),
            f"`{piece['command']}`",
            piece["device"],
            str(piece["step"]),
            f"{piece['seconds'] / 60:.1f}",
        ]
        for index, piece in enumerate(pieces, start=1)
    ]
    return Template(CARD.read_text(encoding="utf-8")).substitute(
        parameters_m=f"{num_parameters(folder) / 1e6:.1f}",
        vision_s=f"{window['vision_window_s']:.0f}",
        text_rounds=window["text_rounds"],
        sink=window["text_sink"],
        text_window=window["text_window"],
        seed=pieces[-1]["settings"]["seed"],
        batch=pieces[-1]["settings"]["optimizer"]["batch_chunks"],
        num_steps=record["num_steps"],
        gpu_minutes=f"{sum(piece['seconds'] for piece in pieces) / 60:.0f}",
        loss=f"{last['loss']:.3f}",
        token_accuracy=f"{last['token_accuracy']:.3f}",
        pieces=_rows(piece_rows),
        minutes=f"{scores['minutes']:.0f}",
        how="greedy" if scores["greedy"] else "sampled",
        name_bias=f"{scores['name_bias']:g}",
        scores=_rows(score_rows),
    )


def num_parameters(folder: Path) -> int:
    """Parameters in a folder's safetensors shards."""
    from safetensors import safe_open

    total = 0
    for shard in sorted(folder.glob("*.safetensors")):
        with safe_open(shard, framework="numpy") as tensors:
            names = list(tensors.keys())
            total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
    return total


def _record(folder: Path) -> dict[str, Any]:
    """What a published folder tells of its training."""
    file = folder / RECORD
    if not file.exists():
        raise ModelFolderError(f"{file} does not exist: {folder} does not tell how its model was trained.")
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return record


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _rows(rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _shown(value: float | None) -> str:
    return "nothing said" if value is None else f"{value:.3f}"
