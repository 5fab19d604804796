"""What the doctor finds: one line on one thing that this machine can do, or what it lacks.

Knows the record and its JSON form. Does not know how anything is found out or shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked for."""

    name: str
    """What, in a word or two."""

    ok: bool
    """Whether it is there and works."""

    value: str
    """What was found, or what is missing."""

    remedy: str = ""
    """What to do, where something is missing."""

    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """The same for programs: numbers in units named by their keys."""

    def as_json(self) -> dict[str, Any]:
        """As a JSON object; ``state`` is "ok" or "missing"."""
        return {
            "name": self.name,
            "state": "ok" if self.ok else "missing",
            "value": self.value,
            "remedy": self.remedy,
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The reverse of ``as_json``. Raises KeyError."""
        return cls(
            name=values["name"],
            ok=values["state"] == "ok",
            value=values["value"],
            remedy=values["remedy"],
            facts=values["facts"],
        )
