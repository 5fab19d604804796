"""The program in a process of its own, on a real screen: it opens, plays, comments, and ends without a trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.app.videos import write_video
from tests.app.window.screen import screen, seen_on

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 60.0

pytestmark = pytest.mark.skipif(
    shutil.which("Xvfb") is None, reason="Xvfb is not installed (apt-get install xvfb)"
)

OPEN = "import sys; from app.window.main import run; sys.exit(run(sys.argv[1:]))"


@contextmanager
def running(display: str, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program on a screen, not for the first time; ended by force if the test did not end it."""
    settings = folder / "settings.json"
    if not settings.exists():
        settings.write_text(json.dumps({"version": 2, "has_finished_first_start": True}), encoding="utf-8")
    command = [sys.executable, "-c", OPEN, "--settings", str(folder / "settings.json"), *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "WAYLAND"))}
    with subprocess.Popen(command, cwd=ROOT, env={**environment, "DISPLAY": display}) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.kill()


def until(condition: Callable[[], bool], program: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert program.poll() is None, "the program ended"
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.1)


def picture_of(shot: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The part of a window of the usual size where the picture is."""
    return shot[110:610, 20:910]


def caption_ink(shot: npt.NDArray[np.uint8]) -> int:
    """White pixels where the band of captions is."""
    return int((shot[510:590, 44:890] > 235).all(axis=2).sum())


def is_night(shot: npt.NDArray[np.uint8]) -> bool:
    return float(picture_of(shot)[:300, 250:].mean()) < 40


def is_pitch(shot: npt.NDArray[np.uint8]) -> bool:
    red, green, blue = picture_of(shot)[80:380].reshape(-1, 3).mean(axis=0)
    return bool(green > 1.4 * red and green > 1.4 * blue)


def test_the_window_plays_and_captions_appear_on_the_screen(tmp_path: Path, tiny_model: Path) -> None:
    # A black video: whatever is white over it is a caption.
    video = write_video(tmp_path / "night.mp4", seconds=20, times_ms=[0, 19_000], size=(360, 640))
    metrics = tmp_path / "metrics.json"
    options = ["--source", str(video), "--model", str(tiny_model), "--autostart", "--metrics", str(metrics)]
    with screen() as display, running(display, tmp_path, *options) as program:
        until(lambda: is_night(shot := seen_on(display)) and caption_ink(shot) == 0, program)
        until(lambda: is_night(shot := seen_on(display)) and caption_ink(shot) > 300, program)
        program.send_signal(signal.SIGTERM)
        assert program.wait(WAIT_S) == 0
    figures = json.loads(metrics.read_text(encoding="utf-8"))
    assert figures["window_s"] < figures["model_ready_s"] < figures["first_caption_s"]
    # The window's own work, whatever else the machine does meanwhile, and however slow it is.
    assert figures["longest_busy_ms"] < 1500
    settings = json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))
    assert settings["source"] == str(video)


def test_the_demo_match_comments_by_itself(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.json"
    with screen() as display, running(display, tmp_path, "--autostart", "--metrics", str(metrics)) as program:
        until(lambda: is_pitch(seen_on(display)), program)
        until(lambda: is_pitch(shot := seen_on(display)) and caption_ink(shot) > 300, program)
        first = picture_of(seen_on(display))
        until(lambda: bool((picture_of(seen_on(display)) != first).any()), program)
        program.send_signal(signal.SIGINT)
        assert program.wait(WAIT_S) == 0
    assert json.loads(metrics.read_text(encoding="utf-8"))["first_caption_s"] is not None
