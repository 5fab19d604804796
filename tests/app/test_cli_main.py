"""`ringside` itself: which part is asked for, and what is said where there is no screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.display import require_display
from app.cli.main import main
from app.cli.parser import seconds
from app.errors import NoDisplayError, RingsideError
from app.resources import find_model

ROOT = Path(__file__).resolve().parents[2]


def test_version_and_help_are_printed_and_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("ringside ")
    for command in ([], ["caption"], ["doctor"]):
        assert main([*command, "--help"]) == 0
        text = capsys.readouterr().out
        assert text.startswith("usage: ringside")
        assert all(len(line) <= 110 for line in text.splitlines())
    assert main(["caption", "--help"]) == 0
    text = capsys.readouterr().out
    for option in (
        "--model",
        "--title",
        "--query",
        "--fps",
        "--live",
        "--start",
        "--duration",
        "--seed",
        "--greedy",
    ):
        assert option in text


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        (["captoin"], "Did you mean: ringside caption"),
        (["frobnicate"], "See: ringside --help"),
        (["--frobnicate"], "--frobnicate"),
        (["doctor", "--frobnicate"], "--frobnicate"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_code_2(
    arguments: list[str], saying: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    notes = capsys.readouterr().err
    assert saying in notes
    assert notes.count("\n") == 1


def test_without_a_screen_one_line_says_what_to_do_instead() -> None:
    environment = {key: value for key, value in os.environ.items() if key not in _DISPLAY}
    result = subprocess.run(
        [sys.executable, "-m", "app"], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert result.returncode == 1
    assert "no display" in result.stderr
    assert "ringside caption --demo --live" in result.stderr
    assert result.stderr.count("\n") == 1


_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.mark.parametrize(
    ("environment", "saying"),
    [
        ({}, "DISPLAY is not set"),
        ({"DISPLAY": ":4711"}, ":4711 does not answer"),
        ({"DISPLAY": "127.0.0.1:4711.0"}, "does not answer"),
        ({"WAYLAND_DISPLAY": "wayland-4711", "XDG_RUNTIME_DIR": "/nowhere"}, "DISPLAY is not set"),
    ],
)
def test_a_screen_that_does_not_answer_is_told_from_one_that_is_not_named(
    environment: dict[str, str], saying: str
) -> None:
    with pytest.raises(NoDisplayError) as caught:
        require_display(environment)
    assert saying in caught.value.line


def test_a_platform_without_a_screen_needs_none() -> None:
    require_display({"QT_QPA_PLATFORM": "offscreen"})


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90), ("1:30", 90), ("01:02:03.5", 3723.5), (".5", 0.5), ("0", 0), ("100:00", 6000)],
)
def test_times_are_read_as_people_write_them(text: str, value: float) -> None:
    assert seconds(text) == value


def test_a_models_name_is_a_folder_or_a_hub_id(tmp_path: Path) -> None:
    assert find_model(str(tmp_path)) == str(tmp_path)
    assert find_model("mit-han-lab/StreamingVLM") == "mit-han-lab/StreamingVLM"
    for name in ("", "nothing", "a/b/c", "/no/where", "../x", "a b/c"):
        with pytest.raises(RingsideError) as caught:
            find_model(name)
        assert caught.value.bad_use
