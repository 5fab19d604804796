"""Caption files on disk, written phrase by phrase.

Knows: how to find out beforehand that a file can be written without touching what is in it, how to let it grow
so that a killed program leaves every phrase that was said, and how to write a finished transcript at once.
Does not know: where phrases come from.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from app.captions.formats import format_for
from app.captions.phrase import Phrase
from app.errors import CaptionFileError, UsageError


class CaptionFile:
    """A caption file that grows while phrases are said.

    Opening it proves that it can be written and leaves what it holds alone; ``begin`` replaces that. Every phrase
    reaches the operating system in one write before ``write`` returns, so the file is whole after each, whatever
    happens to this program. Closed before ``begin``, a file that was not there before is gone again.
    Raises CaptionEndingError and CaptionFileError.
    """

    def __init__(self, path: Path, *, has_times: bool = False) -> None:
        """`has_times` puts times into plain text; the other formats always have them."""
        self.path = path
        self.format = format_for(path, has_times=has_times)
        self._num_phrases = 0
        self._begun = False
        try:
            self._is_new = not path.exists()
            # Appending opens an existing file without a change; unbuffered, so a kill loses nothing.
            self._file: BinaryIO = path.open("ab", buffering=0)
        except OSError as error:
            raise CaptionFileError(path, _words(error)) from error

    def begin(self) -> None:
        """Throw away what the file held and write the format's start; a second call does nothing."""
        if self._begun:
            return
        self._begun = True
        try:
            # A pipe or a terminal has no earlier content to throw away.
            if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                self._file.truncate(0)
        except OSError as error:
            raise CaptionFileError(self.path, _words(error)) from error
        self._append(self.format.header)

    def write(self, phrase: Phrase) -> None:
        """Add one phrase."""
        self.begin()
        self._num_phrases += 1
        self._append(self.format.entry(self._num_phrases, phrase))

    def close(self) -> None:
        """Close the file; if nothing was begun, leave things as they were before."""
        if self._file.closed:
            return
        self._file.close()
        if self._is_new and not self._begun:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()

    def _append(self, text: str) -> None:
        remaining = memoryview(text.encode("utf-8"))
        try:
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
        except OSError as error:
            raise CaptionFileError(self.path, _words(error), kept=self._num_phrases > 1) from error


class CaptionFiles:
    """Several caption files that get the same phrases; all are opened, or none.

    Raises UsageError if two of ``paths`` are the same file, else as CaptionFile.
    """

    def __init__(self, paths: Iterable[Path], *, has_times: bool = False) -> None:
        """`has_times` as for CaptionFile."""
        self._files: list[CaptionFile] = []
        seen: set[Path] = set()
        try:
            for path in paths:
                if path.resolve() in seen:
                    raise UsageError(f"{path} is named twice as an output.")
                seen.add(path.resolve())
                self._files.append(CaptionFile(path, has_times=has_times))
        except BaseException:
            self.close()
            raise

    def begin(self) -> None:
        """Replace what the files held by empty transcripts."""
        for file in self._files:
            file.begin()

    def write(self, phrase: Phrase) -> None:
        """Add one phrase to every file."""
        for file in self._files:
            file.write(phrase)

    def close(self) -> None:
        """Close every file."""
        for file in self._files:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_captions(path: Path, phrases: Sequence[Phrase], *, has_times: bool = False) -> None:
    """Write a finished transcript at once: the earlier file stays until the new one is complete.

    Raises CaptionEndingError and CaptionFileError.
    """
    style = format_for(path, has_times=has_times)
    text = style.header + "".join(style.entry(number, phrase) for number, phrase in enumerate(phrases, 1))
    target = path.resolve()
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as temporary:
            try:
                temporary.write(text.encode("utf-8"))
                temporary.flush()
                Path(temporary.name).chmod(_mode_of(target))
                Path(temporary.name).replace(target)
            except BaseException:
                Path(temporary.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CaptionFileError(path, _words(error)) from error


def _mode_of(path: Path) -> int:
    """Permissions of the file that is there, or those that a new file gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
