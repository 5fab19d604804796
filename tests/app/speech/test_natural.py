"""The natural voice: downloaded like any model, and never the reason why nothing is heard."""

from __future__ import annotations

import importlib.util
import queue
from pathlib import Path

import pytest

from app.models.download import Download, DownloadEvent, Failed, Ready
from app.models.store import ModelStore, RemoteFile, StoredModel
from app.speech import natural
from app.speech.languages import speaks
from app.speech.natural import FILES, REPO, download_job, find_natural_voice
from app.speech.options import SpeechOptions
from app.speech.speaker import Speaker
from tests.app.models.hub_server import COMMIT, HubServer
from tests.app.speech.tiny_voice import write_tiny_voice

WAIT_S = 60.0


@pytest.fixture(autouse=True)
def empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's own cache is not looked into."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "cache"), raising=False)


def store_tiny_voice(root: Path) -> None:
    folder = write_tiny_voice(ModelStore(root).folder(REPO, COMMIT))
    files = tuple(RemoteFile(name=name, num_bytes=(folder / name).stat().st_size) for name in FILES)
    StoredModel(repo=REPO, commit=COMMIT, folder=folder, files=files).write_list()


def test_it_is_downloaded_by_the_same_service_and_nothing_else_of_its_repository(tmp_path: Path) -> None:
    source = write_tiny_voice(tmp_path / "source")
    files = {name: (source / name).read_bytes() for name in FILES}
    with HubServer(REPO, {**files, "kokoro-v0_19.onnx": b"old", "run.py": b"import os"}) as hub:
        events: queue.SimpleQueue[DownloadEvent] = queue.SimpleQueue()
        assert find_natural_voice(str(tmp_path / "models")) == ()
        job = download_job(str(tmp_path / "models"))
        import dataclasses

        Download(dataclasses.replace(job, endpoint=hub.url, spare_bytes=0), events.put)
        while not isinstance(event := events.get(timeout=WAIT_S), Ready | Failed):
            pass
        assert isinstance(event, Ready), event
    found = find_natural_voice(str(tmp_path / "models"))
    assert [path.name for path in found] == list(FILES)
    assert [path.read_bytes() for path in found] == list(files.values())
    assert not list((tmp_path / "models").rglob("*.py"))
    # A later download goes on with the same revision.
    assert download_job(str(tmp_path / "models")).revision == COMMIT


def test_where_it_is_not_installed_or_not_downloaded_the_systems_voice_speaks_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, words in (("no_such_package", "not installed"), ("json", "not downloaded")):
        monkeypatch.setattr(natural, "_PACKAGE", package)
        notices: list[str] = []
        options = SpeechOptions(engine="natural", voice="af_heart", models_folder=str(tmp_path))
        with Speaker(options, on_notice=notices.append) as speaker:
            for _ in range(2):
                assert len(speaker.synthesise("Goal!").samples) > 1000
        assert len(notices) == 1
        assert words in notices[0]
        assert "system's voice speaks" in notices[0]


def test_one_that_does_not_work_is_replaced_in_mid_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_tiny_voice(tmp_path)
    for file in find_natural_voice(str(tmp_path)):
        file.write_bytes(b"\0" * file.stat().st_size)
    monkeypatch.setattr(natural, "_PACKAGE", "json")
    notices: list[str] = []
    with Speaker(
        SpeechOptions(engine="natural", models_folder=str(tmp_path)), on_notice=notices.append
    ) as speaker:
        speaker.start()
        assert len(speaker.synthesise("Goal!").samples) > 1000
    assert notices == ["The natural voice does not work just now. The system's voice speaks in its place."]


@pytest.mark.skipif(
    importlib.util.find_spec("kokoro_onnx") is None, reason='the extra "voice" (kokoro-onnx) is not installed'
)
def test_it_speaks_with_its_own_voices_at_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    store_tiny_voice(tmp_path)
    notices: list[str] = []
    options = SpeechOptions(engine="natural", voice="bm_george", models_folder=str(tmp_path))
    with Speaker(options, on_notice=notices.append) as speaker:
        # Japanese needs a phonemiser that is not there.
        assert [voice.voice_id for voice in speaker.voices("natural")] == ["af_heart", "bm_george"]
        usual, fast = speaker.synthesise("It is in!"), speaker.synthesise("It is in!", rate=2.0)
        assert usual.rate_hz == 24_000
        assert len(usual.samples) == pytest.approx(2 * len(fast.samples), rel=0.05)
    assert notices == []


def test_another_language_is_spoken_by_a_voice_that_has_it() -> None:
    notices: list[str] = []
    with Speaker(SpeechOptions(language="German"), on_notice=notices.append) as speaker:
        german = speaker.synthesise("Das ist ein wunderschönes Tor gewesen.")
        speaker.configure(SpeechOptions())
        english = speaker.synthesise("Das ist ein wunderschönes Tor gewesen.")
        speaker.configure(SpeechOptions(language="Klingon"))
        assert len(speaker.synthesise("Qapla.").samples) > 1000
    if any(speaks(voice.language, "German") for voice in speaker.voices("system")):
        assert abs(len(german.samples) - len(english.samples)) > 100
        assert notices == []
    assert speaks("pt-br", "Portuguese")
    assert speaks("cmn", "Chinese")
    assert not speaks("en-gb", "German")


def test_a_language_that_the_natural_voice_cannot_read_is_the_systems_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_tiny_voice(tmp_path)
    monkeypatch.setattr(natural, "_PACKAGE", "json")
    notices: list[str] = []
    options = SpeechOptions(engine="natural", language="German", models_folder=str(tmp_path))
    with Speaker(options, on_notice=notices.append) as speaker:
        assert len(speaker.synthesise("Tor!").samples) > 1000
    assert notices == ["The natural voice does not speak German. The system's voice does."]
