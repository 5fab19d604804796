"""The benchmark reports what it says it does. Its figures are not asserted: that is what running it is for."""

import dataclasses
import json
from pathlib import Path

import pytest

from engine import StepTimings
from engine.bench import main


def test_a_report_has_every_phase_and_the_memory(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [
        "--model",
        str(tiny_folder),
        "--steps",
        "2",
        "--size",
        "56x56",
        "--tokens",
        "3",
        "--device",
        "cpu",
    ]
    assert main([*argv, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["steps"] == 2
    assert report["tokens_said_mean"] == 4.0
    assert report["phases_ms"].keys() == {field.name for field in dataclasses.fields(StepTimings)}
    assert report["resident_mb_end"] > 50
    assert main(argv) == 0
    assert "prefill_ms" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv", [["--model", "/nowhere"], ["--model", "x", "--steps", "0"], ["--model", "x", "--size", "big"]]
)
def test_bad_input_ends_with_a_line_and_code_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
