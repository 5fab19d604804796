"""From a model's name to what is loaded: where it lies, which commit comes, and what a command line may order."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from pathlib import Path
from typing import Any

import pytest

from app.cli import doctor as doctors
from app.cli.parser import caption_parser, narrate_parser
from app.cli.stream_options import adjusted, model_request
from app.errors import UsageError
from app.models.catalogue import find_model
from app.models.errors import ModelNotHereError
from app.models.local import chosen_models_folder, models_folder
from app.models.machine import Gpu, Machine
from app.models.request import request_model
from app.models.store import ModelStore, RemoteFile, StoredModel
from app.settings import UserSettings
from app.system.folders import config_dir
from engine.model import load_model
from engine.settings import StreamSettings
from tests.app.models.hub_server import COMMIT, HubServer

GIB = 2**30
QWEN = "Qwen/Qwen2.5-VL-3B-Instruct"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folders, all empty."""
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def choose_folder(folder: Path) -> Path:
    """As the window's settings do."""
    file = config_dir() / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text(UserSettings(models_folder=str(folder)).to_json(), encoding="utf-8")
    return file


def put_model(root: Path, repo: str, commit: str) -> Path:
    folder = ModelStore(root).folder(repo, commit)
    files = {"config.json": b"{}", "model.safetensors": b"weights"}
    listed = tuple(RemoteFile(name=name, num_bytes=len(data)) for name, data in files.items())
    StoredModel(repo=repo, commit=commit, folder=folder, files=listed).write_list()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def ordered(*arguments: str) -> argparse.Namespace:
    return caption_parser().parse_args(["match.mp4", *arguments])


def test_the_command_line_finds_what_the_window_downloaded_wherever_that_is(home: Path) -> None:
    revision = find_model(QWEN).revision
    assert revision is not None
    file = choose_folder(home / "large disk")
    folder = put_model(home / "large disk", QWEN, revision)
    assert model_request(ordered("--model", QWEN)).path == str(folder)
    assert doctors.disk().facts["folder"] == str(home / "large disk")
    assert revision[:12] in doctors.downloaded().value
    # What lies in the usual folder is not downloaded again, either.
    other = put_model(models_folder(), "mit-han-lab/StreamingVLM", COMMIT)
    assert model_request(ordered("--model", "mit-han-lab/StreamingVLM")).path == str(other)
    # Settings that cannot be read are the window's to mend.
    file.write_text("{", encoding="utf-8")
    assert chosen_models_folder() == models_folder()
    assert file.read_text(encoding="utf-8") == "{"


def test_the_settings_are_looked_for_where_the_window_keeps_them(home: Path) -> None:
    from app.window.start import Start, _settings_place

    start = Start(argparse.Namespace(settings=None), 0.0)
    _settings_place(start)
    assert start.settings_file == config_dir() / "settings.json"


def test_what_is_not_here_is_downloaded_at_the_commit_that_was_tried(home: Path) -> None:
    request = model_request(ordered("--model", QWEN))
    assert (request.path, request.revision) == (QWEN, find_model(QWEN).revision)
    with pytest.raises(ModelNotHereError):
        request_model(QWEN, ModelStore(home))


def test_the_commit_that_comes_from_the_hub_is_the_one_that_was_asked_for_and_is_told(
    home: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = {file.name: file.read_bytes() for file in tiny_model.iterdir() if file.is_file()}
    tried = "b" * 40
    caplog.set_level(logging.INFO, "ringside.engine.model")
    with HubServer("lions/Tiny-VL", files) as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        load_model("lions/Tiny-VL", device="cpu", revision=tried)
        load_model("lions/Tiny-VL", device="cpu")
    told = [record.getMessage() for record in caplog.records if "commit" in record.getMessage()]
    assert [words.rsplit(" ", 1)[-1] for words in told] == [tried, COMMIT]


def on_card(monkeypatch: pytest.MonkeyPatch, free_gib: float) -> None:
    gpu = Gpu(name="RTX 4080", free_bytes=int(free_gib * GIB), total_bytes=16 * GIB)
    machine = Machine(free_bytes=60 * GIB, total_bytes=64 * GIB, gpus=(gpu,) if free_gib else ())
    monkeypatch.setattr("app.models.request.look", lambda: machine)


def test_an_order_is_taken_to_the_letter_and_a_setting_as_far_as_the_machine_goes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_model(models_folder(), QWEN, str(find_model(QWEN).revision))
    store = ModelStore(models_folder())
    on_card(monkeypatch, 6)
    assert model_request(ordered("--model", QWEN)).precision == "int8"
    assert model_request(ordered("--model", QWEN, "--precision", "bf16")).precision == "bf16"
    assert model_request(ordered("--model", QWEN, "--device", "cuda:1")).device == "cuda:1"
    assert request_model(QWEN, store, precision="fp8", device="cuda:1").load.device == "auto"
    assert request_model(QWEN, store, precision="fp8").load.precision == "fp8"
    assert not request_model(QWEN, store, precision="bf16").has_room_beside
    on_card(monkeypatch, 0)
    assert model_request(ordered("--model", QWEN)).precision is None
    assert model_request(ordered("--model", QWEN, "--precision", "int8")).precision == "int8"
    assert request_model(QWEN, store, precision="int8").load.precision is None


@pytest.mark.parametrize("parser", [caption_parser(), narrate_parser()])
def test_how_words_are_picked_can_be_ordered(parser: Any) -> None:
    usual = StreamSettings()
    given = ["--temperature=0.4", "--top-p=0.8", "--repetition-penalty=1.2", "--max-tokens=7", "--seed=3"]
    given.append("--name-bias=2.5")
    sampling = adjusted(usual, parser.parse_args(["match.mp4", *given]), None).sampling
    assert sampling == dataclasses.replace(
        usual.sampling,
        temperature=0.4,
        top_p=0.8,
        repetition_penalty=1.2,
        max_new_tokens=7,
        seed=3,
        name_bias=2.5,
    )
    assert adjusted(usual, parser.parse_args(["match.mp4"]), None) == usual
    for wrong in (
        "--temperature=0",
        "--top-p=1.1",
        "--repetition-penalty=x",
        "--max-tokens=0",
        "--max-tokens=2.5",
        "--name-bias=-1",
        "--precision=int5",
    ):
        with pytest.raises(UsageError):
            parser.parse_args(["match.mp4", wrong])
