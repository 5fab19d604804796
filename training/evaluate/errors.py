"""The errors of the evaluation package. Knows how to say what is wrong; knows nothing of who asks."""

from collections.abc import Sequence
from pathlib import Path

from training.errors import TrainingError


class EvaluationError(TrainingError):
    """Root of every error that an evaluation raises on purpose."""


class DataFileError(EvaluationError):
    """A file of a benchmark, or of results, is not in its form."""

    def __init__(self, path: Path, what: str, *, line: int | None = None) -> None:
        place = f"{path}" + ("" if line is None else f", line {line}")
        super().__init__(f"{place}: {what}")


class OtherRunError(EvaluationError):
    """A folder holds results that were made with other settings."""

    def __init__(self, path: Path, differences: Sequence[str]) -> None:
        super().__init__(
            f"{path} was made with other settings ({'; '.join(differences)}). Results of different settings are not "
            "mixed: give another --out, or remove that folder."
        )


class UnfinishedError(EvaluationError):
    """Results are asked for that are not there yet."""

    def __init__(self, videos: Sequence[str]) -> None:
        shown = ", ".join(videos[:4]) + (f" and {len(videos) - 4} more" if len(videos) > 4 else "")
        super().__init__(
            f"{len(videos)} videos have no result yet: {shown}. Run the same command again; it goes on where it was."
        )


class ProcessesGoneError(EvaluationError):
    """Other processes of the run are gone, and what they had to do is not done."""

    def __init__(self, ranks: Sequence[int], world_size: int, silent_s: float, videos: Sequence[str]) -> None:
        shown = ", ".join(videos[:4]) + (f" and {len(videos) - 4} more" if len(videos) > 4 else "")
        super().__init__(
            f"Nothing has been heard for {silent_s:g} s of process {' and '.join(map(str, ranks))} (of {world_size}, "
            f"counted from 0), and there is no result yet for {shown}. Run the same command again; it goes on where it "
            "was."
        )


class JudgeRefusedError(EvaluationError):
    """A judge or an API model said no in a way that asking again does not change."""

    def __init__(self, url: str, status: int, message: str) -> None:
        super().__init__(
            f"{url} answered {status}: {message or 'nothing more'}. Check the address, the model's name and the key."
        )


class CourierError(EvaluationError):
    """The process that carries questions to an API came to an end."""

    def __init__(self, code: int | None) -> None:
        super().__init__(
            f"The process that talks to the API ended with code {code}. What it had been answered is kept: run the same "
            "command again."
        )
