"""The folder of results: one JSON file for each finished piece, and a note of which model they are of.

Knows files. Knows nothing of how results come about or are shown.

    OUT/model.json                  the model that all rows but the fine-tuned ones ran on
    OUT/results/ROW.MINUTESmin.SEED.json
    OUT/models/KIND-SEED/model      fine-tuned models (`sft_rows`)
    OUT/pictures                    drawn frames; can be removed at any time

A file appears whole or not at all. A piece that ended because time was up is kept, and made again when there is time.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from training.reproduce.catalogue import ROWS, Piece
from training.reproduce.errors import NotTrainedError, OtherModelError, ResultFileError

TIME_WAS_UP = "time was up"


class Results:
    """What there is in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def pictures(self) -> Path:
        """Where drawn frames are."""
        return self.folder / "pictures"

    def path(self, piece: Piece) -> Path:
        """A piece's result file."""
        return self.folder / "results" / f"{piece.name}.json"

    def model_of(self, piece: Piece, model: Path) -> Path:
        """The folder of the model that a piece runs on. Raises NotTrainedError."""
        trained = ROWS[piece.row].trained
        if trained is None:
            return model
        folder = self.trained_folder(*trained) / "model"
        if not (folder / "config.json").is_file():
            raise NotTrainedError(piece.row, folder)
        return folder

    def trained_folder(self, kind: str, seed: int) -> Path:
        """Where a fine-tuned model's run is."""
        return self.folder / "models" / f"{kind}-{seed}"

    def claim(self, model: Path) -> None:
        """Take note that results here are of this model. Raises OtherModelError where others are here already."""
        file = self.folder / "model.json"
        asked = {"weights": weights_digest(model), "name": model.name}
        if file.is_file():
            found = json.loads(file.read_text(encoding="utf-8"))
            if found["weights"] != asked["weights"]:
                raise OtherModelError(self.folder, found["weights"], asked["weights"])
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(file, asked)

    def is_done(self, piece: Piece) -> bool:
        """Whether a piece needs no more work: the match was streamed to its end, or as far as the variant can."""
        path = self.path(piece)
        return path.is_file() and read(path)["ended"] != TIME_WAS_UP

    def put(self, piece: Piece, result: dict[str, Any]) -> None:
        """Keep a result, unless a longer one of the same piece is here."""
        path = self.path(piece)
        if path.is_file() and read(path)["streamed_s"] > result["streamed_s"]:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, {"row": piece.row, "minutes": piece.minutes, "seed": piece.seed, **result})

    def all(self) -> list[dict[str, Any]]:
        """Every result, in order of name. Raises ResultFileError."""
        return [read(path) for path in sorted((self.folder / "results").glob("*.json"))]


def read(path: Path) -> dict[str, Any]:
    """One result. Raises ResultFileError."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultFileError(path, str(error)) from error
    if not isinstance(result, dict) or not {"row", "minutes", "seed", "streamed_s", "ended"} <= set(result):
        raise ResultFileError(path, "it lacks fields")
    return result


def weights_digest(model: Path) -> str:
    """A model's weights in sixteen characters."""
    digest = hashlib.sha256()
    for shard in sorted(model.glob("*.safetensors")):
        digest.update(shard.read_bytes())
    return digest.hexdigest()[:16]


def _write(path: Path, value: dict[str, Any]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
