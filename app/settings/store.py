"""Where settings are kept between two starts: one JSON file that a power cut cannot halve.

Knows how the file is read, written, and set aside or copied when something in it is wrong. Knows no Qt, no setting's
meaning, and not where the file lies: whoever opens the window says that.
"""

from __future__ import annotations

import dataclasses
import datetime
import glob
import logging
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.errors import RingsideError
from app.settings.user import UserSettings, WrongValue

_log = logging.getLogger("ringside.app.settings")


_MAX_REASON = 200
_MAX_COPIES = 5
_MAX_LABELS = 8


class SettingsError(RingsideError):
    """Something about the settings that a person has to be told."""

    details: str = ""
    """For a bug report."""


class SettingsDamagedError(SettingsError):
    """The settings file, or some of what stands in it, could not be used."""

    def __init__(self, path: Path, copy: Path | None, reason: str, wrong: Sequence[WrongValue] = ()) -> None:
        """`copy` is where the old file is kept, None if it could not be."""
        if wrong:
            labels = [value.label for value in wrong[:_MAX_LABELS]]
            more = [f"{len(wrong) - _MAX_LABELS} more"] if len(wrong) > _MAX_LABELS else []
            message = f"Some of your settings could not be used and are the usual ones again: {', '.join(labels + more)}."
            hint = "All others are as they were."
        else:
            message = f"Your settings could not be read ({reason[:_MAX_REASON]})."
            hint = "Ringside starts with the usual ones."
        kept = f"The old file is kept as {copy}." if copy is not None else "The old file could not be kept."
        super().__init__(message, hint=f"{hint} {kept}")
        self.details = "\n".join([str(path), *(value.reason[:_MAX_REASON] for value in wrong)])


class SettingsNotKeptError(SettingsError):
    """The settings file cannot be written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"Your settings cannot be kept: {path} cannot be written ({(error.strerror or str(error)).lower()}).",
            hint="They hold until Ringside ends. Check the free space and the rights of that folder, then try again.",
        )


class SettingsStore:
    """The settings of one person, and the file that keeps them."""

    def __init__(self, path: Path, *, is_kept: bool = True) -> None:
        """Without `is_kept` the file is neither read nor written: the usual settings, for as long as this lives."""
        self.path = path
        self._is_kept = is_kept
        loaded = _load(path) if is_kept else (UserSettings(), None)
        self._settings = loaded[0]
        self.problem: SettingsError | None = loaded[1]
        """What was wrong with the file at the start, for a person; None if all was well."""
        # A file in which something was wrong is written anew also if nothing changes.
        self._kept = loaded[0] if loaded[1] is None else None
        self._saving = threading.Lock()

    @property
    def settings(self) -> UserSettings:
        """As they are now."""
        return self._settings

    def change(self, **changes: Any) -> None:
        """Alter some settings; `save` keeps them. Raises ValueError if a value cannot be."""
        self._settings = dataclasses.replace(self._settings, **changes)

    def save(self) -> SettingsError | None:
        """Keep the settings if they changed since they were last kept; waits for the disk, from any thread.

        Returns what is wrong if the file cannot be written; the changes hold until the program ends.
        """
        with self._saving:
            settings = self._settings
            if settings == self._kept or not self._is_kept:
                return None
            try:
                _write_whole(self.path, settings.to_json())
            except OSError as error:
                _log.warning("settings are not kept: %s", error)
                return SettingsNotKeptError(self.path, error)
            self._kept = settings
            return None


def _load(path: Path) -> tuple[UserSettings, SettingsError | None]:
    """What the file holds as far as it can be used, and what was wrong with it."""
    try:
        data = path.read_bytes()
        settings, wrong = UserSettings.read(data.decode("utf-8"))
    except FileNotFoundError:
        return UserSettings(), None
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        _log.warning("settings cannot be read: %s", reason)
        return UserSettings(), SettingsDamagedError(path, _set_aside(path), reason)
    if not wrong:
        return settings, None
    _log.warning("settings that cannot be used: %s", ", ".join(value.label for value in wrong))
    return settings, SettingsDamagedError(path, _copy_aside(path, data), "", wrong)


def _copies(path: Path) -> list[Path]:
    """Damaged files of earlier starts, the oldest first."""
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.damaged*"))


def _place_aside(path: Path) -> Path:
    """Where a damaged file goes, named by the moment; of those before only the latest stay. Raises OSError."""
    for old in _copies(path)[: 1 - _MAX_COPIES]:
        old.unlink(missing_ok=True)
    # With so many digits two are never the same, and names are in the order of time.
    return path.with_name(f"{path.name}.damaged-{datetime.datetime.now():%Y%m%d-%H%M%S-%f}")


def _set_aside(path: Path) -> Path | None:
    """Rename a damaged file; None if that cannot be."""
    try:
        return path.replace(_place_aside(path))
    except OSError as error:
        _log.warning("damaged settings cannot be set aside: %s", error)
        return None


def _copy_aside(path: Path, data: bytes) -> Path | None:
    """Write a copy of what a file holds, unless the latest copy is the same; None if that cannot be."""
    try:
        latest = _copies(path)[-1:]
        if latest and latest[0].read_bytes() == data:
            return latest[0]
        aside = _place_aside(path)
        # As the file itself: passwords stand in it.
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        _log.warning("damaged settings cannot be copied: %s", error)
        return None
    return aside


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
