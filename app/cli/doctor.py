"""`ringside doctor`: what this machine can do, what is missing, and what to do about it.

Knows which probes there are, how long each may take, and how findings are shown. What can be read at once is read
here; devices are asked by probes in processes of their own (``app.cli.probes``), all at the same time.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

import app
from app import resources
from app.cli.findings import Finding
from app.cli.probes import GIB, PROBES
from app.errors import ResourceMissingError
from app.models.catalogue import CATALOGUE
from app.models.fit import Fit, bits_words, judge
from app.models.local import chosen_models_folder
from app.models.machine import look
from app.models.store import ModelStore
from app.system.folders import log_dir
from app.system.log import LOG_NAME
from app.system.memory import main_memory
from app.worker.cores import usable_cores

PROBE_LIMIT_S = 20.0

_PACKAGES = (
    "torch", "transformers", "PySide6-Essentials", "av", "numpy", "opencv-python-headless", "sounddevice", "pyttsx3"
)  # fmt: skip
_LITTLE_DISK = 2 * GIB


def doctor(*, as_json: bool = False, probe_limit_s: float = PROBE_LIMIT_S) -> int:
    """Print every finding; returns the exit code, which is 0 whatever is found."""
    findings = examine(probe_limit_s)
    if as_json:
        report = {"version": _version("ringside"), "findings": [finding.as_json() for finding in findings]}
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        return 0
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        state = Text("ok", "green") if finding.ok else Text("missing", "yellow")
        what = Text(finding.value)
        if finding.remedy:
            what.append(f"\n{finding.remedy}", "dim")
        table.add_row(state, Text(finding.name, "bold"), what)
    Console(highlight=False).print(table)
    return 0


def examine(probe_limit_s: float = PROBE_LIMIT_S) -> list[Finding]:
    """Look at everything. Takes as long as the slowest probe, at most ``probe_limit_s`` and a moment."""
    fitting = fits()  # before a probe holds memory of a GPU
    processes = {name: _start_probe(name) for name in PROBES}
    findings = [
        versions(),
        processor(),
        memory(),
        disk(),
        video_files(),
        demo(),
        fitting,
        downloaded(),
        log(),
    ]
    until_s = time.monotonic() + probe_limit_s
    for name, process in processes.items():
        findings += _finish_probe(name, process, until_s, probe_limit_s)
    return findings


def versions() -> Finding:
    """Versions of what matters."""
    found = {name: _version(name) for name in ("ringside", *_PACKAGES)}
    lacking = [name for name, version in found.items() if not version]
    listed = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    return Finding(
        name="versions",
        ok=not lacking,
        value=f"Python {platform.python_version()}, {listed}",
        remedy=f"Install Ringside again; not there: {', '.join(lacking)}." if lacking else "",
        facts={"python": platform.python_version(), "platform": platform.platform(), **found},
    )


def processor() -> Finding:
    """The processor, and how much of it this process may use."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass  # only Linux tells
    usable = usable_cores()
    cores = "1 core" if usable == 1 else f"{usable} cores"
    return Finding(
        name="processor", ok=True, value=f"{cores}, {name}", facts={"num_cores": usable, "name": name}
    )


def memory() -> Finding:
    """Main memory that is free."""
    free, total = main_memory()
    facts = {"free_bytes": free, "total_bytes": total}
    if free is None or total is None:
        return Finding(name="memory", ok=True, value="This system does not tell.", facts=facts)
    enough = free >= 2 * GIB
    return Finding(
        name="memory",
        ok=enough,
        value=f"{free / GIB:.1f} of {total / GIB:.1f} GiB free",
        remedy="" if enough else "Close other programs: the demo model wants 2 GiB.",
        facts=facts,
    )


def disk() -> Finding:
    """Space where models are downloaded to."""
    folder = chosen_models_folder()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Finding(name="disk", ok=False, value=f"{folder}: {error.strerror}.", remedy="Check the disk.")
    enough = usage.free >= _LITTLE_DISK
    return Finding(
        name="disk",
        ok=enough,
        value=f"{usage.free / GIB:.0f} GiB free for models in {folder} (a 7B model takes 17)",
        remedy="" if enough else "Free some space, or choose a folder on another disk on the page Models.",
        facts={"free_bytes": usage.free, "folder": str(folder)},
    )


