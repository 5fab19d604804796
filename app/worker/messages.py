"""What is asked of the engine's worker, and what it answers: immutable records.

Knows: the words of the conversation. Does not know: threads, torch, or who listens.

Requests are answered in the order in which they come. ``session_id`` is the asker's own number for a session; every
answer about that session carries it, so that answers to an abandoned session can be told apart.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.chunk import FrameChunk
from engine.runtime import RuntimeSettings
from engine.settings import StreamSettings

if TYPE_CHECKING:
    from engine.step import StepResult

FailedWhile = Literal["loading", "starting", "running"]
"""What the worker was doing: loading a model, starting a session, running a step."""


@dataclasses.dataclass(frozen=True)
class LoadModel:
    """Load a model, in place of the present one if there is one; ends a running session.

    Answers: ModelLoading, any number of times, then ModelReady or WorkerFailed.
    """

    path: str | Path
    """Checkpoint folder or hub id."""

    device: str = "auto"
    """"auto", "cpu", "cuda" or "cuda:1"."""

    precision: str | None = None
    """How weights are kept: "bf16", "fp8", "int8" or "int4"; None: as they are stored."""

    revision: str | None = None
    """Commit of a hub id that has to be downloaded; None for the hub's present one."""


@dataclasses.dataclass(frozen=True)
class ReleaseModel:
    """Let the model go, so that another program can have its memory; ends a running session. Answers: ModelReleased."""


@dataclasses.dataclass(frozen=True)
class StartSession:
    """Start a new stream on the present model; ends a running session.

    Answers: WarmingUp, any number of times, then SessionStarted or WorkerFailed.
    """

    settings: StreamSettings
    session_id: int = 0
    runtime: RuntimeSettings | None = None
    """How to run it; None for what suits the device."""
    max_waiting_chunks: int | None = None
    """How many chunks may wait in this session; None for the worker's usual number. The fewer, the sooner seconds are left
    out when the model is slow, and the less late the others are."""
    frame_size: tuple[int, int] | None = None
    """Height and width of the frames to come, where known: what the first steps would otherwise wait for (storage, on a GPU
    recordings and compiling) is then done before the session counts as started."""


@dataclasses.dataclass(frozen=True)
class ChunkRequest:
    """Comment on one chunk. Chunks that come while no session runs are dropped.

    Answers: QuestionTaken if there is a question, TextPiece any number of times, then StepDone or WorkerFailed.
    """

    chunk: FrameChunk
    question: str | None = None
    """Put into this chunk's turn. If this chunk is dropped, the question moves on to the next one."""
    captured_at_s: float | None = None
    """When its last frame was taken, on `time.monotonic`; comes back with the chunk's StepDone."""


@dataclasses.dataclass(frozen=True)
class StopSession:
    """End the session: the running step is abandoned between two tokens, chunks that wait are forgotten.

    Answers: SessionStopped, also when no session runs.
    """

    session_id: int = 0
    after_waiting: bool = False
    """Comment on the chunks that wait first, and then end."""


@dataclasses.dataclass(frozen=True)
class Shutdown:
    """End the worker: as StopSession, then the model is let go and the thread ends. Answers: WorkerStopped."""


WorkerRequest = LoadModel | ReleaseModel | StartSession | ChunkRequest | StopSession | Shutdown


@dataclasses.dataclass(frozen=True)
class ModelLoading:
    """A model is on its way."""

    fraction: float
    """From 0 to 1."""

    text: str
    """What is being done, for a person."""


@dataclasses.dataclass(frozen=True)
class ModelReady:
    """The model is loaded."""

    name: str
    """Last part of its folder or hub id."""

    device: str
    """Where it runs: "cpu" or "cuda:0"."""

    settings: StreamSettings
    """What the checkpoint was trained for; alter with dataclasses.replace and pass to StartSession."""


@dataclasses.dataclass(frozen=True)
class ModelReleased:
    """There is no model any more; its memory is free."""


@dataclasses.dataclass(frozen=True)
class WarmingUp:
    """A session gets ready for its first chunk."""

    fraction: float
    """From 0 to 1."""

    text: str
    """What is being done, for a person."""

    session_id: int = 0


@dataclasses.dataclass(frozen=True)
class SessionStarted:
    """Chunks may come."""

    session_id: int


@dataclasses.dataclass(frozen=True)
class QuestionTaken:
    """The words that follow, about this chunk, answer a person's question."""

    start_s: float
    """Start of the chunk, in seconds of the stream."""

    question: str
    session_id: int = 0


@dataclasses.dataclass(frozen=True)
class TextPiece:
    """Some characters of the phrase being said, as they are sampled."""

    start_s: float
    """Start of the chunk they are about, in seconds of the stream."""

    end_s: float
    """End of that chunk."""

    text: str
    session_id: int = 0


@dataclasses.dataclass(frozen=True)
class StepDone:
    """One chunk is commented on; ``result.text`` is the whole phrase, empty for a silent second."""

    result: StepResult
    num_dropped: int
    """Chunks dropped since the session started."""

    delay_s: float = 0.0
    """Wall-clock seconds from the chunk's arrival at the worker to the end of its step."""

    num_waiting: int = 0
    """Chunks that wait now."""

    session_id: int = 0
    captured_at_s: float | None = None
    """When the chunk's last frame was taken, as its request said."""


@dataclasses.dataclass(frozen=True)
class SessionStopped:
    """The session has ended; nothing more comes from it."""

    session_id: int


@dataclasses.dataclass(frozen=True)
class WorkerFailed:
    """Something went wrong. After "loading" there is no model; after the others no session; the worker lives on."""

    message: str
    """What is wrong, for a person."""

    hint: str = ""
    """What to do."""

    details: str = ""
    """Traceback, for a bug report."""

    during: FailedWhile = "running"
    session_id: int = 0

    @property
    def in_one(self) -> str:
        """What is wrong and what to do, in one text."""
        return f"{self.message} {self.hint}".strip()


@dataclasses.dataclass(frozen=True)
class WorkerStopped:
    """The worker's thread is about to end; the last event."""


WorkerEvent = (
    ModelLoading
    | ModelReady
    | ModelReleased
    | WarmingUp
    | SessionStarted
    | QuestionTaken
    | TextPiece
    | StepDone
    | SessionStopped
    | WorkerFailed
    | WorkerStopped
)
