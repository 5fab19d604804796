"""A preset: a persona that comments, made of a title's form, a query and how words are picked.

Knows what a preset holds, which values can work, and those that ship with Ringside. Knows no model and no file.
"""

from __future__ import annotations

import dataclasses
import json
import re
import string
from typing import Any, Self

from app.errors import RingsideError
from engine.errors import SettingsError
from engine.settings import SamplingSettings

FIELDS = ("title", "teams", "people")
"""What a title's form may name in braces."""

MAX_QUERY_CHARACTERS = 600
MAX_FORM_CHARACTERS = 600

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


class PresetError(RingsideError):
    """A preset holds something that cannot work."""

    bad_use = True

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(f"This preset cannot be used: {reason}.", hint=hint)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """A persona. Raises PresetError where a value cannot work."""

    key: str
    """Unique, never shown."""
    name: str
    """Two or three words."""
    sentence: str = ""
    """What it is for."""
    form: str = "[{title}.] [Teams: {teams}.] [People: {people}.]"
    """How the title is put together. A part in square brackets is left out if what it names is empty."""
    query: str = ""
    """What the model is asked to do; "" for what it was trained with."""
    temperature: float | None = None
    """How freely words are picked; None: as the model has it."""
    top_p: float | None = None
    repetition_penalty: float | None = None
    max_new_tokens: int | None = None
    """Most tokens in one second; None: as the model has it."""

    def __post_init__(self) -> None:
        if not self.key or not self.name.strip():
            raise PresetError("it has no name", hint="Give it one.")
        if len(self.query) > MAX_QUERY_CHARACTERS:
            raise PresetError(
                f"its query has {len(self.query)} characters", hint=f"Use at most {MAX_QUERY_CHARACTERS}."
            )
        if len(self.form) > MAX_FORM_CHARACTERS:
            raise PresetError(
                f"its title's form has {len(self.form)} characters",
                hint=f"Use at most {MAX_FORM_CHARACTERS}.",
            )
        self._check_form()
        try:
            self.sampling(SamplingSettings())
        except (SettingsError, TypeError) as error:
            raise PresetError(str(error).rstrip(".")) from error

    def sampling(self, usual: SamplingSettings) -> SamplingSettings:
        """`usual` with what this preset says about it."""
        return dataclasses.replace(usual, **self.own_sampling)

    @property
    def own_sampling(self) -> dict[str, Any]:
        """What this preset says about sampling, by the names of `SamplingSettings`."""
        names = ("temperature", "top_p", "repetition_penalty", "max_new_tokens")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def title(self, values: dict[str, str]) -> str:
        """The title in this preset's form; `values` has every name of FIELDS."""
        # A sentence that a person ended is not ended twice.
        clean = {name: " ".join(values[name].split()).rstrip(" .") for name in FIELDS}

        parts = []
        # Every other part stood in brackets. Each is filled once: braces that a person wrote stay text.
        for number, part in enumerate(_OPTIONAL.split(self.form)):
            names = [name for _, name, _, _ in string.Formatter().parse(part) if name]
            if number % 2 == 0 or all(clean[name] for name in names):
                parts.append(part.format(**clean))
        return " ".join("".join(parts).split())

    def to_json(self) -> str:
        """One line."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The reverse. Raises PresetError."""
        try:
            values: Any = json.loads(text)
            known = {field.name for field in dataclasses.fields(cls)}
            return cls(**{name: value for name, value in values.items() if name in known})
        except (ValueError, TypeError, AttributeError) as error:
            raise PresetError(f"it is damaged ({error})") from error

    def _check_form(self) -> None:
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(self.form) if name is not None]
        except ValueError as error:
            raise PresetError(f"its title's form is wrong ({error})", hint="Close every brace.") from error
        for name in names:
            if name not in FIELDS:
                raise PresetError(
                    f"its title's form names {{{name}}}",
                    hint=f"Use {', '.join(f'{{{known}}}' for known in FIELDS)}.",
                )


DEFAULT_PRESET = "sports"

BUILT_IN: tuple[Preset, ...] = (
    Preset(
        key="sports",
        name="Sports caster",
        sentence="Calls a match as it happens, with names and score.",
    ),
    Preset(
        key="esports",
        name="Esports caster",
        sentence="Calls a video game match: plays, fights, objectives.",
        form="[{title}.] [Teams: {teams}.] [Players: {people}.]",
        query=(
            "Commentate on this video game match like an esports caster: who does what, fights, objectives, and who "
            "is ahead. Use names that can be seen. Short, lively phrases."
        ),
        temperature=0.9,
    ),
    Preset(
        key="tutorial",
        name="Tutorial narrator",
        sentence="Explains a screen recording step by step.",
        form="A screen recording[ that shows {title}]. [It is about {people}.] [Programs: {teams}.]",
        query=(
            "Narrate this screen recording for someone who follows along: say what is opened, clicked and typed, and "
            "what it is for. Plain, complete sentences. Say nothing while nothing changes."
        ),
        temperature=0.6,
    ),
    Preset(
        key="describer",
        name="Audio describer",
        sentence="Says what can be seen, for someone who cannot see it.",
        form="Audio description[ of {title}]. [People in it: {people}.] [Groups: {teams}.]",
        query=(
            "Describe what happens for a person who cannot see the picture: who is there, where, what they do, what "
            "changes, and words that appear. Only what can be seen, no guesses and no opinions. Present tense."
        ),
        temperature=0.4,
    ),
    Preset(
        key="nature",
        name="Nature film",
        sentence="A calm voice over animals and landscapes.",
        form="A nature film[ about {title}]. [Animals: {people}.] [Places: {teams}.]",
        query=(
            "Narrate this like a nature film: calm and exact, in the present tense, what the animals do and why. "
            "Pause often."
        ),
        temperature=0.7,
    ),
)
