"""kill -9: whatever was said is there at the next start, and no file is damaged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.session import cut_off_sessions
from tests.app.session.killing import ROOT, kill_often, next_start, run_and_kill, table
from tests.app.videos import write_video

# Says phrases as fast as they can be written, and tells of each before and after.
_HAMMER = """
import os, sys
from pathlib import Path
from app.captions import Phrase
from app.session import Journal, SessionHead
journal = Journal(Path(sys.argv[1]), SessionHead.now(name="Hammer"))
for number in range(1_000_000):
    phrase = Phrase(float(number), number + 1.0, f"phrase {number} " + "x" * (number * 37 % 900))
    os.write(1, b"<")
    journal.write(phrase)
    os.write(1, b">")
"""


def test_a_window_that_is_killed_loses_at_most_the_last_phrase(tmp_path: Path) -> None:
    killings = kill_often(tmp_path, 2, seed=1)
    assert all(kill.is_good for kill in killings), table(killings)
    assert sum(kill.num_back for kill in killings) > 0


def test_the_next_start_offers_the_session_and_brings_it_back(tmp_path: Path, tiny_model: Path) -> None:
    video = write_video(tmp_path / "cup final.mp4", seconds=60)
    said = run_and_kill(tmp_path / "home", tiny_model, video, 2.5)
    offer, transcript = next_start(tmp_path / "home", tiny_model, video)
    assert "“cup final.mp4”" in offer
    words = " ".join(text for _, text in said).split()
    back = transcript.partition("(brought back) ")[2].split()
    assert back == words or back == " ".join(text for _, text in said[:-1]).split()
    assert cut_off_sessions(tmp_path / "home" / "sessions") == []


@pytest.mark.slow
def test_fifty_windows_that_are_killed_lose_at_most_the_last_phrase(tmp_path: Path) -> None:
    killings = kill_often(tmp_path, 50, seed=2)
    assert all(kill.is_good for kill in killings), table(killings)


@pytest.mark.parametrize("seed", range(6))
def test_a_kill_in_the_middle_of_a_write_costs_nothing_that_was_written(tmp_path: Path, seed: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HAMMER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, bufsize=0
    ) as program:
        assert program.stdout is not None
        told = program.stdout.read(2)
        time.sleep(random.Random(seed).uniform(0, 0.1))
        program.send_signal(signal.SIGKILL)
        told += program.stdout.read()
    num_written = told.count(b">")
    (session,) = cut_off_sessions(tmp_path)
    assert num_written <= len(session.phrases) <= num_written + 1
    assert session.num_damaged == 0
    assert [int(phrase.start_s) for phrase in session.phrases] == list(range(len(session.phrases)))
    assert all(len(phrase.text) >= (number * 37 % 900) for number, phrase in enumerate(session.phrases))
