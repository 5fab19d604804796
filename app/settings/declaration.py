"""How a setting is declared: once, with its type, default, limits and the words that explain it.

Knows what a declaration holds and how values are checked against it. Knows no setting, and no widget: the settings page
is made from what stands here.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any, Literal

Page = Literal["watch", "say", "show", "speak", "stream", "models", "keys", "memory"]
"""A page for each question that a person has; "memory" is what is remembered and shown on none."""

PAGES: tuple[Page, ...] = ("watch", "say", "show", "speak", "stream", "models", "keys")
"""Those that are shown, in order."""

Kind = Literal["", "colour", "font", "folder", "secret"]
"""What a text means: "" for any text, "#RRGGBB" or "" for the theme's colour, a font's name or "" for the desktop's, a
folder or "" for the usual one, or something that is shown only when asked for."""

_COLOUR = re.compile(r"(#[0-9A-Fa-f]{6})?")
_KEY = "ringside"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declared:
    """A setting and all that is said about it."""

    name: str
    """Its field in `UserSettings`, and its name in the file."""
    default: Any
    """A bool, int, float, str, or tuple of str; a value has the same type."""
    page: Page
    label: str
    """Two or three words, as the page shows them."""
    description: str
    """One sentence for hovering, screen readers and the search."""
    choices: tuple[tuple[Any, str], ...]
    """Values and what they are called; () where any value of the type will do."""
    minimum: float
    maximum: float
    unit: str
    """Said after a number: "px", "s", "%"."""
    kind: Kind = ""
    """Of a text."""

    def check(self, value: Any) -> None:
        """Raises ValueError if the setting cannot be `value`."""
        if type(value) is not type(self.default):
            raise ValueError(f"{self.name} is {value!r}")
        if self.choices and value not in [choice for choice, _ in self.choices]:
            known = ", ".join(str(choice) for choice, _ in self.choices)
            raise ValueError(f"{self.name} is {value!r}, not one of {known}")
        # "not (a <= b)" rather than "a > b": nothing is below or above what is not a number.
        if type(value) in (int, float) and not self.minimum <= value <= self.maximum:
            raise ValueError(f"{self.name} is {value}, not {self.minimum:g} to {self.maximum:g}")
        if self.kind == "colour" and not _COLOUR.fullmatch(value):
            raise ValueError(f"{self.name} is {value!r}, not a colour such as #FFD400")
        if isinstance(value, tuple) and not all(isinstance(item, str) for item in value):
            raise ValueError(f"{self.name} is {value!r}")


def setting(
    default: Any,
    *,
    page: Page,
    label: str = "",
    description: str,
    choices: Sequence[tuple[Any, str]] = (),
    minimum: float = -math.inf,
    maximum: float = math.inf,
    unit: str = "",
    kind: Kind = "",
) -> Any:
    """A field of a section of settings (see `Declared`)."""
    return dataclasses.field(
        default=default,
        metadata={
            _KEY: {
                "page": page,
                "label": label,
                "description": description,
                "choices": tuple(choices),
                "minimum": minimum,
                "maximum": maximum,
                "unit": unit,
                "kind": kind,
            }
        },
    )


def declared(settings: Any) -> tuple[Declared, ...]:
    """All declarations of a section or of the whole, in order."""
    return tuple(
        Declared(name=field.name, default=field.default, **field.metadata[_KEY])
        for field in dataclasses.fields(settings)
    )


def check(settings: Any) -> None:
    """Raises ValueError at the first value that its declaration does not allow."""
    for entry in declared(settings):
        entry.check(getattr(settings, entry.name))


def from_json_value(entry: Declared, value: Any) -> Any:
    """The value with the declared type, where JSON knows one type fewer: lists are tuples, whole numbers may be floats."""
    if isinstance(entry.default, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(entry.default, float) and type(value) is int:
        return float(value)
    return value
