"""What a run was made with: the weights it came from, and the machine and libraries that did it.

Knows how to tell weights apart without reading all of them. Knows nothing of what a run says.
"""

import contextlib
import hashlib
import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine import LoadedModel

_NUM_SAMPLES = 64
_SAMPLE_BYTES = 4096
_LIBRARIES = ("torch", "transformers", "av", "numpy")


def weights_fingerprint(model: str) -> str:
    """A short name for a checkpoint's contents: other weights in the same folder have another one.

    Of every file of weights its size, its header and samples all over it are read; other files of the checkpoint
    (configuration, tokenizer) are read whole. Of a hub id it is the commit.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return _hub_commit(model)
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".txt", ".safetensors") and path.is_file():
            digest.update(f"{path.name}|{path.stat().st_size}|".encode())
            _take_in(path, digest)
    return digest.hexdigest()[:16]


def _take_in(path: Path, digest: "hashlib._Hash") -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        if path.suffix != ".safetensors" or size <= _NUM_SAMPLES * _SAMPLE_BYTES:
            digest.update(file.read())
            return
        header_bytes = min(int.from_bytes(file.read(8), "little"), size)
        digest.update(file.read(header_bytes))
        for number in range(_NUM_SAMPLES):
            file.seek((size - _SAMPLE_BYTES) * number // (_NUM_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))


def _hub_commit(model: str) -> str:
    """The commit that a hub's model is at; "" where there is none, which loading it will say."""
    from huggingface_hub import snapshot_download  # imported late: few runs need it

    if model.count("/") != 1 or model.startswith((".", "~", "/")):
        return ""
    with contextlib.suppress(OSError, ValueError):
        return Path(snapshot_download(model, allow_patterns=["config.json"])).name
    return ""


def file_fingerprint(path: Path) -> str:
    """A short name for a file's contents. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def made_with(model: "LoadedModel") -> dict[str, str]:
    """Device, type of numbers and libraries, as plain values."""
    device = "cpu"
    if model.device.type == "cuda":
        import torch

        device = torch.cuda.get_device_name(model.device)
    versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"device": device, "dtype": str(model.dtype).removeprefix("torch."), **versions}
