"""Where the things that ship with Ringside lie; the one file that finds them.

Knows: the names in ``assets/``, in a checkout (beside ``app``) and in an installed wheel (inside it), and what a
person may call a model. Does not know: what is in a checkpoint, a video or an icon.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from app.errors import ModelNotFoundError, ResourceMissingError

DEMO_MODEL = "demo"
"""The name by which a person asks for the model that ships with Ringside."""

_PACKAGE = Path(__file__).resolve().parent
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def assets_dir() -> Path:
    """The folder of everything that ships beside the code."""
    installed = _PACKAGE / "assets"
    return installed if installed.is_dir() else _PACKAGE.parent / "assets"


def demo_model_dir() -> Path:
    """Checkpoint folder of the demo model. Raises ResourceMissingError."""
    folder = assets_dir() / "demo_model"
    if not (folder / "config.json").is_file():
        raise ResourceMissingError("The demo model", folder)
    return folder


def demo_video() -> Path:
    """The demo match. Raises ResourceMissingError."""
    return _file("The demo match", "demo", "match.mp4")


def demo_title() -> str:
    """What the demo match's commentator knows beforehand. Raises ResourceMissingError."""
    file = _file("The demo match's title", "demo", "match.json")
    try:
        title = json.loads(file.read_text(encoding="utf-8"))["title"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResourceMissingError("The demo match's title", file) from error
    return str(title)


def icon(name: str) -> Path:
    """The SVG file of an icon, by its name without ending. Raises ResourceMissingError."""
    return _file(f"The icon {name!r}", "icons", f"{name}.svg")


def overlay_page(name: str) -> bytes:
    """What a file of the page for OBS holds, by its name. Raises ResourceMissingError."""
    return _file("The page for OBS", "overlay", name).read_bytes()


def find_model(name: str) -> str:
    """What the engine loads for a name a person gave: a checkpoint folder, or a hub id.

    Looks at the file system only, so whether a hub id exists is for the engine to find out.
    Raises ModelNotFoundError if it can be neither, ResourceMissingError if the demo model is not there.
    """
    if name == DEMO_MODEL:
        return str(demo_model_dir())
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return str(folder)
    if _HUB_ID.fullmatch(name) and not folder.exists():
        return name
    raise ModelNotFoundError(name)


def _file(what: str, *parts: str) -> Path:
    file = assets_dir().joinpath(*parts)
    if not file.is_file():
        raise ResourceMissingError(what, file)
    return file
