"""All settings of one person, as one flat and frozen whole, and how they are written.

Knows which sections there are, the version of the file, and how older versions are brought up to date. Knows no file.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, Self

from app.settings.declaration import check, declared, from_json_value
from app.settings.keys import KeySettings
from app.settings.memory import Memory
from app.settings.models import ModelSettings
from app.settings.say import SaySettings
from app.settings.show import ShowSettings
from app.settings.speak import SpeakSettings
from app.settings.stream import StreamSettings
from app.settings.watch import WatchSettings

VERSION = 2

_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    # Version 1 wrote no version, and the same names.
    1: lambda values: values,
}
"""From each version to the next: values of that version in, values of the following one out."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class UserSettings(
    Memory,
    KeySettings,
    ModelSettings,
    StreamSettings,
    SpeakSettings,
    ShowSettings,
    SaySettings,
    WatchSettings,
):
    """Everything that is remembered; `declared(UserSettings)` tells what each is. Raises ValueError on a wrong value."""

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what any version's `to_json` wrote; names that are not known are passed over. Raises ValueError."""
        values: Any = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it is not a JSON object")
        version = values.pop("version", 1)
        if type(version) is not int or version < 1:
            raise ValueError(f"its version is {version!r}")
        # A newer program may have written the file: what is still known is taken as it is.
        for step in range(version, VERSION):
            values = _MIGRATIONS[step](values)
        entries = {entry.name: entry for entry in declared(cls)}
        return cls(
            **{
                name: from_json_value(entries[name], value)
                for name, value in values.items()
                if name in entries
            }
        )

    def to_json(self) -> str:
        """One JSON object, a setting a line."""
        values = {"version": VERSION, **dataclasses.asdict(self)}
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
