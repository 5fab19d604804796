"""The journal of a session that is under way: every phrase is on its way to the disk before the next is said.

Knows how a line is added so that a killed program leaves every earlier line whole, how often the disk is made to keep
what the system has taken, and what happens while the disk cannot be written. Knows no threads and no window.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Literal

from app.captions.formats import jsonl_line
from app.captions.phrase import Phrase
from app.errors import JournalError
from app.session.head import SessionHead
from app.session.locking import lock

ENDING = ".jsonl"
SYNC_S = 2.0
"""A power cut loses at most so many seconds; a kill loses nothing, with or without this."""

How = Literal["finished", "stopped", "failed", "recovered", "kept"]
"""How a session ended: by itself, by a person, by a failure, or cut off and then brought back or left as it is."""

# An existing file is never opened for writing: two sessions that begin in one second have two journals.
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Journal:
    """One session's file. Not thread-safe; the calls wait for the disk.

    Any call may raise JournalError. Nothing is lost by that: the next call writes what is missing first, in a new
    file if the old one is gone.
    """

    def __init__(self, folder: Path, head: SessionHead) -> None:
        """Touches nothing yet; `open` does."""
        self.folder = folder
        self.path: Path | None = None
        """Where it is, once there is a file."""
        self._head = head
        self._lines = [head.to_json().encode() + b"\n"]
        self._num_written = 0
        self._size = 0
        self._descriptor: int | None = None
        self._is_synced = True
        self._synced_at_s = -SYNC_S

    @property
    def num_phrases(self) -> int:
        """Phrases it was given."""
        return len(self._lines) - 1

    def open(self) -> None:
        """Make the file, and the folder if it is missing."""
        self._flush()

    def write(self, phrase: Phrase) -> None:
        """Add a phrase."""
        self._lines.append(jsonl_line(phrase).encode())
        self._flush()
        if time.monotonic() - self._synced_at_s >= SYNC_S:
            self.sync()

    def sync(self) -> None:
        """Have the disk keep what was written."""
        if self._descriptor is None or self._is_synced:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise JournalError(self.folder, error) from error
        self._is_synced = True
        self._synced_at_s = time.monotonic()

    def close(self, how: How) -> None:
        """The session is over. One in which nothing was said leaves no file."""
        try:
            if self.num_phrases:
                self._lines.append(ended_line(how))
                self._flush()
                self.sync()
            elif self.path is not None:
                with contextlib.suppress(FileNotFoundError):
                    self._let_go()
                    self.path.unlink()
        except OSError as error:
            raise JournalError(self.folder, error) from error
        finally:
            self._let_go()

    def _flush(self) -> None:
        try:
            if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
                # Somebody deleted it, or the whole folder.
                self._let_go()
            if self._descriptor is None:
                self._descriptor = self._make()
                self._num_written = self._size = 0
            missing = b"".join(self._lines[self._num_written :])
            if missing:
                self._append(self._descriptor, missing)
                self._num_written = len(self._lines)
        except OSError as error:
            raise JournalError(self.folder, error) from error

    def _append(self, descriptor: int, data: bytes) -> None:
        remaining = memoryview(data)
        try:
            while remaining:
                remaining = remaining[os.write(descriptor, remaining) :]
        except OSError:
            # Half a line would join the next one.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, self._size)
            raise
        self._size += len(data)
        self._is_synced = False

    def _make(self) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        stem, number = self._head.file_stem, 1
        while True:
            name = stem if number == 1 else f"{stem} ({number})"
            path = self.folder / f"{name}{ENDING}"
            try:
                descriptor = os.open(path, _NEW, 0o644)
            except FileExistsError:
                number += 1
                continue
            self.path = path
            lock(descriptor)
            return descriptor

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def ended_line(how: How) -> bytes:
    """The last line of a session that is over."""
    return json.dumps({"ended": how}).encode() + b"\n"
