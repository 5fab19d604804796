"""The natural voice: which files it is made of, where they lie, and whether it can speak on this machine.

Knows kokoro-onnx's files and the hub's cache on this disk. Knows no network (whoever fetches models fetches these too)
and no way to speak.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

REPO = "fastrtc/kokoro-onnx"
"""Where the hub has the voice."""

FILES = ("kokoro-v1.0.onnx", "voices-v1.0.bin")
"""Its network and its voices, as kokoro-onnx takes them."""

DOWNLOAD_BYTES = 354_000_000
"""About."""

LICENCE = "Apache-2.0"

PACKAGE = "kokoro_onnx"


def find_natural_voice(folder: Path | None = None) -> tuple[Path, ...]:
    """The voice's files, from `folder` or the hub's cache; () if they are not on this disk. Never downloads."""
    if folder is not None:
        files = tuple(folder / name for name in FILES)
        return files if all(file.is_file() for file in files) else ()
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(REPO, name) for name in FILES]
    return (
        tuple(Path(path) for path in found if isinstance(path, str))
        if all(isinstance(path, str) for path in found)
        else ()
    )


def why_not() -> str:
    """Why the natural voice cannot speak here, in a sentence; "" if it can."""
    if importlib.util.find_spec(PACKAGE) is None:
        return 'The natural voice needs a package that is not installed: pip install "ringside[voice]".'
    if not find_natural_voice():
        return "The natural voice was not downloaded yet."
    return ""
