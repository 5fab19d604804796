"""Commentary on whole videos through the engine: endless, or in pieces that each begin anew.

Knows segments, what stands in "previous text" when one begins, how a stream that was killed goes on, what becomes of a
video that ends early, and what is measured on the way. Knows nothing of judges and scores.
"""

import dataclasses
import hashlib
import json
import logging
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine import FrameChunk, StreamSettings
from training.errors import VideoError
from training.evaluate.bookmark import Bookmark
from training.evaluate.errors import EvaluationError
from training.evaluate.metadata import Game, words_before
from training.evaluate.provenance import made_with
from training.evaluate.results import Phrase, VideoResult, merge
from training.evaluate.video import ahead, chunks, length_s
from training.evaluate.work import Row, VideoWork, bookmark_path

if TYPE_CHECKING:
    from engine import LoadedModel, StreamingSession

logger = logging.getLogger("ringside.training.evaluate")

Mode = Literal["endless", "chunks"]
_MEMORY_EVERY_STEPS = 30
_STATM = Path("/proc/self/statm")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How videos are commented on; all of it is recorded with the result."""

    stream: StreamSettings
    """Windows, frame rate, resolution and sampling; its title is left empty, the games bring theirs."""
    mode: Mode = "endless"
    """"endless": one stream from start to end. "chunks": a new stream every `segment_s`."""
    segment_s: float = 100.0
    """Length of a piece in the mode "chunks"."""
    start_s: float = 1000.0
    """Where commentary begins (published: 1000 s, past the build-up to the game)."""
    seed: int = 0
    """With the video's name and a segment's start it makes the segment's own seed: order and shards change nothing."""

    def __post_init__(self) -> None:
        if self.mode not in ("endless", "chunks"):
            raise EvaluationError(f'The mode is "endless" or "chunks", not {self.mode!r}.')
        chunk_s = self.stream.window.chunk_s
        if self.segment_s < chunk_s or self.start_s < 0:
            raise EvaluationError(
                f"segment_s ({self.segment_s}) must be at least one chunk ({chunk_s} s) and start_s ({self.start_s}) "
                "not negative."
            )

    def record(self, model: str, weights: str = "") -> dict[str, Any]:
        """Everything that decides what is said, as plain values; `weights` is their fingerprint."""
        return {"model": model, "weights": weights, **dataclasses.asdict(self)}


def segments(settings: RunSettings, end_s: float) -> list[tuple[float, float]]:
    """The stretches that are each one stream: (start_s, end_s)."""
    start_s = settings.start_s
    if end_s - start_s < settings.stream.window.chunk_s:
        return []
    if settings.mode == "endless":
        return [(start_s, end_s)]
    found: list[tuple[float, float]] = []
    while end_s - start_s >= settings.stream.window.chunk_s:
        found.append((start_s, min(start_s + settings.segment_s, end_s)))
        start_s += settings.segment_s
    return found


def previous_text(game: Game, time_s: float, settings: StreamSettings) -> str:
    """What "previous text" holds when a stream begins: the title and the reference words until then.

    Of a long commentary the first `text_sink` and the last `text_window` words are kept, about what eviction would
    leave of it after the first step.
    """
    words = " ".join([game.title, *words_before(game.words, time_s)]).split()
    sink, window = settings.window.text_sink, settings.window.text_window
    if len(words) > sink + window:
        words = words[:sink] + words[len(words) - window :]
    return " ".join(words)


def works(
    games: Sequence[Game],
    videos: Path,
    load: Callable[[], "LoadedModel"],
    settings: RunSettings,
    *,
    folder: Path | None = None,
    record: Mapping[str, Any] | None = None,
) -> list[VideoWork]:
    """The work on every game: a row for each segment. `load` is called once there is something to do.

    Args:
        games: the games.
        videos: where their videos are.
        load: gives the model.
        settings: how they are commented on.
        folder: the run's folder, where it is kept how far a segment has come; None: a segment that was killed begins
            anew.
        record: what has to be the same for a segment to go on.
    """
    return [_work(game, videos / game.video, load, settings, folder, record or {}) for game in games]


