"""Where speech is heard, how loud, and what becomes of it and of the video's own sound when things happen to them."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.app.speech.sound_server import RATE_HZ, SINK, recording, sound_server
from tests.app.speech.speaker import Speaker, speaking, until

LOUD, SILENT = 200.0, 2.0
TONE_HZ = 6000.0
SENTENCE = "Okafor shoots from a long way out, and the keeper of the Bears can only watch it go in."

pytestmark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("pulseaudio", "parec", "pactl")),
    reason="PulseAudio is not installed (apt-get install pulseaudio pulseaudio-utils libasound2-plugins)",
)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with sound_server(tmp_path, ["headphones"]) as environment:
        yield environment


@pytest.fixture
def speaker(environment: dict[str, str]) -> Iterator[Speaker]:
    with speaking(environment) as speaker:
        speaker.ask("check")
        speaker.wait_for("SpeechReady")
        yield speaker


def pactl(environment: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        ["pactl", *arguments], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def unload(environment: dict[str, str], sink: str) -> None:
    for line in pactl(environment, "list", "short", "modules").splitlines():
        number, _, arguments = line.split("\t")[:3]
        if f"sink_name={sink}" in arguments:
            pactl(environment, "unload-module", number)


def test_speech_goes_to_the_output_that_was_chosen_and_nowhere_else(
    speaker: Speaker, environment: dict[str, str], tmp_path: Path
) -> None:
    speaker.ask("outputs")
    found = [output_id for output_id, _ in speaker.wait_for("outputs")["outputs"]]
    assert found[:2] == [f"pulse:{SINK}", "pulse:headphones"]
    with recording(environment, tmp_path) as usual, recording(environment, tmp_path, "headphones") as chosen:
        speaker.ask("configure", {"output": "pulse:headphones"})
        speaker.ask("say", "Goal!")
        speaker.wait_for("SpeechEnded", text_id=1, is_whole=True)
        until(lambda: chosen.level(1.5) > LOUD)
        assert usual.level(1.5) < SILENT


def test_an_output_that_is_not_there_is_said_once_and_the_usual_one_speaks(
    speaker: Speaker, environment: dict[str, str], tmp_path: Path
) -> None:
    speaker.ask("configure", {"output": "pulse:earphones"})
    with recording(environment, tmp_path) as heard:
        for text_id in (1, 2):
            speaker.ask("say", "Goal!")
            speaker.wait_for("SpeechEnded", text_id=text_id, is_whole=True)
        until(lambda: heard.level(2.0) > LOUD)
    notices = [event["message"] for event in speaker.events if event["event"] == "SpeechNotice"]
    assert len(notices) == 1
    assert "earphones is not there any more" in notices[0]


def test_an_output_that_goes_away_in_mid_sentence_is_said_and_the_sentence_goes_on_when_there_is_one_again(
    speaker: Speaker, environment: dict[str, str], tmp_path: Path
) -> None:
    with recording(environment, tmp_path) as heard:
        speaker.ask("say", SENTENCE)
        until(lambda: heard.level(0.3) > LOUD)
    unload(environment, "headphones")
    unload(environment, SINK)
    lost = speaker.wait_for("SpeechLost")
    assert "went away" in lost["message"]
    pactl(environment, "load-module", "module-null-sink", "sink_name=speakers")
    with recording(environment, tmp_path, "speakers") as again:
        speaker.wait_for("SpeechEnded", text_id=1, is_whole=True)
        assert [event["event"] for event in speaker.events].count("SpeechReady") == 2
        until(lambda: again.level(4.0) > LOUD)
        # And what comes next is heard as if nothing had been.
        speaker.ask("say", "Goal!")
        speaker.wait_for("SpeechEnded", text_id=2, is_whole=True)


def test_without_any_output_left_speech_gives_up_one_sentence_and_comes_back_with_a_later_one(
    speaker: Speaker, environment: dict[str, str], tmp_path: Path
) -> None:
    with recording(environment, tmp_path) as heard:
        speaker.ask("say", SENTENCE)
        until(lambda: heard.level(0.3) > LOUD)
    unload(environment, "headphones")
    unload(environment, SINK)
    speaker.wait_for("SpeechEnded", text_id=1, is_whole=False)
    speaker.ask("say", "Nobody hears this.")
    time.sleep(0.5)
    pactl(environment, "load-module", "module-null-sink", "sink_name=speakers")
    speaker.ask("say", "Somebody hears this.")
    speaker.wait_for("SpeechEnded", text_id=3, is_whole=True)
    names = [event["event"] for event in speaker.events]
    assert names.count("SpeechLost") == 1
    assert "SpeechFailed" not in names


def test_rate_and_volume_are_as_chosen(speaker: Speaker, environment: dict[str, str], tmp_path: Path) -> None:
    heard_s, heard_level = [], []
    for text_id, options in enumerate(({}, {"rate": 2.0}, {"volume": 0.25}), 1):
        with recording(environment, tmp_path) as heard:
            speaker.ask("configure", options)
            speaker.ask("say", "The Lions win the ball back in midfield.")
            speaker.wait_for("SpeechEnded", text_id=text_id, is_whole=True)
            until(lambda heard=heard: heard.level(0.2) < SILENT)  # type: ignore[misc] # mypy has no type for a default
            samples = heard.samples().astype(np.float64)
        # Where it is loud, whatever silence a busy machine puts between.
        size = RATE_HZ // 50
        levels = np.sqrt(np.mean(samples[: len(samples) // size * size].reshape(-1, size) ** 2, axis=1))
        loud = levels[levels > 0.05 * levels.max()]
        heard_s.append(len(loud) / 50)
        heard_level.append(np.sqrt(np.mean(loud**2)))
    assert heard_s[1] < 0.65 * heard_s[0]
    assert heard_level[2] / heard_level[0] == pytest.approx(0.25, rel=0.15)


@pytest.fixture(scope="module")
def humming_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of a steady tone that no voice has."""
    path = tmp_path_factory.mktemp("sound") / "humming.mp4"
    with av.open(str(path), "w") as container:
        sound: Any = container.add_stream("aac", rate=48_000, layout="stereo")
        for start in range(0, 60 * 48_000, 1024):
            wave = (0.2 * np.sin(2 * np.pi * TONE_HZ * (start + np.arange(1024)) / 48_000)).astype(np.float32)
            block = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
            block.sample_rate, block.pts = 48_000, start
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    return path


