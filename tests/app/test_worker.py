"""The worker: answers in order, drops the oldest or waits, stops between two tokens, and leaves nothing behind."""

from __future__ import annotations

import dataclasses
import queue
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from app.worker import (
    ChunkRequest,
    EngineWorker,
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
    WorkerStopped,
)
from app.worker.cores import usable_cores
from app.worker.mailbox import Mailbox
from engine.chunk import FrameChunk
from engine.settings import StreamSettings

WAIT_S = 60.0
Event = TypeVar("Event")


def chunk_at(second: float, size: tuple[int, int] = (120, 160)) -> FrameChunk:
    frames = np.random.default_rng(int(second)).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    return FrameChunk(frames=frames, start_s=second, end_s=second + 1)


class Listener:
    """Collects a worker's events, for another thread to wait for."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[WorkerEvent] = queue.SimpleQueue()
        self.seen: list[WorkerEvent] = []
        self.threads: set[str] = set()

    def __call__(self, event: WorkerEvent) -> None:
        self.threads.add(threading.current_thread().name)
        self.events.put(event)

    def wait_for(self, kind: type[Event], such_that: Callable[[Event], bool] = lambda _: True) -> Event:
        until_s = time.monotonic() + WAIT_S
        while True:
            event = self.events.get(timeout=max(0.0, until_s - time.monotonic()))
            self.seen.append(event)
            if isinstance(event, kind) and such_that(event):
                return event
            assert not isinstance(event, WorkerFailed), event.message

    def kinds(self) -> list[type[WorkerEvent]]:
        return [type(event) for event in self.seen]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def worker(listener: Listener) -> Iterator[EngineWorker]:
    with EngineWorker(listener, lossless=True) as running:
        yield running
    assert not running.is_alive


def ready(worker: EngineWorker, listener: Listener, model: Path) -> StreamSettings:
    worker.submit(LoadModel(model, "cpu"))
    return listener.wait_for(ModelReady).settings


def test_a_stream_from_loading_to_the_last_word(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    settings = ready(worker, listener, tiny_model)
    assert settings == StreamSettings.from_checkpoint(tiny_model)
    loading = [event for event in listener.seen if isinstance(event, ModelLoading)]
    assert [event.fraction for event in loading] == sorted(event.fraction for event in loading)
    assert all(event.text for event in loading)

    worker.submit(StartSession(settings, session_id=7))
    assert listener.wait_for(SessionStarted).session_id == 7
    for second in range(6):
        assert worker.submit(ChunkRequest(chunk_at(second)))
    worker.submit(StopSession(7, after_waiting=True))
    assert listener.wait_for(SessionStopped).session_id == 7

    steps = [event for event in listener.seen if isinstance(event, StepDone)]
    assert [(step.result.start_s, step.result.end_s) for step in steps] == [(k, k + 1) for k in range(6)]
    assert {step.num_dropped for step in steps} == {0}
    assert all(step.session_id == 7 and step.delay_s > 0 for step in steps)
    assert any(step.result.text for step in steps)
    for step in steps:
        pieces = [
            event.text
            for event in listener.seen
            if isinstance(event, TextPiece) and event.start_s == step.result.start_s
        ]
        assert "".join(pieces).strip() == step.result.text
    assert listener.threads == {"ringside-engine"}


def said_of(worker: EngineWorker, listener: Listener, start: StartSession, num: int) -> list[tuple[int, ...]]:
    """What is said of so many chunks."""
    before = len(listener.seen)
    worker.submit(start)
    for second in range(num):
        worker.submit(ChunkRequest(chunk_at(second)))
    worker.submit(StopSession(start.session_id, after_waiting=True))
    listener.wait_for(SessionStopped)
    return [event.result.token_ids for event in listener.seen[before:] if isinstance(event, StepDone)]


def test_a_session_gets_ready_before_it_starts_and_says_the_same(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    settings = ready(worker, listener, tiny_model)
    seeded = dataclasses.replace(settings, sampling=dataclasses.replace(settings.sampling, seed=3))
    cold = said_of(worker, listener, StartSession(seeded, 1), 3)
    assert not any(isinstance(event, WarmingUp) for event in listener.seen)
    warm = said_of(worker, listener, StartSession(seeded, 2, frame_size=(120, 160)), 3)
    assert warm == cold
    told = [event for event in listener.seen if isinstance(event, WarmingUp)]
    assert [event.fraction for event in told] == sorted(event.fraction for event in told)
    assert told[0].fraction == 0
    assert told[-1].fraction == 1
    assert all(event.text and event.session_id == 2 for event in told)
    kinds = [(type(event), getattr(event, "session_id", 0)) for event in listener.seen]
    assert kinds.index((WarmingUp, 2)) < kinds.index((SessionStarted, 2)) < kinds.index((StepDone, 2))


def test_a_session_that_gets_ready_is_given_up_when_nobody_wants_it(tiny_model: Path) -> None:
    listener = Listener()

    def impatient(event: WorkerEvent) -> None:
        if isinstance(event, WarmingUp) and not event.fraction:
            worker.submit(StopSession(event.session_id))
        listener(event)

    with EngineWorker(impatient) as worker:
        settings = ready(worker, listener, tiny_model)
        worker.submit(StartSession(settings, 5, frame_size=(120, 160)))
        assert listener.wait_for(SessionStopped).session_id == 5
        assert SessionStarted not in listener.kinds()
        worker.submit(StartSession(settings, 6))
        assert listener.wait_for(SessionStarted).session_id == 6


def test_a_picture_that_cannot_be_is_told_before_the_session_starts(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    settings = ready(worker, listener, tiny_model)
    worker.submit(StartSession(settings, 3, frame_size=(10, 3000)))  # too long for any model
    with pytest.raises(AssertionError, match="3000"):
        listener.wait_for(SessionStarted)
    failed = listener.seen[-1]
    assert isinstance(failed, WorkerFailed)
    assert failed.during == "starting"


@pytest.mark.parametrize("ends", ["given up", "failed"])
def test_a_session_that_never_starts_is_closed_and_chunks_for_it_are_dropped(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """What it has recorded by then would otherwise hold a GPU's memory until some later garbage collection."""
    from engine.session import StreamingSession

    closed = threading.Event()
    close, warm_up = StreamingSession.close, StreamingSession.warm_up

    def closing(session: StreamingSession) -> None:
        close(session)
        closed.set()

    def failing(session: StreamingSession, frame_size: tuple[int, int], progress: object) -> None:
        warm_up(session, frame_size)
        raise RuntimeError("half way")

    monkeypatch.setattr(StreamingSession, "close", closing)
    warming, may_go_on = threading.Event(), threading.Event()
    heard: queue.SimpleQueue[WorkerEvent] = queue.SimpleQueue()

    def listen(event: WorkerEvent) -> None:
        if isinstance(event, WarmingUp):
            warming.set()
            may_go_on.wait(WAIT_S)
        heard.put(event)

    with EngineWorker(listen, lossless=True) as running:
        running.submit(LoadModel(tiny_model, "cpu"))
        while not isinstance(event := heard.get(timeout=WAIT_S), ModelReady):
            pass
        if ends == "failed":
            monkeypatch.setattr(StreamingSession, "warm_up", failing)
        running.submit(StartSession(event.settings, session_id=1, frame_size=(120, 160)))
        if ends == "given up":
            assert warming.wait(WAIT_S)
            running.submit(StopSession(1))
        may_go_on.set()
        assert closed.wait(WAIT_S)
        running.submit(ChunkRequest(chunk_at(0)))
        running.submit(StopSession(1, after_waiting=True))
        while not isinstance(event := heard.get(timeout=WAIT_S), SessionStopped):
            assert not isinstance(event, SessionStarted | StepDone)


