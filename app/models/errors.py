"""What can go wrong with models on their way here, in words."""

from __future__ import annotations

from pathlib import Path

from app.errors import RingsideError


class ModelsError(RingsideError):
    """Root of everything that can be wrong with downloading, finding and deleting models."""


class DownloadFailedError(ModelsError):
    """A download has ended without its model."""

    def __init__(self, message: str, hint: str, kind: str) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind


class ModelNotHereError(ModelsError):
    """A hub model was chosen that has not been downloaded."""

    def __init__(self, repo: str) -> None:
        super().__init__(
            f"{repo} is not on this computer.", hint="Download it on the page Models, or use another model."
        )
        self.repo = repo


class DeleteFailedError(ModelsError):
    """A model's folder could not be deleted."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder} cannot be deleted: {reason}.", hint="Close what uses it, and try again.")
