"""JSON on disk: whole files that appear at once or not at all, and lines.

Knows how to write so that a killed process leaves nothing half-written. Knows nothing of what is written.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from training.evaluate.errors import DataFileError


def write_text(path: Path, text: str) -> None:
    """Replace a file by `text`, all at once; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Replace a file by one JSON value, readable for people."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_rows(path: Path, rows: Iterable[object]) -> None:
    """Replace a file by JSON lines."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_json(path: Path) -> Any:
    """The JSON value of a file. Raises DataFileError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataFileError(path, f"it can't be read ({error.strerror}).") from error
    except ValueError as error:
        raise DataFileError(path, f"it is not JSON ({error}).") from error


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines with their line numbers; blank lines are skipped.

    A file that is one JSON list of objects, as data sets are also exported, counts as its lines.

    Raises:
        DataFileError: the file can't be read, or a line is not a JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DataFileError(path, f"it can't be read ({reason}).") from error
    if text.lstrip().startswith("["):
        numbered: Iterable[tuple[int, Any]] = enumerate(read_json(path), start=1)
    else:
        numbered = _parsed_lines(path, text)
    for number, row in numbered:
        if not isinstance(row, dict):
            raise DataFileError(path, "this is not a JSON object.", line=number)
        yield number, row


def _parsed_lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise DataFileError(path, f"this is not JSON ({error}).", line=number) from error
