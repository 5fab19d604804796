"""`ringside caption`: a video in, captions out.

Knows the order of things: everything that can be refused is refused before a file is touched, then model, source and
files run side by side until the video ends, something fails or a person interrupts.
Does not know how any of these works, or how progress looks.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import queue
import time
from pathlib import Path

from app import resources
from app.captions import ENDINGS, CaptionFiles, Phrase, format_for
from app.cli.caption_view import CaptionView
from app.cli.stream_options import adjusted, model_request, read_title
from app.errors import EngineFailedError, UsageError
from app.sources import (
    LIVE_KINDS,
    ChunkSource,
    NewsSink,
    SourceEnded,
    SourceNews,
    SourceReader,
    SourceSpec,
    WatchOptions,
    open_source,
    parse_spec,
)
from app.sources.spec import DemoSpec, FileSpec
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
    TextPiece,
    WarmingUp,
    WorkerEvent,
    WorkerFailed,
)
from engine.settings import StreamSettings

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
_MAX_WAITING_CHUNKS = 2

_Event = WorkerEvent | SourceEnded | SourceNews


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionJob:
    """What was asked for, checked as far as that goes without a model."""

    spec: SourceSpec
    model: LoadModel
    title: str | None
    outputs: tuple[Path, ...]
    options: argparse.Namespace


def caption(options: argparse.Namespace) -> int:
    """Run `ringside caption` and return its exit code. Raises RingsideError."""
    if options.verbose:
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("ringside").setLevel(logging.DEBUG)
    job = _check(options)
    files = CaptionFiles(job.outputs, has_times=options.times)
    with files, CaptionView(job.spec.name, options, job.outputs) as view:
        return _Run(job, files, view).run()


def _check(options: argparse.Namespace) -> CaptionJob:
    video: str | Path | None = options.video
    outputs: list[Path] = list(options.out)
    if (
        not options.demo
        and not options.source
        and video is None
        and outputs
        and outputs[-1].suffix.lower() not in ENDINGS
    ):
        # "--out a.srt match.mp4" reads naturally, and there is no doubt what is meant.
        video = outputs.pop()
    for path in outputs:
        format_for(path)
    if options.demo and video:
        raise UsageError("Both a video and --demo were given.", hint="Choose one.")
    if options.source and (options.demo or video):
        raise UsageError("Both --source and a video were given.", hint="Choose one.")
    if not (video or options.demo or options.source):
        raise UsageError("No video was given.", hint="Name one, or use --demo for the demo match.")
    of_video: SourceSpec = DemoSpec() if options.demo else FileSpec(str(video))
    spec = parse_spec(options.source) if options.source else of_video
    title = read_title(options.title)
    if isinstance(spec, DemoSpec) and title is None:
        title = resources.demo_title()
    model = model_request(options)
    if spec.kind in LIVE_KINDS:
        if options.start:
            raise UsageError(f"A {spec.noun} has no place at which to start.", hint="Leave out --start.")
        # Nobody can hold it up until the model has time.
        options.live = True
    else:
        _source(spec, options, StreamSettings())
    return CaptionJob(spec=spec, model=model, title=title, outputs=tuple(outputs), options=options)


def _source(
    spec: SourceSpec, options: argparse.Namespace, settings: StreamSettings, on_news: NewsSink | None = None
) -> ChunkSource:
    wanted = WatchOptions(
        fps=settings.window.fps,
        chunk_s=settings.window.chunk_s,
        start_s=options.start,
        duration_s=options.duration,
        live=options.live,
    )
    return open_source(spec, wanted, on_news=on_news)


class _Run:
    """One run: the main thread hears what source and engine tell from their threads, writes and shows."""

    def __init__(self, job: CaptionJob, files: CaptionFiles, view: CaptionView) -> None:
        self._job = job
        self._files = files
        self._view = view
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._reader: SourceReader | None = None
        self._ready: ModelReady | None = None
        self._duration_s: float | None = None
        self._ended: SourceEnded | None = None
        self._started_at_s = time.monotonic()
        self._num_dropped = 0

    def run(self) -> int:
        """Run to the end; returns the exit code."""
        job = self._job
        worker = EngineWorker(
            self._events.put, max_waiting_chunks=_MAX_WAITING_CHUNKS, lossless=not job.options.live
        )
        try:
            worker.start()
            worker.submit(job.model)
            while not self._handle(self._events.get(), worker):
                pass
        except KeyboardInterrupt:
            self._view.interrupted()
            return EXIT_INTERRUPTED
        finally:
            # A second Ctrl-C while things end is not a reason to leave them half-way.
            with contextlib.suppress(KeyboardInterrupt):
                worker.submit(StopSession())
                if self._reader is not None:
                    self._reader.stop()
                worker.close()
        return self._verdict()

    def _handle(self, event: _Event, worker: EngineWorker) -> bool:
        """Deal with one event; True when everything is said."""
        match event:
            case ModelLoading() | WarmingUp():
                self._view.loading(event.fraction, event.text)
            case ModelReady():
                self._start(event, worker)
            case SessionStarted():
                assert self._reader is not None
                assert self._ready is not None
                self._view.start(self._ready.name, self._ready.device, self._duration_s)
                self._started_at_s = time.monotonic()
                self._reader.start()
            case TextPiece():
                self._view.piece(event.start_s, event.text)
            case StepDone():
                self._step_done(event)
            case SourceNews():
                self._view.tell(event.words)
            case SourceEnded():
                self._ended = event
                if event.error is not None:
                    raise event.error
                worker.submit(StopSession(after_waiting=True))
            case SessionStopped():
                self._files.begin()
                return True
            case WorkerFailed():
                raise EngineFailedError(event.message, hint=event.hint)
        return False

    def _start(self, ready: ModelReady, worker: EngineWorker) -> None:
        settings = adjusted(ready.settings, self._job.options, self._job.title)
        source = _source(self._job.spec, self._job.options, settings, self._events.put)
        self._reader = SourceReader(
            source,
            on_chunk=lambda chunk: worker.submit(ChunkRequest(chunk)),
            on_end=self._events.put,
        )
        self._ready, self._duration_s = ready, source.duration_s
        worker.submit(StartSession(settings, frame_size=source.size))

    def _step_done(self, done: StepDone) -> None:
        # Only now is it certain that this model can comment on this video.
        self._files.begin()
        result = done.result
        self._num_dropped = done.num_dropped
        phrase = Phrase.said(result.start_s, result.end_s, result.text)
        if phrase is not None:
            self._files.write(phrase)
        self._view.step_done(result.end_s - result.start_s, phrase)

    def _verdict(self) -> int:
        self._view.finished(time.monotonic() - self._started_at_s, self._num_dropped)
        problem = self._ended.problem if self._ended is not None else None
        if problem is None:
            return EXIT_OK
        self._view.problem(problem.message)
        return EXIT_FAILED if problem.is_cut_short else EXIT_OK
