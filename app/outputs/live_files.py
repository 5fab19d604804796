"""Transcripts that grow while a session runs, in files that a person chose.

Knows how files are taken up and let go in the middle of a session, and that what a file held before is set aside, not
thrown away. Knows no threads.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.captions import CaptionFile, Phrase
from app.captions.formats import format_for
from app.errors import CaptionFileError, RingsideError


class LiveFiles:
    """Files that get every phrase of the session. Not thread-safe; calls wait for the disk.

    A file that fails is let go of and returned as the error that it failed with; the others go on.
    """

    def __init__(self) -> None:
        self._files: dict[str, CaptionFile] = {}
        self._has_times = False

    def begin(self, paths: Iterable[str], *, has_times: bool) -> list[RingsideError]:
        """A session begins: what the files held before is set aside."""
        self.close()
        return self.follow(paths, has_times=has_times, said=())

    def follow(self, paths: Iterable[str], *, has_times: bool, said: Sequence[Phrase]) -> list[RingsideError]:
        """Write to these files, and no others, from now on; new ones get what was said so far."""
        wanted = tuple(dict.fromkeys(paths))
        if has_times != self._has_times:
            self.close()
            self._has_times = has_times
        for path in set(self._files) - set(wanted):
            self._files.pop(path).close()
        problems: list[RingsideError] = []
        for path in wanted:
            if path in self._files:
                continue
            try:
                self._files[path] = self._take_up(Path(path), said)
            except RingsideError as error:
                problems.append(error)
        return problems

    def write(self, phrase: Phrase) -> list[RingsideError]:
        """A phrase was said."""
        problems: list[RingsideError] = []
        for path, file in tuple(self._files.items()):
            try:
                file.write(phrase)
            except RingsideError as error:
                problems.append(error)
                with contextlib.suppress(OSError):
                    self._files.pop(path).close()
        return problems

    def close(self) -> None:
        """The session is over."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _take_up(self, path: Path, said: Sequence[Phrase]) -> CaptionFile:
        set_aside(path)
        file = CaptionFile(path, has_times=self._has_times)
        try:
            file.begin()
            for phrase in said:
                file.write(phrase)
        except RingsideError:
            file.close()
            raise
        return file


def set_aside(path: Path) -> Path | None:
    """Rename a file that holds something, after the moment it was last written; returns its new place.

    Raises CaptionEndingError and CaptionFileError.
    """
    style = format_for(path)
    try:
        if not path.is_file() or path.stat().st_size <= len(style.header.encode()):
            return None
        moment = datetime.datetime.fromtimestamp(path.stat().st_mtime)
        stem, number = f"{path.stem} (until {moment:%Y-%m-%d %H-%M-%S})", 1
        aside = path.with_name(f"{stem}{path.suffix}")
        while aside.exists():
            number += 1
            aside = path.with_name(f"{stem} {number}{path.suffix}")
        return path.rename(aside)
    except OSError as error:
        raise CaptionFileError(path, (error.strerror or str(error)).lower()) from error
