"""`ringside caption --source`: live sources in the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from tests.app.sources.mjpeg import loopback_camera

ROOT = Path(__file__).resolve().parents[3]


def test_a_camera_is_commented_on_for_as_long_as_was_said(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "camera.jsonl"
    with loopback_camera() as camera:
        options = ["--model", str(tiny_model), "--duration", "6", "--seed", "3", "--out", str(out)]
        assert main(["caption", "--source", f"camera:{camera.address}", *options]) == 0
    phrases = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert phrases
    assert all(0 <= phrase["start"] < 6 for phrase in phrases)
    assert "camera" in capsys.readouterr().err.lower()


def test_what_cannot_be_watched_is_told_in_one_line(tiny_model: Path) -> None:
    cases = {
        ("--source", "screen:0"): (2, "screens are counted from 1"),
        ("--source", "camera:7", "--start", "5"): (2, "no place at which to start"),
        ("--source", "screen", "match.mp4"): (2, "Both --source and a video"),
        ("--source", "screen"): (1, "DISPLAY is not set"),
    }
    environment = {
        key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    for options, (code, words) in cases.items():
        command = [sys.executable, "-m", "app", "caption", *options, "--model", str(tiny_model)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