def test_pictures_looked_at_ahead_change_no_word(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.session import StreamingSession

    looked_at: list[float] = []
    prepare = StreamingSession.prepare

    def noted(session: StreamingSession, chunk: FrameChunk) -> None:
        looked_at.append(chunk.start_s)
        prepare(session, chunk)

    monkeypatch.setattr(StreamingSession, "prepare", noted)
    said = {}
    for looks_ahead in (None, True):
        listener = Listener()
        with EngineWorker(listener, max_waiting_chunks=6, lossless=True, looks_ahead=looks_ahead) as worker:
            settings = ready(worker, listener, tiny_model)
            seeded = dataclasses.replace(settings, sampling=dataclasses.replace(settings.sampling, seed=3))
            said[looks_ahead] = said_of(worker, listener, StartSession(seeded), 5)
        if looks_ahead is None:
            assert looked_at == []  # a processor would only say the present words later
    assert said[True] == said[None]
    # Each of them once, in order, and never the first, before which nothing is said.
    assert looked_at
    assert looked_at == sorted(set(looked_at) - {0.0})


def test_the_moment_of_capture_comes_back_with_the_step(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    worker.submit(StartSession(ready(worker, listener, tiny_model)))
    worker.submit(ChunkRequest(chunk_at(0), captured_at_s=12.5))
    worker.submit(ChunkRequest(chunk_at(1)))
    assert [listener.wait_for(StepDone).captured_at_s for _ in range(2)] == [12.5, None]


def test_the_same_seed_says_the_same_words_and_a_new_session_forgets_the_old(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    settings = ready(worker, listener, tiny_model)
    seeded = dataclasses.replace(settings, sampling=dataclasses.replace(settings.sampling, seed=3))
    said = []
    for session_id in (1, 2):
        worker.submit(StartSession(seeded, session_id))
        for second in range(3):
            worker.submit(ChunkRequest(chunk_at(second)))
        worker.submit(StopSession(session_id, after_waiting=True))
        listener.wait_for(SessionStopped)
        said.append(
            [
                event.result.token_ids
                for event in listener.seen
                if isinstance(event, StepDone) and event.session_id == session_id
            ]
        )
    assert said[0] == said[1]
    assert len(said[0]) == 3


def test_a_question_reaches_the_turn_of_its_chunk(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    settings = ready(worker, listener, tiny_model)
    lengths = []
    for question in (None, "Who scores, and how often does it happen in a match?"):
        worker.submit(StartSession(settings))
        worker.submit(ChunkRequest(chunk_at(0), question))
        result = listener.wait_for(StepDone).result
        lengths.append(result.num_context_tokens - len(result.token_ids))
    assert lengths[1] > lengths[0] + 10
    taken = [event for event in listener.seen if isinstance(event, QuestionTaken)]
    assert [event.question for event in taken] == ["Who scores, and how often does it happen in a match?"]


def test_a_stop_takes_effect_between_two_tokens(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    settings = ready(worker, listener, tiny_model)
    # A phrase that would take a very long time.
    talkative = dataclasses.replace(settings.sampling, max_new_tokens=1500, temperature=100.0)
    worker.submit(StartSession(dataclasses.replace(settings, sampling=talkative), 1))
    worker.submit(ChunkRequest(chunk_at(0)))
    worker.submit(ChunkRequest(chunk_at(1)))
    listener.wait_for(TextPiece)
    worker.submit(StopSession(1))
    listener.wait_for(SessionStopped)
    assert StepDone not in listener.kinds()
    # And the worker goes on as if nothing had been.
    worker.submit(StartSession(settings, 2))
    worker.submit(ChunkRequest(chunk_at(0)))
    assert listener.wait_for(StepDone).session_id == 2
    assert {event.session_id for event in listener.seen if isinstance(event, StepDone)} == {2}


def test_live_the_oldest_chunks_are_dropped_and_counted(listener: Listener, tiny_model: Path) -> None:
    may_go_on = threading.Event()

    def busy_listener(event: WorkerEvent) -> None:
        listener(event)
        if isinstance(event, SessionStarted):
            may_go_on.wait(WAIT_S)

    with EngineWorker(busy_listener, max_waiting_chunks=2) as worker:
        settings = ready(worker, listener, tiny_model)
        worker.submit(StartSession(settings))
        listener.wait_for(SessionStarted)
        for second in range(5):
            assert worker.submit(ChunkRequest(chunk_at(second)))
        may_go_on.set()
        last = listener.wait_for(StepDone, lambda done: done.result.start_s == 4)
    steps = [event for event in listener.seen if isinstance(event, StepDone)]
    assert [step.result.start_s for step in steps] == [3, 4]
    assert [step.num_waiting for step in steps] == [1, 0]
    assert last.num_dropped == 3


def test_chunks_without_a_session_are_dropped_in_silence(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    worker.submit(ChunkRequest(chunk_at(0)))
    ready(worker, listener, tiny_model)
    worker.submit(ChunkRequest(chunk_at(1)))
    worker.submit(StopSession(5))
    assert listener.wait_for(SessionStopped).session_id == 5
    assert StepDone not in listener.kinds()


def failure(listener: Listener) -> WorkerFailed:
    until_s = time.monotonic() + WAIT_S
    while True:
        event = listener.events.get(timeout=max(0.0, until_s - time.monotonic()))
        if isinstance(event, WorkerFailed):
            return event


def test_what_cannot_be_loaded_is_said_in_words_and_the_next_model_can_be(
    worker: EngineWorker, listener: Listener, tiny_model: Path, tmp_path: Path
) -> None:
    worker.submit(LoadModel(tmp_path / "nothing"))
    failed = failure(listener)
    assert failed.during == "loading"
    assert str(tmp_path / "nothing") in failed.message
    assert "Traceback" in failed.details
    assert "Traceback" not in failed.message

    worker.submit(StartSession(StreamSettings()))
    failed = failure(listener)
    assert failed.during == "starting"
    assert "No model is loaded" in failed.message

    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in tiny_model.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes()[: 200 if file.suffix == ".safetensors" else None])
    worker.submit(LoadModel(damaged))
    assert ".safetensors" in failure(listener).message

    ready(worker, listener, tiny_model)


def test_a_step_that_fails_ends_its_session_and_nothing_else(
    worker: EngineWorker, listener: Listener, tiny_model: Path
) -> None:
    settings = ready(worker, listener, tiny_model)
    worker.submit(StartSession(settings, 1))
    worker.submit(ChunkRequest(chunk_at(0, size=(10, 3000))))  # too long for any model
    failed = failure(listener)
    assert (failed.during, failed.session_id) == ("running", 1)
    assert "200 times as long as wide" in failed.message
    worker.submit(ChunkRequest(chunk_at(1)))
    worker.submit(StartSession(settings, 2))
    worker.submit(ChunkRequest(chunk_at(2)))
    done = listener.wait_for(StepDone)
    assert (done.session_id, done.result.start_s) == (2, 2)


def test_a_session_that_cannot_even_be_closed_is_told_of_and_the_next_one_speaks(
    worker: EngineWorker, listener: Listener, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ready(worker, listener, tiny_model)
    from engine.session import StreamingSession  # imported late: it needs torch

    def close(session: StreamingSession) -> None:
        raise RuntimeError("an illegal memory access was encountered")

    with monkeypatch.context() as broken:
        broken.setattr(StreamingSession, "close", close)
        worker.submit(StartSession(settings, 1))
        worker.submit(ChunkRequest(chunk_at(0, size=(10, 3000))))
        assert failure(listener).session_id == 1
        worker.submit(StopSession(1))
        listener.wait_for(SessionStopped)
    worker.submit(StartSession(settings, 2))
    worker.submit(ChunkRequest(chunk_at(2)))
    assert listener.wait_for(StepDone).session_id == 2


def test_closing_while_a_model_loads_and_while_a_step_runs(listener: Listener, tiny_model: Path) -> None:
    before = threading.active_count()
    loading = EngineWorker(listener)
    loading.start()
    loading.submit(LoadModel(tiny_model))
    assert loading.close(WAIT_S)

    running = EngineWorker(listener)
    running.start()
    settings = ready(running, listener, tiny_model)
    talkative = dataclasses.replace(settings.sampling, max_new_tokens=1500, temperature=100.0)
    running.submit(StartSession(dataclasses.replace(settings, sampling=talkative)))
    running.submit(ChunkRequest(chunk_at(0)))
    listener.wait_for(TextPiece)
    assert running.close(WAIT_S)
    listener.wait_for(WorkerStopped)
    assert not running.submit(StartSession(settings))
    assert not running.submit(ChunkRequest(chunk_at(1)))
    assert running.close(0)
    assert threading.active_count() == before


def test_a_model_that_is_let_go_is_gone_and_can_be_loaded_again(listener: Listener, tiny_model: Path) -> None:
    with EngineWorker(listener) as worker:
        settings = ready(worker, listener, tiny_model)
        model = weakref.ref(worker._model)  # type: ignore[arg-type] # there is one
        worker.submit(StartSession(settings))
        listener.wait_for(SessionStarted)
        worker.submit(ReleaseModel())
        listener.wait_for(ModelReleased)
        assert model() is None
        worker.submit(StartSession(settings))
        assert "No model" in listener.wait_for(WorkerFailed).message
        worker.submit(LoadModel(tiny_model, "cpu"))
        listener.wait_for(ModelReady)


def test_a_worker_that_was_never_started_can_be_closed(listener: Listener) -> None:
    assert EngineWorker(listener).close(1)


def test_a_listener_that_fails_does_not_end_the_worker(tiny_model: Path) -> None:
    heard: queue.SimpleQueue[WorkerEvent] = queue.SimpleQueue()

    def touchy(event: WorkerEvent) -> None:
        heard.put(event)
        raise RuntimeError("the window is gone")

    with EngineWorker(touchy) as worker:
        worker.submit(LoadModel(tiny_model))
        while not isinstance(heard.get(timeout=WAIT_S), ModelReady):
            pass
    events = []
    while not heard.empty():
        events.append(heard.get())
    assert isinstance(events[-1], WorkerStopped)


def test_the_window_can_come_before_torch() -> None:
    program = """
        import sys
        import app.worker, app.sources, app.captions, app.resources, app.cli.main
        assert not {"torch", "transformers", "PySide6"} & set(sys.modules), sorted(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_loading_the_engine_does_not_hold_up_other_threads(tiny_model: Path) -> None:
    """A window's thread goes on while torch is imported; without care it stands still for half a second at a time."""
    program = """
        import sys, threading, time
        from app.worker import EngineWorker, LoadModel, ModelReady

        done = threading.Event()
        worker = EngineWorker(lambda event: done.set() if isinstance(event, ModelReady) else None)
        worker.start()
        worker.submit(LoadModel(sys.argv[1], "cpu"))
        num_ticks = 0
        while not done.wait(0.005):
            num_ticks += 1
        worker.close()
        print(num_ticks)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tiny_model)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert int(result.stdout) > 100


@pytest.mark.parametrize(
    ("limit", "cores"), [("150000 100000", 1), ("200000 100000", 2), ("max 100000", None)]
)
def test_a_containers_limit_counts_as_its_cores(tmp_path: Path, limit: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(limit + "\n")
    there = usable_cores(tmp_path / "no container")
    assert usable_cores(tmp_path) == (there if cores is None else min(there, cores))


# The mailbox by itself.


def requests(mailbox: Mailbox, count: int) -> list[object]:
    return [mailbox.take().request for _ in range(count)]


def test_commands_overtake_chunks_and_make_them_pointless() -> None:
    mailbox = Mailbox(max_waiting_chunks=2, lossless=False)
    mailbox.put_chunk(ChunkRequest(chunk_at(0)))
    mailbox.put_command(StopSession(1))
    mailbox.put_chunk(ChunkRequest(chunk_at(1)))
    mailbox.put_command(StartSession(StreamSettings(), 2))
    after = ChunkRequest(chunk_at(2))
    mailbox.put_chunk(after)
    first, second, third = requests(mailbox, 3)
    assert first == StopSession(1)
    assert isinstance(second, StartSession)
    assert isinstance(third, ChunkRequest)
    assert third.chunk is after.chunk


def test_a_session_may_want_fewer_chunks_to_wait_and_the_next_one_has_the_usual_number_again() -> None:
    mailbox = Mailbox(max_waiting_chunks=2, lossless=False)
    for start, num_waiting in (
        (StartSession(StreamSettings(), 1, max_waiting_chunks=1), 1),
        (StartSession(StreamSettings(), 2), 2),
    ):
        mailbox.put_command(start)
        for second in range(4):
            mailbox.put_chunk(ChunkRequest(chunk_at(second)))
        assert mailbox.num_waiting == num_waiting
        assert mailbox.num_dropped == 4 - num_waiting
        _, *waiting = requests(mailbox, 1 + num_waiting)
        assert [request.chunk.start_s for request in waiting if isinstance(request, ChunkRequest)] == [
            float(second) for second in range(4 - num_waiting, 4)
        ]


def test_a_question_is_not_lost_with_the_chunk_it_came_with() -> None:
    mailbox = Mailbox(max_waiting_chunks=2, lossless=False)
    mailbox.put_chunk(ChunkRequest(chunk_at(0), "Who scored?"))
    for second in range(1, 4):
        mailbox.put_chunk(ChunkRequest(chunk_at(second), "And how?" if second == 2 else None))
    assert mailbox.num_dropped == 2
    asked = [request.question for request in requests(mailbox, 2) if isinstance(request, ChunkRequest)]
    assert asked == ["Who scored? And how?", None]

    narrow = Mailbox(max_waiting_chunks=1, lossless=False)
    narrow.put_chunk(ChunkRequest(chunk_at(0), "Who scored?"))
    narrow.put_chunk(ChunkRequest(chunk_at(1)))
    (request,) = requests(narrow, 1)
    assert isinstance(request, ChunkRequest)
    assert (request.question, request.chunk.start_s) == ("Who scored?", 1)


def test_dropped_chunks_are_counted_anew_for_every_session() -> None:
    mailbox = Mailbox(max_waiting_chunks=1, lossless=False)
    for second in range(3):
        mailbox.put_chunk(ChunkRequest(chunk_at(second)))
    assert mailbox.num_dropped == 2
    mailbox.put_command(StartSession(StreamSettings()))
    assert mailbox.num_dropped == 0


@pytest.mark.parametrize("command", [StopSession(), Shutdown()])
def test_lossless_a_chunk_waits_for_room_until_a_command_comes(command: StopSession | Shutdown) -> None:
    mailbox = Mailbox(max_waiting_chunks=1, lossless=True)
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    assert mailbox.put_chunk(ChunkRequest(chunk_at(0)))
    waiting = threading.Thread(target=lambda: answers.put(mailbox.put_chunk(ChunkRequest(chunk_at(1)))))
    waiting.start()
    with pytest.raises(queue.Empty):
        answers.get(timeout=0.1)
    mailbox.take()
    assert answers.get(timeout=WAIT_S)
    waiting.join()
    assert mailbox.num_dropped == 0

    waiting = threading.Thread(target=lambda: answers.put(mailbox.put_chunk(ChunkRequest(chunk_at(2)))))
    waiting.start()
    with pytest.raises(queue.Empty):
        answers.get(timeout=0.1)
    mailbox.put_command(command)
    assert not answers.get(timeout=WAIT_S)
    waiting.join()


def test_behind_a_stop_that_waits_no_chunk_is_taken() -> None:
    mailbox = Mailbox(max_waiting_chunks=2, lossless=True)
    mailbox.put_chunk(ChunkRequest(chunk_at(0)))
    assert mailbox.put_stop_after_waiting(StopSession(1, after_waiting=True))
    mailbox.take()
    assert not mailbox.put_chunk(ChunkRequest(chunk_at(1)))
    assert requests(mailbox, 1) == [StopSession(1, after_waiting=True)]
