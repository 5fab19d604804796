"""`ringside doctor`: a line on everything, whatever is missing, and never a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from app.cli import doctor as doctors
from app.cli import probes
from app.cli.findings import Finding
from app.models.machine import Gpu, Machine

ROOT = Path(__file__).resolve().parents[2]
LOOKED_FOR = (
    "versions",
    "processor",
    "memory",
    "disk",
    "video files",
    "demo",
    "display",
    "sound",
    "speech",
    "camera",
)


def run_doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", "doctor", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=120,
    )


def test_everything_has_a_line_with_its_state_and_a_way_out() -> None:
    result = run_doctor("--json")
    assert result.returncode == 0
    assert result.stderr == ""
    report = json.loads(result.stdout)
    findings = report["findings"]
    names = [finding["name"] for finding in findings]
    assert set(LOOKED_FOR) <= set(names)
    assert any(name.startswith("GPU") for name in names)
    assert {finding["state"] for finding in findings} <= {"ok", "missing"}
    for finding in findings:
        assert finding["value"], finding
        assert finding["state"] == "ok" or finding["remedy"], finding
    by_name = {finding["name"]: finding for finding in findings}
    assert by_name["processor"]["facts"]["num_cores"] >= 1
    assert by_name["memory"]["facts"]["free_bytes"] > 0
    assert by_name["disk"]["facts"]["free_bytes"] > 0
    assert by_name["versions"]["facts"]["torch"]


def test_for_people_it_is_a_table_in_words_and_survives_a_crash_in_qt(tmp_path: Path) -> None:
    # A platform plug-in that does not exist ends the whole program that asks for it.
    result = run_doctor(
        QT_QPA_PLATFORM="offscreen:", QT_PLUGIN_PATH=str(tmp_path), DISPLAY="", HF_HOME=str(tmp_path)
    )
    assert result.returncode == 0
    assert "Traceback" not in result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert any(line.startswith("ok ") and "processor" in line for line in lines)
    assert any(line.startswith("missing ") and "hub models" in line for line in lines)


def test_a_probe_that_hangs_is_ended_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    before_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    (finding,) = doctors._finish_probe("camera", process, before_s + 0.3, 0.3)
    assert time.monotonic() - before_s < 50
    assert process.poll() is not None
    assert not finding.ok
    assert "No answer" in finding.value


@pytest.mark.parametrize("program", ["import os; os.abort()", "print('[{}]')", "print('hello')", "1/0"])
def test_a_probe_that_crashes_or_talks_nonsense_is_a_finding(program: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    (finding,) = doctors._finish_probe("sound", process, time.monotonic() + 30, 30)
    assert not finding.ok
    assert finding.name == "sound"
    assert finding.remedy


def test_a_finding_survives_the_way_through_json() -> None:
    finding = Finding(name="GPU", ok=True, value="fits", remedy="", facts={"free_bytes": 1})
    assert Finding.from_json(json.loads(json.dumps(finding.as_json()))) == finding


@pytest.mark.parametrize("gib", [8, 12, 16, 24])
def test_what_fits_is_said_once_with_its_bits(gib: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a 12 GB card one line said that a 7B model fits, and another, which knew 16 bits only, that it does not."""
    card = Gpu(name="RTX", free_bytes=gib * doctors.GIB, total_bytes=gib * doctors.GIB)
    machine = Machine(free_bytes=60 * doctors.GIB, total_bytes=64 * doctors.GIB, gpus=(card,))
    monkeypatch.setattr(doctors, "look", lambda: machine)
    bits = {8: "4 bits", 12: "8 bits", 16: "8 bits", 24: "16 bits"}[gib]
    fitting = doctors.fits()
    assert f"StreamingVLM 7B ({bits})" in fitting.value
    (finding,) = probed(monkeypatch, (8, 6), gib)
    assert finding.ok
    assert "fits" not in finding.value
    assert f"RTX, {gib}.0 GiB, compute capability 8.6" in finding.value


def test_a_card_that_is_too_old_is_missing_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = probed(monkeypatch, (7, 5), 11)
    assert not finding.ok
    assert "compute capability 7.5" in finding.value
    assert "Models need 8.0" in finding.remedy


def probed(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], gib: int) -> list[Finding]:
    """What the probe says of a card; torch is half of it."""
    cuda = types.SimpleNamespace(
        is_available=lambda: True,
        device_count=lambda: 1,
        get_device_name=lambda index: "RTX",
        mem_get_info=lambda index: (gib * doctors.GIB, gib * doctors.GIB),
        get_device_capability=lambda index: capability,
    )
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))  # type: ignore[arg-type] # half of it
    return probes.gpu()
