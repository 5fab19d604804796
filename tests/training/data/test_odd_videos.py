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
from training.data.published import read_chunks
from training.data.transcribe import transcribe
from training.data.transcripts import Transcript, from_words
from training.sft.annotation import Chunk

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


def names_in(path: Path) -> set[str]:
    """The videos that a file of chunks names, all of which must be there."""
    videos = {entry.video for entry in read_chunks(path) if isinstance(entry, Chunk)}
    assert all((path.parent / video).is_file() for video in videos)
    return {Path(video).name for video in videos}


def cut(out: Path) -> list[object]:
    return ["cut", "--out", out, "--source", "transcribe", "--min-words", "1"]


def test_a_folder_that_is_moved_takes_its_finished_work_along(
    videos: Path, season: Season, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run("index", "--out", out, "--videos", videos)
    run("transcribe", "--out", out, "--whisperx", season.whisperx)
    run(*cut(out))
    before = (out / "train.jsonl").read_bytes()
    moved = videos.rename(tmp_path / "elsewhere")

    assert main(["validate", "--out", str(out)]) == 1
    assert "Nothing is left of train.jsonl" in capsys.readouterr().err
    assert (out / "train.jsonl").read_bytes() == before, "what could be used yesterday is not thrown away"

    assert run("index", "--out", out, "--videos", moved)["finished_before"] == 3
    assert run("transcribe", "--out", out, "--whisperx", season.whisperx)["finished_before"] == 3
    assert run(*cut(out))["finished_before"] == 3
    assert len(names_in(out / "train.jsonl")) == 3
    [checked] = run("validate", "--out", out)["files"]
    assert (checked["left_out"], checked["kept"]) == ({}, checked["chunks"])


def test_a_video_of_the_same_name_from_another_folder_replaces_nothing(
    videos: Path, season: Season, tmp_path: Path, run: Run
) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    run("index", "--out", out, "--videos", videos)
    other.mkdir()
    (other / "match_0.mp4").write_bytes((season.videos / "match_1.mp4").read_bytes())
    for _ in range(2):
        report = run("index", "--out", out, "--videos", other)
        assert (report["done"], report["skipped"]) == (0, 1)
        assert "videos/match_0.mp4" in report["problems"][str(other / "match_0.mp4")]
    with Manifest(out) as manifest:
        assert manifest.video("match_0.mp4").samefile(videos / "match_0.mp4")
    (videos / "match_0.mp4").unlink()
    assert run("index", "--out", out, "--videos", other)["done"] == 1, "its name is free now"


def test_what_is_gone_or_no_longer_usable_leaves_the_data_set(
    videos: Path, season: Season, tmp_path: Path, run: Run
) -> None:
    out, words = tmp_path / "out", tmp_path / "words"
    words.mkdir()
    for path in season.whisperx.iterdir():
        (words / path.name).write_bytes(path.read_bytes())
    run("index", "--out", out, "--videos", videos)
    run("transcribe", "--out", out, "--whisperx", words)
    run(*cut(out))
    assert names_in(out / "train.jsonl") == {"match_0.mp4", "match_1.mp4", "match_2.mp4"}

    (videos / "match_1.mp4").rename(tmp_path / "match_1.mp4")
    report = run("index", "--out", out, "--videos", videos)
    assert report["problems"] == {"match_1.mp4": "the video is not there any more"}
    (words / "match_2.json").write_text('{"segments": []}', encoding="utf-8")
    run("transcribe", "--out", out, "--whisperx", words)
    with Manifest(out) as manifest:
        assert set(manifest.done("cut")) == {"match_0.mp4"}, "nothing counts whose basis does not"
    run(*cut(out))
    assert names_in(out / "train.jsonl") == {"match_0.mp4"}

    (tmp_path / "match_1.mp4").rename(videos / "match_1.mp4")
    assert run("index", "--out", out, "--videos", videos)["done"] == 1
    assert run("transcribe", "--out", out, "--whisperx", words)["done"] == 0, "its transcript is still good"
    run(*cut(out))
    assert names_in(out / "train.jsonl") == {"match_0.mp4", "match_1.mp4"}
