"""Which models are on this computer, wherever they lie: the demo, folders, our models folder, and the hub's own cache.

Knows where to look. Knows no network and no torch.
"""

from __future__ import annotations

from pathlib import Path

from app import resources
from app.models.catalogue import find_model, is_hub_id
from app.models.errors import ModelNotHereError
from app.models.fetch import WANTED
from app.models.store import ModelStore
from app.system.folders import data_dir


def models_folder(chosen: str = "") -> Path:
    """Where downloaded models are kept: the folder that a person chose, or the usual one."""
    return Path(chosen).expanduser() if chosen else data_dir() / "models"


def find_checkpoint(name: str, store: ModelStore) -> Path:
    """The checkpoint folder of a model that is here, whole.

    Takes some tenths of a second for a hub model. Raises ModelNotHereError for one that was not downloaded,
    ModelNotFoundError if it can be neither a model's name nor a folder, ResourceMissingError without a demo model.
    """
    found = resources.find_model(name)
    if found != name or not is_hub_id(name) or Path(name).is_dir():
        return Path(found)
    model = store.find(name, find_model(name).revision)
    if model is not None and model.is_whole:
        return model.folder
    cached = in_hub_cache(name)
    if cached is None:
        raise ModelNotHereError(name)
    return cached


def checkpoint_or_hub_id(name: str) -> str:
    """For the command line: the folder of a model that is here, else the hub id, for the engine to download.

    Raises what `find_checkpoint` raises, but ModelNotHereError.
    """
    try:
        return str(find_checkpoint(name, ModelStore(models_folder())))
    except ModelNotHereError:
        return name


def in_hub_cache(repo: str) -> Path | None:
    """The model's folder in the cache that other programs share, if all of it is there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        folder = snapshot_download(
            repo, revision=find_model(repo).revision, allow_patterns=list(WANTED), local_files_only=True
        )
    except (OSError, ValueError, HfHubHTTPError, HFValidationError):  # not there, or not all of it
        return None
    path = Path(folder)
    return path if (path / "config.json").is_file() and any(path.glob("*.safetensors")) else None
