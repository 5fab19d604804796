"""Step 2: what is said in each video, word by word with times.

Knows three doors: faster-whisper, a folder of WhisperX JSON files, and a file of games in the published form. Knows
nothing of what is done with the words.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
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


class WhisperXFolder:
    """A folder of JSON files that WhisperX wrote, each with its video's name and the ending .json."""

    def __init__(self, folder: Path) -> None:
        """Raises DataError where there is no such folder."""
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder} with WhisperX files.")
        self._folder = folder

    def basis(self, row: Row) -> object | None:
        """Size and time of the file."""
        path = self._path(row)
        if path is None:
            return None
        state = path.stat()
        return ["whisperx", state.st_size, state.st_mtime_ns]

    def words(self, row: Row, video: Path) -> Transcript:
        """Read the file."""
        path = self._path(row)
        if path is None:
            raise UnusableError(f"there is no transcript {Path(row.key).stem}.json")
        try:
            return transcripts.from_whisperx(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise UnusableError(f"its transcript is not JSON ({error})") from error

    def _path(self, row: Row) -> Path | None:
        beside = (self._folder / row.key).with_suffix(".json")
        flat = self._folder / (Path(str(row.facts["path"])).stem + ".json")
        return next((path for path in (beside, flat) if path.is_file()), None)


class GamesFile:
    """Words of whole games in the published form: {"video", "content": [[start_s, end_s, word], ...]} a line."""

    def __init__(self, path: Path) -> None:
        """Raises PublishedFormError where it can't be read."""
        from training.data.published import read_games

        games, self.problems = read_games(path)
        self._games = {Path(str(game["video"])).stem: game for game in games}

    def basis(self, row: Row) -> object | None:
        """The words themselves."""
        game = self._game(row)
        return None if game is None else ["game", digest_of(game)]

    def words(self, row: Row, video: Path) -> Transcript:
        """Find the game with the video's file name."""
        game = self._game(row)
        if game is None:
            raise UnusableError("the games file has no words of it")
        return transcripts.from_whisperx(game)

    def _game(self, row: Row) -> dict[str, Any] | None:
        return self._games.get(Path(str(row.facts["path"])).stem)


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
