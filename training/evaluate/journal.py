"""The journal of one video: every finished piece of work is a line, and a line that is there is never made again.

Knows how to go on after a kill at any moment, and that results of different settings must not be mixed. Knows nothing
of what the pieces are.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.evaluate.errors import DataFileError, OtherRunError


class Journal:
    """An append-only file of JSON lines: a first one with the settings, then one for each finished piece."""

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Open a journal, or begin one. What a kill left half-written at its end is cut off.

        Raises:
            OtherRunError: it was begun with other settings.
            DataFileError: it is not a journal.
        """
        self.path = path
        self._rows: dict[str, dict[str, Any]] = {}
        settings = json.loads(json.dumps(settings))
        whole = _whole_lines(path)
        lines = whole.splitlines()
        if not lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                _put(file.fileno(), {"settings": settings})
            return
        if path.stat().st_size > len(whole):
            os.truncate(path, len(whole))
        rows = _parse(path, lines)
        found = rows[0].get("settings")
        if found != settings:
            raise OtherRunError(path, _differences(found, settings))
        self._rows = {str(row["key"]): row for row in rows[1:]}

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Finished pieces by their key."""
        return self._rows

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a finished piece, with its "key". It is on disk when this returns."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            _put(handle, row)
        finally:
            os.close(handle)
        self._rows[str(row["key"])] = dict(row)


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The finished pieces of a journal, in the order in which they were finished; none if there is no such file."""
    return _parse(path, _whole_lines(path).splitlines())[1:]


def _put(handle: int, row: Mapping[str, Any]) -> None:
    rest = (json.dumps(row, ensure_ascii=False) + "\n").encode()
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.fsync(handle)


def _whole_lines(path: Path) -> bytes:
    if not path.exists():
        return b""
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]


def _parse(path: Path, lines: list[bytes]) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise DataFileError(path, f"it is not a journal of an evaluation ({error}).") from error


def _differences(old: Any, new: Any, name: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        found: list[str] = []
        for key in sorted(old.keys() | new.keys()):
            found += _differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
        return found
    return [] if old == new else [f"{name or 'settings'} was {old!r}, now {new!r}"]
