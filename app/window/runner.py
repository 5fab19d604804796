"""The runner: loads the model, plays the source into it, and brings what comes back to the state.

Knows the order of things: load, start, pause, stop, end; and what to say when one of them fails. Knows no Qt: it lives
on an asyncio loop, and threads post back to it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import linecache
import logging
from collections.abc import Callable

from app.errors import RingsideError
from app.models.catalogue import find_model
from app.models.errors import ModelNotHereError
from app.models.fit import AUTO, choose_precision
from app.models.local import find_checkpoint
from app.models.machine import look
from app.models.store import ModelStore
from app.session import SessionHead
from app.sources import Signal, SourceEnded, SourceNews, WatchOptions, open_source
from app.sources.errors import StoppedError
from app.sources.spec import FileSpec
from app.window.background import Background
from app.window.commentary import Commentary
from app.window.live_run import LiveRun
from app.window.picture import PictureBox
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.session import Figures, ModelState, Phase, loading
from app.worker import (
    EngineWorker,
    LoadModel,
    ModelLoading,
    ModelReady,
    QuestionTaken,
    SessionStarted,
    SessionStopped,
    StartSession,
    StepDone,
    StopSession,
    TextPiece,
    WorkerEvent,
    WorkerFailed,
)
from engine.chunk import FrameChunk
from engine.runtime import RuntimeSettings
from engine.settings import StreamSettings

_log = logging.getLogger("ringside.app.window")

_TICK_S = 0.25
_GOOD_NEWS_S = 6.0


class Runner:
    """One per window; owns the worker and the run that is under way."""

    def __init__(
        self, state: AppState, commentary: Commentary, pictures: PictureBox, background: Background
    ) -> None:
        self._state = state
        self._commentary = commentary
        self._pictures = pictures
        self._background = background
        self._worker = EngineWorker(lambda event: background.post(self._on_worker_event, event))
        self._defaults = StreamSettings()
        self.compose: Callable[[StreamSettings], StreamSettings] = lambda usual: dataclasses.replace(
            usual, title=state.title
        )
        """From a checkpoint's usual settings to those of a run."""
        self.runtime: Callable[[], RuntimeSettings | None] = lambda: None
        """How the next run uses its device; None for what suits it."""
        self.prepare: Callable[[FrameChunk], FrameChunk] = lambda chunk: chunk
        """What the model sees of a chunk; called in the source's thread."""
        self.watch_options: Callable[[WatchOptions], WatchOptions] = lambda usual: usual
        """From what the model wants to how the source is watched."""
        self._opening: LiveRun | None = None
        self._start_at_s = 0.0
        self._model_known = asyncio.Event()
        self._session_started: asyncio.Future[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self.was_asked_to_load = False
        """Whether a model was chosen since this was made."""
        self._finding: asyncio.Task[None] | None = None
        self._run: LiveRun | None = None
        self._num_runs = 0

    def open(self) -> None:
        """Start the worker."""
        self._worker.start()
        self._background.spawn(self._tick())

    def shut(self) -> None:
        """End the worker and wait for its thread; not on the loop."""
        self._worker.close()

    def load_model(self, choice: str, store: ModelStore, precision: str = AUTO) -> None:
        """Load "demo", a folder, or a hub id that is in `store`, in place of the present model."""
        self.was_asked_to_load = True
        self._model_known.clear()
        self._state.messages.take_back("model")
        self._state.session.update(model=ModelState(name=find_model(choice).name, doing="starting"))
        if self._finding is not None:
            self._finding.cancel()
        self._finding = self._background.spawn(self._find_and_load(choice, store, precision))

    async def _find_and_load(self, choice: str, store: ModelStore, precision: str) -> None:
        def find() -> LoadModel:
            path = find_checkpoint(choice, store)
            return LoadModel(path, precision=choose_precision(find_model(choice), look(), precision))

        try:
            request = await self._background.in_thread(find)
        except ModelNotHereError as error:
            self._model_failed(
                error.line, "", action="Models…", act=lambda: self._state.page_wanted.emit("models")
            )
        except RingsideError as error:
            self._model_failed(error.line, "")
        else:
            self._worker.submit(request)

    async def model_is_known(self) -> None:
        """Wait until the model is there, or cannot be loaded."""
        await self._model_known.wait()

    @property
    def usual(self) -> StreamSettings:
        """The settings that the loaded model was trained for."""
        return self._defaults

    def start(self) -> None:
        """Begin a new run, as soon as the model is there."""
        if self._state.session.can_start and self._starting is None:
            self._state.session.update(phase=Phase.STARTING, figures=Figures(), has_signal=True)
            for topic in ("run", "source", "signal"):
                self._state.messages.take_back(topic)
            self._starting = self._background.spawn(self._start())

    def start_at(self, time_s: float) -> None:
        """Where the next run begins."""
        self._start_at_s = max(0.0, time_s)

    def seek(self, time_s: float) -> None:
        """Go on at another place of the file; without a run, the next one begins there."""
        self.start_at(time_s)
        run, session = self._run, self._state.session
        if run is None or session.phase not in (Phase.RUNNING, Phase.PAUSED):
            return
        is_paused = session.phase is Phase.PAUSED
        self._commentary.break_off()
        self._end_run()
        session.update(phase=Phase.STARTING, figures=Figures())
        self._starting = self._background.spawn(self._start(is_new=False, is_paused=is_paused))

    def stop(self) -> None:
        """End the run; what was said stays."""
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None
        if self._opening is not None:
            self._opening.stop()
            self._background.start_in_thread(self._opening.join)
            self._opening = None
        if self._run is not None or self._state.record.is_running:
            self._commentary.break_off()
            self._state.record.end("stopped")
        self._end_run()
        if self._state.session.is_busy:
            self._state.session.update(phase=Phase.IDLE, figures=Figures())

    def ask(self, question: str) -> bool:
        """Put a question to the model with the next chunk; False if nothing runs."""
        if self._run is None:
            return False
        self._run.ask(question)
        return True

    def pause_or_resume(self) -> None:
        """Hold the run, or let it go on."""
        session, run = self._state.session, self._run
        if run is not None and session.phase is Phase.RUNNING:
            run.pause()
            session.update(phase=Phase.PAUSED)
        elif run is not None and session.phase is Phase.PAUSED:
            run.resume()
            session.update(phase=Phase.RUNNING)

    async def _start(self, *, is_new: bool = True, is_paused: bool = False) -> None:
        """Begin a run, or (not new) go on with one elsewhere."""
        session, source = self._state.session, self._state.session.source
        try:
            await self._model_known.wait()
            source = session.source
            if session.model.has_failed or source is None:
                session.update(phase=Phase.IDLE)
                return
            self._num_runs += 1
            run = LiveRun(
                self._num_runs,
                worker=self._worker,
                pictures=self._pictures,
                post=self._background.post,
                on_end=self._on_source_ended,
                prepare=lambda chunk: self.prepare(chunk),
            )
            settings = self.compose(self._defaults)
            window = settings.window
            options = self.watch_options(
                WatchOptions(fps=window.fps, chunk_s=window.chunk_s, start_s=self._start_at_s)
            )
            self._start_at_s = 0.0
            run.is_gapless = bool(source.path) and not options.live
            run.sound = None if run.is_gapless else self._commentary.source_sound(source)
            session.tell(None)
            self._opening = run
            video = await self._background.in_thread(
                lambda: open_source(
                    source.spec or FileSpec(source.path),
                    options,
                    on_preview=run.show,
                    on_news=lambda news: self._background.post(self._on_news, run, news),
                    on_made=run.adopt,
                )
            )
            self._opening = None
            self._run = run
            self._session_started = self._background.loop.create_future()
            self._worker.submit(StartSession(settings, run.session_id, self.runtime()))
            await self._session_started
            if is_new or not self._state.record.is_running:
                head = SessionHead.now(
                    name=source.name,
                    kind=source.kind,
                    path=source.path,
                    title=self._state.title,
                    model=session.model.name,
                )
                self._state.record.begin(head)
                self._commentary.begin(head.heading)
            run.watch(video)
            session.update(phase=Phase.RUNNING)
            if is_paused:
                self.pause_or_resume()
        except StoppedError:
            session.update(phase=Phase.IDLE)
        except RingsideError as error:
            self._state.record.end("failed")
            session.update(phase=Phase.IDLE)
            is_live = source is not None and source.spec is not None
            self._state.messages.show(
                Message(
                    text=error.line,
                    topic="source",
                    action="Try again" if is_live else "Open file…",
                    act=self.start if is_live else self._state.file_wanted.emit,
                )
            )
        self._starting = None
        self._opening = None

    def _end_run(self) -> None:
        run, self._run = self._run, None
        self._state.messages.take_back("signal")
        self._state.session.tell(None)
        self._state.question.forget()
        if run is not None:
            run.stop()
            self._worker.submit(StopSession(run.session_id))
            self._background.start_in_thread(run.join)

    def _on_news(self, run: LiveRun, news: SourceNews) -> None:
        if run is not self._run:
            return
        self._state.session.tell(news)
        message = Message(text=news.words, is_error=False, topic="signal")
        self._state.messages.show(message)
        if news.signal is Signal.GOOD:
            self._background.loop.call_later(_GOOD_NEWS_S, self._take_back, message)

    def _take_back(self, message: Message) -> None:
        """Take this message away, and no other that came meanwhile."""
        if self._state.messages.current is message:
            self._state.messages.dismiss()

    def _on_source_ended(self, run: LiveRun, ended: SourceEnded) -> None:
        if run is not self._run:
            return
        if ended.error is not None:
            self._run_failed(ended.error.line, ended.details)
            return
        if ended.problem is not None:
            self._state.messages.show(Message(text=ended.problem.message, is_error=False, topic="run"))
        self._worker.submit(StopSession(run.session_id, after_waiting=True))

    def _on_worker_event(self, event: WorkerEvent) -> None:
        session = self._state.session
        match event:
            case ModelLoading():
                session.update(model=loading(session.model, event.fraction, event.text))
            case ModelReady():
                # PySide reads the source of every module that is imported; nobody needs those forty megabytes.
                linecache.clearcache()
                self._defaults = event.settings
                session.update(
                    model=dataclasses.replace(
                        session.model, is_ready=True, has_failed=False, device=event.device
                    )
                )
                _log.info("model is ready: %s on %s", session.model.name, event.device)
                self._model_known.set()
            case WorkerFailed(during="loading"):
                self._model_failed(_in_one(event), event.details)
            case (
                SessionStarted()
                | SessionStopped()
                | QuestionTaken()
                | TextPiece()
                | StepDone()
                | WorkerFailed()
            ):
                # Answers to a run that was given up are late, and of no use.
                if self._run is not None and event.session_id == self._run.session_id:
                    self._on_run_event(self._run, event)

    def _on_run_event(
        self,
        run: LiveRun,
        event: SessionStarted | SessionStopped | QuestionTaken | TextPiece | StepDone | WorkerFailed,
    ) -> None:
        match event:
            case SessionStarted():
                if self._session_started is not None and not self._session_started.done():
                    self._session_started.set_result(None)
            case QuestionTaken():
                self._commentary.begin_answer(event.start_s, event.question)
            case TextPiece():
                self._commentary.push_piece(event.start_s, event.text)
            case StepDone():
                self._state.record.say(event.result.start_s, event.result.end_s, event.result.text)
                self._commentary.end_phrase(event.result.start_s, event.result.text)
                run.step_ended()
                self._state.session.step_ended.emit(event.result.timings.total_ms)
                run.pulse.step_ended(
                    event.result.end_s,
                    num_frames=run.num_frames_per_chunk,
                    step_ms=event.result.timings.total_ms,
                    num_dropped=event.num_dropped + run.num_dropped,
                    now_s=run.now_s(),
                )
                self._show_figures(run)
            case SessionStopped():
                self._end_run()
                self._commentary.end()
                self._state.record.end("finished")
                self._state.session.update(phase=Phase.FINISHED)
            case WorkerFailed():
                self._run_failed(_in_one(event), event.details)

    def _model_failed(
        self,
        text: str,
        details: str,
        *,
        action: str = "Choose folder…",
        act: Callable[[], None] | None = None,
    ) -> None:
        session = self._state.session
        session.update(model=dataclasses.replace(session.model, has_failed=True, is_ready=False))
        self._model_known.set()
        self._state.messages.show(
            Message(
                text=text,
                details=details,
                topic="model",
                action=action,
                act=act or self._state.model_folder_wanted.emit,
            )
        )

    def _run_failed(self, text: str, details: str) -> None:
        self._state.record.end("failed")
        self.stop()
        self._state.messages.show(
            Message(text=text, details=details, topic="run", action="Start again", act=self.start)
        )

    def _show_figures(self, run: LiveRun) -> None:
        now_s = run.now_s()
        self._state.session.update(figures=run.pulse.figures(now_s), has_signal=run.pulse.has_signal(now_s))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            if self._run is not None and self._state.session.phase is Phase.RUNNING:
                self._show_figures(self._run)


def _in_one(event: WorkerFailed) -> str:
    return f"{event.message} {event.hint}".strip()
