"""`ringside caption`, as a person runs it: files, words, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from app import resources
from app.cli.main import main
from tests.app.loading import until_it_loads
from tests.app.test_captions import as_players_read
from tests.app.videos import write_sound, write_video

COMMAND = (sys.executable, "-m", "app")
ROOT = Path(__file__).resolve().parents[2]


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start `ringside` in a process of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def run(*arguments: object) -> tuple[int, str, str]:
    """Run `ringside` to its end: exit code, standard output, standard error."""
    process = start(*arguments)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def phrases(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def outputs(tmp_path: Path) -> list[Path]:
    return [tmp_path / f"a{ending}" for ending in (".jsonl", ".srt", ".vtt", ".txt")]


def test_a_video_becomes_four_files_that_say_the_same(
    tiny_model: Path, small_video: Path, outputs: list[Path]
) -> None:
    code, printed, notes = run("caption", small_video, "--model", tiny_model, "--seed", 1, "--out", *outputs)
    assert code == 0, notes
    said = phrases(outputs[0])
    assert said
    assert [list(phrase) for phrase in said] == [["start", "end", "text"]] * len(said)
    assert {(phrase["start"], phrase["end"]) for phrase in said} <= {(float(k), k + 1.0) for k in range(6)}
    for path in outputs[1:3]:
        cues = as_players_read(path)
        assert [(start_s, end_s) for start_s, end_s, _ in cues] == [(p["start"], p["end"]) for p in said]
    assert outputs[3].read_text().splitlines() == [phrase["text"] for phrase in said]
    assert printed == ""
    assert f"{len(said)} phrase" in notes
    assert "00:06 of video" in notes


def in_process(capsys: pytest.CaptureFixture[str], arguments: Sequence[object]) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_without_a_file_the_phrases_are_printed_with_their_times(
    tiny_model: Path, small_video: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    common = ["caption", small_video, "--model", tiny_model, "--seed", 2, "--start", "0:02", "--duration", 3]
    code, printed, _ = in_process(capsys, common)
    assert code == 0
    path = tmp_path / "a.jsonl"
    assert main([*map(str, common), "--out", str(path)]) == 0
    said = phrases(path)
    assert printed.splitlines() == [f"00:{int(p['start']):02}  {p['text']}" for p in said]  # type: ignore[call-overload] # JSON
    assert {phrase["start"] for phrase in said} <= {2.0, 3.0, 4.0}


def test_text_has_times_if_they_are_asked_for(
    tiny_model: Path, small_video: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["caption", small_video, "--model", tiny_model, "--seed", 2, "--times", "--quiet", "--out"]
    code, _, notes = in_process(capsys, [*arguments, tmp_path / "a.txt", tmp_path / "a.jsonl"])
    assert code == 0, notes
    said = phrases(tmp_path / "a.jsonl")
    assert (tmp_path / "a.txt").read_text().splitlines() == [
        f"00:0{int(float(str(phrase['start'])))}  {phrase['text']}" for phrase in said
    ]


def test_greedy_and_seed_repeat_and_a_title_changes_what_is_said(
    tiny_model: Path, small_video: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "title.txt").write_text("Lions against Bears.\n", encoding="utf-8")
    common = ["caption", small_video, "--model", tiny_model, "--duration", 3]
    said = {
        name: in_process(capsys, [*common, *options])[1]
        for name, options in {
            "greedy": ["--greedy"],
            "greedy again": ["--greedy", "--seed", 9],
            "seed": ["--seed", 5],
            "seed again": ["--seed", 5],
            "title": ["--seed", 5, "--title", "Lions against Bears."],
            "title from a file": ["--seed", 5, "--title", f"@{tmp_path / 'title.txt'}"],
            "query": ["--seed", 5, "--query", "Say what you see, and say it again."],
        }.items()
    }
    assert said["greedy"] == said["greedy again"]
    assert said["seed"] == said["seed again"]
    assert said["title"] == said["title from a file"] != said["seed"]
    assert said["query"] != said["seed"]


def test_the_frame_rate_can_be_chosen(
    tiny_model: Path, small_video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["caption", small_video, "--model", tiny_model, "--duration", 3, "--greedy"]
    assert in_process(capsys, [*common, "--fps", 2])[:2] == in_process(capsys, common)[:2]
    code, _, _ = in_process(capsys, [*common, "--fps", 8])
    assert code == 0


def test_the_demo_match_is_commented_on_with_its_title(
    tiny_model: Path,
    small_video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With assets laid out as they ship."""
    (tmp_path / "assets" / "demo").mkdir(parents=True)
    shutil.copytree(tiny_model, tmp_path / "assets" / "demo_model")
    shutil.copy(small_video, tmp_path / "assets" / "demo" / "match.mp4")
    (tmp_path / "assets" / "demo" / "match.json").write_text(json.dumps({"title": "Lions against Bears."}))
    monkeypatch.setattr(resources, "assets_dir", lambda: tmp_path / "assets")
    options = ["--duration", 3, "--seed", 5]
    code, said, _ = in_process(capsys, ["caption", "--demo", *options])
    assert code == 0
    by_hand = ["caption", small_video, "--model", tiny_model, "--title", "Lions against Bears.", *options]
    assert in_process(capsys, by_hand)[1] == said
    assert in_process(capsys, ["caption", "--demo", "--title", "", *options])[1] != said


