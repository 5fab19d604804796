"""The book of presets: those that ship with Ringside, as a person has changed them, and their own.

Knows how changes are kept as lines of settings. Knows no settings file and no window.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence

from app.presets.preset import BUILT_IN, DEFAULT_PRESET, Preset, PresetError

_log = logging.getLogger("ringside.app.presets")

_OWN = "own-"


class PresetBook:
    """All presets of a person."""

    def __init__(self, kept: Callable[[], Sequence[str]], keep: Callable[[tuple[str, ...]], None]) -> None:
        """`kept` gives what `keep` was last given: a line for each preset that was changed or made."""
        self._kept = kept
        self._keep = keep

    @property
    def presets(self) -> tuple[Preset, ...]:
        """Those that ship, in their order, and then a person's own."""
        changed = self._changed()
        own = [preset for key, preset in changed.items() if key.startswith(_OWN)]
        return (*(changed.get(preset.key, preset) for preset in BUILT_IN), *own)

    def find(self, key: str) -> Preset:
        """The preset with this key, or the usual one if there is none."""
        by_key = {preset.key: preset for preset in self.presets}
        return by_key.get(key, by_key[DEFAULT_PRESET])

    def save(self, preset: Preset) -> None:
        """Keep a changed preset, or a new one."""
        changed = self._changed()
        if preset in BUILT_IN:
            changed.pop(preset.key, None)
        else:
            changed[preset.key] = preset
        self._write(changed)

    def copy(self, preset: Preset, name: str) -> Preset:
        """A person's own preset that begins as another one; it is kept. Raises PresetError without a name."""
        taken = {known.key for known in self.presets}
        number = next(number for number in range(1, len(taken) + 2) if f"{_OWN}{number}" not in taken)
        own = dataclasses.replace(preset, key=f"{_OWN}{number}", name=name.strip())
        self.save(own)
        return own

    def is_changed(self, key: str) -> bool:
        """Whether a preset that ships is not as it shipped."""
        return not key.startswith(_OWN) and key in self._changed()

    def is_own(self, key: str) -> bool:
        """Whether a person made it."""
        return key.startswith(_OWN)

    def reset(self, key: str) -> None:
        """Make it as it shipped; a person's own one is deleted."""
        changed = self._changed()
        changed.pop(key, None)
        self._write(changed)

    def _changed(self) -> dict[str, Preset]:
        shipped = {preset.key for preset in BUILT_IN}
        found = {}
        for line in self._kept():
            try:
                preset = Preset.from_json(line)
            except PresetError as error:
                _log.warning("a preset is passed over: %s", error)
                continue
            if preset.key in shipped or preset.key.startswith(_OWN):
                found[preset.key] = preset
        return found

    def _write(self, changed: dict[str, Preset]) -> None:
        self._keep(tuple(preset.to_json() for preset in changed.values()))
