"""The thread that owns the model: requests in, events out.

Knows: the engine's calls (load, session, warm up, prepare, step) and how their failures are put in words. The engine and
torch are imported inside the thread, so that a program can show its window first.
Does not know: where chunks come from, or who listens to the events.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from app.worker.mailbox import Mailbox
from app.worker.messages import (
    ChunkRequest,
    FailedWhile,
    LoadModel,
    ModelLoading,
    ModelReady,
    ModelReleased,
    QuestionTaken,
    ReleaseModel,
    SessionStarted,
    SessionStopped,
    Shutdown,
    StartSession,
    StepDone,
    StopSession,
    TextPiece,
    WarmingUp,
    WorkerEvent,
    WorkerFailed,
    WorkerRequest,
    WorkerStopped,
)
from app.worker.warm_up import import_engine
from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.chunk import FrameChunk
    from engine.model import LoadedModel
    from engine.session import StreamingSession

_log = logging.getLogger("ringside.app.worker")


class EngineWorker:
    """Owns the model in one thread.

    ``on_event`` is called from that thread, for one event after the other, and has to return quickly. Up to
    ``max_waiting_chunks`` chunks wait; one more drops the oldest, or with ``lossless`` makes ``submit`` wait.
    """

    def __init__(
        self,
        on_event: Callable[[WorkerEvent], None],
        *,
        max_waiting_chunks: int = 2,
        lossless: bool = False,
        looks_ahead: bool | None = None,
    ) -> None:
        """``looks_ahead``: whether the next chunk's pictures are worked on while the present one is answered. None: on a
        GPU, which does both at once; a processor would only say the present words later."""
        self._on_event = on_event
        self._looks_ahead = looks_ahead
        self._mailbox = Mailbox(max_waiting_chunks=max_waiting_chunks, lossless=lossless)
        # A daemon, so that a program that dies without `close` does not hang on its model.
        self._thread = threading.Thread(target=self._run, name="ringside-engine", daemon=True)
        self._model: LoadedModel | None = None
        self._session: StreamingSession | None = None
        self._session_id = 0

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def submit(self, request: WorkerRequest) -> bool:
        """Ask for something; from any thread. Waits only for room for a chunk in a lossless worker.

        Returns False if it will not be done: after a Shutdown, or if a command overtook a chunk that waited for room.
        """
        match request:
            case ChunkRequest():
                return self._mailbox.put_chunk(request)
            case StopSession(after_waiting=True):
                return self._mailbox.put_stop_after_waiting(request)
            case _:
                return self._mailbox.put_command(request)

    def close(self, timeout_s: float | None = None) -> bool:
        """Shut down and wait for the thread's end; True if it has ended.

        A running step ends between two tokens, so this takes as long as one forward pass, or one weight file.
        """
        self._mailbox.put_command(Shutdown())
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            letter = self._mailbox.take()
            match letter.request:
                case LoadModel() as request:
                    self._load(request)
                case ReleaseModel():
                    self._let_go()
                    self._emit(ModelReleased())
                case StartSession() as request:
                    self._start_session(request)
                case ChunkRequest() as request:
                    self._step(request, letter.arrived_at_s)
                case StopSession() as request:
                    self._end_session()
                    self._emit(SessionStopped(request.session_id))
                case Shutdown():
                    break
        self._let_go()
        self._emit(WorkerStopped())

    def _load(self, request: LoadModel) -> None:
        self._let_go()

        def report(fraction: float, text: str) -> None:
            if self._mailbox.has_command:
                raise _AbandonedError
            self._emit(ModelLoading(fraction, text))

        try:
            report(0.0, "Starting the engine")
            import_engine()
            from engine.model import load_model

            self._model = load_model(
                request.path,
                device=request.device,
                precision=request.precision,
                revision=request.revision,
                progress=report,
            )
        except _AbandonedError:
            _log.info("loading %s was abandoned", request.path)
            return
        except Exception as error:  # noqa: BLE001 - nothing may end the thread unheard: passed on in words
            self._fail("loading", error)
            return
        model = self._model
        name = Path(str(request.path)).name or str(request.path)
        self._emit(ModelReady(name, str(model.device), model.settings))

    def _start_session(self, request: StartSession) -> None:
        self._end_session()
        self._session_id = request.session_id
        if self._model is None:
            self._emit(
                WorkerFailed(
                    "No model is loaded.", "Choose a model.", "", "starting", session_id=request.session_id
                )
            )
            return
        try:
            from engine.session import StreamingSession

            self._session = StreamingSession(self._model, request.settings, request.runtime)
            if request.frame_size is not None:
                self._session.warm_up(request.frame_size, self._report_warming)
        except _AbandonedError:
            _log.info("starting session %d was abandoned", request.session_id)
            self._end_session()
            return
        except Exception as error:  # noqa: BLE001 - nothing may end the thread unheard: passed on in words
            self._fail("starting", error)
            self._end_session()
            return
        self._emit(SessionStarted(request.session_id))

    def _report_warming(self, fraction: float, text: str) -> None:
        if self._mailbox.has_command:
            raise _AbandonedError
        self._emit(WarmingUp(fraction, text, self._session_id))

    def _step(self, request: ChunkRequest, arrived_at_s: float) -> None:
        chunk = request.chunk
        if self._session is None:
            _log.debug("no session runs; the chunk at %.1f s is dropped", chunk.start_s)
            return
        if request.question:
            self._emit(QuestionTaken(chunk.start_s, request.question, self._session_id))
        try:
            step = self._session.step(chunk, question=request.question)
            prepared: FrameChunk | None = None
            for piece in step:
                if self._mailbox.has_command:
                    _log.info("the step at %.1f s was abandoned", chunk.start_s)
                    step.close()
                    self._end_session()
                    return
                self._emit(TextPiece(chunk.start_s, chunk.end_s, piece, self._session_id))
                prepared = prepared or self._prepare_next(self._session)
            result = step.result
        except Exception as error:  # noqa: BLE001 - nothing may end the thread unheard: passed on in words
            self._fail("running", error)
            self._end_session()
            return
        self._emit(
            StepDone(
                result=result,
                num_dropped=self._mailbox.num_dropped,
                delay_s=time.monotonic() - arrived_at_s,
                num_waiting=self._mailbox.num_waiting,
                session_id=self._session_id,
                captured_at_s=request.captured_at_s,
            )
        )

    def _prepare_next(self, session: StreamingSession) -> FrameChunk | None:
        """Have the next chunk's pictures looked at, where that costs the present words nothing; that chunk."""
        looks_ahead = session.model.device.type == "cuda" if self._looks_ahead is None else self._looks_ahead
        chunk = self._mailbox.peek() if looks_ahead else None
        if chunk is not None:
            session.prepare(chunk)
        return chunk

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            session.close()
        except Exception:  # noqa: BLE001 - after a GPU's fault even freeing can fail: logged, and the thread lives on
            _log.exception("a session could not be closed whole")

    def _let_go(self) -> None:
        # No garbage collection here: it would end objects of other threads, and a window's timer that ends in this one
        # goes on ringing, at freed memory. A closed session needs none.
        self._end_session()
        had_model = self._model is not None
        self._model = None
        torch = sys.modules.get("torch")
        if had_model and torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _fail(self, during: FailedWhile, error: Exception) -> None:
        message, hint = _in_words(during, error)
        _log.info("%s failed: %s", during, error)
        details = "".join(traceback.format_exception(error))
        self._emit(WorkerFailed(message, hint, details, during, self._session_id))

    def _emit(self, event: WorkerEvent) -> None:
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - a listener's fault is not the worker's: logged, and on with the work
            _log.exception("a listener failed on %s", type(event).__name__)


class _AbandonedError(Exception):
    """A command came while a model was loading, or a session getting ready."""


def _in_words(during: FailedWhile, error: Exception) -> tuple[str, str]:
    """Message and hint for a person."""
    match error:
        case EngineError():
            return str(error), ""
        case ImportError():
            return f"A package that the engine needs cannot be loaded: {error}.", "Install Ringside again."
        case MemoryError():
            return "There is not enough memory.", "Close other programs, or use a smaller model."
        case OSError():
            return f"Something could not be read: {error}.", "Check the model's folder and the network."
        case _:
            what = {"loading": "load the model", "starting": "start", "running": "go on"}[during]
            return (
                f"The engine could not {what}: {type(error).__name__}: {error}.",
                "This is a fault in Ringside; please report it with the details.",
            )
