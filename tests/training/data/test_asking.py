"""A language model that answers badly, or will not take a question, about one window of one match."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.data.llm_server import LlmServer, completion
from tests.training.data.season import Season
from training.data.__main__ import main

Run = Callable[..., dict[str, Any]]
Fault = Callable[[dict[str, Any]], tuple[int, str] | None]


class FaultyServer(LlmServer):
    """Answers as planned where a question is about the words "spoilt"."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault
        self.spoilt: list[dict[str, Any]] = []

    def answer(self, body: dict[str, Any]) -> tuple[int, str]:
        asked = json.loads(body["messages"][-1]["content"])
        texts = [part["text"] for part in asked.get("segments", asked.get("chunks"))]
        if any("spoilt" in text for text in texts):
            self.spoilt.append(body)
            planned = self.fault(body)
            if planned is not None:
                return planned
        return super().answer(body)


def too_few(body: dict[str, Any]) -> tuple[int, str]:
    return 200, completion('{"segments": [], "chunks": []}')


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_step(*arguments: object, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == code, capsys.readouterr().err
        value: dict[str, Any] = json.loads(capsys.readouterr().out)
        return value

    return run_step


@pytest.fixture
def out(season: Season, tmp_path: Path, run: Run) -> Path:
    """A workspace of two transcribed matches; the window from 20 to 40 s of the first is the spoilt one."""
    videos, words = tmp_path / "videos", tmp_path / "words"
    videos.mkdir()
    words.mkdir()
    for name in ("one", "two"):
        (videos / f"{name}.mp4").hardlink_to(season.videos / "match_0.mp4")
        segments = []
        for start in range(0, 40, 5):
            word = "spoilt" if name == "one" and start >= 20 else f"kick{start}"
            times = [(start + at * 0.25, start + at * 0.25 + 0.2) for at in range(19)]
            segments.append(
                {
                    "start": start,
                    "end": start + 5,
                    "text": "",
                    "words": [{"word": word, "start": left, "end": right} for left, right in times],
                }
            )
        (words / f"{name}.json").write_text(json.dumps({"segments": segments}), encoding="utf-8")
    run("index", "--out", tmp_path / "out", "--videos", videos)
    run("transcribe", "--out", tmp_path / "out", "--whisperx", words)
    return tmp_path / "out"


def edit(out: Path, server: LlmServer) -> list[object]:
    llm = ["--url", server.url, "--model", "editor", "--first-wait", "0.01", "--tries", "2"]
    return ["edit", "--out", out, *llm, "--window", "20"]


def test_a_spoilt_answer_is_asked_for_again_by_the_next_run(out: Path, run: Run) -> None:
    with FaultyServer(too_few) as server:
        report = run(*edit(out, server), code=3)
        assert (report["done"], report["failed"]) == (1, 1)
        assert "3 attempts" in report["problems"]["one.mp4"]
        warmth = [body["temperature"] for body in server.spoilt]
        assert warmth == sorted(set(warmth)), "asked more freely from time to time"
        server.fault = lambda body: None
        num_asked = server.num_requests
        report = run(*edit(out, server))
        assert (report["done"], report["finished_before"]) == (1, 1)
        assert (report["problems"], report["notes"]) == ({}, {})
        assert server.num_requests == num_asked + 1


def test_what_can_not_be_judged_is_left_out_and_the_match_says_so(out: Path, run: Run) -> None:
    with FaultyServer(too_few) as server:
        run(*edit(out, server), code=3)
        report = run(*edit(out, server))
        assert len(server.spoilt) == 6
        assert report["notes"] == {
            "one.mp4": "4 of its 8 segments are left out: no answer about them could be used"
        }
        again = run(*edit(out, server))
        assert (again["notes"], len(server.spoilt)) == (report["notes"], 6), (
            "told by every run, asked by none"
        )
        assert run("stats", "--out", out)["editor"]["num_unjudged"] == 4
    run("cut", "--out", out, "--stride", "4", "--min-words", "1")
    said = (out / "chunks").glob("one*.jsonl")
    assert "spoilt" not in "".join(path.read_text() for path in said)


def test_chunks_that_can_not_be_judged_are_not_chosen(out: Path, run: Run) -> None:
    run("cut", "--out", out, "--source", "transcribe", "--chunk", "2", "--stride", "2")
    with FaultyServer(too_few) as server:
        llm = ["--url", server.url, "--model", "judge", "--first-wait", "0.01", "--tries", "2"]
        run("select", "--out", out, *llm, code=3)
        report = run("select", "--out", out, *llm)
        assert "chunks can't be chosen" in report["notes"]["one.mp4"]
        assert report["failed"] == 0
    assert report["chosen"] > 0
    assert "spoilt" not in (out / "annealing.jsonl").read_text()


def test_a_window_that_the_api_does_not_take_costs_that_match_only(out: Path, run: Run) -> None:
    filtered = json.dumps({"error": {"code": "content_filter", "message": "The prompt was filtered."}})
    with FaultyServer(lambda body: (400, filtered)) as server:
        report = run(*edit(out, server), code=3)
        assert (report["done"], report["failed"]) == (1, 1)
        assert "400" in report["problems"]["one.mp4"]
        assert "The prompt was filtered." in report["problems"]["one.mp4"]
        run("cut", "--out", out, "--source", "transcribe", "--chunk", "2", "--stride", "2")
        llm = ["--url", server.url, "--model", "judge", "--first-wait", "0.01", "--tries", "2"]
        report = run("select", "--out", out, *llm, code=3)
        assert (report["done"], report["failed"]) == (1, 1)
        assert report["chosen"] > 0
