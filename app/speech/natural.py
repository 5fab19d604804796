"""The natural voice: which files it is made of, where they lie, and whether it can speak on this machine.

Knows kokoro-onnx's files, the models folder and the hub's cache on this disk. Knows no network (whoever fetches models
fetches these too, with `download_job`) and no way to speak.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from app.models.fetch import Job
from app.models.local import models_folder
from app.models.store import ModelStore

REPO = "fastrtc/kokoro-onnx"
"""Where the hub has the voice."""

FILES = ("kokoro-v1.0.onnx", "voices-v1.0.bin")
"""Its network and its voices, as kokoro-onnx takes them."""

DOWNLOAD_BYTES = 354_000_000
"""About."""

_PACKAGE = "kokoro_onnx"


def find_natural_voice(chosen_folder: str = "") -> tuple[Path, ...]:
    """The voice's files, from the models folder or the hub's cache; () if they are not on this disk. Never downloads.

    `chosen_folder`: the models folder that a person chose, "" for the usual one.
    """
    stored = ModelStore(models_folder(chosen_folder)).find(REPO)
    if stored is not None and stored.is_whole:
        files = tuple(stored.folder / name for name in FILES)
        if all(file.is_file() for file in files):
            return files
    return _in_hub_cache()


def is_installed() -> bool:
    """Whether the package that speaks is there."""
    return importlib.util.find_spec(_PACKAGE) is not None


def why_not(chosen_folder: str = "") -> str:
    """Why the natural voice cannot speak here, in a sentence; "" if it can."""
    if not is_installed():
        return 'The natural voice needs a package that is not installed: pip install "ringside[voice]".'
    if not find_natural_voice(chosen_folder):
        return "The natural voice was not downloaded yet."
    return ""


def download_job(chosen_folder: str = "") -> Job:
    """What the download service is asked for; a download that was begun is finished as it was begun."""
    root = models_folder(chosen_folder)
    known = ModelStore(root).find(REPO)
    return Job(
        repo=REPO,
        revision=known.commit if known is not None else None,
        root=str(root),
        wanted=FILES,
        is_checkpoint=False,
    )


def _in_hub_cache() -> tuple[Path, ...]:
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(REPO, name) for name in FILES]
    paths = tuple(Path(path) for path in found if isinstance(path, str))
    return paths if len(paths) == len(FILES) else ()
