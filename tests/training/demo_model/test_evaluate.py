"""Matches that begin at a given score are told with it."""

import json
from pathlib import Path

import pytest

from training.demo_model.__main__ import main

DEMO_MODEL = Path(__file__).parents[3] / "assets/demo_model"


def test_an_evaluation_may_begin_at_any_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--seeds", "9503", "--minutes", "0.75", "--from-scores", "2:7", "--out", str(tmp_path)]
    assert main(["evaluate", "--model", str(DEMO_MODEL), *options]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["initial_scores"] == [[2, 7]]
    told = [json.loads(line) for line in (tmp_path / "truth-9503.jsonl").read_text().splitlines()]
    first = next(line for line in told if line["type"] == "event")
    assert (first["kind"], first["score"]) == ("kick-off", [2, 7])
    assert summary["seeds"]["9503"]["event_f1"] > 0.5


@pytest.mark.parametrize("score", ["2-7", "2", "1:2:3", "-1:2", "0:99"])
def test_what_is_no_score_is_refused(score: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--seeds", "1", "--minutes", "1", "--out", str(tmp_path), f"--from-scores={score}"]
    try:
        code: object = main(["evaluate", "--model", str(DEMO_MODEL), *options])
    except SystemExit as ended:
        code = ended.code
    assert code in (1, 2)
    said = capsys.readouterr().err
    assert score in said or score.replace(":", ", ") in said
