"""The program as a whole: one at a time, a mode that is always safe, and a log that keeps secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.window.start import BEFORE_THE_LOOP, ON_THE_LOOP

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 100.0
WITHOUT_A_SCREEN = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}


@contextmanager
def ringside(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "app", "--settings", str(folder / "settings.json"), *arguments]
    with program_of(command, WITHOUT_A_SCREEN) as program:
        yield program


@contextmanager
def program_of(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        try:
            yield program
        finally:
            program.send_signal(signal.SIGCONT)
            program.terminate()


def end(program: subprocess.Popen[str]) -> tuple[int, str]:
    """Close the window as a polite kill does; exit code and what it complained of."""
    program.terminate()
    _, errors = program.communicate(timeout=WAIT_S)
    return program.returncode, errors


def until(condition: Callable[[], bool], program: subprocess.Popen[str]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        assert program.poll() is None, program.communicate()
        time.sleep(0.05)


def log_of(folder: Path) -> str:
    file = folder / "logs" / "ringside.log"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def is_up(folder: Path) -> Callable[[], bool]:
    return lambda: "window is up" in log_of(folder)


def test_the_start_is_a_list_of_named_steps() -> None:
    names = [step.name for step in (*BEFORE_THE_LOOP, *ON_THE_LOOP)]
    assert len(set(names)) == len(names)
    assert names.index("log file") < names.index("application") < names.index("single instance")
    assert names.index("single instance") < names.index("settings") < names.index("controller")


def test_a_second_start_hands_its_video_to_the_first_and_a_killed_one_is_no_obstacle(
    tmp_path: Path, small_video: Path
) -> None:
    with ringside(tmp_path) as first:
        until(is_up(tmp_path), first)
        with ringside(tmp_path, "--source", str(small_video)) as second:
            _, errors = second.communicate(timeout=WAIT_S)
            assert (second.returncode, errors) == (0, "")
        settings = tmp_path / "settings.json"
        until(lambda: settings.is_file() and str(small_video) in settings.read_text(encoding="utf-8"), first)
        first.kill()
    (tmp_path / "logs" / "ringside.log").unlink()
    with ringside(tmp_path) as third:
        until(is_up(tmp_path), third)
        code, errors = end(third)
        assert code == 0
        assert "Traceback" not in errors


def test_make_run_opens_on_the_demo_match_whatever_was_watched_last(
    tmp_path: Path, small_video: Path
) -> None:
    planned = subprocess.run(
        ["make", "--no-print-directory", "-n", "run"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert planned.stdout.rstrip().endswith("bash scripts/run.sh")
    settings = tmp_path / "settings.json"
    settings.write_text(
        json.dumps({"source": str(small_video), "recent_file": str(small_video), "title": "Ours"})
    )
    command = tmp_path / "ringside"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m app --settings "{settings}" "$@"\n')
    command.chmod(0o755)
    environment = {
        **WITHOUT_A_SCREEN,
        "DISPLAY": os.environ.get("DISPLAY", ":4711"),
        "RINGSIDE_BIN": str(command),
    }
    with program_of(["bash", "scripts/run.sh"], environment) as program:
        until(is_up(tmp_path), program)
        assert end(program)[0] == 0
    kept = json.loads(settings.read_text(encoding="utf-8"))
    assert kept["source"] == "demo"
    assert (kept["recent_file"], kept["title"]) == (str(small_video), "Ours")  # still one click away


def test_a_first_that_hangs_is_said_and_safe_mode_opens_beside_it_and_touches_nothing(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"version": 2, "theme": "dark", "is_speech_on": False, "model": "/gone"}))
    with ringside(tmp_path) as first:
        until(is_up(tmp_path), first)
        first.send_signal(signal.SIGSTOP)
        written = settings.read_bytes()
        with ringside(tmp_path) as second:
            _, errors = second.communicate(timeout=WAIT_S)
            assert second.returncode == 1
            assert "does not answer" in errors
            assert "--safe-mode" in errors
        (tmp_path / "logs" / "ringside.log").unlink()
        with ringside(tmp_path, "--safe-mode") as safe:
            until(is_up(tmp_path), safe)
            until(lambda: "model is ready: Demo model" in log_of(tmp_path), safe)
            assert end(safe)[0] == 0
        assert settings.read_bytes() == written


def test_the_log_says_what_happened_but_not_what_was_watched(tmp_path: Path) -> None:
    secret = tmp_path / "secret holiday.mp4"
    secret.write_bytes(b"this is no video")
    with ringside(
        tmp_path, "--source", str(secret), "--title", "Grandma's birthday", "--autostart"
    ) as program:
        until(
            lambda: "Start" in log_of(tmp_path) or "cannot" in log_of(tmp_path) or is_up(tmp_path)(), program
        )
        until(lambda: "model is ready" in log_of(tmp_path), program)
        assert end(program)[0] == 0
    text = log_of(tmp_path)
    assert "begins" in text
    assert "ends" in text
    assert "secret" not in text
    assert "Grandma" not in text
    assert (tmp_path / "logs" / "crash.log").read_text() == ""


def test_the_window_shows_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    script = """
import sys
from app.window import main, start
shown = []
async def live(begun, signals_close):
    start.take(start.ON_THE_LOOP, begun)
    begun.window.show()
    shown.append(sorted({"torch", "transformers", "pyttsx3", "sounddevice", "huggingface_hub"} & set(sys.modules)))
main.live = live
main.run(["--settings", sys.argv[1]])
print(shown)
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "settings.json")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=True,
        timeout=WAIT_S,
    )
    assert result.stdout.strip() == "[[]]"


def test_while_the_window_lives_no_other_thread_collects_its_garbage(tmp_path: Path) -> None:
    script = """
import asyncio, gc, sys
from app.window import main, start
seen = []
live_for_real = start.live
async def live(begun, signals_close):
    async def look():
        for _ in range(1600):
            await asyncio.sleep(0.05)
            if not gc.isenabled():
                break
        seen.append(gc.isenabled())
        begun.window.close()
    looking = asyncio.ensure_future(look())
    await live_for_real(begun, signals_close)
    await looking
main.live = live
main.run(["--settings", sys.argv[1]])
print(seen, gc.isenabled())
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "settings.json")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=True,
        timeout=WAIT_S,
    )
    assert result.stdout.strip() == "[False] True"
