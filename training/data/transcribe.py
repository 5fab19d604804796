"""Step 2: what is said in each video, word by word with times.

Knows three doors: faster-whisper, a folder of WhisperX JSON files, and a file of games in the published form. Knows
nothing of what is done with the words.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from training.data import transcripts
from training.data.errors import DataError, MissingExtraError, UnusableError
from training.data.manifest import Manifest, Row, digest_of
from training.data.steps import StepReport, Task, in_thread, run_step
from training.data.transcripts import Transcript

STEP = "transcribe"


class Transcriber(Protocol):
    """Whoever knows what is said in a video."""

    def basis(self, row: Row) -> object | None:
        """What the words of this video rest on, as plain values; None where it has none for it."""
        ...

    def words(self, row: Row, video: Path) -> Transcript:
        """What is said. Raises UnusableError, UnavailableError, OSError."""
        ...


def transcribe(manifest: Manifest, transcriber: Transcriber, *, num_parallel: int) -> StepReport:
    """Transcribe every indexed video. A video without sound or without words is skipped with that as its reason."""
    tasks = [_task(manifest, row, transcriber) for row in manifest.done("index").values()]
    return asyncio.run(run_step(manifest, STEP, tasks, num_parallel=num_parallel))


def _task(manifest: Manifest, row: Row, transcriber: Transcriber) -> Task:
    digest = digest_of(STEP, row.digest, transcriber.basis(row))
    path = manifest.result("transcripts", row.key)

    def work() -> Mapping[str, Any]:
        found = transcripts.within(
            transcriber.words(row, manifest.video(row.key)), float(row.facts["duration_s"])
        )
        if not found.segments:
            raise UnusableError("nothing is said in it")
        facts = found.facts()
        transcripts.write(
            path,
            found,
            video=str(row.facts["path"]),
            title=str(row.facts["title"]),
            digest=digest,
            facts=facts,
        )
        return facts

    return Task(key=row.key, digest=digest, do=in_thread(work), after={"index": row.digest}, result=path)


def _bare(name: str) -> str:
    """A video's name in its folder, without its ending."""
    return PurePosixPath(name).with_suffix("").as_posix() if PurePosixPath(name).name else name


class _Names:
    """Which videos go by the same name: words that are found by it could be of either."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self._whole = Counter(_bare(row.key) for row in rows)
        self._stems: dict[str, list[str]] = {}
        for row in rows:
            self._stems.setdefault(self.stem(row), []).append(row.key)

    @staticmethod
    def stem(row: Row) -> str:
        """The name of the video's file, without its ending."""
        return PurePosixPath(str(row.facts["path"])).stem

    def is_alone(self, row: Row) -> bool:
        """Whether no other video of its folder has its name."""
        return self._whole[_bare(row.key)] == 1

    def others(self, row: Row) -> list[str]:
        """The videos of other folders, or with another ending, that have its file's name."""
        return [key for key in self._stems.get(self.stem(row), ()) if key != row.key]


class WhisperXFolder:
    """A folder of JSON files that WhisperX wrote, each with its video's name and the ending .json."""

    def __init__(self, folder: Path, rows: Iterable[Row]) -> None:
        """`rows`: the indexed videos, among which a name must mean one. Raises DataError where there is no such folder."""
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder} with WhisperX files.")
        self._folder = folder
        self._names = _Names(rows)

    def basis(self, row: Row) -> object | None:
        """Size and time of the file."""
        path, others = self._find(row)
        if path is None:
            return None
        state = path.stat()
        return ["whisperx", state.st_size, state.st_mtime_ns, *others]

    def words(self, row: Row, video: Path) -> Transcript:
        """Read the file."""
        path, others = self._find(row)
        if path is None:
            raise UnusableError(f"there is no transcript {PurePosixPath(row.key).stem}.json")
        if others:
            raise UnusableError(
                f"{path.name} could be its transcript or that of {', '.join(others)}: put each in a folder like its "
                "video's, under a name of its own"
            )
        try:
            return transcripts.from_whisperx(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise UnusableError(f"its transcript is not JSON ({error})") from error

    def _find(self, row: Row) -> tuple[Path | None, list[str]]:
        """The file, and the other videos that it could be of."""
        beside = self._folder / f"{_bare(row.key)}.json"
        if beside.is_file():
            return beside, [] if self._names.is_alone(row) else self._names.others(row)
        flat = self._folder / f"{self._names.stem(row)}.json"
        return (flat, self._names.others(row)) if flat.is_file() else (None, [])


class GamesFile:
    """Words of whole games in the published form: {"video", "content": [[start_s, end_s, word], ...]} a line."""

    def __init__(self, path: Path, rows: Iterable[Row]) -> None:
        """`rows`: the indexed videos, among which a name must mean one. Raises PublishedFormError."""
        from training.data.published import read_games

        games, self.problems = read_games(path)
        self._names = _Names(rows)
        self._whole: dict[str, list[dict[str, Any]]] = {}
        self._stems: dict[str, list[dict[str, Any]]] = {}
        for game in games:
            name = _bare(str(game["video"]))
            self._whole.setdefault(name, []).append(game)
            self._stems.setdefault(PurePosixPath(name).name, []).append(game)

    def basis(self, row: Row) -> object | None:
        """The words themselves."""
        games, others = self._find(row)
        return ["game", *(digest_of(game) for game in games), *others] if games else None

    def words(self, row: Row, video: Path) -> Transcript:
        """Find the game with the video's name in its folder, else with its file's name."""
        games, others = self._find(row)
        if not games:
            raise UnusableError("the games file has no words of it")
        if len(games) > 1:
            raise UnusableError(f"the games file has {len(games)} games of its name")
        if others:
            raise UnusableError(
                f"the game {games[0]['video']} could be it or {', '.join(others)}: give the game its video's folder"
            )
        return transcripts.from_whisperx(games[0])

    def _find(self, row: Row) -> tuple[list[dict[str, Any]], list[str]]:
        """The games that it could be, and the other videos that they could be of."""
        whole = self._whole.get(_bare(row.key), [])
        if whole:
            return whole, [] if self._names.is_alone(row) else self._names.others(row)
        return self._stems.get(self._names.stem(row), []), self._names.others(row)


class FasterWhisper:
    """faster-whisper (an extra) with word times, one model for all threads."""

    def __init__(
        self, model: str, *, device: str, compute_type: str, language: str | None, num_workers: int
    ) -> None:
        """Load the model: a name that it downloads, or a folder. Raises MissingExtraError, DataError."""
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise MissingExtraError("faster-whisper", "transcribe") from error
        self._name = model
        self._language = language
        try:
            self._model: Any = WhisperModel(
                model, device=device, compute_type=compute_type, num_workers=num_workers
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise DataError(
                f"The speech model {model} can't be loaded ({error}). Name a folder that holds one."
            ) from error

    def basis(self, row: Row) -> object | None:
        """The model's name and the language."""
        return ["faster-whisper", self._name, self._language]

    def words(self, row: Row, video: Path) -> Transcript:
        """Recognise the speech of a video's sound."""
        if not row.facts["has_audio"]:
            raise UnusableError("it has no sound")
        segments, info = self._model.transcribe(
            str(video), word_timestamps=True, vad_filter=True, language=self._language
        )
        found = [[(word.start, word.end, word.word) for word in segment.words or ()] for segment in segments]
        if not any(found):
            raise UnusableError("no speech was recognised in it")
        return transcripts.from_segments(found, language=str(info.language))
