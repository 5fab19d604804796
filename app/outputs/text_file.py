"""A text file that always holds the captions of this moment, for programs that look at it again and again.

Knows how to change a file so that whoever reads it at any moment sees all of the old text or all of the new. Knows
nothing of when it changes.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from app.errors import CaptionFileError

_NUM_TRIES = 5
_BETWEEN_TRIES_S = 0.02


def write_text_file(path: Path, text: str) -> None:
    """Replace what the file holds. Raises CaptionFileError; then it is as it was."""
    target = Path(os.path.realpath(path))
    # One name, so that a kill between the two steps leaves one file that the next change takes away again.
    new = target.with_name(f".{target.name}.new")
    try:
        new.write_text(text, encoding="utf-8", newline="\n")
        try:
            with contextlib.suppress(FileNotFoundError):
                new.chmod(target.stat().st_mode & 0o777)
            _replace(new, target)
        except OSError:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CaptionFileError(path, (error.strerror or str(error)).lower()) from error


def _replace(new: Path, target: Path) -> None:
    for num_tries_left in reversed(range(_NUM_TRIES)):
        try:
            new.replace(target)
            return
        except PermissionError:
            # On Windows, somebody who reads it just now.
            if os.name != "nt" or not num_tries_left:
                raise
            time.sleep(_BETWEEN_TRIES_S)
