"""The process that downloads one model: a line of JSON in, lines of JSON out, until the model is whole or cannot be had.

    python -m app.models.fetch        the first line of its input is a `Job`; the end of its input is its own end

Knows the hub (through huggingface_hub: listing, addresses, connection), ranges, hashes, retries and full disks. Being a
process, it can be ended at any moment, whatever it waits for; what it wrote until then is taken up again next time.
Does not know: who asked, or how progress is shown.
"""

from __future__ import annotations

import dataclasses
import errno
import fnmatch
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from app.models.store import ModelStore, RemoteFile, StoredModel, is_safe_name

WANTED = ("*.json", "*.safetensors", "merges.txt", "README.md", "LICENSE*", "NOTICE*")
"""Nothing else of a repository is taken; above all nothing that could be run."""

_MODEL_TYPE = "qwen2_5_vl"
_TELL_EVERY_S = 0.2
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be downloaded, and how patiently."""

    repo: str
    revision: str | None
    """A commit, or None for the hub's present one."""
    root: str
    """The models folder."""
    endpoint: str | None = None
    """Another hub than the usual one."""
    timeout_s: float = 15.0
    """A connection that brings nothing for so long is given up and made anew."""
    first_wait_s: float = 1.0
    """Before the second try; doubled for each further one."""
    longest_wait_s: float = 30.0
    max_tries: int = 8
    """So many failures in a row without a new byte end the download."""
    spare_bytes: int = 64 * 2**20
    """Left free on the disk, so that the system goes on."""
    wanted: tuple[str, ...] = WANTED
    """Patterns of the files that are taken."""
    is_checkpoint: bool = True
    """Whether it has to be a Qwen2.5-VL model, and not something else that is kept in the same way."""


