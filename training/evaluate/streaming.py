"""Commentary on whole videos through the engine: endless, or in pieces that each begin anew.

Knows segments, what stands in "previous text" when one begins, and what is measured on the way. Knows nothing of
judges and scores.
"""

import dataclasses
import hashlib
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine import StreamSettings
from training.errors import VideoError
from training.evaluate.errors import EvaluationError
from training.evaluate.metadata import Game, words_before
from training.evaluate.results import Phrase, VideoResult, merge
from training.evaluate.video import ahead, chunks, length_s
from training.evaluate.work import Row, VideoWork

if TYPE_CHECKING:
    from engine import LoadedModel

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

    def record(self, model: str) -> dict[str, Any]:
        """Everything that decides what is said, as plain values."""
        return {"model": model, **dataclasses.asdict(self)}


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
    games: Sequence[Game], videos: Path, load: Callable[[], "LoadedModel"], settings: RunSettings
) -> list[VideoWork]:
    """The work on every game: a row for each segment. `load` is called once there is something to do."""
    return [_work(game, videos / game.video, load, settings) for game in games]


def result_of(game: Game, rows: Sequence[Row]) -> VideoResult:
    """A game's rows in the published result form."""
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
        for row in rows
    ]
    return merge(game.name, pieces)


def _work(game: Game, path: Path, load: Callable[[], "LoadedModel"], settings: RunSettings) -> VideoWork:
    spans = {f"{start:g}-{end:g}": (start, end) for start, end in segments(settings, game.end_s)}

    def do(keys: Sequence[str]) -> Iterator[Row]:
        if not spans:
            raise VideoError(path, f"its words end at {game.end_s} s, before {settings.start_s:g} s")
        seconds = length_s(path)
        for key in keys:
            start_s, end_s = spans[key]
            yield {"key": key, **_comment(game, path, load(), settings, start_s, min(end_s, seconds))}

    # A video in which there is nothing to comment on still has one piece to do, which fails and is named.
    return VideoWork(
        video=game.name, keys=list(spans) or ["nothing"], cost=max(0.0, game.end_s - settings.start_s), do=do
    )


def _comment(
    game: Game, path: Path, model: "LoadedModel", settings: RunSettings, start_s: float, end_s: float
) -> Row:
    """Comment on one segment. Returns what was said, and what was measured."""
    from engine import StreamingSession

    stream = settings.stream
    sampling = dataclasses.replace(stream.sampling, seed=segment_seed(settings.seed, game.name, start_s))
    title = previous_text(game, start_s, stream)
    session = StreamingSession(model, dataclasses.replace(stream, title=title, sampling=sampling))
    said: list[list[Any]] = []
    step_ms: list[float] = []
    wait_ms: list[float] = []
    num_tokens: list[int] = []
    memory_mb: list[list[float]] = []
    shown = ahead(chunks(path, start_s=start_s, end_s=end_s, window=stream.window))
    started = time.perf_counter()
    asked = started
    try:
        for chunk in shown:
            wait_ms.append(round(1000 * (time.perf_counter() - asked), 2))
            result = session.step(chunk).result
            said.append([result.start_s, result.end_s, result.text])
            step_ms.append(round(result.timings.total_ms, 2))
            num_tokens.append(len(result.token_ids))
            if len(said) % _MEMORY_EVERY_STEPS == 1:
                memory_mb.append([result.start_s, _resident_mb(), _gpu_mb(model)])
            asked = time.perf_counter()
    finally:
        shown.close()
    if not said:
        raise VideoError(path, f"it ends before {start_s:g} s")
    return {
        "start": start_s,
        "end": said[-1][1],
        "said": said,
        "step_ms": step_ms,
        "wait_ms": wait_ms,
        "num_tokens": num_tokens,
        "memory_mb": memory_mb,
        "wall_s": round(time.perf_counter() - started, 2),
    }


def segment_seed(seed: int, video: str, start_s: float) -> int:
    """The seed of one segment, from 0 up to 2^56."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{video}|{start_s:g}".encode()).digest()[:7], "big")


def _resident_mb() -> float:
    """Memory that this process holds; its highest so far where the system does not tell."""
    if _STATM.is_file():
        return round(int(_STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1e6, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


def _gpu_mb(model: "LoadedModel") -> float:
    if model.device.type != "cuda":
        return 0.0
    import torch

    return round(torch.cuda.memory_allocated(model.device) / 1e6, 1)
