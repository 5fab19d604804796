"""The report says what was found, what the paper found, and what was not run."""

import re
from pathlib import Path
from typing import Any

from training.reproduce.catalogue import MEASURES, ROWS, TABLES, Piece, pieces
from training.reproduce.report import of_table, spread, write_report
from training.reproduce.results import TIME_WAS_UP, Results


def result(
    value: float, *, minutes: float, ended: str = "", late: float = 0.9, ms: float = 10.0
) -> dict[str, Any]:
    scores = {**dict.fromkeys(MEASURES, value), "overall": value}
    return {
        "streamed_s": minutes * 60,
        "ended": ended,
        "title_left_s": 41.0,
        "largest_position": 900.0,
        "scores": scores,
        "fifths": [scores] * 5,
        "late": {**scores, "name_accuracy": late},
        "parts": [
            {
                "start_s": 60 * at,
                "end_s": 60 * at + 60,
                **scores,
                "ms_per_token": ms * (1 + at / 10),
                "step_ms_p50": ms,
            }
            for at in range(int(minutes))
        ],
        "ms_per_token": ms,
        "step_ms_p50": ms,
        "num_jobs": 1,
        "device": "a machine",
        "window": {"text_sink": 96, "text_window": 64, "vision_window_s": 12.0},
        "captions": [[0.0, 1.0, "a goal"]],
    }


