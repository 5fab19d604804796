"""Sessions of earlier runs: those that were cut off, and those that are simply there.

Knows how to tell a session that was cut off from one that another window is writing just now, and how a journal is
closed after its program is gone. Knows nothing of how either is shown.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import JournalError
from app.session.head import SessionHead
from app.session.journal import ENDING, How, ended_line
from app.session.locking import lock
from app.session.recording import RecordedSession, read_head, read_session

_log = logging.getLogger("ringside.app.session")

_NUM_LOOKED_AT = 200
"""A session is cut off once; whoever has more journals than this since then has seen the offer."""
_OPEN = os.O_RDWR | getattr(os, "O_BINARY", 0)


def cut_off_sessions(folder: Path) -> list[RecordedSession]:
    """Sessions whose program was killed, oldest first. Those in which nothing had been said are cleared away."""
    found = []
    for path in reversed(_journals(folder)[:_NUM_LOOKED_AT]):
        try:
            with _taken(path) as descriptor:
                session = read_session(path) if descriptor is not None else None
            if session is None or session.how:
                continue
            if session.phrases:
                found.append(session)
            elif not session.num_damaged:
                path.unlink()
        except OSError as error:
            # Without its name: that tells what was watched.
            _log.warning("a journal cannot be read: %s", error.strerror)
    return found


def earlier_sessions(folder: Path, limit: int) -> list[tuple[Path, SessionHead]]:
    """The latest sessions, newest first."""
    found: list[tuple[Path, SessionHead]] = []
    for path in _journals(folder):
        head = read_head(path)
        if head is not None:
            found.append((path, head))
        if len(found) == limit:
            break
    return found


def settle(session: RecordedSession, how: How) -> None:
    """Close the journal of a session that was cut off, so that it is not offered again. Raises JournalError.

    Half a line at its end goes; every whole one stays as it is.
    """
    try:
        with _taken(session.path) as descriptor:
            if descriptor is None:
                return
            os.ftruncate(descriptor, session.num_whole_bytes)
            os.lseek(descriptor, 0, os.SEEK_END)
            os.write(descriptor, ended_line(how))
            os.fsync(descriptor)
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(session.path.parent, error) from error


def _journals(folder: Path) -> list[Path]:
    """Files that may be journals, newest first; their names begin with their time."""
    try:
        return sorted(folder.glob(f"????-??-?? ??-??-??*{ENDING}"), reverse=True)
    except OSError as error:
        _log.warning("the session folder cannot be read: %s", error.strerror)
        return []


@contextmanager
def _taken(path: Path) -> Iterator[int | None]:
    """The file, held; None if a living program has it."""
    descriptor = os.open(path, _OPEN)
    try:
        yield descriptor if lock(descriptor) else None
    finally:
        os.close(descriptor)
