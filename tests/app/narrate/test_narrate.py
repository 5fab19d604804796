"""Narrated videos as they are heard, seen and read: the files are decoded and listened to."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from app.captions import Phrase
from app.errors import SourceNotFoundError
from app.narrate import NarrationCancelledError, NarrationJob, NarrationResult, Progress, narrate
from app.narrate.errors import NothingToSayError, OutputEndingError, OutputFailedError, OutputIsSourceError
from tests.app.loading import until_it_loads
from tests.app.narrate.listening import levels, offsets_ms, sound_of, subtitles_of, tone_level
from tests.app.videos import number_in, picture, write_video

ROOT = Path(__file__).resolve().parents[3]
TONE_HZ = 9000.0
TONE = 0.25
SAID = [
    Phrase(1.0, 2.0, "Okafor shoots,"),
    Phrase(2.0, 3.0, "and it is in!"),
    Phrase(5.0, 6.0, "The Lions have scored <again> & nobody in the whole ground can believe it today."),
    Phrase(6.0, 7.0, "Two nil."),
]


@pytest.fixture(scope="module")
def silent_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("narrate") / "silent.mp4", seconds=9)


@pytest.fixture(scope="module")
def sounding_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds with a steady tone that no voice has."""
    path = tmp_path_factory.mktemp("narrate") / "sounding.mp4"
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=30)
        video.height, video.width, video.pix_fmt = 120, 160, "yuv420p"
        sound: Any = container.add_stream("aac", rate=44_100, layout="stereo")
        for index in range(270):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for start in range(0, 9 * 44_100, 1024):
            wave = TONE * np.sin(2 * np.pi * TONE_HZ * (start + np.arange(1024)) / 44_100)
            block = av.AudioFrame.from_ndarray(
                np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo"
            )
            block.sample_rate, block.pts = 44_100, start
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    return path


def told(video: Path, output: Path, **options: Any) -> NarrationResult:
    return narrate(NarrationJob(video=video, output=output, **{"phrases": SAID, **options}))


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def numbers_in(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_every_phrase_is_heard_at_its_time_and_silence_stays_silent(
    silent_video: Path, tmp_path: Path
) -> None:
    result = told(silent_video, tmp_path / "told.mp4")
    sound = sound_of(tmp_path / "told.mp4")
    for offset_ms in offsets_ms(sound, [phrase.start_s for phrase in SAID]):
        assert abs(offset_ms) <= 100
    loud = levels(sound) > 0.003
    times_s = np.arange(len(loud)) / 200
    quiet = (times_s < 0.9) | ((times_s > 3.2) & (times_s < 4.9))
    assert not loud[quiet].any()
    for before, after in itertools.pairwise(result.spoken):
        assert before.end_s <= after.start_s
    assert result.num_faster >= 1
    assert [one.start_s for one in result.spoken][:3] == [1.0, 2.0, 5.0]


def test_the_pictures_are_the_same_and_the_words_can_be_read(silent_video: Path, tmp_path: Path) -> None:
    told(silent_video, tmp_path / "told.mp4", title="Lions - Bears")
    assert numbers_in(tmp_path / "told.mp4") == numbers_in(silent_video) == list(range(270))
    subtitles = subtitles_of(tmp_path / "told.mp4")
    assert [text for _, _, text in subtitles] == [phrase.text for phrase in SAID]
    for (start_s, end_s, _), phrase in zip(subtitles, SAID, strict=True):
        assert start_s == pytest.approx(phrase.start_s, abs=0.002)
        assert end_s >= phrase.end_s - 0.002
    for before, after in itertools.pairwise(subtitles):
        assert before[1] <= after[0] + 0.002
    with av.open(str(tmp_path / "told.mp4")) as container:
        kinds = {stream.type: stream.codec_context.name for stream in container.streams}
        assert kinds == {"video": "h264", "audio": "aac", "subtitle": "mov_text"}
        assert container.metadata["title"] == "Lions - Bears"


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="FFmpeg's own programs are not installed")
def test_players_have_nothing_to_complain_of(sounding_video: Path, tmp_path: Path) -> None:
    out = tmp_path / "told.mp4"
    told(sounding_video, out)
    probe = subprocess.run(["ffprobe", "-v", "warning", str(out)], capture_output=True, check=True)
    play = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", str(out), "-map", "0:v", "-map", "0:a", "-f", "null", "-"],
        capture_output=True,
        check=True,
    )
    read = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", str(out), "-map", "0:s", "-f", "srt", "-"],
        capture_output=True,
        check=True,
    )
    assert probe.stdout + probe.stderr + play.stdout + play.stderr + read.stderr == b""


