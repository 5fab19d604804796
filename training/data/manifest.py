"""The manifest of a workspace: what every step made of every video, and why it skipped one.

An append-only file of JSON lines, on disk before the next piece of work counts as finished. A row holds the digest of all
that its result rests on (the step's settings and the digest of the step before), so that finished work is known again,
and work whose basis has changed is known to be stale.

Knows files and digests. Knows nothing of what the steps do.

    OUT/manifest.jsonl    {"step", "key", "digest", "status", "reason", "facts", "after"}
    OUT/transcripts/      words with their times, one file a video
    OUT/edits/            the same after the editor
    OUT/chunks/           chunks of each video
    OUT/answers/          the language model's answers: none is paid twice
    OUT/videos/           what was downloaded
    OUT/train.jsonl, OUT/annealing.jsonl, OUT/report/
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from training.data.errors import ManifestError
from training.evaluate.work import file_name

Status = Literal["done", "skipped", "failed"]
"""skipped: it can't be used as it is. failed: it did not work this time and is tried again by the next run."""


def digest_of(*parts: object) -> str:
    """A short hash of plain values."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one video (or link) in one step."""

    step: str
    key: str
    """The video: its path within the indexed folder, or its link."""
    digest: str
    """Of everything the result rests on."""
    status: Status
    reason: str = ""
    """Why it was skipped or failed."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Counts and findings, as plain values."""
    after: Mapping[str, str] = field(default_factory=dict)
    """Digests of this video's rows in other steps that the result rests on, by step."""

    def line(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return {
            "step": self.step,
            "key": self.key,
            "digest": self.digest,
            "status": self.status,
            "reason": self.reason,
            "facts": dict(self.facts),
            "after": dict(self.after),
        }


class Manifest:
    """Opens a workspace for one command at a time. Use it with `with`."""

    def __init__(self, folder: Path) -> None:
        """Read the manifest, or begin one. What a kill left half-written at its end is cut off.

        Raises ManifestError where another command is at work, or the file is not a manifest.
        """
        self.folder = folder
        self.path = folder / "manifest.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ManifestError(
                    self.path, "another command is at work in this folder. Wait for its end."
                ) from error
            self._rows = self._load()
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def rows(self, step: str) -> dict[str, Row]:
        """The newest row of each video in a step, in the order in which they first came."""
        return dict(self._rows.get(step, {}))

    def done(self, step: str) -> dict[str, Row]:
        """The videos that a step has finished, of those that are still usable.

        A result counts while everything that it rests on is done and is what it was made from.
        """
        return {key: row for key, row in self.rows(step).items() if self._is_valid(row)}

    def _is_valid(self, row: Row) -> bool:
        index = self._rows.get("index", {}).get(row.key)
        if row.status != "done" or index is None or index.status != "done":
            return False
        before = {step: self._rows.get(step, {}).get(row.key) for step in row.after}
        return all(
            found is not None and found.digest == row.after[step] and self._is_valid(found)
            for step, found in before.items()
        )

    def append(self, row: Row) -> None:
        """Add a row. It is on disk when this returns."""
        rest = (json.dumps(row.line(), ensure_ascii=False) + "\n").encode()
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        os.fsync(self._handle)
        self._rows.setdefault(row.step, {})[row.key] = row

    def result(self, kind: str, key: str, ending: str = ".json") -> Path:
        """Where the result of a step for a video lies."""
        return self.folder / kind / (file_name(key) + ending)

    def video(self, key: str) -> Path:
        """The indexed video's file."""
        return self.folder / str(self._rows["index"][key].facts["path"])

    def _load(self) -> dict[str, dict[str, Row]]:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.ftruncate(self._handle, len(whole))
        rows: dict[str, dict[str, Row]] = {}
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                row = Row(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise ManifestError(
                    self.path, f"line {number} is not a row of a manifest ({error})."
                ) from error
            rows.setdefault(row.step, {})[row.key] = row
        return rows
