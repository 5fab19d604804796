"""A thread for files: whatever waits for a disk waits here and not in the window.

Knows an order of jobs and when there is nothing to do. Knows nothing of what the jobs are.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

_log = logging.getLogger("ringside.app.outputs")

Job = Callable[[], object]


class FileThread:
    """Does jobs one after the other, in the order in which they came."""

    def __init__(self, on_idle: Job, idle_s: float) -> None:
        """`on_idle` is done once when nothing came for `idle_s` after a job."""
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._on_idle = on_idle
        self._idle_s = idle_s
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin with what has come."""
        self._thread = threading.Thread(target=self._run, name="ringside-files", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Have it done, from any thread."""
        self._jobs.put(job)

    def close(self) -> None:
        """Do what was put so far, and end; waits for that."""
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        wait_s: float | None = None
        while True:
            try:
                job = self._jobs.get(timeout=wait_s)
            except queue.Empty:
                wait_s = None
                self._do(self._on_idle)
                continue
            if job is None:
                return
            wait_s = self._idle_s
            self._do(job)

    def _do(self, job: Job) -> None:
        try:
            job()
        except Exception:  # noqa: BLE001 - one job that fails must not take the files of all others with it
            _log.exception("a file could not be written")
