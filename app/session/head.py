"""What is known of a session when it begins: when, what was watched, and what it was said to be.

Knows how a head is written and named. Knows no phrases and no files.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any, Self

_MAX_NAME_CHARACTERS = 60
_NOT_IN_FILE_NAMES = '<>:"/\\|?*'


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionHead:
    """The first line of a journal."""

    name: str
    """What was watched, as a person knows it: "Demo match"."""
    began_at: str
    """When, in local time, as ISO 8601 with seconds and offset."""
    kind: str = ""
    """Kind of the source: "demo", "file", "screen" and so on."""
    path: str = ""
    """Where the source is, if that can be written."""
    title: str = ""
    """What stood under "What is this?"."""
    model: str = ""
    """Who commented."""

    @classmethod
    def now(cls, *, name: str, kind: str = "", path: str = "", title: str = "", model: str = "") -> Self:
        """The head of a session that begins at this moment."""
        began_at = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        return cls(name=name, began_at=began_at, kind=kind, path=path, title=title, model=model)

    @property
    def moment(self) -> datetime.datetime:
        """When it began."""
        return datetime.datetime.fromisoformat(self.began_at)

    @property
    def heading(self) -> str:
        """How it is called in a list: "Demo match, 17:29"."""
        return f"{self.name}, {self.moment:%H:%M}"

    @property
    def file_stem(self) -> str:
        """A name for its files that every file system takes and that sorts by time."""
        kept = "".join(" " if c in _NOT_IN_FILE_NAMES or not c.isprintable() else c for c in self.name)
        words = " ".join(kept.split())[:_MAX_NAME_CHARACTERS].strip(" .")
        return f"{self.moment:%Y-%m-%d %H-%M-%S} {words}".strip()

    def to_json(self) -> str:
        """One line."""
        return json.dumps({"ringside": 1, "session": dataclasses.asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str | bytes) -> Self | None:
        """What `to_json` wrote, or None if this is anything else. Fields of later versions are passed over."""
        try:
            values: Any = json.loads(line)
            session = values["session"]
            known = {field.name for field in dataclasses.fields(cls)}
            head = cls(**{name: str(value) for name, value in session.items() if name in known})
            # A moment that is none would otherwise only be found out where it is shown.
            datetime.datetime.fromisoformat(head.began_at)
            return head
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
