"""Where a video's words come from: files whose names must mean one video, and a speech model."""

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from tests.training.data.season import Season
from training.data import transcripts
from training.data.__main__ import main
from training.data.manifest import Manifest

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
def out(season: Season, tmp_path: Path, run: Run) -> Path:
    """A workspace with two videos of one name in two folders, and one of another name."""
    videos = tmp_path / "videos"
    for name in ("a/game.mp4", "b/game.mp4", "b/final.mp4"):
        (videos / name).parent.mkdir(parents=True, exist_ok=True)
        (videos / name).hardlink_to(season.videos / "match_0.mp4")
    run("index", "--out", tmp_path / "out", "--videos", videos)
    return tmp_path / "out"


def said(out: Path, key: str) -> str:
    with Manifest(out) as manifest:
        found = transcripts.read(manifest.result("transcripts", key))
    return " ".join(word for _, _, word in found.words)


def words(text: str) -> list[list[object]]:
    return [[float(at), at + 0.5, word] for at, word in enumerate(text.split())]


def whisperx(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [{"word": word, "start": start, "end": end} for start, end, word in words(text)]
    path.write_text(json.dumps({"segments": [{"start": 0, "end": 9, "text": text, "words": entries}]}))


def test_a_transcript_that_could_be_of_two_videos_is_given_to_neither(
    out: Path, tmp_path: Path, run: Run
) -> None:
    folder = tmp_path / "words"
    whisperx(folder / "game.json", "whose is this")
    whisperx(folder / "final.json", "the final")
    report = run("transcribe", "--out", out, "--whisperx", folder)
    assert (report["done"], report["skipped"]) == (1, 2)
    assert "b/game.mp4" in report["problems"]["a/game.mp4"]
    assert "a/game.mp4" in report["problems"]["b/game.mp4"]
    assert said(out, "b/final.mp4") == "the final"

    whisperx(folder / "a" / "game.json", "game of a")
    whisperx(folder / "b" / "game.json", "game of b")
    assert run("transcribe", "--out", out, "--whisperx", folder)["done"] == 2
    assert (said(out, "a/game.mp4"), said(out, "b/game.mp4")) == ("game of a", "game of b")


def test_two_videos_of_one_name_with_two_endings_are_no_safer(out: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "videos" / "b" / "final.mkv").hardlink_to(tmp_path / "videos" / "b" / "final.mp4")
    run("index", "--out", out, "--videos", tmp_path / "videos")
    whisperx(tmp_path / "words" / "b" / "final.json", "which final")
    report = run("transcribe", "--out", out, "--whisperx", tmp_path / "words")
    assert "b/final.mkv" in report["problems"]["b/final.mp4"]
    assert report["done"] == 0


def test_games_are_found_by_their_folder_and_broken_lines_are_told(
    out: Path, tmp_path: Path, run: Run
) -> None:
    games = tmp_path / "games.jsonl"
    rows = [
        {"video": "a/game.mp4", "title": "", "content": words("game of a")},
        {"video": "elsewhere/game.mp4", "title": "", "content": words("of somewhere")},
        {"video": "final.mp4", "title": "", "content": words("the final")},
    ]
    games.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\nnull\n", encoding="utf-8")
    report = run("transcribe", "--out", out, "--games", games)
    assert report["broken_lines"] == {"not JSON": 1, "not a game": 1}
    assert said(out, "a/game.mp4") == "game of a"
    assert said(out, "b/final.mp4") == "the final"
    assert "2 games of its name" in report["problems"]["b/game.mp4"]

    games.write_text(json.dumps(rows[1]) + "\n", encoding="utf-8")
    report = run("transcribe", "--out", out, "--games", games)
    assert "a/game.mp4" in report["problems"]["b/game.mp4"], "one game cannot be two videos"


class SpeechModel:
    """faster-whisper's interface: what it was asked for, and an answer as it gives one."""

    made: ClassVar[list[tuple[str, dict[str, Any]]]] = []
    asked: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def __init__(self, model: str, **settings: Any) -> None:
        if model == "nowhere":
            raise ValueError("Invalid model size 'nowhere'")
        self.made.append((model, settings))

    def transcribe(self, audio: str, **settings: Any) -> tuple[Any, Any]:
        self.asked.append((audio, settings))
        if "final" in audio:
            return iter(()), SimpleNamespace(language="en")

        def segments() -> Any:
            # Lazily, and each word with the space before it, as the library gives them.
            yield SimpleNamespace(
                words=[
                    SimpleNamespace(start=1.0, end=1.4, word=" Okafor", probability=0.9),
                    SimpleNamespace(start=1.4, end=2.0, word=" schießt!", probability=0.8),
                ]
            )
            yield SimpleNamespace(words=None)
            yield SimpleNamespace(
                words=[
                    SimpleNamespace(start=5.0, end=5.5, word=" Tor!", probability=0.9),
                    # Recognisers invent words over silence.
                    SimpleNamespace(start=500.0, end=501.0, word=" Danke", probability=0.1),
                ]
            )

        return segments(), SimpleNamespace(language="de")


@pytest.fixture
def speech_model(monkeypatch: pytest.MonkeyPatch) -> type[SpeechModel]:
    module = types.ModuleType("faster_whisper")
    module.WhisperModel = SpeechModel  # type: ignore[attr-defined]  # a module made here has what is put in it
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    monkeypatch.setattr(SpeechModel, "made", [])
    monkeypatch.setattr(SpeechModel, "asked", [])
    return SpeechModel


def test_a_speech_model_is_asked_for_word_times_and_its_words_are_kept(
    out: Path, run: Run, speech_model: type[SpeechModel]
) -> None:
    arguments = ["transcribe", "--out", out, "--model", "large-v3-turbo"]
    options = ["--device", "cpu", "--compute-type", "int8", "--parallel", "2"]
    report = run(*arguments, *options)
    assert speech_model.made == [
        ("large-v3-turbo", {"device": "cpu", "compute_type": "int8", "num_workers": 2})
    ], "one model for all videos"
    assert len(speech_model.asked) == 3
    for audio, settings in speech_model.asked:
        assert Path(audio).is_file()
        assert settings["word_timestamps"] is True
        assert settings["language"] is None
    assert (report["done"], report["skipped"]) == (2, 1)
    assert report["problems"] == {"b/final.mp4": "no speech was recognised in it"}
    with Manifest(out) as manifest:
        found = transcripts.read(manifest.result("transcripts", "a/game.mp4"))
    assert found.segments == (((1.0, 1.4, "Okafor"), (1.4, 2.0, "schießt!")), ((5.0, 5.5, "Tor!"),))
    assert found.language == "de"
    assert found.repairs["after_the_end"] == 1

    assert run(*arguments, *options)["finished_before"] == 3
    assert len(speech_model.asked) == 3, "nothing is listened to twice"
    assert run(*arguments, "--language", "de")["done"] == 2
    assert speech_model.asked[-1][1]["language"] == "de"


def test_a_speech_model_that_can_not_be_loaded_is_said(
    out: Path, speech_model: type[SpeechModel], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", "--out", str(out), "--model", "nowhere"]) == 1
    assert "The speech model nowhere can't be loaded" in capsys.readouterr().err


def test_without_the_extra_its_name_is_said(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    assert main(["transcribe", "--out", str(out), "--model", "tiny"]) == 1
    assert "[transcribe]" in capsys.readouterr().err
