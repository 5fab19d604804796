"""What a machine has, as its own tools tell it."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

from app.models import machine as machines
from app.models.rate import Rate, size_words, time_words
from app.system.folders import config_dir, data_dir, log_dir
from app.system.memory import main_memory


def write_tool(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    tool = folder / "smi"
    tool.write_text(f"#!/bin/sh\n{text}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return "smi"


def test_cards_are_read_from_the_drivers_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    tool = write_tool(
        tmp_path, "printf 'GPU-1, NVIDIA H100 80GB HBM3, 80000, 81559\\nbroken\\n'", monkeypatch
    )
    machine = machines.look(tool)
    (gpu,) = machine.gpus
    assert (gpu.name, gpu.free_bytes, gpu.total_bytes) == (
        "NVIDIA H100 80GB HBM3",
        80000 * 2**20,
        81559 * 2**20,
    )
    assert gpu.is_usable == (not gpu.problem)
    assert "NVIDIA H100 80GB HBM3, 78 of 80 GiB free" in machine.words


TWO_CARDS = """case "$1" in
--query-gpu=*) printf 'GPU-aa, RTX 3060, 11000, 12288\\nGPU-bb, RTX 3090, 8000, 24576\\n';;
--query-compute-apps=*) printf 'GPU-bb, %d, 15500\\nGPU-aa, 1, 900\\nGPU-bb, 99999999, 300\\nGPU-bb, [N/A], [N/A]\\n' $PPID;;
esac"""
"""Two cards; whoever asks holds memory on the second, others on both."""


def test_what_this_process_holds_on_a_card_can_be_had_by_its_next_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    first, second = machines.look(write_tool(tmp_path, TWO_CARDS, monkeypatch)).gpus
    assert (first.own_bytes, first.available_bytes) == (0, first.free_bytes)
    assert second.own_bytes == 15500 * 2**20
    assert second.available_bytes == 23500 * 2**20


def test_where_the_driver_tells_no_process_torch_does_if_it_is_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    tool = write_tool(tmp_path, '[ "$1" = "${1#--query-c}" ] && echo GPU-a, A, 8000, 24576', monkeypatch)
    cuda = types.SimpleNamespace(
        is_initialized=lambda: True, device_count=lambda: 1, memory_reserved=lambda number: 15 * 2**30
    )
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))  # type: ignore[arg-type] # half of it
    monkeypatch.setattr(machines, "_torch_has_cuda", lambda: True)
    assert machines.look(tool).gpus[0].own_bytes == 15 * 2**30
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace())  # type: ignore[arg-type] # being imported just now
    assert machines.look(tool).gpus[0].own_bytes == 0


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("1", ["RTX 3090"]),
        ("1,0", ["RTX 3090", "RTX 3060"]),
        ("GPU-b", ["RTX 3090"]),
        ("0,7,1", ["RTX 3060"]),
        ("", []),
        ("-1", []),
        ("MIG-x", ["RTX 3060", "RTX 3090"]),
    ],
)
def test_cards_are_those_that_cuda_shows_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, seen: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert [gpu.name for gpu in machines.look(write_tool(tmp_path, TWO_CARDS, monkeypatch)).gpus] == seen


def test_a_card_that_is_too_old_is_not_usable_where_the_driver_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machines, "_torch_has_cuda", lambda: True)
    told = TWO_CARDS.replace(
        'case "$1" in', 'case "$1" in\n*compute_cap) printf "GPU-bb, 8.6\\nGPU-aa, 7.5\\n";;'
    )
    old, new = machines.look(write_tool(tmp_path, told, monkeypatch)).gpus
    assert (old.capability, new.capability) == ((7, 5), (8, 6))
    assert (old.is_usable, new.is_usable) == (False, True)
    assert "RTX 3060 is too old: compute capability 7.5, and models need 8.0" in old.problem
    # A driver that does not know the question ends with an error.
    silent = TWO_CARDS.replace('case "$1" in', 'case "$1" in\n*compute_cap) exit 2;;')
    assert [
        (gpu.capability, gpu.is_usable)
        for gpu in machines.look(write_tool(tmp_path, silent, monkeypatch)).gpus
    ] == [(None, True), (None, True)]


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
    assert config_dir("linux", {}) == home / ".config/ringside"
    assert config_dir("linux", {"XDG_CONFIG_HOME": "/my/config"}) == Path("/my/config/ringside")
    assert config_dir("darwin", {}) == home / "Library/Preferences/ringside"
    assert config_dir("win32", {"LOCALAPPDATA": "/c/local"}) == Path("/c/local/ringside")
    assert log_dir("linux", {}) == home / ".local/state/ringside"
    assert log_dir("darwin", {}) == home / "Library/Logs/ringside"
    assert log_dir("win32", {"LOCALAPPDATA": "/c/local"}) == Path("/c/local/ringside/logs")