class FetchError(Exception):
    """The download cannot go on; nothing is gained by trying again at once."""

    def __init__(self, kind: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.kind, self.message, self.hint = kind, message, hint


class _DamagedError(Exception):
    """What arrived is not what the hub has."""


def main() -> int:
    """Read the job, do it, and tell how it goes."""
    job = Job(**json.loads(sys.stdin.buffer.readline()))
    threading.Thread(target=_end_with_input, daemon=True).start()
    _be_considerate()
    try:
        Fetch(job, _tell).run()
    except FetchError as error:
        _tell("failed", kind=error.kind, message=error.message, hint=error.hint)
        return 1
    return 0


def _end_with_input() -> None:
    """Whoever asked has gone: nobody waits for this any more."""
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(3)


def _be_considerate() -> None:
    """Hashing 16 GB must not slow a game down."""
    if hasattr(os, "nice"):
        os.nice(10)


_telling = threading.Lock()


def _tell(event: str, **facts: Any) -> None:
    with _telling:
        sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
        sys.stdout.flush()


class Fetch:
    """Downloads one model."""

    def __init__(self, job: Job, tell: Callable[..., None]) -> None:
        """`tell` is called with the name of an event and its facts."""
        self._job = job
        self._tell = tell
        self._store = ModelStore(Path(job.root))
        self._done_bytes = 0
        self._doing = ""
        """The event that tells how far it is, "" while there is nothing to tell."""

    def run(self) -> StoredModel:
        """Download what is missing; returns the whole model. Raises FetchError."""
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined] # documented, but lazily exported

        job = self._job
        known = self._store.find(job.repo, job.revision)
        if known is not None and known.is_whole:
            return self._end(known)
        home = self._store.folder(job.repo, "lock").parent
        try:
            home.mkdir(parents=True, exist_ok=True)
            with WeakFileLock(home / ".lock", timeout=2.0):
                return self._run(known)
        except TimeoutError as error:
            raise FetchError(
                "busy", f"{job.repo} is being downloaded by another program.", "Wait until it is done."
            ) from error
        except OSError as error:
            raise self._in_words(error) from error

    def _run(self, known: StoredModel | None) -> StoredModel:
        model = known or self._list()
        self._check_space(model)
        self._tell(
            "listed", commit=model.commit, total_bytes=model.total_bytes, present_bytes=model.present_bytes
        )
        self._done_bytes = model.present_bytes
        threading.Thread(target=self._tell_regularly, daemon=True).start()
        # Small ones first: config.json tells whether the rest is worth having.
        for file in sorted(model.files, key=lambda file: file.num_bytes):
            self._retry(lambda file=file: self._file(model, file), file.name)  # type: ignore[misc] # mypy loses the type of a lambda's default
            if self._job.is_checkpoint and file.name == "config.json":
                _check_kind(model.repo, file.path(model.folder))
        return self._end(model)

    def _end(self, model: StoredModel) -> StoredModel:
        self._doing = ""
        self._tell("ready", folder=str(model.folder), commit=model.commit, total_bytes=model.total_bytes)
        return model

    def _list(self) -> StoredModel:
        """Ask the hub which files there are, and keep the list."""
        job = self._job
        found: list[StoredModel] = []
        self._retry(lambda: found.append(_listed(job, self._store)), "the list of files")
        model = found[0]
        if not job.is_checkpoint:
            if not model.files:
                raise FetchError("unfit", f"{job.repo} does not have the files that are needed.", "")
        elif not any(file.name == "config.json" for file in model.files) or not any(
            file.name.endswith(".safetensors") for file in model.files
        ):
            raise FetchError(
                "unfit",
                f"{job.repo} has no config.json with .safetensors files.",
                "Choose a Qwen2.5-VL model in the safetensors format.",
            )
        model.write_list()
        return model

    def _check_space(self, model: StoredModel) -> None:
        missing = model.total_bytes - model.present_bytes
        free = shutil.disk_usage(model.folder).free
        if missing and missing + self._job.spare_bytes > free:
            raise FetchError(
                "disk",
                f"There is not enough room for {model.repo}: {missing / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB "
                f"are free in {self._job.root}.",
                "Free some space, or choose another folder for models.",
            )

    def _retry(self, attempt: Callable[[], None], what: str) -> None:
        """Try until it works, ever more patiently. New bytes make it hopeful again."""
        job, num_failures, done_bytes = self._job, 0, -1
        while True:
            try:
                attempt()
                return
            except FetchError:
                raise
            except Exception as error:
                # Network libraries raise all sorts of things: each is said, and tried again unless that is pointless.
                if (final := self._in_words(error)).kind != "network":
                    raise final from error
                num_failures = 1 if self._done_bytes > done_bytes else num_failures + 1
                done_bytes = self._done_bytes
                reason = _reason(error)
                if num_failures >= job.max_tries:
                    kind = "damaged" if isinstance(error, _DamagedError) else "network"
                    raise FetchError(
                        kind,
                        f"{what} of {job.repo} could not be downloaded: {reason}.",
                        "What is here is kept. Check the network, then resume.",
                    ) from error
            self._doing = ""
            wait_s = min(job.first_wait_s * 2 ** (num_failures - 1), job.longest_wait_s)
            self._tell("waiting", wait_s=wait_s, reason=reason, num_failures=num_failures)
            time.sleep(wait_s)

    def _file(self, model: StoredModel, file: RemoteFile) -> None:
        """Bring one file, whole and checked, to its place."""
        if file.is_there(model.folder):
            return
        part = file.part(model.folder)
        part.parent.mkdir(parents=True, exist_ok=True)
        self._receive(model, file, part)
        self._doing = "checking"
        if not file.is_right(part):
            self._done_bytes -= file.num_bytes
            part.unlink()
            raise _DamagedError(f"{file.name} arrived damaged")
        part.replace(file.path(model.folder))
        self._tell("progress", done_bytes=self._done_bytes)

    def _receive(self, model: StoredModel, file: RemoteFile, part: Path) -> None:
        """Append to the part what is missing of it. Raises whatever the network does."""
        from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # documented, but lazily exported

        # Unbuffered: what has arrived is on its way to the disk, however this process ends.
        with part.open("ab", buffering=0) as output:
            start = output.tell()
            if start > file.num_bytes:
                output.truncate(0)
                start = 0
            if start == file.num_bytes:
                return
            # Compressed on the way, a range would count other bytes than ours.
            headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
            if start:
                headers["Range"] = f"bytes={start}-"
            url = hf_hub_url(model.repo, file.name, revision=model.commit, endpoint=self._job.endpoint)
            timeout_s = self._job.timeout_s
            with get_session().stream(
                "GET", url, headers=headers, timeout=timeout_s, follow_redirects=True
            ) as answer:
                hf_raise_for_status(answer)
                if start and answer.status_code != 206:  # the server knows no ranges
                    output.truncate(0)
                    self._done_bytes -= start
                    start = 0
                self._doing = "progress"
                for block in answer.iter_bytes():
                    _write_all(output.write, block)
                    start += len(block)
                    self._done_bytes += len(block)
                    if start > file.num_bytes:
                        break
        if start > file.num_bytes:
            part.unlink()
            self._done_bytes -= start
            raise _DamagedError(f"{file.name} is longer than the hub said")
        if start < file.num_bytes:
            raise ConnectionError(f"{file.name} broke off")

    def _tell_regularly(self) -> None:
        """Also while nothing comes: whoever listens sees the speed fall."""
        while True:
            time.sleep(_TELL_EVERY_S)
            if self._doing:
                self._tell(self._doing, done_bytes=self._done_bytes)

    def _in_words(self, error: Exception) -> FetchError:
        """What went wrong, for a person; of kind "network" where trying again may help."""
        from huggingface_hub import errors

        repo = self._job.repo
        status = getattr(getattr(error, "response", None), "status_code", None)
        match error:
            case FetchError():
                return error
            case errors.GatedRepoError():
                return FetchError(
                    "denied",
                    f"{repo} is open only to people whom its makers let in.",
                    "Ask for access on the hub.",
                )
            case (
                errors.RepositoryNotFoundError() | errors.RevisionNotFoundError() | errors.HFValidationError()
            ):
                return FetchError("missing", f"The hub has no public model {repo}.", "Check its name.")
            case errors.OfflineModeIsEnabled():
                return FetchError(
                    "offline",
                    "Downloads are switched off by HF_HUB_OFFLINE.",
                    "Unset it, or use a model that is here.",
                )
            case OSError() if error.errno in _FULL:
                return FetchError(
                    "disk",
                    f"The disk with {self._job.root} is full.",
                    "Free some space, then resume: what has arrived is kept.",
                )
            case PermissionError() | FileNotFoundError() | IsADirectoryError() | NotADirectoryError():
                return FetchError(
                    "disk",
                    f"{error.filename or self._job.root} cannot be written ({error.strerror}).",
                    "Choose another folder for models.",
                )
            case _ if status is not None and 400 <= status < 500 and status not in (408, 416, 429):
                return FetchError(
                    "missing",
                    f"The hub does not give {repo} (answer {status}).",
                    "Try another model, or later.",
                )
            case _:
                return FetchError("network", _reason(error), "")


