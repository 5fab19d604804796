"""A thread that reads a source and hands on its chunks.

Knows: how a source is run beside a window or a command, and how its end is told: done, stopped, damaged or failed.
Does not know: what becomes of the chunks.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable

from app.errors import RingsideError
from app.sources.base import CapturedChunk, ChunkSource, SourceProblem

_log = logging.getLogger("ringside.app.sources")


@dataclasses.dataclass(frozen=True)
class SourceEnded:
    """Nothing more comes from a source."""

    num_chunks: int
    """Chunks handed on."""

    problem: SourceProblem | None = None
    """What was wrong with what was watched, though part of it could be."""

    error: RingsideError | None = None
    """What ended it, if something failed."""

    details: str = ""
    """Type and text of an unforeseen failure, for a bug report."""


class SourceReader:
    """Iterates a source in a thread of its own.

    ``on_chunk`` is called in that thread and may wait; when it returns False the reading ends. ``on_end`` is called
    there last, once, however the reading ended.
    """

    def __init__(
        self,
        source: ChunkSource,
        on_chunk: Callable[[CapturedChunk], bool],
        on_end: Callable[[SourceEnded], None],
    ) -> None:
        self._source = source
        self._on_chunk = on_chunk
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, name="ringside-source", daemon=True)

    def start(self) -> None:
        """Start reading; once."""
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """End the reading and wait for the thread; True if it has ended.

        A thread that waits in ``on_chunk`` ends when that returns.
        """
        self._source.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        num_chunks = 0
        try:
            for chunk in self._source:
                if not self._on_chunk(chunk):
                    break
                num_chunks += 1
            ended = SourceEnded(num_chunks, self._source.problem)
        except RingsideError as error:
            ended = SourceEnded(num_chunks, error=error)
        except Exception as error:  # noqa: BLE001 - nothing may end the thread unheard: passed on in words
            _log.exception("a source failed")
            failure = RingsideError(
                f"Watching failed: {error}.", hint="This is a fault in Ringside; please report it."
            )
            ended = SourceEnded(num_chunks, error=failure, details=f"{type(error).__name__}: {error}")
        self._on_end(ended)