@pytest.mark.parametrize("duck_db", [6.0, 20.0])
def test_the_original_is_quieter_by_the_set_amount_while_somebody_speaks(
    sounding_video: Path, tmp_path: Path, duck_db: float
) -> None:
    told(sounding_video, tmp_path / "told.mp4", duck_db=duck_db)
    sound = sound_of(tmp_path / "told.mp4")
    untouched = tone_level(sound, TONE_HZ, 0.2, 0.8)
    assert untouched == pytest.approx(TONE, rel=0.1)
    for start_s, end_s in ((1.05, 2.8), (5.05, 6.5)):
        ducked = tone_level(sound, TONE_HZ, start_s, end_s)
        assert 20 * np.log10(untouched / ducked) == pytest.approx(duck_db, abs=1.0)
    assert tone_level(sound, TONE_HZ, 3.8, 4.7) == pytest.approx(untouched, rel=0.1)
    # The ramp is smooth: no step between two hundredths of a second is a jump.
    around = [tone_level(sound, TONE_HZ, at, at + 0.02) for at in np.arange(0.7, 1.1, 0.01)]
    steps_db = np.abs(np.diff(20 * np.log10(np.array(around))))
    assert steps_db.max() < duck_db / 4


def test_a_video_in_another_form_is_encoded_and_keeps_its_times(tmp_path: Path) -> None:
    video = write_video(tmp_path / "old.avi", seconds=4, codec="mpeg4", size=(122, 162))
    stages: list[Progress] = []
    narrate(
        NarrationJob(video=video, output=tmp_path / "told.mp4", phrases=SAID[:2]), on_progress=stages.append
    )
    assert numbers_in(tmp_path / "told.mp4") == list(range(120))
    with av.open(str(tmp_path / "told.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        times_s = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert times_s == pytest.approx(np.arange(120) / 30, abs=0.002)
    assert {stage.stage for stage in stages} == {"encoding", "writing"}
    assert all(abs(offset) <= 100 for offset in offsets_ms(sound_of(tmp_path / "told.mp4"), [1.0, 2.0]))
    assert names_in(tmp_path) == ["old.avi", "told.mp4"]


def test_a_turned_video_stands_upright_whoever_encodes_it(tmp_path: Path) -> None:
    for name, codec in (("copied.mp4", "libx264"), ("encoded.mp4", "mpeg4")):
        video = write_video(tmp_path / name, seconds=2, codec=codec, turn_degrees=90)
        told(video, tmp_path / "told.mp4", phrases=SAID[:1])
        from app.sources import VideoFileSource

        chunk = next(iter(VideoFileSource(tmp_path / "told.mp4")))
        wanted = next(iter(VideoFileSource(video)))
        assert chunk.frames.shape == wanted.frames.shape
        assert np.abs(chunk.frames.astype(int) - wanted.frames).mean() < 8


def test_sound_that_begins_late_stays_late(tmp_path: Path) -> None:
    # A clip cut out of something longer: its clock begins at 100 s, and its sound a second after its picture.
    video = tmp_path / "cut.mkv"
    with av.open(str(video), "w") as container:
        stream: Any = container.add_stream("libx264", rate=30)
        stream.height, stream.width, stream.pix_fmt = 120, 160, "yuv420p"
        sound: Any = container.add_stream("aac", rate=48_000, layout="mono")
        for index in range(120):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.pts, frame.time_base = 3000 + index, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        for start in range(48_000, 4 * 48_000, 1024):
            wave = (TONE * np.sin(2 * np.pi * TONE_HZ * (start + np.arange(1024)) / 48_000)).astype(
                np.float32
            )
            block = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            block.sample_rate, block.pts = 48_000, 100 * 48_000 + start
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    told(video, tmp_path / "told.mp4", phrases=[Phrase(2.5, 3.5, "Goal!")])
    heard = sound_of(tmp_path / "told.mp4")
    assert tone_level(heard, TONE_HZ, 0.1, 0.9) < 0.01
    assert tone_level(heard, TONE_HZ, 1.1, 2.2) == pytest.approx(TONE, rel=0.1)
    assert numbers_in(tmp_path / "told.mp4") == list(range(120))


def test_cancelling_leaves_the_old_file_and_nothing_else(silent_video: Path, tmp_path: Path) -> None:
    out = tmp_path / "told.mp4"
    out.write_bytes(b"the old one")
    cancel = threading.Event()

    def cancel_half_way(progress: Progress) -> None:
        if progress.stage == "writing" and progress.fraction > 0.4:
            cancel.set()

    with pytest.raises(NarrationCancelledError):
        narrate(
            NarrationJob(video=silent_video, output=out, phrases=SAID),
            on_progress=cancel_half_way,
            cancel=cancel,
        )
    assert out.read_bytes() == b"the old one"
    assert names_in(tmp_path) == ["told.mp4"]


KILLED = """
import os, sys, signal
from pathlib import Path
from app.captions import Phrase
from app.narrate import NarrationJob, narrate
def kill_half_way(progress):
    if progress.stage == "writing" and progress.fraction > 0.5:
        os.kill(os.getpid(), signal.SIGKILL)
narrate(NarrationJob(video=Path(sys.argv[1]), output=Path(sys.argv[2]), phrases=[Phrase(1.0, 2.0, "Goal!")]),
        on_progress=kill_half_way)
"""


def test_a_kill_half_way_leaves_the_old_file_and_the_next_run_clears_up(
    silent_video: Path, tmp_path: Path
) -> None:
    out = tmp_path / "told.mp4"
    out.write_bytes(b"the old one")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(silent_video), str(out)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert out.read_bytes() == b"the old one"
    assert len(names_in(tmp_path)) == 2
    told(silent_video, out)
    assert names_in(tmp_path) == ["told.mp4"]
    assert len(subtitles_of(out)) == len(SAID)


def test_what_cannot_be_is_refused_before_anything_is_touched(silent_video: Path, tmp_path: Path) -> None:
    copy = tmp_path / "video.mp4"
    shutil.copyfile(silent_video, copy)
    (tmp_path / "link.mp4").symlink_to(copy)
    for output, error in [
        (tmp_path / "told.avi", OutputEndingError),
        (copy, OutputIsSourceError),
        (tmp_path / "link.mp4", OutputIsSourceError),
        (tmp_path / "nowhere" / "told.mp4", OutputFailedError),
    ]:
        with pytest.raises(error):
            told(copy, output)
    with pytest.raises(NothingToSayError):
        told(copy, tmp_path / "told.mp4", phrases=[])
    with pytest.raises(SourceNotFoundError):
        told(tmp_path / "none.mp4", tmp_path / "told.mp4")
    assert names_in(tmp_path) == ["link.mp4", "video.mp4"]


def test_a_disk_that_is_full_is_said_and_leaves_the_old_file(
    silent_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "told.mp4"
    out.write_bytes(b"the old one")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(OutputFailedError, match="MB are free"):
        told(silent_video, out)
    assert out.read_bytes() == b"the old one"


def ringside(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", "narrate", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_the_command_watches_tells_and_keeps_a_transcript_that_can_be_told_again(
    small_video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out, said = tmp_path / "told.mp4", tmp_path / "said.srt"
    ran = ringside(
        small_video,
        "--model",
        tiny_model,
        "--greedy",
        "--out",
        out,
        "--save-captions",
        said,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stderr
    assert "real time" in ran.stderr
    first = subtitles_of(out)
    assert len(first) >= 2
    edited = said.read_text(encoding="utf-8").replace(first[0][2], "Edited by hand")
    said.write_text(edited, encoding="utf-8")
    again = ringside(small_video, "--from", said, "--model", "nobody/needs-it", "--out", out)
    assert again.returncode == 0, again.stderr
    assert [text for _, _, text in subtitles_of(out)] == [
        "Edited by hand",
        *(text for _, _, text in first[1:]),
    ]


def test_another_program_is_told_how_it_goes_and_its_end_is_the_end(
    small_video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    import json

    command = [sys.executable, "-m", "app", "narrate", str(small_video), "--model", str(tiny_model), "--json"]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "told.mp4")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        events = [json.loads(process.stdout.readline())]
        process.stdin.close()
        events += [json.loads(line) for line in process.stdout]
        assert process.wait(60) == 130
    assert events[0]["event"] == "progress"
    assert events[-1] == {"event": "cancelled"}
    assert names_in(tmp_path) == []


def test_a_polite_kill_leaves_nothing(small_video: Path, tiny_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app", "narrate", str(small_video), "--model", str(tiny_model)]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "told.mp4")], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        until_it_loads(process)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        words = process.stderr.read()
        assert process.wait(60) in (130, -signal.SIGTERM)
    assert "Traceback" not in words
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "No video"),
        (("match.mp4",), "No output"),
        (("match.mp4", "--out", "told.mkv"), ".mp4"),
        (("match.mp4", "--demo", "--out", "told.mp4"), "Choose one"),
        (("--demo", "--out", "told.mp4", "--rate", "1000"), "50 to 300"),
        (("--demo", "--out", "told.mp4", "--duck-db", "-3"), "decibels"),
        (("--demo", "--out", "told.mp4", "--voice", "nobody"), "--list-voices"),
        (("--demo", "--out", "told.mp4", "--from", "none.srt"), "no such file"),
    ],
)
def test_bad_use_is_one_line_that_says_what_to_do(
    arguments: tuple[str, ...], words: str, tmp_cwd: Path
) -> None:
    from app.cli.main import main

    del tmp_cwd
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        assert main(["narrate", *arguments]) == 2
    assert words in said.getvalue()
    assert said.getvalue().count("\n") == 1
