"""Live sources: a device, watched at the engine's frame rate for as long as anyone likes.

Knows the moments at which pictures are taken, how they become chunks, and that a source comes and goes: what is said
then, and how it is got back. Chunks that nobody fetches in time are dropped whole and counted. Does not know what a
device is.

Time is the wall's, from the first picture on, less pauses. While nothing comes there are no chunks, and time goes on.
"""

from __future__ import annotations

import collections
import logging
import math
import threading
from collections.abc import Iterator

import numpy as np

from app.errors import RingsideError
from app.sources import news
from app.sources.base import CapturedChunk, Preview, PreviewSink, SourceProblem
from app.sources.device import Device, Pixels, Shot, letterboxed
from app.sources.errors import DeviceEndedError, DeviceLostError, LiveSourceError, StoppedError
from app.sources.news import NewsSink, SourceNews
from app.sources.pacing import Pace
from app.sources.sampling import ChunkGrid

_log = logging.getLogger("ringside.app.sources")

_LOST_AFTER_S = 3.0
"""Without a new picture for so long, a device is lost."""

_FIRST_WAIT_S = 0.5
_STEADY_S = 5.0
"""A device that stayed this long is back for good: the next loss is tried at once again."""


class LiveSource:
    """Chunks of what a device shows. `open` it once, in any thread; it raises LiveSourceError."""

    def __init__(
        self,
        device: Device,
        *,
        fps: float = 2.0,
        chunk_s: float = 1.0,
        duration_s: float | None = None,
        on_preview: PreviewSink | None = None,
        on_news: NewsSink | None = None,
        max_waiting_chunks: int = 2,
        lost_after_s: float = _LOST_AFTER_S,
    ) -> None:
        """`on_preview` and `on_news` are called in the source's own thread."""
        self._device = device
        self._grid = ChunkGrid(0.0, chunk_s, fps)
        self._duration_s = duration_s
        self._on_preview = on_preview
        self._on_news = on_news
        self._max_waiting_chunks = max_waiting_chunks
        self._lost_after_s = lost_after_s
        self._pace = Pace(live=True)
        self._thread = threading.Thread(target=self._run, name="ringside-capture", daemon=True)
        self._changed = threading.Condition()
        self._chunks: collections.deque[CapturedChunk] = collections.deque()
        self._is_open = False
        self._has_ended = False
        self._error: RingsideError | None = None
        self._num_dropped = 0
        # From here on: the capture thread's own.
        self._last: Shot | None = None
        self._last_came_s = 0.0
        self._back_at_s = 0.0
        self._wait_s = _FIRST_WAIT_S
        self._is_over = False
        self._size = (0, 0)
        self._still = _Still(device)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures as they are now."""
        return self._size

    @property
    def duration_s(self) -> float | None:
        """How long it is to be watched, if that was said."""
        return self._duration_s

    @property
    def problem(self) -> SourceProblem | None:
        """A live source has no missing end."""
        return None

    @property
    def num_dropped(self) -> int:
        """Chunks that were dropped because nobody fetched them, or because this machine was too slow to take them."""
        return self._num_dropped

    @property
    def position_s(self) -> float:
        """Where the source is, in seconds of the stream."""
        return self._pace.position_s

    def open(self) -> None:
        """Start watching and wait for the first picture. Raises LiveSourceError."""
        self._thread.start()
        with self._changed:
            while not (self._is_open or self._has_ended):
                self._changed.wait()
            if not self._is_open:
                raise self._error or StoppedError()

    def pause(self) -> None:
        """Hold on; time stands still."""
        self._pace.pause()

    def resume(self) -> None:
        """Go on."""
        self._pace.resume()

    def stop(self) -> None:
        """End it soon; from any thread."""
        self._pace.stop()
        self._device.interrupt()
        with self._changed:
            self._changed.notify_all()

    def __iter__(self) -> Iterator[CapturedChunk]:
        while True:
            with self._changed:
                while not self._chunks and not self._has_ended and not self._pace.is_stopped:
                    self._changed.wait()
                if self._pace.is_stopped:
                    break
                if not self._chunks:
                    if self._error is not None:
                        raise self._error
                    break
                chunk = self._chunks.popleft()
            yield chunk
        if self._thread.ident is not None and threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._device.open()
            self._take(self._first())
            with self._changed:
                self._is_open = True
                self._changed.notify_all()
            while not self._pace.is_stopped and not self._is_over:
                try:
                    self._watch()
                except DeviceEndedError:
                    break
                except LiveSourceError as error:
                    self._get_back(error)
        except RingsideError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - nothing may end the thread unheard: passed on in words
            _log.exception("watching the %s failed", self._device.noun)
            self._error = DeviceLostError(f"the {self._device.noun}", f"failed ({error})")
        finally:
            self._device.close()
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _first(self) -> Shot:
        shot = self._device.newest()
        if shot is None:
            raise DeviceLostError(f"the {self._device.noun}")
        return shot

    def _watch(self) -> None:
        """Take pictures at their moments. Returns when stopped; raises LiveSourceError when the device is lost."""
        pace, grid = self._pace, self._grid
        sample = self._next_sample()
        next_preview_s = pace.position_s
        chunk = _Chunk(grid.num_frames)
        while True:
            due_s = min(grid.moment_s(sample), next_preview_s)
            if not pace.wait_until(due_s):
                return
            self._take(self._device.newest())
            now_s = pace.position_s
            if now_s >= next_preview_s:
                self._show(now_s)
                next_preview_s = max(now_s, next_preview_s + 1 / self._device.preview_fps)
            if now_s < grid.moment_s(sample):
                continue
            if now_s - grid.moment_s(sample) > grid.chunk_s:
                # The machine slept or was too busy: whole seconds are left out, never half of one.
                chunk, behind = _Chunk(grid.num_frames), min(self._next_sample(), self._num_samples)
                self._count_dropped(math.ceil((behind - sample) / grid.num_frames))
                if behind == self._num_samples:
                    self._is_over = True
                    return
                sample = int(behind)
                continue
            assert self._last is not None
            frames = chunk.add(self._last.pixels)
            sample += 1
            if frames is not None:
                self._hand_over(frames, sample // grid.num_frames - 1, self._last.taken_at_s)
                if sample >= self._num_samples:
                    self._is_over = True
                    return
            self._look_for_life()

    @property
    def _num_samples(self) -> float:
        """How many pictures it takes until it has been watched for as long as was said."""
        return math.inf if self._duration_s is None else math.ceil((self._duration_s - 1e-6) * self._grid.fps)

    def _next_sample(self) -> int:
        """The first moment of the next chunk; of the first one, if it has just begun."""
        chunk = max(0, math.ceil((self._pace.position_s - 0.5 / self._grid.fps) / self._grid.chunk_s))
        return chunk * self._grid.num_frames

    def _take(self, shot: Shot | None) -> None:
        if shot is None:
            if self._pace.position_s - self._last_came_s > self._lost_after_s:
                raise DeviceLostError(f"the {self._device.noun}")
            return
        self._last, self._last_came_s = shot, self._pace.position_s
        size = (shot.pixels.shape[0], shot.pixels.shape[1])
        if size != self._size and self._size != (0, 0):
            self._tell(news.resized(self._device.noun, size))
        self._size = size

    def _show(self, now_s: float) -> None:
        if self._on_preview is not None and self._last is not None:
            self._on_preview(Preview(self._last.pixels, now_s))

    def _look_for_life(self) -> None:
        assert self._last is not None
        told = self._still.look(self._last.pixels, self._pace.position_s)
        if told is not None:
            self._tell(told)
        if self._still.should_reopen(self._pace.position_s):
            _log.info("the %s is frozen; it is opened anew", self._device.noun)
            self._device.close()
            self._device.open()

    def _hand_over(self, frames: Pixels, index: int, captured_at_s: float) -> None:
        start_s, end_s = self._grid.bounds_s(index)
        chunk = CapturedChunk(frames=frames, start_s=start_s, end_s=end_s, captured_at_s=captured_at_s)
        with self._changed:
            while len(self._chunks) >= self._max_waiting_chunks:
                self._chunks.popleft()
                self._num_dropped += 1
            self._chunks.append(chunk)
            self._changed.notify_all()

    def _count_dropped(self, num_chunks: int) -> None:
        with self._changed:
            self._num_dropped += num_chunks

    def _get_back(self, error: LiveSourceError) -> None:
        """Open the device again and again, less and less often, until it is there or nobody wants it."""
        self._device.close()
        lost_at_s = self._pace.position_s
        if lost_at_s - self._back_at_s > _STEADY_S:
            self._wait_s = _FIRST_WAIT_S
        said = ""
        while not self._pace.is_stopped:
            if self._duration_s is not None and self._pace.position_s >= self._duration_s:
                self._is_over = True
                return
            if error.message != said:
                said = error.message
                self._tell(news.lost(said))
            # While it waits, so does a pause.
            if not self._pace.wait_until(self._pace.position_s + self._wait_s):
                return
            self._wait_s = min(2 * self._wait_s, self._device.longest_wait_s)
            try:
                self._device.open()
                self._last_came_s = self._pace.position_s
                self._take(self._first())
            except LiveSourceError as failure:
                _log.info("the %s is not back: %s", self._device.noun, failure)
                self._device.close()
                # A better reason than silence is worth telling; a worse one is not.
                error = failure if not isinstance(failure, (DeviceLostError, StoppedError)) else error
                continue
            _log.info("the %s was away for %.1f s", self._device.noun, self._pace.position_s - lost_at_s)
            self._back_at_s = self._pace.position_s
            self._still.forget()
            self._tell(news.back(self._device.noun))
            return

    def _tell(self, what: SourceNews) -> None:
        _log.info("%s", what.words)
        if self._on_news is not None:
            self._on_news(what)


class _Chunk:
    """Frames of one chunk, put in place as they come, so that nothing is left to do with the last one."""

    def __init__(self, num_frames: int) -> None:
        self._num_frames = num_frames
        self._num_added = 0
        self._frames: Pixels | None = None

    def add(self, pixels: Pixels) -> Pixels | None:
        """Add one; all of them, shape (num_frames, height, width, 3), when it was the last.

        Where the size changes, those before become pictures of the new size.
        """
        frames = self._frames
        if frames is None or frames.shape[1:] != pixels.shape:
            before, frames = frames, np.empty((self._num_frames, *pixels.shape), dtype=np.uint8)
            for index in range(self._num_added if before is not None else 0):
                assert before is not None
                frames[index] = letterboxed(before[index], (pixels.shape[0], pixels.shape[1]))
            self._frames = frames
        frames[self._num_added] = pixels
        self._num_added += 1
        if self._num_added < self._num_frames:
            return None
        self._frames, self._num_added = None, 0
        return frames


class _Still:
    """Notices that a device sends one and the same picture."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._digest = b""
        self._since_s: float | None = None
        self._was_told = False
        self._was_reopened = False

    def look(self, pixels: Pixels, now_s: float) -> SourceNews | None:
        """Look at a picture; what to tell, if anything."""
        limit_s = self._device.frozen_after_s
        if limit_s is None:
            return None
        # A camera's noise is everywhere: a thin grid of pixels shows it, and costs nothing.
        digest = pixels[::8, ::8].tobytes()
        if digest != self._digest:
            self._digest, self._since_s, self._was_reopened = digest, now_s, False
            if self._was_told:
                self._was_told = False
                return news.thawed(self._device.noun)
            return None
        if self._since_s is None:
            self._since_s = now_s
        if now_s - self._since_s >= limit_s and not self._was_told:
            self._was_told = True
            return news.frozen(self._device.noun)
        return None

    def should_reopen(self, now_s: float) -> bool:
        """Whether opening the device anew may help; said once for every time that it freezes."""
        limit_s = self._device.frozen_after_s
        if limit_s is None or self._since_s is None or not self._was_told or self._was_reopened:
            return False
        self._was_reopened = self._device.reopens_when_frozen and now_s - self._since_s >= 2 * limit_s
        return self._was_reopened

    def forget(self) -> None:
        """What comes next is new."""
        self._digest, self._since_s, self._was_told, self._was_reopened = b"", None, False, False