def result_of(game: Game, rows: Sequence[Row]) -> VideoResult:
    """A game's rows in the published result form, up to the first segment that its video did not last for."""
    ended = next((at for at, row in enumerate(rows) if row["lacking"]), len(rows) - 1)
    pieces = [
        VideoResult(
            video=game.name,
            start_s=float(row["start"]),
            end_s=float(row["end"]),
            phrases=tuple(
                Phrase(start_s=float(start), end_s=float(end), text=str(text))
                for start, end, text in row["said"]
            ),
        )
        for row in rows[: ended + 1]
    ]
    return merge(game.name, pieces)


def shortened(games: Sequence[Game], rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """A sentence on every game of which a part could not be commented on: how much, and why."""
    found: list[str] = []
    for game in games:
        lacking = next((row for row in rows.get(game.name, ()) if row["lacking"]), None)
        if lacking is not None:
            end_s = float(rows[game.name][-1]["until"])
            found.append(
                f"{game.name} is commented on until {lacking['end']:g} s only, {end_s - lacking['end']:g} s less than "
                f"its words last: {lacking['lacking']}."
            )
    return found


def _work(
    game: Game,
    path: Path,
    load: Callable[[], "LoadedModel"],
    settings: RunSettings,
    folder: Path | None,
    record: Mapping[str, Any],
) -> VideoWork:
    spans = {f"{start:g}-{end:g}": (start, end) for start, end in segments(settings, game.end_s)}

    def do(keys: Sequence[str]) -> Iterator[Row]:
        if not spans:
            raise VideoError(path, f"its words end at {game.end_s} s, before {settings.start_s:g} s")
        seconds = length_s(path)
        file = _identity(path)
        for key in keys:
            segment = _Segment(game, path, load(), settings, spans[key])
            bookmark = None
            if folder is not None:
                stream = {"run": json.dumps(record), "segment": key, "title": segment.title}
                bookmark = Bookmark(bookmark_path(folder, game.name), stream)
            yield {"key": key, **segment.comment(seconds, bookmark), "file": file}

    def is_outdated(row: Row) -> bool:
        """Whether a video that ended early has been put right since."""
        return bool(row["lacking"]) and path.exists() and row["file"] != _identity(path)

    # A video in which there is nothing to comment on still has one piece to do, which fails and is named.
    return VideoWork(
        video=game.name,
        keys=list(spans) or ["nothing"],
        cost=max(0.0, game.end_s - settings.start_s),
        do=do,
        is_outdated=is_outdated,
    )


def _identity(path: Path) -> list[int]:
    """What changes when a file is replaced: its size, and when it was written."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


@dataclass
class _Told:
    """What was said on a segment so far, and what was measured."""

    said: list[list[Any]] = field(default_factory=list)
    step_ms: list[float] = field(default_factory=list)
    wait_ms: list[float] = field(default_factory=list)
    num_tokens: list[int] = field(default_factory=list)
    memory_mb: list[list[float]] = field(default_factory=list)
    """Every so many steps the second, what the process holds, and the GPU's peak since the time before (0: no GPU)."""
    wall_s: float = 0.0


class _Segment:
    """One stream over a stretch of a game."""

    def __init__(
        self,
        game: Game,
        path: Path,
        model: "LoadedModel",
        settings: RunSettings,
        span_s: tuple[float, float],
    ) -> None:
        self._path, self._model = path, model
        self._start_s, self._end_s = span_s
        self._is_first = self._start_s == settings.start_s
        self.title = previous_text(game, self._start_s, settings.stream)
        seed = segment_seed(settings.seed, game.name, self._start_s)
        sampling = dataclasses.replace(settings.stream.sampling, seed=seed)
        self._stream = dataclasses.replace(settings.stream, title=self.title, sampling=sampling)
        self._told = _Told()

    def comment(self, video_s: float, bookmark: Bookmark | None) -> Row:
        """Comment on it, from where `bookmark` has it. Returns what was said, and what was measured.

        A video that ends early, or can't be read from somewhere on, costs what is missing of it: "lacking" says why.
        """
        from engine import StreamingSession

        session = StreamingSession(self._model, self._stream)
        lacking = ""
        try:
            if bookmark is None or not self._go_on(session, bookmark, video_s):
                self._run(session, bookmark, video_s)
        except VideoError as error:
            lacking = error.what
        finally:
            session.close()
        told = self._told
        end_s = told.said[-1][1] if told.said else self._start_s
        if not lacking and self._end_s - end_s >= self._stream.window.chunk_s:
            lacking = f"its pictures end at {video_s:.1f} s"
        if lacking and not told.said and self._is_first:
            raise VideoError(self._path, lacking)
        return {
            "start": self._start_s,
            "end": end_s,
            "until": self._end_s,
            "lacking": lacking,
            **dataclasses.asdict(told),
            "made_with": made_with(self._model),
        }

    def _go_on(self, session: "StreamingSession", bookmark: Bookmark, video_s: float) -> bool:
        """Go on where the bookmark is. False if there is none for this video on such a machine."""
        kept = bookmark.read()
        if kept is None or kept["made_with"] != made_with(self._model):
            return False
        self._told = _Told(**kept["told"])
        session.restore(kept["session"])
        if self._run(session, bookmark, video_s, last_seen=kept["last_seen"]):
            return True
        logger.info("%s does not show what it did: it begins anew", self._path.name)
        self._told = _Told()
        session.reset()
        return False

    def _run(
        self, session: "StreamingSession", bookmark: Bookmark | None, video_s: float, *, last_seen: str = ""
    ) -> bool:
        """Comment on what has not been commented on yet.

        `last_seen`: what the chunk before it has to look like; False, and nothing is done, if it doesn't.
        """
        told, end_s = self._told, min(self._end_s, video_s)
        first = len(told.said) - 1 if last_seen else 0
        shown = ahead(
            chunks(self._path, start_s=self._start_s, end_s=end_s, window=self._stream.window, first=first)
        )
        started = time.perf_counter() - told.wall_s
        _gpu_peak_mb(self._model)  # what was before belongs to others
        try:
            if last_seen:
                if not _begins_with(shown, last_seen):
                    return False
                logger.info("%s goes on at %g s", self._path.name, told.said[-1][1])
            asked = time.perf_counter()
            for chunk in shown:
                told.wait_ms.append(round(1000 * (time.perf_counter() - asked), 2))
                result = session.step(chunk).result
                told.said.append([result.start_s, result.end_s, result.text])
                told.step_ms.append(round(result.timings.total_ms, 2))
                told.num_tokens.append(len(result.token_ids))
                if len(told.said) % _MEMORY_EVERY_STEPS == 1:
                    self._look_at_memory()
                told.wall_s = round(time.perf_counter() - started, 2)
                if bookmark is not None:
                    bookmark.offer(partial(self._state, session, chunk))
                asked = time.perf_counter()
            if told.said and told.memory_mb[-1][0] != told.said[-1][0]:
                self._look_at_memory()
        finally:
            shown.close()
        return True

    def _look_at_memory(self) -> None:
        told = self._told
        told.memory_mb.append([told.said[-1][0], _resident_mb(), _gpu_peak_mb(self._model)])

    def _state(self, session: "StreamingSession", chunk: FrameChunk) -> dict[str, Any]:
        """All that is needed to go on after a chunk."""
        return {
            "told": dataclasses.asdict(self._told),
            "session": session.state(),
            "last_seen": _look(chunk),
            "made_with": made_with(self._model),
        }


def _begins_with(shown: Iterator[FrameChunk], last_seen: str) -> bool:
    """Whether the next chunk looks so. It is then the same video, decoded to the same pictures after the seek too."""
    try:
        chunk = next(shown, None)
    except VideoError:
        return False
    return chunk is not None and _look(chunk) == last_seen


def _look(chunk: FrameChunk) -> str:
    return hashlib.sha256(chunk.frames.tobytes()).hexdigest()


def segment_seed(seed: int, video: str, start_s: float) -> int:
    """The seed of one segment, from 0 up to 2^56."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{video}|{start_s:g}".encode()).digest()[:7], "big")


def _resident_mb() -> float:
    """Memory that this process holds; its highest so far where the system does not tell."""
    if _STATM.is_file():
        return round(int(_STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1e6, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


def _gpu_peak_mb(model: "LoadedModel") -> float:
    """The most that tensors took of the GPU since the last call; 0 where the model is on no GPU."""
    if model.device.type != "cuda":
        return 0.0
    import torch

    peak_mb = torch.cuda.max_memory_allocated(model.device) / 1e6
    torch.cuda.reset_peak_memory_stats(model.device)
    return round(peak_mb, 1)
