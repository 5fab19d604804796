"""Which models are on this computer, wherever they lie: the demo, folders, our models folder, and the hub's own cache.

Knows where to look, also for those who have no window: the models folder that was chosen there stands in its settings.
Knows no network and no torch.
"""

from __future__ import annotations

from pathlib import Path

from app import resources
from app.models.catalogue import find_model, is_hub_id
from app.models.errors import ModelNotHereError
from app.models.fetch import WANTED
from app.models.store import ModelStore
from app.settings import UserSettings
from app.system.folders import config_dir, data_dir


def models_folder(chosen: str = "") -> Path:
    """Where downloaded models are kept: the folder that a person chose, or the usual one."""
    return Path(chosen).expanduser() if chosen else data_dir() / "models"


def chosen_models_folder() -> Path:
    """The models folder of the window's settings; the usual one where those cannot be read. Changes nothing."""
    try:
        settings = UserSettings.from_json((config_dir() / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):  # the window tells what is wrong with them
        return models_folder()
    return models_folder(settings.models_folder)


def find_checkpoint(name: str, *stores: ModelStore) -> Path:
    """The checkpoint folder of a model that is here, whole: in one of `stores`, or in the hub's cache.

    Takes some tenths of a second for a hub model. Raises ModelNotHereError for one that was not downloaded,
    ModelNotFoundError if it can be neither a model's name nor a folder, ResourceMissingError without a demo model.
    """
    found = resources.find_model(name)
    if found != name or not is_hub_id(name) or Path(name).is_dir():
        return Path(found)
    for store in stores:
        model = store.find(name, find_model(name).revision)
        if model is not None and model.is_whole:
            return model.folder
    cached = in_hub_cache(name)
    if cached is None:
        raise ModelNotHereError(name)
    return cached


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
