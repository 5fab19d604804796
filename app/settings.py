"""What Ringside remembers between two starts: theme, text size, source, model, window place.

Knows each setting's meaning and limits, and how they are kept in one JSON file that a power cut cannot halve.
Knows no Qt, and not where the file lies: whoever opens the window says that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

from app.errors import RingsideError
from app.theme.tokens import TEXT_SCALES_PERCENT, THEME_NAMES, ThemeName

_log = logging.getLogger("ringside.app.settings")

DEMO = "demo"
"""Names the demo match as a source, and the demo model as a model."""


class SettingsDamagedError(RingsideError):
    """The settings file could not be used and was set aside."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"Your settings could not be read ({reason}).",
            hint=f"Ringside starts with the usual ones. The old file is kept as {path}.",
        )
        self.path = path


@dataclasses.dataclass(frozen=True, kw_only=True)
class UserSettings:
    """Everything that is remembered. Raises ValueError if a value cannot be."""

    theme: ThemeName = "system"
    """Colours: light, dark, high-contrast, or as the desktop has it."""

    text_scale_percent: int = 100
    """Size of all text, one of 100, 125, 150, 175 and 200."""

    source: str = ""
    """What was watched last: "demo" or a video's path; "" before anything was chosen."""

    recent_file: str = ""
    """The video file that was watched last, also if the demo match came after it."""

    title: str = ""
    """What was last written under "What is this?" for that file; the demo match has its own."""

    model: str = DEMO
    """Which model comments: "demo" or a checkpoint's folder."""

    is_speech_on: bool = False
    """Whether commentary is spoken."""

    has_seen_warning: bool = False
    """Whether the person has been told that commentary may be wrong."""

    geometry: str = ""
    """Place and size of the window, as Qt packs them, in base 64; "" before the first close."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, default = getattr(self, field.name), field.default
            if type(value) is not type(default):
                raise ValueError(f"{field.name} is {value!r}")
        if self.theme not in THEME_NAMES:
            raise ValueError(f"theme is {self.theme!r}, not one of {', '.join(THEME_NAMES)}")
        if self.text_scale_percent not in TEXT_SCALES_PERCENT:
            raise ValueError(f"text_scale_percent is {self.text_scale_percent}")

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; settings of other versions are passed over. Raises ValueError."""
        values: Any = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it is not a JSON object")
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})

    def to_json(self) -> str:
        """One JSON object, a setting a line."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"


class SettingsStore:
    """The settings of one person, and the file that keeps them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: RingsideError | None = None
        """What went wrong last, for a person; None while all is well."""
        self._settings = self._load()
        self._kept = self._settings
        self._saving = threading.Lock()

    @property
    def settings(self) -> UserSettings:
        """As they are now."""
        return self._settings

    def change(self, **changes: Any) -> None:
        """Alter some settings; `save` keeps them. Raises ValueError if a value cannot be."""
        self._settings = dataclasses.replace(self._settings, **changes)

    def save(self) -> None:
        """Keep the settings if they changed since they were last kept; waits for the disk, from any thread.

        A file that cannot be written is a `problem`; the changes hold until the program ends.
        """
        with self._saving:
            settings = self._settings
            if settings == self._kept:
                return
            try:
                _write_whole(self.path, settings.to_json())
            except OSError as error:
                _log.warning("settings are not kept: %s", error)
                self.problem = RingsideError(
                    f"Your settings cannot be kept: {self.path} cannot be written ({error.strerror or error}).",
                    hint="Check the free space and the rights of that folder.",
                )
                return
            self._kept = settings

    def _load(self) -> UserSettings:
        try:
            return UserSettings.from_json(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return UserSettings()
        except (OSError, ValueError, TypeError) as error:
            aside = self.path.with_name(self.path.name + ".damaged")
            with contextlib.suppress(OSError):
                self.path.replace(aside)
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.problem = SettingsDamagedError(aside, reason)
            _log.warning("settings were set aside as %s: %s", aside, error)
            return UserSettings()


def _write_whole(path: Path, text: str) -> None:
    """Write all of a file or none of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
