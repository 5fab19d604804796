"""The models of the table "sft": overlapped or not, annealed or not, from one start and with one budget.

All four kinds of one seed see the same minutes of match, the same number of optimizer steps and of chunks in a step.

- "overlap": 24 s chunks 12 s apart, as the protocol has it; "no-overlap": 24 s apart.
- "...-anneal": the last quarter of the steps is a second stage with a schedule of its own, on the quarter of the chunks
  in which most of what is said is about something that just happened (the paper's second stage: chunks picked for
  describing what is on the screen).

Knows how the protocol's chunks are cut from a fixed set of matches, and how much of each kind is trained. Knows nothing
of streaming. The training itself is `training.sft`'s, with the demo model's recipe.
"""

import dataclasses
import json
import logging
import math
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration

from engine.prompt import PromptBuilder
from engine.settings import SETTINGS_FILE
from training.demo_league.commentate import narrate
from training.demo_league.listen import Caption, listen
from training.demo_league.truth import Truth
from training.demo_model.recipe import demo
from training.demo_model.train import write_model
from training.errors import ModelFolderError
from training.reproduce.catalogue import ROWS, SFT_KINDS, Piece
from training.reproduce.pictures import MatchPictures
from training.reproduce.results import Results
from training.sft.annotation import Chunk, cut
from training.sft.collate import Example
from training.sft.conversation import encode
from training.sft.model import ChunkModel
from training.sft.settings import SftSettings
from training.sft.trainer import train

logger = logging.getLogger("ringside.training.reproduce")

NUM_MATCHES, MATCH_MINUTES = 20, 4.0
NUM_STEPS = 120
LEARNING_RATE = 2e-4
ANNEALING_SHARE = 0.25
"""Share of the steps in the second stage, and of the chunks that are picked for it."""
_FIRST_MATCH_SEED = 70_000


