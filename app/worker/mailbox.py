"""The queue between those who ask and the worker: what waits, what overtakes, what is dropped.

Knows: commands overtake chunks and make the chunks before them pointless; chunks are bounded, and when there are too
many either the oldest is dropped and counted (live) or the asker waits (lossless).
Does not know: the engine, or what an answer is.
"""

from __future__ import annotations

import collections
import dataclasses
import threading
import time

from app.worker.messages import (
    ChunkRequest,
    LoadModel,
    ReleaseModel,
    Shutdown,
    StartSession,
    StopSession,
    WorkerRequest,
)
from engine.chunk import FrameChunk

Command = LoadModel | ReleaseModel | StartSession | StopSession | Shutdown


@dataclasses.dataclass(frozen=True)
class Letter:
    """A request and when it came."""

    request: WorkerRequest
    arrived_at_s: float
    """On the monotonic clock."""


class Mailbox:
    """Requests for one worker; any thread may put, one takes."""

    def __init__(self, *, max_waiting_chunks: int, lossless: bool) -> None:
        self._usual_capacity = self._capacity = _checked(max_waiting_chunks)
        self._lossless = lossless
        self._changed = threading.Condition()
        self._commands: collections.deque[Letter] = collections.deque()
        self._chunks: collections.deque[ChunkRequest | StopSession] = collections.deque()
        self._arrivals_s: collections.deque[float] = collections.deque()
        self._num_dropped = 0
        self._num_commands = 0
        self._is_closed = False

    @property
    def has_command(self) -> bool:
        """Whether a command waits, so that what runs now should be abandoned."""
        return bool(self._commands)

    @property
    def num_dropped(self) -> int:
        """Chunks dropped since the last StartSession was put."""
        return self._num_dropped

    @property
    def num_waiting(self) -> int:
        """Chunks that wait."""
        return len(self._chunks)

    def put_command(self, command: Command) -> bool:
        """Put a command ahead of all chunks, which are forgotten. False after a Shutdown."""
        with self._changed:
            if self._is_closed:
                return False
            self._is_closed = isinstance(command, Shutdown)
            if isinstance(command, StartSession):
                self._num_dropped = 0
                self._capacity = _checked(command.max_waiting_chunks or self._usual_capacity)
            self._chunks.clear()
            self._arrivals_s.clear()
            self._commands.append(Letter(command, time.monotonic()))
            self._num_commands += 1
            self._changed.notify_all()
            return True

    def put_stop_after_waiting(self, stop: StopSession) -> bool:
        """Put a stop behind the chunks that wait. False after a Shutdown."""
        with self._changed:
            if self._is_closed:
                return False
            self._append(stop)
            return True

    def put_chunk(self, request: ChunkRequest) -> bool:
        """Put a chunk. Lossless, waits for room.

        False if a command came meanwhile, behind a stop that waits, or after a Shutdown.
        """
        with self._changed:
            num_commands = self._num_commands
            while self._lossless and len(self._chunks) >= self._capacity:
                self._changed.wait()
                if self._num_commands != num_commands:
                    return False
            if self._is_closed or self._is_ending:
                return False
            question = request.question
            while len(self._chunks) >= self._capacity:
                dropped = self._chunks.popleft()
                self._arrivals_s.popleft()
                self._num_dropped += 1
                if isinstance(dropped, ChunkRequest) and dropped.question:
                    # A person asked this; it must not be lost with the pictures.
                    question = self._hand_on(dropped.question, question)
            self._append(dataclasses.replace(request, question=question))
            return True

    def peek(self) -> FrameChunk | None:
        """The chunk that comes next, which stays where it is; None if none waits, or a command comes first."""
        with self._changed:
            first = self._chunks[0] if self._chunks and not self._commands else None
            return first.chunk if isinstance(first, ChunkRequest) else None

    def take(self) -> Letter:
        """The next request; waits for one."""
        with self._changed:
            while True:
                if self._commands:
                    return self._commands.popleft()
                if self._chunks:
                    letter = Letter(self._chunks.popleft(), self._arrivals_s.popleft())
                    self._changed.notify_all()
                    return letter
                self._changed.wait()

    def _hand_on(self, dropped: str, newest: str | None) -> str | None:
        """Give a dropped chunk's question to the oldest that still waits, or return it for the newest."""
        if self._chunks and isinstance(oldest := self._chunks[0], ChunkRequest):
            self._chunks[0] = dataclasses.replace(oldest, question=_joined(dropped, oldest.question))
            return newest
        return _joined(dropped, newest)

    @property
    def _is_ending(self) -> bool:
        return bool(self._chunks) and isinstance(self._chunks[-1], StopSession)

    def _append(self, request: ChunkRequest | StopSession) -> None:
        self._chunks.append(request)
        self._arrivals_s.append(time.monotonic())
        self._changed.notify_all()


def _checked(max_waiting_chunks: int) -> int:
    if max_waiting_chunks < 1:
        raise ValueError(f"at least one chunk must be able to wait, not {max_waiting_chunks}")
    return max_waiting_chunks


def _joined(first: str, second: str | None) -> str:
    return f"{first} {second}" if second else first