def video_files() -> Finding:
    """The library that reads videos."""
    try:
        import av

        av.Codec("h264", "r")
    except (ImportError, OSError, ValueError) as error:
        return Finding(name="video files", ok=False, value=f"{error}", remedy="Install Ringside again.")
    major, minor, micro = av.library_versions["libavcodec"]
    return Finding(
        name="video files",
        ok=True,
        value=f"PyAV {av.__version__} with libavcodec {major}.{minor}.{micro}",
        facts={"av": av.__version__, "libavcodec": [major, minor, micro]},
    )


def demo() -> Finding:
    """What ships with Ringside."""
    try:
        folder = resources.demo_model_dir()
        video = resources.demo_video()
        resources.demo_title()
    except ResourceMissingError as error:
        return Finding(name="demo", ok=False, value=error.message, remedy=error.hint)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return Finding(
        name="demo",
        ok=True,
        value=f"model ({size / 1e6:.0f} MB) and match",
        facts={"model": str(folder), "video": str(video), "weights_bytes": size},
    )


def fits() -> Finding:
    """Which models fit this machine, and why the others do not."""
    machine = look()
    verdicts = {model.repo: judge(model, machine) for model in CATALOGUE}
    names = {model.repo: model.name for model in CATALOGUE}
    good = [
        names[repo] + (f" ({bits_words(verdict.precision)})" if verdict.precision else "")
        for repo, verdict in verdicts.items()
        if verdict.fit is Fit.FITS
    ]
    rest = [
        f"{names[repo]}: {verdict.words}. {verdict.sentence}"
        for repo, verdict in verdicts.items()
        if verdict.fit is not Fit.FITS
    ]
    return Finding(
        name="fits",
        ok=bool(good),
        value="\n".join([", ".join(good) or "No model.", *rest]),
        remedy="" if good else "Close other programs, or use a machine with more memory.",
        facts={
            repo: {
                "verdict": verdict.fit.value,
                "needed_bytes": verdict.needed_bytes,
                "precision": verdict.precision,
            }
            for repo, verdict in verdicts.items()
        },
    )


def downloaded() -> Finding:
    """Models that Ringside downloaded, whole or in part."""
    store = ModelStore(chosen_models_folder())
    found = store.models()
    lines = []
    for model in found:
        total, here = f"{model.total_bytes / 1e9:.1f} GB", f"{model.present_bytes / 1e9:.1f}"
        half = f"{model.repo}, {here} of {total}: resume it on the page Models"
        lines.append(f"{model.repo} ({total}, revision {model.commit[:12]})" if model.is_whole else half)
    return Finding(
        name="models folder",
        ok=True,
        value=", ".join(lines) or f"{store.root}: none yet; the demo model needs none.",
        facts={"folder": str(store.root), "free_bytes": store.free_bytes()},
    )


def log() -> Finding:
    """Where the log lies."""
    file = log_dir() / LOG_NAME
    return Finding(
        name="log", ok=True, value=str(file), facts={"file": str(file), "is_there": file.is_file()}
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _start_probe(name: str) -> subprocess.Popen[bytes]:
    # The folder at hand may hold an "app" of its own; -P keeps it out.
    home = str(Path(app.__file__ or "").resolve().parent.parent)
    path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "app.cli.probes", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )


def _finish_probe(
    name: str, process: subprocess.Popen[bytes], until_s: float, limit_s: float
) -> list[Finding]:
    try:
        output, errors = process.communicate(timeout=max(0.0, until_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        value = f"No answer within {limit_s:.0f} s."
        return [
            Finding(name=name, ok=False, value=value, remedy="Check its driver, or start the machine again.")
        ]
    try:
        return [Finding.from_json(values) for values in json.loads(output)]
    except (ValueError, KeyError, TypeError):
        last = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        reason = last[0] if last else f"exit code {process.returncode}"
        return [
            Finding(name=name, ok=False, value=f"Looking for it failed: {reason}", remedy="Check its driver.")
        ]
