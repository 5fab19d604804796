"""Work beside the window: tasks on its loop, threads for what takes time, and the way back from any thread.

Knows how all of it is ended. Knows no Qt and nothing of what the work is.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_log = logging.getLogger("ringside.app.window")

_NUM_THREADS = 2
Result = TypeVar("Result")


class Background:
    """One per window."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._threads = concurrent.futures.ThreadPoolExecutor(
            _NUM_THREADS, thread_name_prefix="ringside-aside"
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def post(self, function: Callable[..., None], *arguments: object) -> None:
        """Have a function called on the loop, soon; from any thread."""
        try:
            self.loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            _log.debug("the loop has ended; %s is not told", function)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine beside everything else. What it raises is logged."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        if self._is_closed:  # too late: whoever asks at the end is not waited for
            task.cancel()
        return task

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """Do something that waits, in a thread."""
        return await asyncio.wrap_future(self._threads.submit(work), loop=self.loop)

    def start_in_thread(self, work: Callable[[], object]) -> None:
        """The same, if nobody waits for the result."""
        self._threads.submit(work)

    async def close(self, *endings: Callable[[], object]) -> None:
        """Cancel every task, do `endings` in threads, and wait for all of it."""
        self._is_closed = True
        await self._end_tasks()
        await asyncio.gather(*(self.in_thread(ending) for ending in endings))
        # What the threads posted while they ended may have asked for more.
        await self._end_tasks()
        self._threads.shutdown()

    async def _end_tasks(self) -> None:
        while self._tasks:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task failed", exc_info=error)
