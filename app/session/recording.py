"""Reading journals, whatever state a crash, a full disk or a power cut left them in.

Knows which bytes of a journal can be trusted. Knows nothing of what is done with the phrases.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from app.captions.phrase import Phrase
from app.session.head import SessionHead


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedSession:
    """A session that was read back."""

    path: Path
    head: SessionHead
    phrases: tuple[Phrase, ...]
    how: str
    """How it ended; "" if it was cut off, or is still going on."""
    num_damaged: int
    """Lines that could not be understood; a last one that was cut off is not among them."""
    num_whole_bytes: int
    """Up to the end of the last line that is whole."""


def read_session(path: Path) -> RecordedSession | None:
    """A journal's session, or None if the file is something else. Raises OSError."""
    data = path.read_bytes()
    *lines, rest = data.split(b"\n")
    num_whole_bytes = len(data) - len(rest)
    head = SessionHead.from_json(lines[0]) if lines else None
    if head is None:
        return None
    phrases: list[Phrase] = []
    how, num_damaged = "", 0
    for line in lines[1:]:
        # After a power cut the system may have zeros where it had not yet written, and the next line right behind.
        entry = _parse(line.lstrip(b"\0"))
        if isinstance(entry, Phrase):
            phrases.append(entry)
        elif entry:
            how = entry
        elif line.strip():
            num_damaged += 1
    return RecordedSession(
        path=path,
        head=head,
        phrases=tuple(phrases),
        how=how,
        num_damaged=num_damaged,
        num_whole_bytes=num_whole_bytes,
    )


def read_head(path: Path) -> SessionHead | None:
    """The head alone, or None if the file is something else or cannot be read."""
    try:
        with path.open("rb") as file:
            return SessionHead.from_json(file.readline(1 << 16))
    except OSError:
        return None


def _parse(line: bytes) -> Phrase | str | None:
    """A phrase, how the session ended, or None for neither."""
    try:
        values: Any = json.loads(line)
        if "ended" in values:
            return str(values["ended"])
        return Phrase(float(values["start"]), float(values["end"]), str(values["text"]))
    except (ValueError, KeyError, TypeError):
        return None
