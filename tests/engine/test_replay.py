"""Recorded runs of the published code, replayed. ``traces/`` holds copies of them; the weights they were recorded with
follow from a seed, and their tokenizer knows here just the words they use, so nothing has to be downloaded."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from engine import EngineError, PromptBuilder
from engine.replay import main
from engine.trace import read_trace, source_frame
from tests.engine.checkpoints import write_trace_checkpoint

TRACES = Path(__file__).parent / "traces"
RECORDED = ["small_4_4_16_24", "early_end"]
REAL_TOKENIZER = Path(__file__).parents[3] / "shared" / "qwen2_5_vl_processor" / "tokenizer.json"


def trace_values(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(gzip.decompress((TRACES / f"{name}.json.gz").read_bytes()))
    return values


@pytest.fixture(scope="module")
def recorded_model(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    """The checkpoint that a trace was recorded with."""
    meta = trace_values(name)["meta"]
    return write_trace_checkpoint(tmp_path_factory.mktemp(name), meta["seed"], meta["end_scale"])


@pytest.mark.parametrize("name", RECORDED, scope="module")
def test_a_recorded_run_is_followed_token_for_token(
    recorded_model: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--model", str(recorded_model), "--trace", str(TRACES / f"{name}.json.gz")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    report = json.loads(lines[0])
    assert report.pop("max_logit_error") <= 0.002
    num_choices = sum(len(step["top_ids"]) for step in trace_values(name)["steps"])
    assert 0.9 * num_choices < report.pop("clear_choices") <= num_choices
    assert report == {
        "trace": name,
        "steps": len(trace_values(name)["steps"]),
        "context_mismatches": 0,
        "choice_mismatches": 0,
        "clear_mismatches": 0,
    }


@pytest.mark.parametrize("name", RECORDED[1:], scope="module")
def test_the_static_decoder_follows_it_too(
    recorded_model: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a GPU records, run here without a recording."""
    argv = ["--model", str(recorded_model), "--trace", str(TRACES / f"{name}.json.gz"), "--decoder", "static"]
    assert main(argv) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["max_logit_error"] <= 0.002
    assert report["choice_mismatches"] == report["context_mismatches"] == 0


@pytest.mark.parametrize("name", RECORDED[:1], scope="module")
def test_a_replay_counts_what_differs(
    recorded_model: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A window one token shorter, one recorded id exchanged, one recorded logit moved: each shows in its count."""
    values = trace_values(name)
    values["steps"] = values["steps"][:8]
    values["meta"]["text_sink"] -= 1
    values["steps"][1]["new_ids"][0] += 1
    values["steps"][2]["top_logits"][0][0] += 5
    file = tmp_path / "changed.json.gz"
    file.write_bytes(gzip.compress(json.dumps(values).encode()))
    main(["--model", str(recorded_model), "--trace", str(file)])
    report = json.loads(capsys.readouterr().out)
    assert report["context_mismatches"] > 0
    assert report["choice_mismatches"] >= report["clear_mismatches"] > 0
    assert report["max_logit_error"] > 4


@pytest.mark.parametrize("name", RECORDED)
def test_the_frames_and_times_are_those_that_were_shown(name: str) -> None:
    values = trace_values(name)
    steps = list(read_trace(TRACES / f"{name}.json.gz"))
    assert len(steps) == len(values["steps"])
    for number, (step, recorded) in enumerate(zip(steps, values["steps"], strict=True)):
        assert (step.chunk.start_s, step.chunk.end_s) == (number, number + 1)
        assert step.chunk.num_frames == len(recorded["frame_idx"])
    frame = source_frame(15, 224, 364)
    y, x, i = 100, 200, 15
    assert frame[y, x].tolist() == [
        ((3 * x + 5 * y + 17 * i) ^ (x * (i % 7))) & 255,
        (x * x // 64 + 2 * y + 29 * i) & 255,
        (((x + 11 * i) // 16 + (y + 5 * i) // 16) % 2 * 200 + i) & 255,
    ]


@pytest.mark.skipif(
    not REAL_TOKENIZER.is_file(), reason="needs the 11 MB tokenizer of Qwen2.5-VL, not kept here"
)
@pytest.mark.parametrize("name", RECORDED)
def test_the_real_tokenizer_lays_a_context_out_as_recorded(name: str) -> None:
    make: Any = PreTrainedTokenizerFast
    prompt = PromptBuilder(make(tokenizer_file=str(REAL_TOKENIZER)))
    values = trace_values(name)
    meta, steps = values["meta"], values["steps"]
    expected = [
        *prompt.prefix(meta["previous_text"]),
        *prompt.user_turn(0, 1, 104, meta["query"]),
        *prompt.assistant_header(),
        *steps[0]["new_ids"],
        *prompt.turn_separator,
        *prompt.user_turn(1, 2, 104),
        *prompt.assistant_header(),
        *steps[1]["new_ids"],
    ]
    assert steps[2]["context_after_evict"] == expected
    assert prompt.special.ellipsis == 2503


def test_settings_come_from_the_trace(tmp_path: Path) -> None:
    values = trace_values(RECORDED[0])
    values["meta"] |= {
        "window_size": 6,
        "text_round": 3,
        "chunk_duration": 2,
        "fps": 4.0,
        "skip_first_chunk": 5,
    }
    values["meta"] |= {
        "text_sink": None,
        "text_sliding_window": None,
        "previous_text": "",
        "query": "Describe",
    }
    file = tmp_path / "other.json"
    file.write_text(json.dumps(values))
    trace = read_trace(file)
    assert (trace.settings.window.vision_rounds, trace.settings.window.text_rounds) == (6, 3)
    assert (trace.settings.window.chunk_s, trace.settings.window.fps) == (2.0, 4.0)
    assert (trace.settings.title, trace.settings.query) == ("", "Describe")
    assert trace.settings.window.text_sink >= 60 * 12
    assert next(iter(trace)).chunk.start_s == 10.0


def spoiled(tmp_path: Path, kind: str) -> Path:
    file = tmp_path / "bad.json.gz"
    good = (TRACES / f"{RECORDED[0]}.json.gz").read_bytes()
    if kind == "cut":
        file.write_bytes(good[: len(good) // 2])
    elif kind == "text":
        file.write_text("not a trace")
    elif kind == "meta":
        file.write_text(json.dumps({"steps": []}))
    elif kind == "step":
        file.write_text(json.dumps(trace_values(RECORDED[0]) | {"steps": [{"frame_idx": [0]}]}))
    return file


@pytest.mark.parametrize("kind", ["missing", "cut", "text", "meta", "step"])
def test_a_bad_trace_is_one_clear_line(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = spoiled(tmp_path, kind)
    with pytest.raises(SystemExit) as caught:
        main(["--model", str(tmp_path), "--trace", str(file)])
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert "bad.json.gz" in captured.err
    with pytest.raises(EngineError):
        read_trace(file)


def test_a_bad_model_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--model", str(tmp_path / "none"), "--trace", str(TRACES / f"{RECORDED[0]}.json.gz")])
    assert caught.value.code == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_damaged_model_is_one_clear_line(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "damaged")
    (folder / "preprocessor_config.json").write_text("[]")
    with pytest.raises(SystemExit) as caught:
        main(["--model", str(folder), "--trace", str(TRACES / f"{RECORDED[0]}.json.gz")])
    assert caught.value.code == 2
    assert "preprocessor_config.json does not hold" in capsys.readouterr().err