def test_live_is_printed_at_the_videos_own_speed_and_says_that_it_may_be_wrong(
    tiny_model: Path, small_video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_s = time.monotonic()
    path = tmp_path / "a.txt"
    code, printed, notes = in_process(
        capsys, ["caption", small_video, "--model", tiny_model, "--live", "--duration", 3, "--out", path]
    )
    assert code == 0
    assert time.monotonic() - begin_s >= 2.5
    assert [line.split("  ", 1)[1] for line in printed.splitlines()] == path.read_text().splitlines()
    assert "may be wrong" in notes


def test_a_killed_run_keeps_what_was_said_in_valid_files(
    tiny_model: Path, tmp_path: Path, outputs: list[Path]
) -> None:
    video = write_video(tmp_path / "long.mp4", seconds=60, fps=10)
    for path in outputs:
        path.write_text("earlier\n")
    process = start("caption", video, "--model", tiny_model, "--live", "--greedy", "--out", *outputs)
    try:
        until_s = time.monotonic() + 120
        while outputs[0].read_text().count("\n") < 3 and time.monotonic() < until_s:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    said = phrases(outputs[0])
    assert len(said) >= 2
    for path in outputs[1:3]:
        # The kill may fall between two files, never into the middle of a phrase.
        cues = as_players_read(path)
        assert len(said) - 1 <= len(cues) <= len(said)
        assert path.read_text().endswith("\n\n")
    assert "earlier" not in "".join(path.read_text() for path in outputs)


def test_ctrl_c_ends_in_order(tiny_model: Path, tmp_path: Path, outputs: list[Path]) -> None:
    video = write_video(tmp_path / "long.mp4", seconds=60, fps=10)
    process = start("caption", video, "--model", tiny_model, "--live", "--greedy", "--out", *outputs)
    until_s = time.monotonic() + 120
    while not (outputs[0].exists() and outputs[0].read_text()) and time.monotonic() < until_s:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, notes = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in notes
    assert "Stopped after" in notes
    said = phrases(outputs[0])
    assert said
    assert all(len(as_players_read(path)) == len(said) for path in outputs[1:3])


def test_ctrl_c_while_the_model_loads_leaves_earlier_output(
    tiny_model: Path, small_video: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.srt"
    path.write_text("earlier\n")
    process = start("caption", small_video, "--model", tiny_model, "--out", path)
    until_it_loads(process)
    process.send_signal(signal.SIGINT)
    _, notes = process.communicate(timeout=60)
    if process.returncode == 130:
        assert path.read_text() == "earlier\n"
    assert "Traceback" not in notes


def test_a_reader_that_goes_away_is_no_traceback(tiny_model: Path, small_video: Path) -> None:
    process = start("caption", small_video, "--model", tiny_model, "--greedy")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    notes = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert "Traceback" not in notes
    assert "Exception" not in notes


# What cannot be. Nothing of this may touch what is there.


def refused(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[object], *, code: int, saying: str
) -> None:
    earlier = Path("earlier.srt")
    earlier.write_text("earlier\n")
    got, printed, notes = in_process(capsys, ["caption", *arguments])
    assert got == code, notes
    assert printed == ""
    assert saying in notes
    assert notes.count("\n") == 1
    assert "Traceback" not in notes
    assert earlier.read_text() == "earlier\n"


OUT = ("--out", "earlier.srt")


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        ((), "No video was given"),
        (("missing.mp4", *OUT), "missing.mp4 does not exist"),
        ((".", *OUT), "is a folder"),
        (("small.mp4", "--demo", *OUT), "Both a video and --demo"),
        (("small.mp4", "--out", "a.doc"), "names no caption format"),
        (("small.mp4", "--out", "earlier.srt", "a"), "has no ending"),
        (("small.mp4", "--out", "earlier.srt", "earlier.srt"), "named twice"),
        (("small.mp4", "--model", "no-such-model", *OUT), "There is no model 'no-such-model'"),
        (("small.mp4", "--model", "./nothing/here", *OUT), "There is no model"),
        (("small.mp4", "--start", "soon", *OUT), "'soon' is no time"),
        (("small.mp4", "--start", "-5", *OUT), "--start"),
        (("small.mp4", "--duration", "0", *OUT), "more than 0 seconds"),
        (("small.mp4", "--start", "1:40", *OUT), "ends at 6.0 s, before the asked-for start at 100.0 s"),
        (("small.mp4", "--fps", "0", *OUT), "'0' is no frame rate"),
        (("small.mp4", "--fps", "many", *OUT), "'many' is no frame rate"),
        (("small.mp4", "--seed", "x", *OUT), "'x' is no seed"),
        (("small.mp4", "--device", "tpu", *OUT), "'tpu' is no device"),
        (("small.mp4", "--titel", "x", *OUT), "--titel"),
        (("small.mp4", "--title", "@nothing.txt", *OUT), "cannot be read from nothing.txt"),
        (("small.mp4", "extra.mp4", *OUT), "extra.mp4"),
    ],
)
def test_bad_use_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...],
    saying: str,
    tmp_cwd: Path,
    small_video: Path,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(small_video, "small.mp4")
    model = () if "--model" in arguments else ("--model", tiny_model)
    refused(capsys, [*arguments, *model], code=2, saying=saying)
    assert sorted(path.name for path in tmp_cwd.iterdir()) == ["earlier.srt", "small.mp4"]


