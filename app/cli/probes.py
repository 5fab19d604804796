"""Probes of devices: each is run in a process of its own, because drivers hang, crash and end the program.

    python -m app.cli.probes NAME      prints the findings of one probe as a JSON array

Knows how to ask a screen, sound device, voice, camera, GPU and model store whether they are there, and which packages
bring them. Does not know how findings are shown, or how long a probe may take.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from app.cli.display import require_display
from app.cli.findings import Finding
from app.errors import NoDisplayError
from app.models.catalogue import CATALOGUE
from app.models.fit import bits_words, needed_bytes
from app.models.machine import number_cards_as_the_driver
from engine.precision import OLDEST_CAPABILITY, dotted

GIB = 2**30

_APT = "Install it: sudo apt-get install"


def display() -> list[Finding]:
    """The screen, by opening Qt on it."""
    try:
        require_display()
    except NoDisplayError as error:
        return [Finding(name="display", ok=False, value=error.message, remedy=error.hint)]
    try:
        from PySide6.QtGui import QGuiApplication
    except ImportError as error:
        remedy = f"{_APT} libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libfontconfig1"
        return [Finding(name="display", ok=False, value=f"Qt cannot be loaded: {error}.", remedy=remedy)]
    application = QGuiApplication([])
    screens = [(screen.size().width(), screen.size().height()) for screen in application.screens()]
    facts = {"platform": application.platformName(), "screens_px": screens}
    sizes = ", ".join(f"{width}x{height}" for width, height in screens)
    if not screens:
        return [
            Finding(name="display", ok=False, value="No screen.", remedy="Connect a screen.", facts=facts)
        ]
    return [Finding(name="display", ok=True, value=f"{sizes} ({application.platformName()})", facts=facts)]


def sound() -> list[Finding]:
    """Sound devices, through PortAudio."""
    try:
        import sounddevice
    except OSError:
        return [
            Finding(name="sound", ok=False, value="PortAudio is missing.", remedy=f"{_APT} libportaudio2")
        ]
    except ImportError as error:
        return [Finding(name="sound", ok=False, value=f"{error}.", remedy="Install Ringside again.")]
    try:
        outputs = [d["name"] for d in sounddevice.query_devices() if d["max_output_channels"] > 0]
    except sounddevice.PortAudioError as error:
        return [
            Finding(name="sound", ok=False, value=f"PortAudio: {error}.", remedy="Check the sound settings.")
        ]
    if not outputs:
        remedy = "Connect one, or start PipeWire or PulseAudio. Captions work without."
        return [Finding(name="sound", ok=False, value="No sound output.", remedy=remedy)]
    more = f" and {len(outputs) - 1} more" if len(outputs) > 1 else ""
    return [Finding(name="sound", ok=True, value=f"{outputs[0]}{more}", facts={"outputs": outputs})]


def speech() -> list[Finding]:
    """Voices, through pyttsx3."""
    remedy = f"{_APT} espeak-ng"
    try:
        import pyttsx3

        voices = pyttsx3.init().getProperty("voices") or []
    except (ImportError, OSError, RuntimeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return [Finding(name="speech", ok=False, value=f"No voice: {reason}", remedy=remedy)]
    if not voices:
        return [Finding(name="speech", ok=False, value="No voice.", remedy=remedy)]
    return [Finding(name="speech", ok=True, value=f"{len(voices)} voices", facts={"num_voices": len(voices)})]


def camera() -> list[Finding]:
    """Cameras, by opening each."""
    import cv2

    found = []
    for device in sorted(Path("/dev").glob("video*"))[:8] if sys.platform == "linux" else [None]:
        capture = cv2.VideoCapture(str(device) if device else 0)
        if capture.isOpened():
            width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
            found.append(f"{device or 'camera 0'} at {width:.0f}x{height:.0f}")
        capture.release()
    if not found:
        remedy = "Connect one, and check that this user may read /dev/video0. Files work without."
        return [Finding(name="camera", ok=False, value="No camera.", remedy=remedy)]
    return [Finding(name="camera", ok=True, value=", ".join(found), facts={"cameras": found})]


def watchable() -> list[Finding]:
    """Screens, windows and cameras, each by what names it on the command line."""
    from app.sources.listing import list_watchable

    found = list_watchable()
    everything = (*found.screens, *found.windows, *found.cameras)
    facts = {"sources": [{"source": str(w.spec), "name": w.name, "detail": w.detail} for w in everything]}
    if not everything:
        value = found.limits or "No screen and no camera."
        remedy = "Files, addresses and the demo match can be watched without."
        return [Finding(name="sources", ok=False, value=value, remedy=remedy, facts=facts)]
    listed = "; ".join(f"{w.spec} ({w.detail or w.name})" for w in everything)
    return [
        Finding(name="sources", ok=True, value=f"--source takes: {listed}", remedy=found.limits, facts=facts)
    ]


def gpu() -> list[Finding]:
    """CUDA GPUs, and whether torch can use them; which models fit is another finding."""
    has_driver = shutil.which("nvidia-smi") is not None
    number_cards_as_the_driver()
    try:
        import torch
    except (ImportError, OSError) as error:
        return [Finding(name="GPU", ok=False, value=f"PyTorch: {error}.", remedy="Install Ringside again.")]
    if not torch.cuda.is_available():
        if has_driver and torch.version.cuda is None:
            value, remedy = "PyTorch was built without CUDA.", "Install the CUDA build of torch."
        elif has_driver:
            value, remedy = "PyTorch cannot use the GPU.", "Check it with nvidia-smi; update the driver."
        else:
            value = "No CUDA GPU; the demo model runs on the processor."
            remedy = f"Larger models want one, with free memory: {_needs()}."
        return [Finding(name="GPU", ok=False, value=value, remedy=remedy)]
    findings = []
    for index in range(torch.cuda.device_count()):
        name = torch.cuda.get_device_name(index)
        try:
            free, total = torch.cuda.mem_get_info(index)
            capability = torch.cuda.get_device_capability(index)
        except RuntimeError as error:
            findings.append(
                Finding(name="GPU", ok=False, value=f"{name}: {error}", remedy="Check it with nvidia-smi.")
            )
            continue
        is_new = capability >= OLDEST_CAPABILITY
        own, least = (dotted(each) for each in (capability, OLDEST_CAPABILITY))
        findings.append(
            Finding(
                name=f"GPU {index}",
                ok=is_new,
                value=f"{name}, {total / GIB:.1f} GiB, compute capability {own}",
                remedy=""
                if is_new
                else f"Models need {least} (RTX 30, A100 and later); the demo model needs no GPU.",
                facts={
                    "name": name,
                    "free_bytes": free,
                    "total_bytes": total,
                    "compute_capability": list(capability),
                },
            )
        )
    return findings


def _needs() -> str:
    """Memory that the large models of the catalogue take on a card."""
    needs = []
    for model in CATALOGUE:
        if model.config is None or needed_bytes(model.config, "bf16") < GIB:
            continue
        listed = [
            f"{needed_bytes(model.config, precision) / GIB:.1f} GiB in {bits_words(precision)}"
            for precision in ("bf16", "int8", "int4")
        ]
        needs.append(f"{model.name} {', '.join(listed)}")
    return "; ".join(needs)


def models() -> list[Finding]:
    """Checkpoints in the hub's cache."""
    from huggingface_hub import CacheNotFound, constants, scan_cache_dir

    found = {}
    with contextlib.suppress(CacheNotFound):
        for repo in scan_cache_dir().repos:
            if any(_is_qwen_vl(revision.snapshot_path) for revision in repo.revisions):
                found[repo.repo_id] = repo.size_on_disk
    facts = {"folder": constants.HF_HUB_CACHE, "bytes": found}
    if not found:
        remedy = "None is needed. --model mit-han-lab/StreamingVLM downloads the paper's (17 GB)."
        return [Finding(name="hub models", ok=False, value="None downloaded.", remedy=remedy, facts=facts)]
    listed = ", ".join(f"{name} ({size / GIB:.1f} GiB)" for name, size in sorted(found.items()))
    return [Finding(name="hub models", ok=True, value=listed, facts=facts)]


def _is_qwen_vl(folder: Path) -> bool:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == "qwen2_5_vl"


PROBES: dict[str, Callable[[], list[Finding]]] = {
    "display": display,
    "sound": sound,
    "speech": speech,
    "camera": camera,
    "sources": watchable,
    "GPU": gpu,
    "hub models": models,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps([finding.as_json() for finding in PROBES[sys.argv[1]]()]))
    sys.stdout.flush()
