"""Pieces are run once, whatever happens in between; what is cut short is kept until there is time for more."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine import LoadedModel, ResizeSettings
from training.demo_league.truth import truth_lines, truth_of
from training.reproduce.__main__ import main
from training.reproduce.catalogue import ROWS, TABLES, Piece, Variant, pieces
from training.reproduce.errors import OtherModelError, UnknownRowError
from training.reproduce.pictures import MatchPictures
from training.reproduce.results import TIME_WAS_UP, Results, read
from training.reproduce.runner import RunSettings, run
from training.reproduce.streaming import Streamed, measure, stream

MINUTES = 0.8


def files_of(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (out / "results").glob("*.json")}


def test_a_killed_run_goes_on_and_finished_pieces_are_not_run_again(
    tiny_folder: Path, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, "-m", "training.reproduce", "run", "--model", str(tiny_folder)),
        *("--out", str(tmp_path), "--rows", "ours", "native", "chunks", "recomputed", "vision-0"),
        *("--minutes", str(MINUTES), "--seeds", "5", "--device", "cpu"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while not files_of(tmp_path) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    before = files_of(tmp_path)
    assert 0 < len(before) < 5
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["num_done_before"] == len(before)
    assert summary["num_done"] == 5 - len(before)
    after = files_of(tmp_path)
    assert len(after) == 5
    assert before.items() <= after.items()
    assert not list((tmp_path / "results").glob(".*.part"))


def test_two_processes_share_the_pieces_and_say_the_same_as_one(tiny_folder: Path, tmp_path: Path) -> None:
    chosen = pieces(("ours", "native"), minutes=MINUTES, seeds=(5,))
    alone, together = tmp_path / "alone", tmp_path / "together"
    for out, num_jobs in ((alone, 1), (together, 2)):
        settings = RunSettings(
            model=tiny_folder, out=out, device="cpu", num_jobs=num_jobs, num_drawers=num_jobs - 1
        )
        summary = run(chosen, settings)
        assert summary.num_done == 2
        assert not summary.failed
        assert not summary.left
    for piece in chosen:
        found = [read(Results(out).path(piece)) for out in (alone, together)]
        assert found[0]["captions"] == found[1]["captions"]
        assert [result["num_jobs"] for result in found] == [1, 2]


def test_a_stream_that_time_cuts_short_is_kept_and_made_again(tiny_folder: Path, tmp_path: Path) -> None:
    results, piece = Results(tmp_path), Piece(row="ours", minutes=2.0, seed=5)
    results.put(piece, {"streamed_s": 70.0, "ended": TIME_WAS_UP})
    assert not results.is_done(piece)
    results.put(piece, {"streamed_s": 60.0, "ended": TIME_WAS_UP})
    assert read(results.path(piece))["streamed_s"] == 70.0
    results.put(piece, {"streamed_s": 120.0, "ended": ""})
    assert results.is_done(piece)
    settings = RunSettings(model=tiny_folder, out=tmp_path, device="cpu", deadline=time.monotonic() - 1)
    summary = run([piece, Piece(row="native", minutes=2.0, seed=5)], settings)
    assert summary.num_done_before == 1
    assert summary.left == ("native.2min.5",)


def test_a_row_without_its_model_is_named_and_the_others_run(tiny_folder: Path, tmp_path: Path) -> None:
    chosen = pieces(("sft-overlap-1", "ours"), minutes=MINUTES, seeds=(5,))
    summary = run(chosen, RunSettings(model=tiny_folder, out=tmp_path, device="cpu"))
    assert summary.num_done == 1
    assert len(summary.failed) == 1
    assert "training.reproduce train" in summary.failed[0]


def test_commands_that_train_what_is_missing_are_told(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my runs"
    there = Results(out).trained_folder("overlap", 1) / "model"
    there.mkdir(parents=True)
    (there / "config.json").write_text("{}")
    rows = ["sft-overlap-1", "sft-no-overlap-1", "sft-overlap-2"]
    given = ["--model", str(tiny_folder), "--out", str(out), "--device", "cpu", "--stop-after", "0"]
    assert main(["run", *given, "--rows", *rows]) == 3
    told = [line for line in capsys.readouterr().err.splitlines() if "reproduce train" in line]
    start = f"  python -m training.reproduce train --out '{out}'"
    assert told == [f"{start} --seeds 1 --kinds no-overlap", f"{start} --seeds 2 --kinds overlap"]


def test_results_of_other_weights_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    results = Results(tmp_path / "out")
    results.claim(tiny_folder)
    results.claim(tiny_folder)
    other = tmp_path / "other"
    shutil.copytree(tiny_folder, other)
    shard = next(other.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x01")
    with pytest.raises(OtherModelError, match="another --out"):
        results.claim(other)


def test_rows_and_tables_are_known_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in [*TABLES, *ROWS])
    with pytest.raises(UnknownRowError, match="native"):
        pieces(("contigous",))
    assert main(["run", "--rows", "contigous", "--out", "nowhere"]) == 1
    chosen = pieces(("rope", "attention"))
    assert len(chosen) == len(set(chosen)), "a row that stands in two tables is run once"
    # Something of every row before a second match of any.
    assert [piece.seed for piece in chosen] == sorted(piece.seed for piece in chosen)
    trained = {row.trained for row in ROWS.values() if row.trained}
    assert len({kind for kind, _ in trained}) == 4
    assert all(sum(kind == other for other, _ in trained) >= 3 for kind, _ in trained)


def test_frames_are_drawn_once_for_all(tmp_path: Path) -> None:
    resize = ResizeSettings(min_pixels=784, max_pixels=12 * 784)
    shown = [MatchPictures(tmp_path, seed=5, minutes=MINUTES, fps=2.0, resize=resize) for _ in range(2)]
    frames = shown[0].second(21)
    assert frames.shape == (2, 56, 112, 3)
    assert frames.std() > 10
    assert np.array_equal(shown[1].second(21), frames)
    assert "match" not in vars(shown[1]), "the second one had nothing to play and to draw"
    assert not np.array_equal(shown[0].second(5), frames)


def test_a_stream_of_truth_is_right_in_every_part(tmp_path: Path, tiny: LoadedModel) -> None:
    """What the league's own commentator says, measured as a stream would be."""
    resize = ResizeSettings(min_pixels=784, max_pixels=12 * 784)
    pictures = MatchPictures(tmp_path, seed=6, minutes=4.0, fps=2.0, resize=resize)
    truth = truth_of(truth_lines(pictures.match))
    said = [word for word in truth.words if word.end_s < 240]
    from training.demo_league.listen import Caption

    streamed = Streamed(
        captions=[Caption(word.start_s, word.end_s, word.word) for word in said],
        step_ms=[10.0] * 120 + [20.0] * 120,
        num_said=[2] * 240,
        num_context=[100] * 240,
    )
    measured = measure(streamed, truth)
    assert measured["scores"]["event_f1"] > 0.95
    assert measured["scores"]["overall"] > 0.95
    assert measured["late"]["name_accuracy"] > 0.95
    assert [part["ms_per_token"] for part in measured["parts"]] == [5.0, 5.0, 10.0, 10.0]
    assert len(measured["fifths"]) == 5


def test_a_blind_stream_sees_nothing_and_restarts_forget(tmp_path: Path, tiny: LoadedModel) -> None:
    resize = tiny.settings.resize
    texts = []
    for seed in (5, 6):
        pictures = MatchPictures(tmp_path, seed=seed, minutes=MINUTES, fps=2.0, resize=resize)
        vars(pictures)["match"] = MatchPictures(
            tmp_path, seed=5, minutes=MINUTES, fps=2.0, resize=resize
        ).match
        blind = Variant(vision_window_s=1.0, is_blind=True)
        texts.append(stream(tiny, blind, pictures, tiny.settings).captions)
    assert texts[0] == texts[1], "one title, two matches: nothing can tell them apart"
    restarted = stream(tiny, Variant(restart_s=4.0), pictures, tiny.settings)
    # A stream begins with its first second's context, whenever it begins; phrases and times differ in length.
    first = restarted.num_context[0]
    assert all(abs(found - first) <= 10 for found in restarted.num_context[::4])
    assert (
        restarted.num_context[3] < stream(tiny, Variant(evicts=False), pictures, tiny.settings).num_context[4]
    )
