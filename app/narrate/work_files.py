"""Files that are being written, beside the one that they become: whole or not at all.

Knows how they are named, how they replace the old file, and how those of a killed program are found and removed. Knows
nothing of what is in them.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from types import TracebackType
from typing import Self

_log = logging.getLogger("ringside.app.narrate")

_NAME = re.compile(r"\.(?P<target>.+)\.(?P<pid>\d+)\.(?P<part>movie|picture)\.part\Z", re.DOTALL)


class WorkFiles:
    """The unfinished files of one output. As a context: whatever happens, none is left, and a kill leaves the old file.

    Those that a killed program left of the same output are removed. Raises OSError.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        stem = f".{target.name}.{os.getpid()}"
        self.movie = target.with_name(f"{stem}.movie.part")
        """Becomes the output."""
        self.picture = target.with_name(f"{stem}.picture.part")
        """Pictures that had to be encoded."""

    def __enter__(self) -> Self:
        _remove_left_over(self._target)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self.movie, self.picture):
            file.unlink(missing_ok=True)

    def finish(self) -> None:
        """Put the finished movie in the output's place, at one stroke."""
        with self.movie.open("rb+") as file:
            os.fsync(file.fileno())
        self.movie.replace(self._target)


def _remove_left_over(target: Path) -> None:
    for file in target.parent.iterdir():
        name = _NAME.match(file.name)
        if name is None or name["target"] != target.name or _is_running(int(name["pid"])):
            continue
        try:
            file.unlink()
        except OSError as error:
            _log.info("%s was left by a killed program and cannot be removed: %s", file, error)


def _is_running(pid: int) -> bool:
    if os.name != "posix":
        return False  # there, a file in use cannot be removed
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()
