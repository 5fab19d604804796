"""One odd video, or one folder that has changed, costs what it must and nothing else."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.data.season import Season
from training.data.__main__ import main
from training.data.index import index_folder
from training.data.manifest import Manifest, Row
from training.data.transcribe import transcribe
from training.data.transcripts import Transcript, from_words

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_step(*arguments: object, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == code
        value: dict[str, Any] = json.loads(capsys.readouterr().out)
        return value

    return run_step


@pytest.fixture
def videos(season: Season, tmp_path: Path) -> Path:
    """A folder of three videos."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for path in season.videos.iterdir():
        (folder / path.name).hardlink_to(path)
    return folder


class OutOfMemory:
    """A speech model that has no room for one video."""

    def basis(self, row: Row) -> object | None:
        return "speech model"

    def words(self, row: Row, video: Path) -> Transcript:
        if row.key == "match_0.mp4":
            raise RuntimeError("CUDA failed with error out of memory")
        return from_words([[at, at + 0.4, "word"] for at in range(40)])


def test_a_library_that_gives_up_on_one_video_costs_that_video_only(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Manifest(tmp_path / "out") as manifest:
        index_folder(manifest, videos, num_parallel=2)
        report = transcribe(manifest, OutOfMemory(), num_parallel=1)
        assert (report.counts["done"], report.counts["failed"]) == (2, 1)
        assert report.problems == {"match_0.mp4": "RuntimeError: CUDA failed with error out of memory"}
        assert any(record.exc_info for record in caplog.records), "the traceback is in the log"
        again = transcribe(manifest, OutOfMemory(), num_parallel=1)
        assert (again.num_finished_before, again.counts["failed"]) == (2, 1), "it alone is tried again"


def test_a_link_to_nowhere_is_named_and_the_others_are_indexed(
    videos: Path, tmp_path: Path, run: Run
) -> None:
    (videos / "away.mp4").symlink_to("/nowhere/away.mp4")
    report = run("index", "--out", tmp_path / "out", "--videos", videos)
    assert (report["done"], report["skipped"]) == (3, 1)
    assert "/nowhere/away.mp4" in report["problems"]["away.mp4"]
    (videos / "away.mp4").unlink()
    os.link(videos / "match_0.mp4", videos / "away.mp4")
    assert run("index", "--out", tmp_path / "out", "--videos", videos)["done"] == 1


def test_a_result_that_can_not_be_read_is_made_again(
    videos: Path, season: Season, tmp_path: Path, run: Run
) -> None:
    out = tmp_path / "out"
    run("index", "--out", out, "--videos", videos)
    with Manifest(out) as manifest:
        broken = manifest.result("transcripts", "match_0.mp4")
    broken.parent.mkdir()
    broken.write_text("[1]", encoding="utf-8")
    assert run("transcribe", "--out", out, "--whisperx", season.whisperx)["done"] == 3
