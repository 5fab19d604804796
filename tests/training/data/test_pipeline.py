"""The whole pipeline as commands: real videos with speech, real processes, a loopback language model, planted faults."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.data.llm_server import LlmServer, completion
from tests.training.data.matches import SPONSOR
from tests.training.data.season import SILENT, UNUSABLE, Season, plant_faults
from tests.training.data.trial import trial
from training.data.__main__ import main
from training.data.published import ChunkFile, write_lines
from training.sft.annotation import Chunk, to_line

COMMAND = [sys.executable, "-m", "training.data"]
ROOT = Path(__file__).parents[3]
PRICES = ["--price-in", "2", "--price-out", "8"]


def command(step: str, out: Path, season: Season, url: str) -> list[str]:
    """A step's arguments."""
    llm = ["--url", url, "--model", "editor", "--first-wait", "0.01", "--tries", "4", *PRICES]
    return [step, "--out", str(out)] + {
        "index": ["--videos", str(season.videos)],
        "transcribe": ["--whisperx", str(season.whisperx)],
        "edit": [*llm, "--window", "20"],
        # The league's commentator is sparing of words.
        "cut": ["--min-words", "1"],
        "select": llm,
        "validate": [],
        "stats": PRICES,
    }[step]


STEPS = ("index", "transcribe", "edit", "cut", "select", "validate", "stats")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def run_step(*arguments: str, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert main(list(arguments)) == code
        value: dict[str, Any] = json.loads(capsys.readouterr().out)
        return value

    return run_step


def chunks_in(path: Path) -> list[Chunk]:
    file = ChunkFile(path)
    return [file.chunk(index) for index in range(len(file))]


def every_step(
    run: Callable[..., dict[str, Any]], out: Path, season: Season, url: str
) -> dict[str, dict[str, Any]]:
    return {step: run(*command(step, out, season, url)) for step in STEPS}


def test_from_videos_to_chunks_with_every_fault_named_and_nothing_done_twice(
    season: Season,
    with_faults: Callable[[Season], Season],
    tmp_path: Path,
    run: Callable[..., dict[str, Any]],
) -> None:
    faulty, out = with_faults(season), tmp_path / "out"

    def plan(number: int) -> tuple[int, str] | None:
        return {
            1: (500, "the server fell over"),
            2: (429, "too many requests"),
            3: (200, "this is no chat completion"),
            4: (200, completion('{"segments": []}')),
        }.get(number)

    with LlmServer(plan) as server:
        reports = every_step(run, out, faulty, server.url)
        num_requests = server.num_requests
        again = every_step(run, out, faulty, server.url)
        assert server.num_requests == num_requests, "no answer is paid twice"

    num_matches = len(list(season.videos.glob("*.mp4")))
    assert reports["index"]["done"] == num_matches + len(SILENT)
    assert set(reports["index"]["problems"]) == set(UNUSABLE)
    for video, reason in UNUSABLE.items():
        assert reason in reports["index"]["problems"][video]
    assert reports["transcribe"]["done"] == num_matches
    for video, reason in SILENT.items():
        assert reason in reports["transcribe"]["problems"][video]
    assert reports["edit"]["bill"]["num_retries"] == 3
    for step in ("edit", "cut", "select", "validate"):
        assert (reports[step]["done"], reports[step]["failed"]) == (num_matches, 0), step
        assert (again[step]["done"], again[step]["finished_before"]) == (0, num_matches), step

    chunks = chunks_in(out / "train.jsonl")
    assert {Path(chunk.video).name for chunk in chunks} == {path.name for path in season.videos.glob("*.mp4")}
    for chunk in chunks:
        assert (out / chunk.video).is_file()
        assert chunk.duration_s == 24
        assert chunk.start_s % 12 == 0
        assert len(chunk.words) >= 24
        assert chunk.previous.startswith(
            json.loads((season.videos / f"{Path(chunk.video).stem}.json").read_text())["title"]
        )
        ends = [end for _, end, _ in chunk.words]
        assert ends == sorted(ends)
        assert all(start <= end for start, end, _ in chunk.words)
    said = " ".join(word for chunk in chunks for _, _, word in chunk.words)
    assert "kick" in said
    assert "kid" not in said
    assert SPONSOR.split()[-1] not in said

    annealing = chunks_in(out / "annealing.jsonl")
    assert annealing == [chunk for chunk in chunks if "kick" in " ".join(word for _, _, word in chunk.words)]
    assert 0 < len(annealing) == reports["select"]["chosen"] < len(chunks)

    statistics = reports["stats"]
    assert statistics["transcripts"]["repairs"]["swapped"] > 0
    assert statistics["transcripts"]["repairs"]["interpolated"] > 0
    assert all(share > 0 for share in statistics["editor"]["shares"].values())
    spent = statistics["language_model"]["edit"]
    assert spent["num_malformed"] == 1
    assert spent["cost"] == pytest.approx((spent["num_tokens_in"] * 2 + spent["num_tokens_out"] * 8) / 1e6)
    assert set(statistics["plots"]) == {
        "steps.png",
        "verdicts.png",
        "words_per_second.png",
        "durations.png",
        "visible.png",
    }
    assert all((out / "report" / name).stat().st_size > 5000 for name in statistics["plots"])


def test_a_server_that_is_down_fails_the_videos_and_the_next_run_goes_on(
    season: Season, tmp_path: Path, run: Callable[..., dict[str, Any]]
) -> None:
    out = tmp_path / "out"
    for step in ("index", "transcribe"):
        run(*command(step, out, season, ""))
    with LlmServer(lambda number: (503, "restarting") if number > 2 else None) as server:
        report = run(*command("edit", out, season, server.url), code=3)
        assert report["failed"] > 0
        assert all("no answer (restarting)" in reason for reason in report["problems"].values())
        answered = server.statuses[200]
    with LlmServer() as server:
        report = run(*command("edit", out, season, server.url))
        assert report["done"] + report["finished_before"] == 3
        assert report["problems"] == {}
        assert report["bill"]["num_cached"] == answered, "answers from before the outage are used"


def test_a_key_that_is_refused_is_said_at_once(
    season: Season, tmp_path: Path, run: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for step in ("index", "transcribe"):
        run(*command(step, out, season, ""))
    with LlmServer(lambda number: (401, "wrong key")) as server:
        assert main(command("edit", out, season, server.url)) == 1
    assert "401" in capsys.readouterr().err


@pytest.mark.parametrize("step", ["index", "transcribe", "edit", "select", "validate"])
def test_killed_in_the_middle_and_started_again(
    step: str, season: Season, tmp_path: Path, run: Callable[..., dict[str, Any]]
) -> None:
    killed_and_resumed(step, season, tmp_path / "out", run)


def killed_and_resumed(step: str, season: Season, out: Path, run: Callable[..., dict[str, Any]]) -> None:
    with LlmServer(delay_s=0.05) as server:
        for before in STEPS[: STEPS.index(step)]:
            run(*command(before, out, season, server.url))
        num_before = server.num_requests
        arguments = [*command(step, out, season, server.url), "--parallel", "1"]
        process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        manifest = out / "manifest.jsonl"
        while process.poll() is None and not finished(manifest, step):
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        # What a kill in the middle of a line leaves behind.
        with manifest.open("ab") as file:
            file.write(b'{"step": "' + step.encode())
        num_done = len(finished(manifest, step))
        assert num_done >= 1
        rows = finished(manifest, step)

        report = run(*arguments)
        assert report["finished_before"] == num_done
        assert report["done"] + num_done == len(list(season.videos.glob("*.mp4")))
        assert finished(manifest, step)[:num_done] == rows, "what was finished stays as it was"
        asked = [json.dumps(body, sort_keys=True) for body in server.bodies[num_before:]]
        assert len(asked) == len(set(asked)), "no question is asked twice, killed or not"


def finished(manifest: Path, step: str) -> list[dict[str, Any]]:
    rows = []
    for line in manifest.read_bytes().splitlines(keepends=True) if manifest.exists() else []:
        if line.endswith(b"\n") and (row := json.loads(line))["step"] == step:
            rows.append(row)
    return rows


def test_two_commands_at_once_are_refused(
    season: Season, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.data.manifest import Manifest

    with Manifest(tmp_path / "out"):
        assert main(command("index", tmp_path / "out", season, "")) == 1
    assert "another command is at work" in capsys.readouterr().err


def test_a_changed_video_is_done_again_and_only_that_one(
    season: Season,
    with_faults: Callable[[Season], Season],
    tmp_path: Path,
    run: Callable[..., dict[str, Any]],
) -> None:
    faulty, out = with_faults(season), tmp_path / "out"
    for step in ("index", "transcribe"):
        run(*command(step, out, faulty, ""))
    (faulty.videos / "empty.mp4").write_bytes((season.videos / "match_1.mp4").read_bytes())
    (faulty.whisperx / "empty.json").hardlink_to(season.whisperx / "match_1.json")
    (faulty.videos / "match_2.mp4").unlink()
    (faulty.videos / "match_2.mp4").touch()
    assert run(*command("index", out, faulty, ""))["done"] == 1
    assert run(*command("transcribe", out, faulty, ""))["done"] == 1
    run(*command("cut", out, faulty, ""), "--source", "transcribe")
    names = {Path(chunk.video).name for chunk in chunks_in(out / "train.jsonl")}
    assert names == {"empty.mp4", "match_0.mp4", "match_1.mp4"}


def test_published_annotations_are_checked_against_their_videos(
    season: Season,
    with_faults: Callable[[Season], Season],
    tmp_path: Path,
    run: Callable[..., dict[str, Any]],
) -> None:
    videos = with_faults(season).videos
    words = tuple((float(at), at + 0.5, "word") for at in range(24))
    chunk = Chunk(video="match_0.mp4", start_s=0, end_s=24, previous="", words=words)
    published = tmp_path / "train_s12w24_with_seeks.jsonl"
    lines = [
        to_line(chunk),
        to_line(replace(chunk, video="nowhere.mp4")),
        to_line(replace(chunk, video="empty.mp4")),
        to_line(replace(chunk, video="cut_off.mp4")),
        to_line(replace(chunk, start_s=36, end_s=60, words=tuple((s + 36, e + 36, w) for s, e, w in words))),
        to_line(replace(chunk, start_s=24, end_s=0)),
        '{"not": "a chunk"}',
    ]
    write_lines(published, lines)
    arguments = ["--annotations", str(published), "--videos", str(videos), "--decode", "all"]
    report = run("validate", "--out", str(tmp_path / "checked"), *arguments)
    assert report["files"] == [
        {
            "file": published.name,
            "chunks": 6,
            "kept": 2,
            "repaired": {"chunk's start and end swapped": 1},
            "left_out": {"broken line": 1, "chunk beyond the video's end": 1, "video can't be used": 3},
        }
    ]
    assert "missing" in report["problems"]["nowhere.mp4"]
    assert "0 bytes" in report["problems"]["empty.mp4"]
    assert chunks_in(tmp_path / "checked" / published.name) == [chunk, chunk]
    again = run("validate", "--out", str(tmp_path / "checked"), *arguments)
    assert (again["done"], again["finished_before"]) == (0, 4)


@pytest.mark.slow
def test_twenty_matches(whole_season: Season, tmp_path: Path) -> None:
    report = trial(whole_season, plant_faults(whole_season, tmp_path / "faulty"), tmp_path / "out")
    assert report["passed"], report
