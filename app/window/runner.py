"""The runner: plays the source into the model, and brings what comes back to the state.

Knows the order of things: start, pause, stop, end; and what to say when one of them fails. Knows no Qt: it lives on an
asyncio loop, and threads post back to it; and not how a model is found and loaded.
"""

from __future__ import annotations

import asyncio

from app.errors import RingsideError
from app.session import SessionHead
from app.sources import Signal, SourceEnded, SourceNews, open_source
from app.sources.errors import StoppedError
from app.sources.spec import FileSpec
from app.window.background import Background
from app.window.commentary import Commentary
from app.window.live_run import LiveRun
from app.window.model_loader import ModelLoader
from app.window.picture import PictureBox
from app.window.run_plan import RunPlan
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.session import Figures, Phase, StepEnded, WarmUp
from app.worker import (
    EngineWorker,
    ModelLoading,
    ModelReady,
    ModelReleased,
    QuestionTaken,
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

_TICK_S = 0.25
_GOOD_NEWS_S = 6.0
_MAX_WAITING_LIVE = 1


class Runner:
    """One per window; owns the worker and the run that is under way."""

    def __init__(
        self,
        state: AppState,
        commentary: Commentary,
        pictures: PictureBox,
        background: Background,
        plan: RunPlan,
    ) -> None:
        self._state = state
        self._commentary = commentary
        self._pictures = pictures
        self._background = background
        self._worker = EngineWorker(lambda event: background.post(self._on_worker_event, event))
        self.model = ModelLoader(state, background, self._worker.submit)
        """Loads what comments."""
        self._plan = plan
        self._opening: LiveRun | None = None
        self._start_at_s = 0.0
        self._session_started: asyncio.Future[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._run: LiveRun | None = None
        self._num_runs = 0

    def open(self) -> None:
        """Start the worker."""
        self._worker.start()
        self._background.spawn(self._tick())

    def shut(self) -> None:
        """End the worker and wait for its thread; not on the loop."""
        self._worker.close()

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
            await self.model.known()
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
                prepare=self._plan.seen,
            )
            settings = self._plan.stream_settings(self.model.usual)
            options = self._plan.watch_options(self.model.usual, self._start_at_s)
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
            size = self._plan.size_seen(video.size)
            self._worker.submit(
                StartSession(
                    settings,
                    run.session_id,
                    runtime=self._plan.runtime(),
                    frame_size=size,
                    # What plays on is seen late or not at all; what waits for the model loses nothing.
                    max_waiting_chunks=None if run.is_gapless else _MAX_WAITING_LIVE,
                )
            )
            await self._session_started
            session.tell_warm_up(None)
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
        self._state.session.tell_warm_up(None)
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
            self._background.loop.call_later(_GOOD_NEWS_S, self._state.messages.withdraw, message)

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
        match event:
            case ModelLoading() | ModelReady() | ModelReleased() | WorkerFailed(during="loading"):
                self.model.take(event)
            case (
                WarmingUp()
                | SessionStarted()
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
        event: WarmingUp
        | SessionStarted
        | SessionStopped
        | QuestionTaken
        | TextPiece
        | StepDone
        | WorkerFailed,
    ) -> None:
        match event:
            case WarmingUp():
                self._state.session.tell_warm_up(WarmUp(fraction=event.fraction, doing=event.text))
            case SessionStarted():
                if self._session_started is not None and not self._session_started.done():
                    self._session_started.set_result(None)
            case QuestionTaken():
                self._commentary.begin_answer(event.start_s, event.question)
            case TextPiece():
                self._commentary.push_piece(event.start_s, event.text)
            case StepDone():
                self._state.session.step_ended.emit(
                    StepEnded(
                        took_ms=event.result.timings.total_ms,
                        captured_at_s=event.captured_at_s,
                        has_words=bool(event.result.text),
                    )
                )
                self._state.record.say(event.result.start_s, event.result.end_s, event.result.text)
                self._commentary.end_phrase(event.result.start_s, event.result.text)
                run.step_ended()
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
                self._run_failed(event.in_one, event.details)

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
