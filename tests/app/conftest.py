"""What the application's tests share: a tiny model that really runs, and a small real video."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.tiny_model import write_tiny_model
from tests.app.videos import write_video


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny Qwen2.5-VL checkpoint with random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def small_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of video at 30 frames a second."""
    return write_video(tmp_path_factory.mktemp("video") / "small.mp4", seconds=6)


@pytest.fixture(scope="session")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of video at 30 frames a second."""
    return write_video(tmp_path_factory.mktemp("video") / "long.mp4", seconds=60)


@pytest.fixture(autouse=True)
def _qt_ends_on_its_own_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect what a test of the window leaves behind here, and nowhere else.

    Python collects garbage on whichever thread makes it. A QTimer that an engine's thread destroys goes on firing, at freed
    memory: of two runs of all tests, both ended in QTimerInfoList::activateTimers.
    """
    if "qapp" not in request.fixturenames:
        yield
        return
    gc.disable()
    yield
    gc.enable()
    gc.collect()
    gc.freeze()  # what is left lives on; the next collection need not look at it


@pytest.fixture
def tmp_cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
