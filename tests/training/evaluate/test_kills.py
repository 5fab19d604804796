"""Killed at any moment and started again, a run ends as if nothing had happened, and pays for nothing twice."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.training.evaluate.conftest import game_row, write_lines, write_video
from tests.training.evaluate.judge_server import Body, JudgeServer, places

FILES = ("merged_result.jsonl", "clips.jsonl", "score_segments.jsonl", "score_results.json", "votes.json")


def undecided(body: Body, seen: int) -> str:
    """A verdict that hangs on the content alone, so that any mix-up would show."""
    return "AB"[sum("".join(places(body)).encode()) // 7 % 2]


def command(
    tiny_folder: Path, videos: Path, metadata: Path, opponent: Path, url: str, out: Path, mode: str = "chunks"
) -> list[str]:
    options = {
        "--metadata": metadata,
        "--videos": videos,
        "--model": tiny_folder,
        "--name": "tiny",
        "--out": out,
        "--device": "cpu",
        "--mode": mode,
        "--segment-s": 3,
        "--start-s": 1,
        "--clip-s": 2,
        "--opponent": opponent,
        "--judge-model": "judge-1",
        "--api-url": url,
        "--api-parallel": 3,
        "--api-first-wait-s": 0.05,
    }
    words = [str(word) for pair in options.items() for word in pair]
    return [sys.executable, "-m", "training.evaluate", "inf-streams", *words]


def start(words: list[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finish(words: list[str]) -> str:
    """Returns what it logged."""
    process = start(words)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    return errors.decode()


def kill(process: subprocess.Popen[bytes]) -> str:
    """As the system does when it is out of memory: the process, and whatever it has not set apart. Returns its log."""
    os.killpg(process.pid, signal.SIGKILL)
    return process.communicate(timeout=60)[1].decode()


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in FILES}


def test_a_kill_while_answers_are_on_their_way(
    tmp_path: Path, tiny_folder: Path, videos: Path, metadata: Path, opponent: Path
) -> None:
    places_ = (tiny_folder, videos, metadata, opponent)
    with JudgeServer(undecided) as server:
        finish(command(*places_, server.url, tmp_path / "whole"))
        num_questions = server.num_paid
    assert num_questions > 20
    with JudgeServer(undecided, delay_s=0.3) as server:
        words = command(*places_, server.url, tmp_path / "killed")
        for after in (2, 9):
            reached = threading.Event()
            server.on_request = lambda number, after=after, reached=reached: (  # type: ignore[misc]  # bound now
                reached.set() if number >= after else None
            )
            process = start(words)
            assert reached.wait(120)
            kill(process)  # three requests are with the judge, and will be answered and billed
        server.on_request = None
        server.delay_s = 0.0
        finish(words)
        assert max(server.paid.values()) == 1
        assert server.num_paid == num_questions
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def long_games(folder: Path, *lengths_s: int) -> tuple[Path, Path, Path]:
    """Videos of games of which commentary takes a while, their words, and what an opponent said."""
    games, rival = [], []
    for number, seconds in enumerate(lengths_s):
        name = f"long{number}.mp4"
        write_video(folder / name, seconds, seed=number)
        game = game_row(name, 20)  # words of which a few clips become, and one at the end
        games.append({**game, "content": [*game["content"], [seconds - 1, seconds, "over"]]})  # type: ignore[misc]  # a list
        items = [{"end_time": end, "response": " the rival talks"} for end in range(1, seconds + 1)]
        rival.append({"video": name, "chunk_start": 0, "chunk_end": seconds, "items": items})
    metadata = write_lines(folder / "games.jsonl", games)
    return folder, metadata, write_lines(folder / "rival" / "merged_result.jsonl", rival)


@pytest.mark.slow
def test_twenty_kills_at_random_moments_of_endless_games(tmp_path: Path, tiny_folder: Path) -> None:
    places_ = (tiny_folder, *long_games(tmp_path / "games", 300, 150))
    dice = random.Random(21)
    with JudgeServer(undecided) as server:
        started = time.monotonic()
        finish(command(*places_, server.url, tmp_path / "whole", "endless"))
        whole_s = time.monotonic() - started
    num_resumed = 0
    for run_ in range(4):
        out = tmp_path / f"killed{run_}"
        with JudgeServer(undecided) as server:
            words = command(*places_, server.url, out, "endless")
            for _ in range(5):
                process = start(words)
                time.sleep(dice.uniform(0.3, 0.7) * whole_s)
                num_resumed += "goes on at" in kill(process)
            num_resumed += "goes on at" in finish(words)
            assert max(server.paid.values()) == 1
        assert contents(out) == contents(tmp_path / "whole")
    assert num_resumed >= 4


@pytest.mark.slow
def test_twenty_kills_at_random_moments(
    tmp_path: Path, tiny_folder: Path, videos: Path, metadata: Path, opponent: Path
) -> None:
    places_ = (tiny_folder, videos, metadata, opponent)
    dice = random.Random(20)
    with JudgeServer(undecided, delay_s=0.3) as server:
        started = time.monotonic()
        finish(command(*places_, server.url, tmp_path / "whole"))
        whole_s = time.monotonic() - started
        num_questions = server.num_paid
    for run_ in range(4):  # runs of their own, so that kills fall into every part of one
        out = tmp_path / f"killed{run_}"
        with JudgeServer(undecided, delay_s=0.3) as server:
            words = command(*places_, server.url, out)
            for _ in range(5):
                process = start(words)
                time.sleep(dice.uniform(0.2, 0.95) * whole_s)
                kill(process)
            finish(words)
            assert max(server.paid.values()) == 1
            assert server.num_paid == num_questions
        assert contents(out) == contents(tmp_path / "whole")
