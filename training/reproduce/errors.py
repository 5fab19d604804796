"""The errors of the reproduction. Knows how to say what is wrong; knows nothing of who asks."""

from collections.abc import Iterable
from pathlib import Path

from training.errors import TrainingError


class ReproductionError(TrainingError):
    """Root of every error that the reproduction raises on purpose."""


class UnknownRowError(ReproductionError):
    """A row or table is asked for that there is not."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no row or table {name!r}; there are {', '.join(known)}.")


class OtherModelError(ReproductionError):
    """A folder holds results of another model."""

    def __init__(self, folder: Path, found: str, asked: str) -> None:
        super().__init__(
            f"{folder} holds results of the model {found}, and this is {asked}. Results of different weights are not "
            "put into one table: give another --out, or remove that folder."
        )


class ResultFileError(ReproductionError):
    """A result file can't be read."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} is not a result of this reproduction ({what}). Remove it to have it made again."
        )


class NotTrainedError(ReproductionError):
    """A row needs a model that has not been trained yet."""

    def __init__(self, row: str, folder: Path) -> None:
        super().__init__(
            f"The row {row} needs {folder}, which is not there. `python -m training.reproduce train` makes it."
        )
