"""`ringside doctor`: a line on everything, whatever is missing, and never a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.cli import doctor as doctors
from app.cli.findings import Finding

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