class FixedMatches(Dataset[Example]):
    """Every chunk of a fixed set of matches, in order; the same whoever asks for them."""

    def __init__(
        self, tokenizer: Any, settings: SftSettings, pictures: Path, *, num_matches: int, minutes: float
    ) -> None:
        """`pictures`: where drawn frames are kept. The recipe's seed decides which matches are played."""
        self.prompt, self.settings = PromptBuilder(tokenizer), settings
        first = _FIRST_MATCH_SEED + 1000 * settings.seed
        self.matches = [
            MatchPictures(
                pictures, seed=seed, minutes=minutes, fps=settings.prompt.fps, resize=settings.resize
            )
            for seed in range(first, first + num_matches)
        ]
        self.chunks: list[tuple[int, Chunk]] = [
            (place, chunk)
            for place, shown in enumerate(self.matches)
            for chunk in cut(
                narrate(shown.match),
                title=shown.match.title,
                duration_s=shown.num_seconds,
                settings=settings.cut,
            )
        ]

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, index: int) -> Example:
        place, chunk = self.chunks[index]
        prompt = self.settings.prompt
        seconds = range(int(chunk.start_s), int(chunk.end_s))
        frames = np.concatenate([self.matches[place].second(second) for second in seconds])
        # By the chunk, not by chance: the same in every epoch and for every kind that has this chunk.
        has_query = (place + int(chunk.start_s) // 12) % 2 < 2 * prompt.query_share - 0.5
        encoded = encode(
            chunk,
            self.prompt,
            prompt,
            frame_size=(frames.shape[1], frames.shape[2]),
            query=prompt.query if has_query else "",
        )
        return {"encoded": encoded, "frames": frames}

    def keep_the_most_eventful(self, share: float) -> None:
        """Keep the chunks in which the most events are told, as the league's own scorer hears them."""
        told = [num_events_told(chunk, self.matches[place].truth) for place, chunk in self.chunks]
        num_kept = math.ceil(share * len(told))
        kept = sorted(np.argsort(told, kind="stable")[::-1][:num_kept].tolist())
        self.chunks = [self.chunks[index] for index in kept]


def num_events_told(chunk: Chunk, truth: Truth) -> int:
    """How many events a chunk's commentary tells."""
    words = [Caption(start_s, end_s, word) for start_s, end_s, word in chunk.words]
    heard = listen(words, teams=truth.teams, team_of_player=truth.team_of_player)
    return sum(not mention.is_void for mention in heard.mentions)


def recipe(kind: str, seed: int, *, num_steps: int) -> SftSettings:
    """The demo model's recipe with a small budget, chunks 12 or 24 seconds apart, and a cosine schedule."""
    settings = demo(num_steps=num_steps)
    stride_s = settings.cut.chunk_s * (0.5 if kind.startswith("overlap") else 1.0)
    return dataclasses.replace(
        settings,
        cut=dataclasses.replace(settings.cut, stride_s=stride_s),
        optimizer=dataclasses.replace(
            settings.optimizer, learning_rate=LEARNING_RATE, schedule="cosine", decay_share=0.0
        ),
        # A run lasts seconds: compiling would take longer than it saves.
        compile_layers=False,
        seed=seed,
    )


def stages(kind: str, num_steps: int) -> list[tuple[str, int]]:
    """Names and steps of a kind's stages; together always `num_steps`."""
    if not kind.endswith("-anneal"):
        return [("all", num_steps)]
    num_annealing = max(1, round(ANNEALING_SHARE * num_steps))
    return [("all", num_steps - num_annealing), ("annealing", num_annealing)]


def train_kind(
    out: Path,
    kind: str,
    seed: int,
    *,
    start: Path,
    num_steps: int | None = None,
    num_workers: int | None = None,
    num_matches: int = NUM_MATCHES,
    minutes: float = MATCH_MINUTES,
    batch_chunks: int | None = None,
) -> dict[str, Any]:
    """Train one kind from a model folder, or go on with it. Returns what the run says of itself.

    Writes OUT/models/KIND-SEED/model, on which the rows of the table run. A model that is there is left alone.

    Raises:
        ModelFolderError: `start` holds no model.
    """
    if not (start / "config.json").is_file():
        raise ModelFolderError(f"{start} holds no model to begin with. Name another with --start.")
    results = Results(out)
    folder = results.trained_folder(kind, seed)
    note = folder / "run.json"
    if note.is_file():
        found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        return found
    model_folder = start
    done: list[dict[str, Any]] = []
    for stage, steps in stages(kind, num_steps or NUM_STEPS):
        settings = recipe(kind, seed, num_steps=steps)
        settings = dataclasses.replace(
            settings, num_workers=settings.num_workers if num_workers is None else num_workers
        )
        if batch_chunks is not None:
            settings = dataclasses.replace(
                settings,
                optimizer=dataclasses.replace(settings.optimizer, batch_chunks=batch_chunks),
                device_batch_chunks=batch_chunks,
            )
        place = folder / stage
        if not (place / "stage.json").is_file():
            _train_stage(place, settings, results.pictures, model_folder, start, num_matches, minutes)
        done.append(json.loads((place / "stage.json").read_text(encoding="utf-8")))
        model_folder = place / "model"
    _point_at(folder / "model", model_folder)
    record = {
        "kind": kind,
        "seed": seed,
        "start": start.name,
        "num_steps": sum(int(stage["step"]) for stage in done),
        "batch_chunks": settings.optimizer.batch_chunks,
        "num_chunks": [stage["num_chunks"] for stage in done],
        "minutes_of_match": num_matches * minutes,
        "seconds": round(sum(float(stage["seconds"]) for stage in done), 1),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
    }
    note.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return record


def train_commands(chosen: Sequence[Piece], results: Results) -> list[str]:
    """What has to be typed for the models that pieces need and that are not there, a command a training seed."""
    wanted = {ROWS[piece.row].trained for piece in chosen} - {None}
    missing = [
        kind_and_seed
        for kind_and_seed in wanted
        if kind_and_seed and not (results.trained_folder(*kind_and_seed) / "model" / "config.json").is_file()
    ]
    return [
        f"python -m training.reproduce train --out {shlex.quote(str(results.folder))} --seeds {seed} --kinds "
        + " ".join(kind for kind in SFT_KINDS if (kind, seed) in missing)
        for seed in sorted({seed for _, seed in missing})
    ]


def _train_stage(
    place: Path,
    settings: SftSettings,
    pictures: Path,
    model_folder: Path,
    start: Path,
    num_matches: int,
    minutes: float,
) -> None:
    """One stage, or the rest of it, from `model_folder`; `stage.json` says that it is done."""
    tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(start)
    chunks = FixedMatches(tokenizer, settings, pictures, num_matches=num_matches, minutes=minutes)
    if place.name == "annealing":
        chunks.keep_the_most_eventful(ANNEALING_SHARE)
    torch.manual_seed(settings.seed)
    hf = Qwen2_5_VLForConditionalGeneration.from_pretrained(model_folder, dtype=torch.float32)
    model = ChunkModel(
        hf,
        train_vision=settings.train_vision,
        compile_layers=settings.compile_layers,
        pixel_noise=settings.pixel_noise,
    )
    summary = train(model, tokenizer, chunks, settings, place, log_every=5)
    write_model(hf, tokenizer, place / "model")
    # It streams as the model does that it began with.
    shutil.copyfile(start / SETTINGS_FILE, place / "model" / SETTINGS_FILE)
    stage = {**summary, "num_chunks": len(chunks)}
    (place / "stage.json").write_text(json.dumps(stage) + "\n", encoding="utf-8")


def _point_at(link: Path, model: Path) -> None:
    """The finished model's place, whichever stage it comes of."""
    link.unlink(missing_ok=True)
    link.symlink_to(model.relative_to(link.parent), target_is_directory=True)
