"""Watches a video with a model, as fast as both can go, and gives back what the model says.

Knows the worker and the source and how both are ended. Knows no voice and no output.
"""

from __future__ import annotations

import dataclasses
import queue
from collections.abc import Callable
from pathlib import Path

from app.captions import Phrase
from app.errors import EngineFailedError
from app.narrate.errors import NarrationCancelledError
from app.sources import SourceEnded, SourceReader, VideoFileSource
from app.worker import (
    ChunkRequest,
    EngineWorker,
    LoadModel,
    ModelLoading,
    ModelReady,
    SessionStarted,
    SessionStopped,
    StartSession,
    StepDone,
    StopSession,
    WarmingUp,
    WorkerEvent,
    WorkerFailed,
)
from engine.settings import StreamSettings

_MAX_WAITING_CHUNKS = 2
_LOOK_FOR_CANCEL_S = 0.1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Commentator:
    """Who comments, and on what."""

    model: LoadModel
    """Which model, where and how exactly."""
    adjust: Callable[[StreamSettings], StreamSettings] = lambda settings: settings
    """From what the checkpoint was trained for to what is wanted: title, query, sampling."""


def commentate(
    video: Path,
    commentator: Commentator,
    *,
    on_loading: Callable[[float, str], None],
    on_watched: Callable[[float], None],
    is_cancelled: Callable[[], bool],
) -> list[Phrase]:
    """Every phrase about the video. `on_watched` is told a fraction from 0 to 1.

    Raises SourceError, EngineFailedError, NarrationCancelledError.
    """
    events: queue.SimpleQueue[WorkerEvent | SourceEnded] = queue.SimpleQueue()
    worker = EngineWorker(events.put, max_waiting_chunks=_MAX_WAITING_CHUNKS, lossless=True)
    reader: SourceReader | None = None
    duration_s: float | None = None
    phrases: list[Phrase] = []
    try:
        worker.start()
        worker.submit(commentator.model)
        while True:
            match _next(events, is_cancelled):
                case (ModelLoading() | WarmingUp()) as loading:
                    on_loading(loading.fraction, loading.text)
                case ModelReady() as ready:
                    settings = commentator.adjust(ready.settings)
                    source = VideoFileSource(video, fps=settings.window.fps, chunk_s=settings.window.chunk_s)
                    duration_s = source.duration_s
                    reader = SourceReader(
                        source, on_chunk=lambda chunk: worker.submit(ChunkRequest(chunk)), on_end=events.put
                    )
                    worker.submit(StartSession(settings, frame_size=source.size))
                case SessionStarted() if reader is not None:
                    reader.start()
                case StepDone(result=result):
                    phrase = Phrase.said(result.start_s, result.end_s, result.text)
                    if phrase is not None:
                        phrases.append(phrase)
                    if duration_s:
                        on_watched(min(1.0, result.end_s / duration_s))
                case SourceEnded() as ended:
                    if ended.error is not None:
                        raise ended.error
                    worker.submit(StopSession(after_waiting=True))
                case SessionStopped():
                    return phrases
                case WorkerFailed() as failed:
                    raise EngineFailedError(failed.message, hint=failed.hint)
    finally:
        worker.submit(StopSession())
        if reader is not None:
            reader.stop()
        worker.close()


def _next(
    events: queue.SimpleQueue[WorkerEvent | SourceEnded], is_cancelled: Callable[[], bool]
) -> WorkerEvent | SourceEnded:
    while not is_cancelled():
        try:
            return events.get(timeout=_LOOK_FOR_CANCEL_S)
        except queue.Empty:
            continue
    raise NarrationCancelledError
