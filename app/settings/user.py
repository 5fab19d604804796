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
class WrongValue:
    """A value in a file that a setting cannot have."""

    label: str
    """The setting, as a person knows it."""
    reason: str
    """What stood there and what could."""


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
        """What `read` finds, for those who need not know what was wrong. Raises ValueError if it is no JSON object."""
        return cls.read(text)[0]

    @classmethod
    def read(cls, text: str) -> tuple[Self, tuple[WrongValue, ...]]:
        """Read what any version's `to_json` wrote, and tell which values could not be used: those are the usual ones.

        Names that are not known are passed over. Raises ValueError if it is no JSON object.
        """
        values: Any = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it is not a JSON object")
        wrong: list[WrongValue] = []
        version = values.pop("version", 1)
        if type(version) is not int or version < 1:
            wrong.append(WrongValue(label="the version of the file", reason=f"its version is {version!r}"))
            version = VERSION
        # A newer program may have written the file: what is still known is taken as it is.
        for step in range(version, VERSION):
            values = _MIGRATIONS[step](values)
        good: dict[str, Any] = {}
        for entry in declared(cls):
            if entry.name not in values:
                continue
            value = values[entry.name]
            try:
                value = from_json_value(entry, value)
                entry.check(value)
            except (ValueError, OverflowError) as error:
                reason = f"{entry.name} cannot be that" if entry.kind == "secret" else str(error)
                wrong.append(WrongValue(label=entry.label or entry.name.replace("_", " "), reason=reason))
                if isinstance(value, tuple):
                    good[entry.name] = tuple(item for item in value if isinstance(item, str))
            else:
                good[entry.name] = value
        return cls(**good), tuple(wrong)

    def to_json(self) -> str:
        """One JSON object, a setting a line."""
        values = {"version": VERSION, **dataclasses.asdict(self)}
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
