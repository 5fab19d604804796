"""Speech as it is heard: energy while it speaks, silence when it is told to stop, words where it cannot."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.speech.errors import NoVoiceError
from app.speech.playing import resample
from app.speech.service import SpeechFailed, SpeechService
from app.speech.voice import Voice
from tests.app.speech.sound_server import RATE_HZ, recording, sound_server
from tests.app.speech.speaker import WAIT_S, Speaker, speaking, until

LOUD, SILENT = 200.0, 1.0

needs_sound = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("pulseaudio", "parec", "pactl")),
    reason="PulseAudio is not installed (apt-get install pulseaudio pulseaudio-utils libasound2-plugins)",
)

WITHOUT_ESPEAK = """
import ctypes, sys
load = ctypes.cdll.LoadLibrary
def refuse(name):
    if "espeak" in str(name):
        raise OSError("libespeak-ng.so.1: cannot open shared object file")
    return load(name)
ctypes.cdll.LoadLibrary = refuse
from app.speech.voice_process import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with sound_server(tmp_path) as environment:
        yield environment


@pytest.fixture
def speaker(environment: dict[str, str]) -> Iterator[Speaker]:
    with speaking(environment) as speaker:
        yield speaker


@needs_sound
def test_words_are_heard_and_stop_is_silence(
    speaker: Speaker, environment: dict[str, str], tmp_path: Path
) -> None:
    with recording(environment, tmp_path) as heard:
        speaker.ask("check")
        speaker.wait_for("SpeechReady")
        assert heard.level(0.2) < SILENT
        speaker.ask(
            "say",
            4 * "Okafor shoots from a long way out, and the keeper of the Bears can only watch it go in. ",
        )
        speaker.wait_for("SpeechStarted", text_id=1)
        until(lambda: heard.level(0.5) > LOUD)
        speaker.ask("stop")
        speaker.wait_for("SpeechEnded", text_id=1, is_whole=False)
        until(lambda: heard.level(0.3) < SILENT)
        # The sentences last twenty seconds; what was heard of them is what came before the stop.
        loud = np.flatnonzero(np.abs(heard.samples()) > LOUD)
        assert loud[-1] - loud[0] < 15 * RATE_HZ


@needs_sound
def test_the_newest_text_wins_and_at_most_one_waits(speaker: Speaker) -> None:
    speaker.ask("say", 5 * "This is so long that it would go on for many seconds if it were not cut. ")
    speaker.wait_for("SpeechStarted", text_id=1)
    speaker.ask("say", "Goal!")
    speaker.wait_for("SpeechEnded", text_id=1, is_whole=False)
    speaker.wait_for("SpeechEnded", text_id=2, is_whole=True)
    speaker.ask("say", 3 * "Lions win the ball. ")
    speaker.wait_for("SpeechStarted", text_id=3)
    speaker.ask("wait", "Never said.")
    speaker.ask("wait", "Said.")
    speaker.wait_for("SpeechEnded", text_id=3, is_whole=True)
    speaker.wait_for("SpeechEnded", text_id=5, is_whole=True)
    assert not [event for event in speaker.events if event.get("text_id") == 4]


@needs_sound
def test_a_voice_that_is_killed_is_started_again_and_none_is_left_at_the_end(
    environment: dict[str, str],
) -> None:
    with speaking(environment) as speaker:
        speaker.ask("check")
        speaker.wait_for("SpeechReady")
        speaker.ask("pid")
        first = speaker.wait_for("pid")["pid"]
        os.kill(first, 9)
        speaker.ask("say", "Still here.")
        speaker.wait_for("SpeechEnded", text_id=1, is_whole=True)
        speaker.events.clear()
        speaker.ask("pid")
        second = speaker.wait_for("pid")["pid"]
        assert second not in (None, first)
    assert speaker.events[-1] == {"event": "closed", "is_clean": True}
    assert not Path(f"/proc/{second}").exists()


