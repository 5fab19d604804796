"""What a machine has, as its own tools tell it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.models import machine as machines
from app.models.rate import Rate, size_words, time_words
from app.system.folders import data_dir, log_dir
from app.system.memory import main_memory


def write_tool(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    tool = folder / "smi"
    tool.write_text(f"#!/bin/sh\n{text}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return "smi"


def test_cards_are_read_from_the_drivers_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = write_tool(tmp_path, "printf 'NVIDIA H100 80GB HBM3, 80000, 81559\\nbroken\\n'", monkeypatch)
    machine = machines.look(tool)
    (gpu,) = machine.gpus
    assert (gpu.name, gpu.free_bytes, gpu.total_bytes) == (
        "NVIDIA H100 80GB HBM3",
        80000 * 2**20,
        81559 * 2**20,
    )
    assert gpu.is_usable == (not gpu.problem)
    assert "NVIDIA H100 80GB HBM3, 78 of 80 GiB free" in machine.words


@pytest.mark.parametrize("text", ["exit 9", "echo nonsense"])
def test_a_driver_that_fails_is_no_gpu(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machines.look(write_tool(tmp_path, text, monkeypatch))
    assert machine.gpus == ()
    assert machine.words.startswith("No CUDA GPU")
    assert machines.look("there-is-no-such-tool").gpus == ()


def test_memory_is_told() -> None:
    free, total = main_memory()
    assert free is not None
    assert total is not None
    assert 0 < free <= total


def test_speed_follows_what_comes_and_falls_when_nothing_does() -> None:
    rate = Rate()
    assert rate.eta_s(0.0, 100) is None
    for second in range(20):
        rate.push(float(second), second * 1000)
    assert rate.bytes_per_s(19.0) == pytest.approx(1000)
    assert rate.eta_s(19.0, 5000) == pytest.approx(5)
    assert rate.bytes_per_s(30.0) < 600
    rate.push(31.0, 0)  # thrown away: it begins anew
    assert rate.bytes_per_s(31.0) == 0


def test_sizes_and_times_read_like_words() -> None:
    assert [size_words(size) for size in (16.6e9, 123e9, 410e6, 12_300, 5)] == [
        "16.6 GB",
        "123 GB",
        "410 MB",
        "12 kB",
        "5 bytes",
    ]
    assert [time_words(seconds) for seconds in (0.2, 59, 200, 4800)] == ["1 s", "59 s", "3 min", "1 h 20 min"]


def test_every_system_has_its_own_folders() -> None:
    home = Path.home()
    assert data_dir("linux", {}) == home / ".local/share/ringside"
    assert data_dir("linux", {"XDG_DATA_HOME": "/big/data"}) == Path("/big/data/ringside")
    assert data_dir("linux", {"XDG_DATA_HOME": "relative"}) == home / ".local/share/ringside"
    assert data_dir("darwin", {}) == home / "Library/Application Support/ringside"
    assert data_dir("win32", {"LOCALAPPDATA": "/c/local"}) == Path("/c/local/ringside")
    assert data_dir("win32", {}) == home / "AppData/Local/ringside"
    assert log_dir("linux", {}) == home / ".local/state/ringside"
    assert log_dir("darwin", {}) == home / "Library/Logs/ringside"
    assert log_dir("win32", {"LOCALAPPDATA": "/c/local"}) == Path("/c/local/ringside/logs")
