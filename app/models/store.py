"""The models folder: a folder a model and revision, its list of files, and how much of each is there.

Layout: `<root>/<owner>--<name>/<commit>/`, with the files under their own names, `NAME.part` while one is on its way, and
`download.json`, the list with sizes and hashes that the hub gave. A file gets its own name only after its hash was found
right, so a model whose files all have their names and sizes is whole.
Knows files. Knows no network.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, Self

from app.models.errors import DeleteFailedError

LIST_FILE = "download.json"
PART = ".part"
_BLOCK_BYTES = 4 * 2**20


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file of a model, as the hub describes it."""

    name: str
    """Its path in the repository, with slashes."""
    num_bytes: int
    sha256: str = ""
    """Of large files."""
    git_sha1: str = ""
    """Of small files: git's hash of a blob."""

    def path(self, folder: Path) -> Path:
        """Where it lies in the model's folder."""
        return folder.joinpath(*PurePosixPath(self.name).parts)

    def part(self, folder: Path) -> Path:
        """Where it lies while it is on its way."""
        path = self.path(folder)
        return path.with_name(path.name + PART)

    def is_there(self, folder: Path) -> bool:
        """Whether it is there, whole."""
        return _size(self.path(folder)) == self.num_bytes

    def present_bytes(self, folder: Path) -> int:
        """How much of it is there, checked or not."""
        if self.is_there(folder):
            return self.num_bytes
        return min(max(0, _size(self.part(folder))), self.num_bytes)

    def is_right(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Whether a file has the hash that the hub gave; reads all of it. Raises OSError.

        `progress` is called with the number of bytes read after every few megabytes.
        """
        if not self.sha256 and not self.git_sha1:
            return _size(path) == self.num_bytes
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(usedforsecurity=False)
        if not self.sha256:
            digest.update(f"blob {path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                progress(len(block))
        return digest.hexdigest() == (self.sha256 or self.git_sha1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredModel:
    """A model in the models folder, whole or in part."""

    repo: str
    commit: str
    folder: Path
    files: tuple[RemoteFile, ...]

    @property
    def total_bytes(self) -> int:
        """Size of the whole."""
        return sum(file.num_bytes for file in self.files)

    @property
    def present_bytes(self) -> int:
        """How much is there."""
        return sum(file.present_bytes(self.folder) for file in self.files)

    @property
    def is_whole(self) -> bool:
        """Whether every file is there, checked."""
        return bool(self.files) and all(file.is_there(self.folder) for file in self.files)

    def write_list(self) -> None:
        """Keep the list of files beside them. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        values = {
            "repo": self.repo,
            "commit": self.commit,
            "files": [dataclasses.asdict(file) for file in self.files],
        }
        new = self.folder / f"{LIST_FILE}.new"
        new.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        new.replace(self.folder / LIST_FILE)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The model in a folder; None if there is no list that can be read."""
        try:
            values: Any = json.loads((folder / LIST_FILE).read_text(encoding="utf-8"))
            files = tuple(RemoteFile(**entry) for entry in values["files"])
            if not all(is_safe_name(file.name) for file in files):
                return None
            return cls(repo=str(values["repo"]), commit=str(values["commit"]), folder=folder, files=files)
        except (OSError, ValueError, KeyError, TypeError):
            return None


class ModelStore:
    """All models of a models folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, repo: str, commit: str) -> Path:
        """Where a revision of a hub model belongs."""
        return self._home(repo) / commit

    def models(self) -> list[StoredModel]:
        """Every model that was begun, in no order."""
        found = [StoredModel.read(file.parent) for file in self.root.glob(f"*/*/{LIST_FILE}")]
        return [model for model in found if model is not None]

    def find(self, repo: str, revision: str | None = None) -> StoredModel | None:
        """A model, whole or begun; with `revision` no other. Of several, a whole one, and of those the latest."""
        here = [StoredModel.read(file.parent) for file in self._home(repo).glob(f"*/{LIST_FILE}")]
        fits = [model for model in here if model is not None and revision in (None, model.commit)]
        return max(fits, key=lambda model: (model.is_whole, _time(model.folder / LIST_FILE)), default=None)

    def delete(self, repo: str) -> int:
        """Delete all of a model, begun or whole; returns the bytes that were freed. Raises DeleteFailedError."""
        home = self._home(repo)
        freed = sum(_size(file) for file in home.rglob("*") if file.is_file())
        if not home.exists():
            return 0
        # First out of the way: what is half deleted must not look like a model.
        doomed = home.with_name(f".{home.name}.{time.time_ns()}.deleted")
        try:
            home.replace(doomed)
            shutil.rmtree(doomed)
        except OSError as error:
            raise DeleteFailedError(home, error.strerror or str(error)) from error
        return freed

    def sweep(self) -> None:
        """Finish deletions that were cut short."""
        for doomed in self.root.glob(".*.deleted"):
            shutil.rmtree(doomed, ignore_errors=True)

    def free_bytes(self) -> int | None:
        """Free space where the models are; None if the system does not tell."""
        folder = self.root
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            return None

    def _home(self, repo: str) -> Path:
        return self.root / repo.replace("/", "--")


def is_safe_name(name: str) -> bool:
    """Whether a file of this name stays inside the model's folder, on every system."""
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and not name.startswith("/")
        and not any(
            part in ("..", ".", LIST_FILE) or any(mark in part for mark in '\\:*?"<>|\0') for part in parts
        )
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
