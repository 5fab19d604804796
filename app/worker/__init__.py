"""The worker: the one thread that owns the model.

Knows requests, events, the bounded queue between them, and the engine. Knows nothing of Qt, files or sources.
"""

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
from app.worker.worker import EngineWorker

__all__ = [
    "ChunkRequest",
    "EngineWorker",
    "FailedWhile",
    "LoadModel",
    "ModelLoading",
    "ModelReady",
    "ModelReleased",
    "QuestionTaken",
    "ReleaseModel",
    "SessionStarted",
    "SessionStopped",
    "Shutdown",
    "StartSession",
    "StepDone",
    "StopSession",
    "TextPiece",
    "WarmingUp",
    "WorkerEvent",
    "WorkerFailed",
    "WorkerRequest",
    "WorkerStopped",
]