def lines_of(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


def test_an_empty_folder_makes_a_report_that_names_every_row_as_not_run(tmp_path: Path) -> None:
    written = write_report(tmp_path / "out", tmp_path / "to")
    text = (tmp_path / "to" / "RESULTS.md").read_text()
    assert [path.name for path in written] == ["RESULTS.md", "results.json"]
    missing = text.split("## What was not run")[1]
    assert all(f"`{name}`" in missing for name in ROWS)
    assert all(table.title in missing for table in TABLES.values())
    assert "25.09" in text, "the paper's figures stand there all the same"


def test_what_is_there_is_shown_and_what_is_missing_is_named(tmp_path: Path) -> None:
    results = Results(tmp_path / "out")
    for seed, value in ((9101, 0.8), (9102, 0.9)):
        results.put(Piece(row="ours", minutes=20, seed=seed), result(value, minutes=20, late=0.95))
    results.put(Piece(row="no-sink", minutes=20, seed=9101), result(0.5, minutes=20, late=0.25))
    results.put(
        Piece(row="full", minutes=20, seed=9101), result(0.7, minutes=11, ended="the positions are used up")
    )
    results.put(Piece(row="native", minutes=20, seed=9101), result(0.3, minutes=7, ended=TIME_WAS_UP))
    (tmp_path / "to" / "results").mkdir(parents=True)
    (tmp_path / "to" / "results" / "remarks.md").write_text("# Remarks\n\n## memory\nNames need the sink.\n")
    written = write_report(tmp_path / "out", tmp_path / "to")
    assert {path.name for path in written} >= {"rope.png", "attention.png", "stability.png"}
    assert all(path.stat().st_size < 100_000 for path in written)
    text = (tmp_path / "to" / "RESULTS.md").read_text()
    ours = lines_of(text, "| `ours` sink 96, text window 64")[0]
    assert "0.850 ± 0.071" in ours
    assert "73.64" in ours
    assert "Names need the sink." in text
    assert "the title had left after 41 s" in text
    assert "| 0.250 against 0.950, in the whole stream 0.850 | yes |" in text
    assert re.search(r"`full` full attention .* x 11 min, a machine; ended: the positions are used up", text)
    assert re.search(
        r"milliseconds a token, `full`, over 11 min \| grow with the stream \| last third \+\d+", text
    )
    missing = text.split("## What was not run")[1]
    assert "Sink and text window: not run: `no-window`" in missing
    assert "`no-sink` on 1 of 3 matches of 20 minutes\n" in missing
    assert "`native` on 1 of 3 matches of 20 minutes, 1 of them stopped before their end" in missing
    assert "Five fifths of three hours: of 3 matches of 180 minutes each" in missing
    kept = (tmp_path / "to" / "results" / "results.json").read_text()
    assert "a goal" not in kept


def test_a_table_compares_streams_of_one_length() -> None:
    groups = {
        "ours": {20.0: [result(0.8, minutes=20)], 180.0: [result(0.9, minutes=180)]},
        "no-sink": {20.0: [result(0.5, minutes=20)]},
        "native": {20.0: [result(0.4, minutes=20)], 180.0: [result(0.2, minutes=180)]},
    }
    memory = of_table(TABLES["memory"], groups)
    assert {row: found[0]["streamed_s"] for row, found in memory.items()} == {"ours": 1200, "no-sink": 1200}
    stability = of_table(TABLES["stability"], groups)
    assert {row: found[0]["streamed_s"] for row, found in stability.items()} == {
        "ours": 10800,
        "native": 10800,
    }


def test_the_demo_model_is_judged_as_it_ships(tmp_path: Path) -> None:
    results = Results(tmp_path / "out")
    results.put(Piece(row="ours", minutes=180, seed=9101), result(0.9, minutes=180))
    write_report(results.folder, tmp_path / "to")
    bar = "| demo model (`{}`) over 1 matches of 180 min |"
    (line,) = lines_of((tmp_path / "to" / "RESULTS.md").read_text(), bar.format("ours"))
    assert line.endswith("| no |")
    results.put(Piece(row="shipped", minutes=180, seed=9101), result(0.98, minutes=180))
    write_report(results.folder, tmp_path / "to")
    (line,) = lines_of((tmp_path / "to" / "RESULTS.md").read_text(), bar.format("shipped"))
    assert line.endswith("| 0.980, 0.980, 0.980, 0.980, 0.980 | yes |")


def test_times_are_judged_by_streams_that_had_the_device_to_themselves(tmp_path: Path) -> None:
    results = Results(tmp_path / "out")
    beside = {**result(0.9, minutes=20), "num_jobs": 15}
    results.put(Piece(row="ours", minutes=20, seed=9102), beside)

    def line() -> str:
        write_report(results.folder, tmp_path / "to")
        bar = "| milliseconds a token, `ours`, over 20 min |"
        (found,) = lines_of((tmp_path / "to" / "RESULTS.md").read_text(), bar)
        return found

    assert line().endswith("| not measured so: streams shared the device |")
    alone = result(0.9, minutes=20)
    for part in alone["parts"]:
        part["ms_per_token"] = part["step_ms_p50"] = 10.0
    results.put(Piece(row="ours", minutes=20, seed=9101), alone)
    assert "| last third +0.0% against the first (median step +0.0%) | yes |" in line()


def test_one_value_has_no_spread_and_none_is_a_dash() -> None:
    assert spread([0.5, None]) == "0.500"
    assert spread([0.4, 0.6]) == "0.500 ± 0.141"
    assert spread([None]) == "–"


def test_every_table_can_be_run_whole(tmp_path: Path) -> None:
    results = Results(tmp_path)
    for piece in pieces():
        results.put(piece, result(0.9, minutes=piece.minutes))
    write_report(tmp_path, tmp_path / "to")
    text = (tmp_path / "to" / "RESULTS.md").read_text()
    assert "Every row of every table was run" in text
    assert "not run" not in text.split("## What was not run")[0]


def test_the_fine_tuning_table_says_what_its_models_began_with(tmp_path: Path) -> None:
    results = Results(tmp_path / "out")
    results.put(pieces(("sft-overlap-1",))[0], result(0.8, minutes=10))
    folder = results.trained_folder("overlap", 1)
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"start": "demo_model"}')
    write_report(results.folder, tmp_path / "to")
    text = (tmp_path / "to" / "RESULTS.md").read_text()
    table = text.split(f"## {TABLES['sft'].title}")[1].split("\n## ")[0]
    assert "All rows were trained on from: `demo_model`." in table
