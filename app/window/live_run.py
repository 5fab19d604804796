"""One run: a source played into the worker, from its first picture to its last word.

Knows which threads a run has and how what they find reaches the loop of the window. Knows no Qt, and not what is done
with words.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol

from app.sources import CapturedChunk, ChunkSource, Preview, SourceEnded, SourceReader
from app.speech.source_sound import SourceSound
from app.window.picture import PictureBox
from app.window.state.pulse import Pulse
from app.worker import ChunkRequest, EngineWorker
from engine.chunk import FrameChunk

_MAX_UNDER_WAY = 2
_LOOK_AGAIN_S = 0.1


class Post(Protocol):
    """Has a function called on the window's loop, soon; from any thread."""

    def __call__(self, function: Callable[..., None], *arguments: object) -> None:
        """Call `function` with `arguments` there."""
        ...


class LiveRun:
    """Plays one source once. Made and used on the window's loop; the source is handed in with `watch`."""

    def __init__(
        self,
        session_id: int,
        *,
        worker: EngineWorker,
        pictures: PictureBox,
        post: Post,
        on_end: Callable[[LiveRun, SourceEnded], None],
        prepare: Callable[[FrameChunk], FrameChunk] = lambda chunk: chunk,
    ) -> None:
        """`on_end` is called on the loop when the source has ended, however it ended; `prepare`, in the source's
        thread, makes of each chunk what the model sees."""
        self._prepare = prepare
        self.session_id = session_id
        self.pulse = Pulse(time.monotonic())
        self.num_frames_per_chunk = 0
        self._worker = worker
        self._pictures = pictures
        self._post = post
        self._on_end = on_end
        self._source: ChunkSource | None = None
        self._reader: SourceReader | None = None
        self._num_dropped_before = 0
        self._is_stopped = False
        self._paused_at_s: float | None = None
        self.sound: SourceSound | None = None
        """The source's own sound, where it has one."""
        self.is_gapless = False
        """Whether the source waits for the model, so that nothing is left out."""
        self._num_under_way = threading.Semaphore(_MAX_UNDER_WAY)
        self._questions: queue.SimpleQueue[str] = queue.SimpleQueue()

    @staticmethod
    def now_s() -> float:
        """The moment, on the clock of the pulse."""
        return time.monotonic()

    def show(self, preview: Preview) -> None:
        """A picture of the source; called in its thread."""
        if not self._is_stopped:
            self.pulse.picture_came(self.now_s())
            if self.sound is not None:
                self.sound.follow(preview.time_s)
            self._pictures.put(preview)

    def watch(self, source: ChunkSource) -> None:
        """Start reading the source; its chunks go to the worker, whose session has to be running."""
        if self._is_stopped:
            return
        self._source = source
        # While the model got ready nobody was there to watch: that is neither lost nor late.
        self._num_dropped_before = source.num_dropped
        self.pulse.picture_came(self.now_s())
        self._reader = SourceReader(source, self._take_chunk, self._take_end)
        self._reader.start()

    def adopt(self, source: ChunkSource) -> None:
        """This source is being opened, in this thread; stopping the run ends that."""
        self._source = source
        if self._is_stopped:
            source.stop()

    def step_ended(self) -> None:
        """The model is done with a chunk."""
        self._num_under_way.release()

    @property
    def num_dropped(self) -> int:
        """Chunks that the source itself left out."""
        return self._source.num_dropped - self._num_dropped_before if self._source is not None else 0

    def ask(self, question: str) -> None:
        """Put a question into the next chunk."""
        self._questions.put(question)

    def pause(self) -> None:
        """Hold the picture."""
        if self._source is not None and self._paused_at_s is None:
            self._paused_at_s = self.now_s()
            self._source.pause()
            if self.sound is not None:
                self.sound.pause()

    def resume(self) -> None:
        """Go on."""
        if self._source is not None and self._paused_at_s is not None:
            self.pulse.paused(self.now_s() - self._paused_at_s)
            self._paused_at_s = None
            self._source.resume()
            if self.sound is not None:
                self.sound.resume()

    def stop(self) -> None:
        """No more pictures and chunks from now on; the thread ends soon."""
        self._is_stopped = True
        if self._source is not None:
            self._source.stop()
        if self.sound is not None:
            self.sound.pause()

    def join(self) -> None:
        """Wait for the thread's end; not on the loop."""
        if self._reader is not None:
            self._reader.stop()
        if self.sound is not None:
            self.sound.close()

    def _take_chunk(self, chunk: CapturedChunk) -> bool:
        if self._is_stopped:
            return False
        while self.is_gapless and not self._num_under_way.acquire(timeout=_LOOK_AGAIN_S):
            if self._is_stopped:
                return False
        self.num_frames_per_chunk = chunk.num_frames
        self._post(self.pulse.chunk_came, chunk.end_s, self.now_s())
        request = ChunkRequest(
            self._prepare(chunk), question=self._next_question(), captured_at_s=chunk.captured_at_s
        )
        return self._worker.submit(request)

    def _next_question(self) -> str | None:
        with contextlib.suppress(queue.Empty):
            return self._questions.get_nowait()
        return None

    def _take_end(self, ended: SourceEnded) -> None:
        self._post(self._on_end, self, ended)