def tone_levels(samples: np.ndarray, window_s: float = 0.1) -> np.ndarray:
    """The tone's level in one window after the other, in dB."""
    size = round(RATE_HZ * window_s)
    blocks = samples[: len(samples) // size * size].reshape(-1, size) * np.hanning(size)
    wave = np.exp(-2j * np.pi * TONE_HZ * np.arange(size) / RATE_HZ)
    return 20 * np.log10(np.abs(blocks @ wave) + 1e-3)


def test_the_video_is_heard_and_quieter_by_the_set_amount_while_somebody_speaks(
    speaker: Speaker, environment: dict[str, str], tmp_path: Path, humming_video: Path
) -> None:
    duck_db = 12.0
    for text_id in range(1, 5):
        speaker.events.clear()
        with recording(environment, tmp_path) as heard:
            speaker.ask("video", [str(humming_video), duck_db, 50.0])
            until(lambda heard=heard: heard.level(1.5) > LOUD)  # type: ignore[misc] # mypy has no type for a default
            time.sleep(1.0)
            speaker.ask("say", SENTENCE)
            speaker.wait_for("SpeechEnded", text_id=text_id, is_whole=True)
            time.sleep(1.8)
            levels = tone_levels(heard.samples())
            fine = tone_levels(heard.samples(), 0.02)
            speaker.ask("end video")
            speaker.wait_for("video over")
            until(lambda heard=heard: heard.level(0.2) < SILENT)  # type: ignore[misc] # as above
        begins = int(np.argmax(levels > levels.max() - 1))
        # Where a busy machine broke the sound off, that is no measure of anything: once more.
        is_hole = levels < levels.max() - duck_db - 6
        if not is_hole[begins:].any():
            break
    is_hole[1:] |= is_hole[:-1]
    is_hole[:-1] |= is_hole[1:]
    sound = levels[begins:][~is_hole[begins:]]
    before = np.median(sound[:8])
    lowest = np.sort(sound[5:])
    during = np.median(lowest[: len(lowest) // 4])
    assert before - during == pytest.approx(duck_db, abs=1.5)
    assert np.median(sound[-4:]) == pytest.approx(before, abs=1.0)
    if is_hole[begins:].any():
        return  # four times in a row: on such a machine nobody can tell a ramp from a step
    # Up in a ramp, and down in a faster one that is still no step.
    assert np.abs(np.diff(levels[-15:])).max() < 4.0
    goes_down = begins * 5 + 10 + int(np.argmax(fine[begins * 5 + 10 :] < fine[begins * 5 + 5] - 2))
    assert np.abs(np.diff(fine[goes_down - 5 : goes_down + 4])).max() < duck_db / 2
