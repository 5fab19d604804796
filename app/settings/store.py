"""Where settings are kept between two starts: one JSON file that a power cut cannot halve.

Knows how the file is read, written and set aside when damaged. Knows no Qt, no setting's meaning, and not where the file
lies: whoever opens the window says that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from app.errors import RingsideError
from app.settings.user import UserSettings

_log = logging.getLogger("ringside.app.settings")


class SettingsDamagedError(RingsideError):
    """The settings file could not be used and was set aside."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"Your settings could not be read ({reason}).",
            hint=f"Ringside starts with the usual ones. The old file is kept as {path}.",
        )
        self.path = path


class SettingsStore:
    """The settings of one person, and the file that keeps them."""

    def __init__(self, path: Path, *, is_kept: bool = True) -> None:
        """Without `is_kept` the file is neither read nor written: the usual settings, for as long as this lives."""
        self.path = path
        self.problem: RingsideError | None = None
        """What went wrong last, for a person; None while all is well."""
        self._is_kept = is_kept
        self._settings = self._load() if is_kept else UserSettings()
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
            if settings == self._kept or not self._is_kept:
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
