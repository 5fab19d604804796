"""What fewer bits cost is told against the plain weights, match by match."""

import json
from pathlib import Path
from typing import Any

import pytest

from training.reproduce.precisions import main, summary


def scores(event_f1: float, score_accuracy: float | None) -> dict[str, Any]:
    rest = dict.fromkeys(("team_accuracy", "name_accuracy", "silence_agreement"), 1.0)
    return {**rest, "event_f1": event_f1, "score_accuracy": score_accuracy, "num_scores": 20}


def test_differences_are_taken_on_the_same_matches() -> None:
    told = summary(
        [
            {"precision": "plain", "seed": 1, "scores": scores(0.9, 1.0)},
            {"precision": "plain", "seed": 2, "scores": scores(0.7, None)},
            {"precision": "plain", "seed": 3, "scores": scores(0.1, 0.1)},
            {"precision": "int8", "seed": 1, "scores": scores(0.8, 0.95)},
            {"precision": "int8", "seed": 2, "scores": scores(0.7, 0.5)},
        ]
    )["mean_and_difference"]
    assert told["int8"]["event_f1"] == [0.75, -0.05]
    assert told["int8"]["score_accuracy"] == [0.95, -0.05]
    assert (told["int8"]["num_matches"], told["int8"]["num_scores"]) == (2, 40)
    assert told["plain"]["event_f1"][1] == 0


@pytest.mark.slow
def test_a_match_is_streamed_in_every_precision(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--device", "cpu", "--seeds", "9001", "--minutes", "0.75", "--pictures", str(tmp_path)]
    assert main([*arguments, "--precisions", "plain", "int4", "--jobs", "2"]) == 0
    *streams, means = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert {stream["precision"] for stream in streams} == {"plain", "int4"}
    assert all(stream["scores"]["num_seconds"] == 45 for stream in streams)
    assert means["mean_and_difference"]["int4"]["num_matches"] == 1
