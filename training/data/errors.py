"""The errors of the data pipeline. Knows how to say what is wrong; knows nothing of who asks."""

from pathlib import Path

from training.errors import TrainingError


class DataError(TrainingError):
    """Root of every error that the data pipeline raises on purpose."""


class ManifestError(DataError):
    """A workspace's manifest can't be used."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")


class PublishedFormError(DataError):
    """A file, or a line of one, is not in the published form it should be in."""

    def __init__(self, path: Path, what: str, *, line: int | None = None) -> None:
        place = str(path) + ("" if line is None else f", line {line}")
        super().__init__(f"{place}: {what}")


class MissingExtraError(DataError):
    """A step needs a package that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"This needs {package}, which is not installed: pip install -c constraints.txt -e '.[{extra}]'"
        )


class UnusableError(DataError):
    """A video can't be used as it is: it is skipped, and looked at again only when it has changed."""


class UnavailableError(DataError):
    """Something did not work this time: it is tried again by the next run."""
