"""The mean of the weights of several pieces of one run ("model soup", arXiv 2203.05482).

Knows files of weights. Knows nothing of how well the mean does (`evaluate`).

Pieces that went on from one another lie in one valley, so that their mean is a model too. The last piece here gained names
and lost scores against the one before; their mean, the last counted twice, stands between them in both. And so again with
pieces 9 and 10, of which one knows who leads and the other high scores.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from training.demo_model.architecture import write_streaming_settings
from training.errors import ModelFolderError


def average_runs(runs: list[Path], out: Path) -> dict[str, Any]:
    """Write `out`/model, the mean of the models of `runs` (each run/model), and the notes that `publish` reads.

    Raises:
        ModelFolderError: a run has no model, or the models are not of one shape.
    """
    import torch
    from safetensors.torch import load_file, save_file

    started = time.monotonic()
    folders = [run / "model" for run in runs]
    for folder in folders:
        if not (folder / "config.json").exists():
            raise ModelFolderError(f"{folder} holds no model. Train one first.")
    model = out / "model"
    if model.exists():
        shutil.rmtree(model)
    shutil.copytree(folders[-1], model)
    for shard in sorted(model.glob("*.safetensors")):
        parts = [load_file(folder / shard.name) for folder in folders]
        if any(part.keys() != parts[0].keys() for part in parts):
            raise ModelFolderError(
                f"{shard.name} holds other weights in one of {', '.join(map(str, folders))}."
            )
        mean = {
            name: torch.stack([part[name].float() for part in parts]).mean(0).to(weight.dtype)
            for name, weight in parts[0].items()
        }
        save_file(mean, shard, metadata={"format": "pt"})
    write_streaming_settings(model)
    last = json.loads((runs[-1] / "pieces.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    piece = {
        "step": 0,
        "num_steps": 0,
        "seconds": round(time.monotonic() - started, 1),
        "finished": True,
        "device": "no GPU",
        "command": " ".join(["python -m training.demo_model", *sys.argv[1:]]),
        "settings": last["settings"],
    }
    (out / "pieces.jsonl").write_text(json.dumps(piece) + "\n", encoding="utf-8")
    (out / "history.jsonl").write_text("", encoding="utf-8")
    return {"out": str(model), "models": [str(folder) for folder in folders]}
