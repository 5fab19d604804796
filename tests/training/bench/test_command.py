"""The benchmark as it is typed, on the processor."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.bench.__main__ import main
from training.bench.table import as_table

ROOT = Path(__file__).parents[3]
SMALL = ["--size", "tiny", "--tokens-per-second", "8", "--chunk-s", "4", "--steps", "2", "--workers", "1"]


def test_rows_are_measured_and_told_in_a_table_and_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    arguments = [*SMALL, "--recipe", "lora", "--gpus", "1", "2", "--packing", "packed", "--json", str(file)]
    assert main(arguments) == 0
    table = capsys.readouterr().out
    report = json.loads(file.read_text())
    alone, together = report["rows"]
    assert (alone["case"]["gpus"], together["case"]["gpus"]) == (1, 2)
    for row in (alone, together):
        assert 0 < row["share_of_ceiling"] < 1
        assert row["chunk_gpu_s"] == pytest.approx(row["case"]["gpus"] / row["chunks_per_s"], rel=0.01)
        assert row["tokens_per_s"] == pytest.approx(row["chunk_tokens"] * row["chunks_per_s"], rel=0.01)
        phases = row["chunk_phases_s"]
        assert set(phases) == {"vision", "forward", "backward", "optimizer", "waiting"}
        # Phases are parts of the step; medians of each need not add up to the step's.
        assert sum(phases.values()) < 1.5 * row["chunk_gpu_s"]
        assert row["decode_s"] > 0
        assert len(row["losses"]) == 3
        assert len(row["step_s"]) == 2, "the warm-up is not among them"
        assert row["chunk_vision_tokens"] == 4 * 8
    assert alone["scaling"] == 1
    assert "tiny lora, 2 GPUs" in table
    assert "liger-kernel is not installed" in table
    assert report["notes"]


def test_rows_without_figures_say_why() -> None:
    case = {"size": "7b", "method": "full", "gpus": 4, "pack": True, "compile_layers": False}
    rows = [
        {"case": case, "not_run": "there are 2 GPUs here"},
        {"case": case, "failed": "a GPU's memory", "tried": ["recomputed=mlp: too large"]},
    ]
    table = as_table(rows)
    assert "7b full, 4 GPUs not run: there are 2 GPUs here" in " ".join(table.split())
    assert "did not fit, recomputed=mlp: too large" in table


def test_without_deepspeed_zero3_says_what_to_take(capsys: pytest.CaptureFixture[str]) -> None:
    main([*SMALL, "--gpus", "1", "--sharding", "zero3"])
    out = capsys.readouterr().out
    assert "not run: deepspeed is not installed" in out or "GPU-s/chunk" in out


def test_wrong_numbers_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*SMALL, "--gpus", "0"])
    assert caught.value.code == 2
    assert "gpus must be at least 1, not 0" in capsys.readouterr().err


def test_stopped_it_leaves_no_process_behind() -> None:
    arguments = ["--size", "demo", "--gpus", "2", "--tokens-per-second", "100", "--steps", "50"]
    process = subprocess.Popen(
        [sys.executable, "-m", "training.bench", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    while not (children := _sessions_of(process.pid)):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert "Stopped after 0 rows" in out
    deadline = time.monotonic() + 10
    while any(_members(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_members(child) for child in children)


def _stats() -> list[tuple[int, int, int, str]]:
    """(process, parent, session, state) of every process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found.append((int(stat.parent.name), int(fields[1]), int(fields[3]), fields[0]))
    return found


def _sessions_of(parent: int) -> list[int]:
    return [process for process, of, session, _ in _stats() if of == parent and session == process]


def _members(session: int) -> list[int]:
    return [process for process, _, of, state in _stats() if of == session and state != "Z"]
