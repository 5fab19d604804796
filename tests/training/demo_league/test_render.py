"""The command line that writes matches: real files, real processes, real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from training.demo_league.__main__ import main
from training.demo_league.draw import draw_frame
from training.demo_league.render import RenderError, render
from training.demo_league.score import as_phrases
from training.demo_league.simulate import simulate
from training.demo_league.truth import read_truth

COMMAND = [sys.executable, "-m", "training.demo_league"]
ROOT = Path(__file__).parents[3]


def test_a_minute_becomes_a_playable_video_with_its_truth_and_title(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, truth_file, title_file = tmp_path / "match.mp4", tmp_path / "match.jsonl", tmp_path / "match.json"
    arguments = ["render", "--seed", "8", "--minutes", "1", "--out", str(video)]
    assert main([*arguments, "--truth", str(truth_file), "--title-out", str(title_file)]) == 0
    assert sorted(tmp_path.iterdir()) == sorted([video, truth_file, title_file])

    match = simulate(8, 1.0)
    with av.open(video) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height, stream.pix_fmt) == (640, 360, "yuv420p")
        assert stream.average_rate == 30
        num_frames = 0
        for frame in container.decode(stream):
            if num_frames % 450 == 200:
                shown = frame.to_ndarray(format="rgb24")
                drawn = draw_frame(match, num_frames / 30)
                assert float(cv2.absdiff(shown, drawn).mean()) < 6.0
            num_frames += 1
    assert num_frames == 1800
    head = video.read_bytes()[:4096]
    assert b"moov" in head, "a player can start before it has read the end"

    truth = read_truth(truth_file)
    assert truth.title == match.title == json.loads(title_file.read_text())["title"]
    assert [event.kind for event in truth.events] == [event.kind for event in match.events]
    assert truth.words

    captions = tmp_path / "captions.jsonl"
    captions.write_text(
        "".join(
            json.dumps({"start": caption.start_s, "end": caption.end_s, "text": caption.text}) + "\n"
            for caption in as_phrases(truth.words)
        )
    )
    capsys.readouterr()
    assert main(["score", "--captions", str(captions), "--truth", str(truth_file)]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["event_f1"] >= 0.99
    assert len(scored["by_fifth"]) == 5


def test_what_was_there_stays_when_a_render_is_stopped(tmp_path: Path) -> None:
    video, truth_file = tmp_path / "match.mp4", tmp_path / "match.jsonl"
    video.write_bytes(b"an earlier match")
    arguments = ["render", "--seed", "1", "--minutes", "2", "--out", str(video), "--truth", str(truth_file)]
    for stop, leftovers_allowed in ((signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGKILL, True)):
        process = subprocess.Popen(
            [*COMMAND, *arguments, "--title-out", str(tmp_path / "match.json")],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        try:
            deadline_s = time.monotonic() + 60
            while not any(part.stat().st_size > 40_000 for part in tmp_path.glob(".match.mp4.*.part")):
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline_s
                time.sleep(0.1)
            process.send_signal(stop)
            assert process.wait(timeout=30) != 0
        finally:
            process.kill()
            assert b"Traceback" not in process.communicate()[1]
        assert video.read_bytes() == b"an earlier match"
        assert not truth_file.exists()
        if not leftovers_allowed:
            assert list(tmp_path.iterdir()) == [video]


def test_a_render_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    class FullDiskError(OSError):
        """Stands for whatever may go wrong while frames are written."""

    def fail(done: int, total: int) -> None:
        raise FullDiskError(28, "No space left on device")

    with pytest.raises(RenderError, match=r"match\.mp4 could not be written: No space left on device"):
        render(simulate(1, 1.0), tmp_path / "match.mp4", truth=tmp_path / "match.jsonl", on_progress=fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "exit_code", "message"),
    [
        ({"--minutes": "0"}, 2, "A match lasts 0.75 to 600 minutes, not 0."),
        ({"--seed": "-3"}, 2, "The seed must not be negative, and -3 is."),
        (
            {"--out": "nowhere/match.mp4"},
            1,
            "There is no folder nowhere to write match.mp4 to. Make it first.",
        ),
        ({"--out": "."}, 1, ". is a folder. Name a file in it."),
        (
            {"--out": "one", "--truth": "one"},
            1,
            "The video, the truth and the title need files of their own.",
        ),
    ],
)
def test_bad_arguments_get_one_clear_line(
    changes: dict[str, str],
    exit_code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = {"--seed": "1", "--minutes": "1", "--out": "match.mp4", **changes}
    assert main(["render", *(part for pair in arguments.items() for part in pair)]) == exit_code
    assert capsys.readouterr().err.strip() == message
    assert list(tmp_path.iterdir()) == []


def test_words_that_are_no_command_are_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["paint"], ["render", "--seed", "x", "--minutes", "1", "--out", "a"], []):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert "usage: python -m training.demo_league" in capsys.readouterr().err


def test_missing_files_to_score_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none.jsonl"
    assert main(["score", "--captions", str(missing), "--truth", str(missing)]) == 1
    assert capsys.readouterr().err == f"{missing}: No such file or directory\n"


def test_the_bench_prints_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {
        "simulate_times_real_time",
        "simulate_24_s_ms",
        "draw_308x168_ms",
        "draw_640x360_ms",
    }
    assert np.all(np.array(list(figures.values())) > 0)
