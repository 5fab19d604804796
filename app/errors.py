"""Errors of the application: one root class, and messages written for the person who reads them.

Knows: what can go wrong between a file, a screen and a person, and what the person can do about it. A message
is one sentence that says what is wrong; a hint, where there is one, says what to do.
Does not know: the engine's errors (the worker passes those on in words), or how an error is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar


class RingsideError(Exception):
    """Root of every error that the application raises on purpose."""

    bad_use: ClassVar[bool] = False
    """Whether the person asked for something that cannot be (exit code 2) or something failed (exit code 1)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def line(self) -> str:
        """Message and hint in one line."""
        return " ".join(
            part for part in (" ".join(self.message.split()), " ".join(self.hint.split())) if part
        )


class UsageError(RingsideError):
    """The command was given something that cannot work."""

    bad_use = True


class ResourceMissingError(RingsideError):
    """Something that ships with Ringside is not there."""

    def __init__(self, what: str, path: Path) -> None:
        super().__init__(
            f"{what} is not part of this installation ({path} is missing).",
            hint="Install Ringside again, or choose a model folder and a video of your own.",
        )
        self.path = path


class ModelNotFoundError(RingsideError):
    """A model's name is neither the demo model, nor a folder, nor a hub id."""

    bad_use = True

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no model {name!r}.",
            hint="Use 'demo', a folder with a Qwen2.5-VL checkpoint, or a hub id such as mit-han-lab/StreamingVLM.",
        )
        self.name = name


class SourceError(RingsideError):
    """Root of everything that can be wrong with what is watched."""

    def __init__(self, path: str | Path, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{path} {reason}.", hint=hint)
        self.path = path


class SourceNotFoundError(SourceError):
    """There is no such file."""

    bad_use = True

    def __init__(self, path: str | Path) -> None:
        hint = ""
        if "://" in str(path):
            hint = "To watch an address, use --source, or Address… in the window."
        super().__init__(path, "does not exist", hint=hint)


class SourceNotAFileError(SourceError):
    """A folder, or something else that is not a regular file."""

    bad_use = True

    def __init__(self, path: str | Path, what: str) -> None:
        super().__init__(path, f"is {what}, not a video file")


class SourceUnreadableError(SourceError):
    """The file is there, but this user or this machine cannot read it."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(path, f"cannot be read: {reason}")


class SourceEmptyError(SourceError):
    """The file holds no bytes."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "is empty (0 bytes)", hint="Copy or download it again.")


class NotAVideoError(SourceError):
    """The file is something else, or damaged so that nothing in it can be recognised."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(path, f"cannot be used: {reason}")


class NoPictureError(SourceError):
    """The file holds sound, subtitles or data, but no moving picture."""

    def __init__(self, path: str | Path, holds: Iterable[str]) -> None:
        kinds = sorted(set(holds))
        only = f" (only {' and '.join(kinds)})" if kinds else ""
        super().__init__(
            path, f"has no picture{only}", hint="Ringside comments on what it sees: choose a video."
        )


class SourceDamagedError(SourceError):
    """It is a video, but not one picture of it could be decoded."""

    def __init__(self, path: str | Path, detail: str) -> None:
        super().__init__(
            path,
            f"is a video, but no picture in it can be decoded ({detail})",
            hint="It is damaged or encrypted, or its format is unknown.",
        )


class StartBeyondEndError(SourceError):
    """The asked-for start lies after the last picture."""

    bad_use = True

    def __init__(self, path: str | Path, start_s: float, end_s: float) -> None:
        super().__init__(path, f"ends at {end_s:.1f} s, before the asked-for start at {start_s:.1f} s")


class CaptionEndingError(RingsideError):
    """The ending of a caption file names no format that Ringside writes."""

    bad_use = True

    def __init__(self, path: Path, endings: Iterable[str]) -> None:
        ending = f"The ending {path.suffix!r} of {path}" if path.suffix else f"{path} has no ending and so"
        super().__init__(f"{ending} names no caption format.", hint=f"Use one of {', '.join(endings)}.")
        self.path = path


class CaptionFileError(RingsideError):
    """A caption file cannot be written."""

    def __init__(self, path: Path, reason: str, *, kept: bool = False) -> None:
        super().__init__(
            f"{path} cannot be written: {reason}.",
            hint="What was said until then is in it." if kept else "Choose another place.",
        )
        self.path = path


class JournalError(RingsideError):
    """A session cannot be journalled just now."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            f"What is said cannot be kept in {folder}: {(error.strerror or str(error)).lower()}.",
            hint="It is kept in memory and written when the folder can be used again.",
        )
        self.folder = folder


class PortError(RingsideError):
    """The page for OBS cannot be served."""

    def __init__(self, port: int, error: OSError) -> None:
        super().__init__(
            f"The browser source cannot be served at port {port}: {(error.strerror or str(error)).lower()}.",
            hint="Choose another port under Settings, Stream.",
        )
        self.port = port


class NoDisplayError(RingsideError):
    """There is no screen on which a window could open."""

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(
            reason,
            hint=hint or "For commentary in this terminal use: ringside caption --demo --live",
        )


class EngineFailedError(RingsideError):
    """The engine could not load, start or go on; the message is its own."""
