"""Publish a trained demo model: weights, model card, loss curve. Knows files; runs no model.

Every figure in the card is read from what the run and the evaluation wrote.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from training.demo_model.architecture import STREAMING
from training.errors import ModelFolderError

MAX_SHARD_BYTES, MAX_FOLDER_BYTES = 16_000_000, 64_000_000


def publish_run(run: Path, scores_folder: Path, out: Path) -> dict[str, Any]:
    """Copy `run`/model to `out` and write README.md, loss.png and scores.json beside it.

    Raises ModelFolderError where the run has no model, or the result is larger than we ship.
    """
    model = run / "model"
    if not (model / "config.json").exists():
        raise ModelFolderError(
            f"{model} holds no model. Run `python -m training.demo_model train --out {run}` first."
        )
    scores_file = scores_folder / "scores.json"
    if not scores_file.exists():
        raise ModelFolderError(
            f"{scores_file} does not exist. Run `python -m training.demo_model evaluate --model {model} --out {scores_folder}`."
        )
    if out.exists():
        shutil.rmtree(out)
    shutil.copytree(model, out)
    history = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    pieces = [json.loads(line) for line in (run / "pieces.jsonl").read_text(encoding="utf-8").splitlines()]
    scores = json.loads(scores_file.read_text(encoding="utf-8"))
    draw_loss(history, out / "loss.png")
    shutil.copy(scores_file, out / "scores.json")
    (out / "README.md").write_text(card(history, pieces, scores, out), encoding="utf-8")
    sizes = {file.name: file.stat().st_size for file in out.iterdir()}
    too_large = [name for name, size in sizes.items() if size > MAX_SHARD_BYTES]
    if too_large or sum(sizes.values()) > MAX_FOLDER_BYTES:
        raise ModelFolderError(
            f"{out} is too large to ship: {sum(sizes.values())} bytes, over 16 MB: {too_large}."
        )
    return {"out": str(out), "bytes": sum(sizes.values()), "files": sorted(sizes)}


def draw_loss(history: list[dict[str, Any]], out: Path) -> None:
    """The loss and the share of right tokens against the step, as a small PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    logged = [entry for entry in history if "loss" in entry]
    figure, left = pyplot.subplots(figsize=(7, 3.2), dpi=110)
    left.plot([entry["step"] for entry in logged], [entry["loss"] for entry in logged], color="#C4320A")
    left.set(xlabel="optimizer step", ylabel="loss a token", ylim=(0, None))
    right = left.twinx()
    right.plot(
        [entry["step"] for entry in logged],
        [entry["token_accuracy"] for entry in logged],
        color="#5A606B",
        lw=0.8,
    )
    right.set(ylabel="share of tokens right", ylim=(0, 1))
    figure.tight_layout()
    figure.savefig(out)
    pyplot.close(figure)


def card(
    history: list[dict[str, Any]], pieces: list[dict[str, Any]], scores: dict[str, Any], folder: Path
) -> str:
    """The model card, from what was measured."""
    from safetensors import safe_open

    num_parameters = 0
    for shard in sorted(folder.glob("*.safetensors")):
        with safe_open(shard, framework="numpy") as tensors:
            for name in tensors.keys():  # noqa: SIM118 # safe_open is no mapping
                size = 1
                for length in tensors.get_slice(name).get_shape():
                    size *= length
                num_parameters += size
    losses = [entry for entry in history if "loss" in entry]
    batch = pieces[-1]["settings"]["optimizer"]["batch_chunks"]
    num_steps = sum(piece["step"] for piece in pieces if piece.get("last_of_stage", True))
    rows = "\n".join(
        f"| {seed} | "
        + " | ".join(
            f"{values[name]:.3f}"
            for name in ("event_f1", "team_accuracy", "score_accuracy", "name_accuracy", "silence_agreement")
        )
        + f" | {values['step_ms_p95']:.0f} |"
        for seed, values in scores["seeds"].items()
    )
    pieces_rows = "\n".join(
        f"| {index} | {piece['device']} | {piece['step']} | {piece['seconds'] / 60:.1f} |"
        for index, piece in enumerate(pieces, start=1)
    )
    window = STREAMING["window"]
    return f"""# The Ringside demo model

A Qwen2.5-VL of {num_parameters / 1e6:.1f} M parameters, trained from scratch on the demo league (`training/demo_league`). It
comments on those matches and on nothing else: it is here so that a fresh clone can show the whole system at work.

- Weights: bfloat16 safetensors, our own, MIT licence. Architecture: Qwen2.5-VL (transformers). Tokenizer: our own, byte-level
  BPE with Qwen2.5-VL's special tokens.
- Picture: 308x168, two frames a second, 66 tokens a second. Windows: {window["vision_window_s"]:.0f} s of vision, {window["text_rounds"]} text
  rounds, sink {window["text_sink"]}, text window {window["text_window"]} tokens (`ringside.json`).
- It learnt by chunked fine-tuning as in arXiv 2510.09608: 24 s chunks 12 s apart, full attention inside a chunk, loss on what
  the assistant says. A quarter of the matches were drills (`training/demo_model/drills.py`).

## How it was made

    {PLACEHOLDER_COMMAND}

Seed {pieces[-1]["settings"]["seed"]}, {num_steps} optimizer steps of {batch} chunks in all, last logged loss {losses[-1]["loss"]:.3f}, share of tokens right
{losses[-1]["token_accuracy"]:.3f}.

| piece | device | step reached | minutes |
|---|---|---|---|
{pieces_rows}

![loss](loss.png)

## How well it does

`python -m training.demo_model evaluate --model assets/demo_model` on matches of {scores["minutes"]:.0f} minutes it has never seen, endless,
CPU, {"greedy" if scores["greedy"] else "sampled"}:

| seed | event F1 | team | score | names | silence | step p95, ms |
|---|---|---|---|---|---|---|
{rows}
"""


PLACEHOLDER_COMMAND = (
    "python -m training.demo_model train --out runs/demo --minutes 9   # again until it says finished"
)
