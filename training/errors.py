"""The errors of the training package. Knows how to say what is wrong; knows nothing of who asks."""

from pathlib import Path


class TrainingError(Exception):
    """Root of every error that training raises on purpose."""


class AnnotationError(TrainingError):
    """A line of an annotation file is not in the published form."""

    def __init__(self, what: str, *, path: Path | None = None, line: int | None = None) -> None:
        place = "" if path is None else f"{path}" + ("" if line is None else f", line {line}") + ": "
        super().__init__(f"{place}{what}")


class VideoError(TrainingError):
    """A video can't be read."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path} can't be used: {what}.")
        self.what = what


class RecipeError(TrainingError):
    """A recipe's settings don't fit together."""


class ModelFolderError(TrainingError):
    """A folder that should hold a model, or receive one, is not fit for it."""