def make_bad_inputs(folder: Path, video: Path) -> None:
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("not a video\n" * 100)
    (folder / "cut.mp4").write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    write_sound(folder / "sound.m4a")


@pytest.mark.parametrize(
    ("name", "saying"),
    [
        ("empty.mp4", "is empty (0 bytes)"),
        ("text.mp4", "not a video"),
        ("cut.mp4", "damaged"),
        ("sound.m4a", "has no picture (only sound)"),
    ],
)
def test_an_input_that_cannot_be_watched_is_one_line_and_exit_code_1(
    name: str,
    saying: str,
    tmp_cwd: Path,
    small_video: Path,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_bad_inputs(tmp_cwd, small_video)
    refused(capsys, [name, "--model", tiny_model, *OUT], code=1, saying=saying)


def test_an_output_that_cannot_be_written_is_one_line_and_exit_code_1(
    tmp_cwd: Path, small_video: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [small_video, "--model", tiny_model, *OUT]
    refused(capsys, [*common, "no/folder/a.srt"], code=1, saying="no/folder/a.srt cannot be written")
    Path("folder.vtt").mkdir()
    refused(capsys, [*common, "new.txt", "folder.vtt"], code=1, saying="is a directory")
    assert not Path("new.txt").exists()


def test_a_folder_without_a_model_is_one_line_and_exit_code_1(
    tmp_cwd: Path, small_video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    refused(capsys, [small_video, "--model", "empty", *OUT], code=1, saying="not a Qwen2.5-VL checkpoint")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.json", '{"model_type": "qwen2_5_vl", "text_config": {"hidden_size": "64"}}'),
        ("preprocessor_config.json", "[]"),
        ("generation_config.json", "3"),
        ("tokenizer.json", "{"),
    ],
)
def test_a_damaged_model_is_one_line_that_names_the_file(
    tiny_model: Path,
    small_video: Path,
    tmp_cwd: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
) -> None:
    shutil.copytree(tiny_model, "damaged")
    (tmp_cwd / "damaged" / name).write_text(text, encoding="utf-8")
    refused(capsys, [small_video, "--model", "damaged", *OUT], code=1, saying=name)


def test_windows_that_do_not_fit_the_model_are_one_line_and_leave_earlier_output(
    tmp_cwd: Path, small_video: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny_model, "wide")
    settings = {"window": {"vision_window_s": 4000.0, "text_rounds": 4000}}
    Path("wide/ringside.json").write_text(json.dumps(settings))
    refused(capsys, [small_video, "--model", "wide", *OUT], code=1, saying="positions")


def test_a_video_cut_off_keeps_what_could_be_seen_and_says_so(
    tmp_cwd: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = write_video(Path("a.mp4"), seconds=6, options={"movflags": "faststart"}).read_bytes()
    Path("cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    code, _, notes = in_process(
        capsys, ["caption", "cut.mp4", "--model", tiny_model, "--greedy", "--out", "a.jsonl"]
    )
    assert code == 1
    assert "cut.mp4 is damaged or not complete: nothing can be seen after" in notes
    assert phrases(Path("a.jsonl"))


def test_the_video_may_follow_the_output(
    tmp_cwd: Path, small_video: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["caption", "--model", tiny_model, "--duration", 1, "--greedy", "--out", "a.srt", small_video]
    assert in_process(capsys, arguments)[0] == 0
    assert Path("a.srt").exists()