def test_without_a_sound_output_it_says_so_and_goes_on(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "PULSE_SERVER": "unix:/nowhere"}
    with speaking(environment) as speaker:
        speaker.ask("check")
        until(lambda: len(speaker.events) == 1)
        if speaker.events[0]["event"] == "SpeechReady":
            pytest.skip("this machine has a sound card, so it cannot be a machine without")
        speaker.ask("say", "Is anybody there?")
        until(lambda: len(speaker.events) == 2)
        for failed in speaker.events:
            assert failed["event"] == "SpeechFailed"
            assert "no sound output" in failed["message"]
            assert "Captions work without" in failed["hint"]
    assert speaker.events[-1]["is_clean"]


def test_without_portaudio_it_says_what_to_install() -> None:
    nothing_found = "import ctypes.util; ctypes.util.find_library = lambda name: None\n"
    with speaking(dict(os.environ), nothing_found) as speaker:
        speaker.ask("check")
        failed = speaker.wait_for("SpeechFailed")
        assert "PortAudio is missing" in failed["message"]
        assert "libportaudio2" in failed["hint"]


def test_a_voice_makes_sound_of_a_length_that_fits_the_words() -> None:
    voice = Voice()
    try:
        short, long = (
            voice.synthesise("Goal!"),
            voice.synthesise("Okafor shoots, and it is in the net again!"),
        )
        assert 0.2 < len(short.samples) / short.rate_hz < 2.0
        assert len(long.samples) > 2 * len(short.samples)
        assert np.abs(long.samples).max() > 1000
        markup = voice.synthesise("<break time='60s'/> Goal & more")
        assert len(markup.samples) / markup.rate_hz < 15
    finally:
        voice.close()
    assert voice.pid is None
    with pytest.raises(NoVoiceError):
        voice.synthesise("Too late.")


def test_the_first_words_of_a_new_voice_are_whole_however_long_they_take() -> None:
    sentence = "Okafor shoots from a long way out, and it is in. "
    voice = Voice()
    try:
        first, second = voice.synthesise(60 * sentence), voice.synthesise(sentence)
    finally:
        voice.close()
    assert len(first.samples) > 50 * len(second.samples)


def test_of_many_sentences_each_is_whole() -> None:
    voice = Voice()
    try:
        spoken = [
            voice.synthesise("Okafor shoots, and it is in.", rate=1.0 + number % 2) for number in range(60)
        ]
    finally:
        voice.close()
    for index in (0, 1):
        lengths = [len(speech.samples) for speech in spoken[index::2]]
        assert min(lengths) > 0.95 * max(lengths) > 0


def test_a_voice_that_does_not_exist_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[SpeechFailed] = []
    done = threading.Event()

    def listen(event: object) -> None:
        if isinstance(event, SpeechFailed):
            failures.append(event)
            done.set()

    # A machine without espeak: the loader of libraries is led to a folder with nothing in it.
    monkeypatch.setattr("app.speech.voice.VOICE_COMMAND", [sys.executable, "-c", WITHOUT_ESPEAK])
    service = SpeechService(listen)
    service.say("Hello.")
    assert done.wait(WAIT_S)
    assert "no voice" in failures[0].message
    assert "espeak-ng" in failures[0].hint
    assert service.available == (False, f"{failures[0].message} {failures[0].hint}")
    assert service.close(WAIT_S)


def test_stop_and_close_are_immediate_when_nothing_was_ever_said() -> None:
    service = SpeechService()
    service.stop()
    assert service.voice_pid is None
    assert service.close(WAIT_S)


def test_another_rate_keeps_pitch_and_length() -> None:
    tone = (8000 * np.sin(np.arange(22050) / 22050 * 440 * 2 * np.pi)).astype(np.int16)
    heard = resample(tone, 22050, 48000)
    assert len(heard) == 48000
    spectrum = np.abs(np.fft.rfft(heard.astype(np.float64)))
    assert int(spectrum.argmax()) == 440
    assert resample(tone, 22050, 22050) is tone