def _listed(job: Job, store: ModelStore) -> StoredModel:
    """The hub's list of a model's files. Raises what huggingface_hub raises, and FetchError."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=job.endpoint)
    commit = job.revision or api.model_info(job.repo, timeout=job.timeout_s).sha
    if not commit:
        raise FetchError("missing", f"The hub names no revision of {job.repo}.", "Try later.")
    files = list(_wanted(api.list_repo_tree(job.repo, recursive=True, revision=commit), job.wanted))
    return StoredModel(
        repo=job.repo, commit=commit, folder=store.folder(job.repo, commit), files=tuple(files)
    )


def _wanted(entries: Iterable[Any], patterns: Iterable[str]) -> Iterable[RemoteFile]:
    for entry in entries:
        name, num_bytes = entry.path, getattr(entry, "size", None)
        if (
            num_bytes is None
            or "/" in name
            or not any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        ):
            continue
        if not is_safe_name(name):
            continue
        lfs = getattr(entry, "lfs", None)
        yield RemoteFile(
            name=name,
            num_bytes=lfs.size if lfs is not None else num_bytes,
            sha256=lfs.sha256 if lfs is not None else "",
            git_sha1="" if lfs is not None else entry.blob_id or "",
        )


def _check_kind(repo: str, config: Path) -> None:
    try:
        kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        kind = None
    if kind != _MODEL_TYPE:
        raise FetchError(
            "unfit", f"{repo} is a model of another kind ({kind}).", "Ringside runs Qwen2.5-VL models only."
        )


def _write_all(write: Callable[[memoryview], int | None], block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[write(rest) or 0 :]


def _reason(error: Exception) -> str:
    """One short clause."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"the hub answers {status}"
    name = type(error).__name__
    if "Timeout" in name:
        return "the connection brings nothing"
    if isinstance(error, _DamagedError):
        return str(error)
    if "Connect" in name or "Protocol" in name or isinstance(error, ConnectionError):
        return "the connection broke off" if "Connect" not in name else "the hub cannot be reached"
    return " ".join(str(error).split())[:160] or name


if __name__ == "__main__":
    sys.exit(main())
