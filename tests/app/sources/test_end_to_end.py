"""The whole program on a real screen: another program plays a video, Ringside watches the screen and comments."""

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
import pytest
from Xlib.display import Display

from tests.app.sources.mjpeg import loopback_camera
from tests.app.videos import number_in, write_video
from tests.app.window.screen import SIZE, screen, seen_on

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 60.0

pytestmark = pytest.mark.skipif(
    shutil.which("Xvfb") is None, reason="Xvfb is not installed (apt-get install xvfb)"
)

# Keeps every picture that the model is given, and where the program's windows were then.
OPEN = """
import sys
import numpy as np
from pathlib import Path
from app.window import live_run
from app.window.main import run
folder = Path(sys.argv.pop(1))
take = live_run.LiveRun._take_chunk
def keep(self, chunk):
    for index, frame in enumerate(chunk.frames):
        np.save(folder / f"part-{chunk.start_s:08.2f}-{index}", frame)
        (folder / f"part-{chunk.start_s:08.2f}-{index}.npy").rename(folder / f"{chunk.start_s:08.2f}-{index}.npy")
    return take(self, chunk)
live_run.LiveRun._take_chunk = keep
sys.exit(run(sys.argv[1:]))
"""


@contextmanager
def ringside(display: str, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "frames").mkdir()
    settings = str(folder / "settings.json")
    command = [sys.executable, "-c", OPEN, str(folder / "frames"), "--settings", settings, *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=environment(display)) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.kill()


@contextmanager
def player(display: str, video: Path, left: int, top: int, width: int, height: int) -> Iterator[None]:
    place = [str(number) for number in (left, top, width, height)]
    command = [sys.executable, "-m", "tests.app.sources.playing", str(video), *place]
    with subprocess.Popen(command, cwd=ROOT, env=environment(display)) as program:
        try:
            until(lambda: windows_named(display, "Player"), program)
            yield
        finally:
            program.terminate()


def environment(display: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "WAYLAND"))}
    return {**kept, "DISPLAY": display, "OMP_NUM_THREADS": "1"}


def until(condition: Callable[[], object], program: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert program.poll() is None, "the program ended"
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.1)


def frames_in(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "frames").glob("*.npy") if not path.name.startswith("part"))


def windows_named(display: str, words: str) -> list[tuple[int, int, int, int]]:
    """Places (left, top, width, height) of windows with these words in their titles."""
    connection = Display(display)
    try:
        places = []
        for window in connection.screen().root.query_tree().children:
            title = window.get_wm_name()
            if isinstance(title, bytes):
                title = title.decode("utf-8", "replace")
            if title and words in title and window.get_attributes().map_state:
                place = window.get_geometry()
                places.append((place.x, place.y, place.width, place.height))
        return places
    finally:
        connection.close()


def test_a_screen_is_watched_commented_on_and_shows_nothing_of_ringside(
    tmp_path: Path, tiny_model: Path
) -> None:
    video = write_video(tmp_path / "match.mp4", seconds=8, fps=20, size=(240, 320))
    (tmp_path / "settings.json").write_text(
        json.dumps({"version": 2, "is_overlay_on": True, "is_speech_on": False}), encoding="utf-8"
    )
    options = ["--source", "screen", "--model", str(tiny_model), "--autostart"]
    # The player covers the screen; Ringside's window, and its captions, lie over it.
    with (
        screen() as display,
        player(display, video, 0, 0, *SIZE),
        ringside(display, tmp_path, *options) as program,
    ):
        journals = tmp_path / "sessions"
        until(lambda: len(frames_in(tmp_path)) >= 16, program)
        until(lambda: any("text" in file.read_text("utf-8") for file in journals.glob("*.jsonl")), program)
        main = windows_named(display, "Ringside")
        assert main, "Ringside's window is on the screen"
        shown = seen_on(display)
        program.send_signal(signal.SIGTERM)
        assert program.wait(WAIT_S) == 0
    # Ringside really covered the player: on the screen itself the picture cannot be read ..
    left, top, width, height = max(main, key=lambda place: place[2] * place[3])
    inside = shown[top : top + height, left : left + width]
    assert len(np.unique(inside.reshape(-1, 3)[::97], axis=0)) > 8
    # .. and in what the model was given, every picture is the player's alone, from edge to edge.
    numbers = []
    for file in frames_in(tmp_path):
        frame = np.load(file)
        assert frame.shape == (SIZE[1], SIZE[0], 3)
        number = number_in(frame)
        numbers.append(number)
        assert number < 160, "the squares can be read, so nothing covers them"
        extreme = (frame < 60).all(axis=2) | (frame > 195).all(axis=2) | (frame[..., 0] > 195)
        assert extreme.mean() > 0.97, "black, white and red: nothing else is in the player's picture"
    assert len(set(numbers)) > 4, "the video moves"


def test_a_camera_that_is_unplugged_is_said_in_the_window_and_the_session_goes_on(
    tmp_path: Path, tiny_model: Path
) -> None:
    with loopback_camera() as camera, screen() as display:
        options = [
            "--source",
            f"camera:{camera.address}",
            "--model",
            str(tiny_model),
            "--autostart",
            "--verbose",
        ]
        with ringside(display, tmp_path, *options) as program:
            log = tmp_path / "logs"

            def said(words: str) -> bool:
                return any(words in file.read_text("utf-8", "replace") for file in log.glob("*.log*"))

            until(lambda: len(frames_in(tmp_path)) >= 4, program)
            camera.is_plugged = False
            until(lambda: said("The camera stopped sending pictures. Trying again."), program)
            num = len(frames_in(tmp_path))
            camera.is_plugged = True
            until(lambda: said("The camera is back."), program)
            until(lambda: len(frames_in(tmp_path)) >= num + 4, program)
            program.send_signal(signal.SIGTERM)
            assert program.wait(WAIT_S) == 0
        journals = list((tmp_path / "sessions").glob("*.jsonl"))
        assert len(journals) == 1, "one session, before and after"
