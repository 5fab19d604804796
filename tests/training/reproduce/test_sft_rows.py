"""Fine-tuning rows: the same match and budget for all, cut differently, and a model at the end that streams."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration

from engine import load_model
from training.demo_model.architecture import model_config, train_tokenizer
from training.demo_model.match_chunks import sample_texts
from training.demo_model.train import write_model
from training.reproduce.catalogue import SFT_KINDS
from training.reproduce.results import Results
from training.reproduce.sft_rows import FixedMatches, num_events_told, recipe, stages, train_kind


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo model of one layer each that has learnt nothing."""
    folder = tmp_path_factory.mktemp("start")
    torch.manual_seed(0)
    tokenizer = train_tokenizer(sample_texts(5, seed=1))
    config = model_config(tokenizer)
    config.text_config.num_hidden_layers = config.vision_config.depth = 1
    config.text_config.layer_types = config.text_config.layer_types[:1]
    config.vision_config.fullatt_block_indexes = [0]
    write_model(Qwen2_5_VLForConditionalGeneration(config), tokenizer, folder)
    settings = json.loads((folder / "ringside.json").read_text())
    settings["window"]["text_sink"] = 95
    (folder / "ringside.json").write_text(json.dumps(settings))
    return folder


def chunks_of(kind: str, start: Path, pictures: Path) -> FixedMatches:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(start)
    return FixedMatches(tokenizer, recipe(kind, 1, num_steps=2), pictures, num_matches=2, minutes=1.3)


def test_all_kinds_have_one_budget_and_one_set_of_matches(start: Path, tmp_path: Path) -> None:
    budgets = {kind: sum(steps for _, steps in stages(kind, 120)) for kind in SFT_KINDS}
    assert set(budgets.values()) == {120}
    recipes = [recipe(kind, 1, num_steps=10) for kind in SFT_KINDS]
    assert len({settings.optimizer for settings in recipes}) == 1
    assert {settings.cut.stride_s for settings in recipes} == {12.0, 24.0}
    overlap, apart = (chunks_of(kind, start, tmp_path) for kind in ("overlap", "no-overlap"))
    titles = [shown.match.title for shown in overlap.matches]
    assert titles == [shown.match.title for shown in apart.matches]
    ends = [chunk.end_s for place, chunk in apart.chunks if place == 0]
    starts = [chunk.start_s for place, chunk in apart.chunks if place == 0]
    assert starts[1:] == ends[:-1], "without overlap nothing is seen twice"
    whole = {(place, chunk.start_s) for place, chunk in overlap.chunks}
    assert {(place, chunk.start_s) for place, chunk in apart.chunks} < whole


def test_an_example_is_the_same_every_time(start: Path, tmp_path: Path) -> None:
    chunks = chunks_of("overlap", start, tmp_path)
    first, again = chunks[1], chunks[1]
    assert np.array_equal(first["encoded"].input_ids, again["encoded"].input_ids)
    assert first["frames"] is not None
    assert first["frames"].shape == (48, 168, 308, 3)
    queries = [
        chunks.prompt.decode(chunks[index]["encoded"].input_ids.tolist()).count("Commentate")
        for index in range(len(chunks))
    ]
    assert set(queries) == {0, 1}


def test_annealing_takes_the_chunks_in_which_most_happens(start: Path, tmp_path: Path) -> None:
    chunks = chunks_of("overlap-anneal", start, tmp_path)
    told = {
        (place, chunk.start_s): num_events_told(chunk, chunks.matches[place].truth)
        for place, chunk in chunks.chunks
    }
    chunks.keep_the_most_eventful(0.25)
    kept = {(place, chunk.start_s) for place, chunk in chunks.chunks}
    assert len(kept) == -(-len(told) // 4)
    left = set(told) - kept
    assert min(told[key] for key in kept) >= max(told[key] for key in left)


def test_a_kind_is_trained_in_its_stages_once_and_then_streams(start: Path, tmp_path: Path) -> None:
    def go() -> dict[str, object]:
        return train_kind(
            tmp_path,
            "no-overlap-anneal",
            1,
            start=start,
            num_steps=2,
            num_workers=0,
            num_matches=1,
            minutes=0.8,
            batch_chunks=1,
        )

    summary = go()
    assert summary["num_steps"] == 2
    folder = Results(tmp_path).trained_folder("no-overlap-anneal", 1)
    model = load_model(folder / "model", device="cpu")
    assert model.settings.window.text_sink == 95, "it streams as the model does that it began with"
    trained = torch.load(folder / "all" / "checkpoint-1" / "optimizer.pt", weights_only=False)
    assert trained["state"]
    # A kill after the first stage: that one is not trained again.
    (folder / "run.json").unlink()
    shutil.rmtree(folder / "annealing")
    first = (folder / "all" / "stage.json").stat().st_mtime_ns
    assert go()["num_chunks"] == summary["num_chunks"]
    assert (folder / "all" / "stage.json").stat().st_mtime_ns == first
    assert go() == json.loads((folder / "run.json").read_text())
