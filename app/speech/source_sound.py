"""The video's own sound while it is watched: it follows the picture, and makes room while somebody speaks.

Knows how sound is kept with the picture through pauses, jumps and slow moments, and how it is ducked. Knows no window and
no voice: whether somebody speaks is asked of whoever made it.
"""

from __future__ import annotations

import collections
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import RingsideError
from app.speech import outputs
from app.speech.ducking import LiveDucker
from app.speech.errors import SpeechError
from app.speech.outputs import OutputMissingError
from app.speech.video_sound import RATE_HZ, Stereo, has_sound, source_blocks

_log = logging.getLogger("ringside.app.speech")

_LATENCY_S = 0.1
_KEPT_S = 1.5
"""Decoded ahead of what is heard."""

_OFF_BY_S = 0.12
"""Sound that is further from its picture is moved."""

_JUMPED_S = 1.0
"""A picture further from the sound than this has jumped: the sound is read anew from there."""

_STALE_S = 1.0
"""Without a picture for so long, there is nothing to go with."""

_NUM_PICTURES = 24
_TRIES_AGAIN_AFTER_S = 3.0


@dataclass(frozen=True)
class SourceSoundOptions:
    """How the video sounds."""

    volume: float = 1.0
    """0 to 1."""
    duck_db: float = 12.0
    """How much quieter it is while somebody speaks."""
    output: str = ""
    """As in SpeechOptions."""


class SourceSound:
    """The sound of one video. All methods may be called from any thread and return at once, but for `close`."""

    def __init__(
        self,
        path: Path,
        is_speaking: Callable[[], bool],
        *,
        options: SourceSoundOptions | None = None,
        on_problem: Callable[[str], None] = lambda problem: None,
    ) -> None:
        """`is_speaking` is asked from the sound's thread; `on_problem` is told once, from ours, if nothing can be heard."""
        self._path = path
        self._is_speaking = is_speaking
        self._options = options or SourceSoundOptions()
        self._on_problem = on_problem
        self._changed = threading.Condition()
        self._lags_s: collections.deque[float] = collections.deque(maxlen=_NUM_PICTURES)
        self._picture_at_s = 0.0
        self._is_paused = False
        self._is_closed = False
        self._blocks: collections.deque[Stereo] = collections.deque()
        self._num_waiting = 0
        self._wants_from_s: float | None = None
        self._start_s = 0.0
        self._position = 0
        self._ducker = LiveDucker(RATE_HZ)
        self._is_lost = False
        self._is_moving = False
        """To another output, so that it is opened anew at once."""
        self._has_ended = False
        """Nothing more is to be decoded."""
        self._close_stream: Callable[[], None] = lambda: None
        self._thread: threading.Thread | None = None

    def configure(self, options: SourceSoundOptions) -> None:
        """Sound like this from now on, and there."""
        former, self._options = self._options, options
        if options.output != former.output:
            self._is_moving = True
            self._close_stream()

    def follow(self, time_s: float) -> None:
        """The picture of this moment of the video is shown now."""
        now_s = time.monotonic()
        with self._changed:
            if self._is_closed:
                return
            self._lags_s.append(now_s - time_s)
            self._picture_at_s = now_s
            if self._thread is None:
                self._wants_from_s = time_s
                self._thread = threading.Thread(target=self._run, name="ringside-sound", daemon=True)
                self._thread.start()

    def pause(self) -> None:
        """The picture is on hold."""
        with self._changed:
            self._is_paused = True

    def resume(self) -> None:
        """The picture goes on."""
        with self._changed:
            self._is_paused = False
            self._lags_s.clear()

    def close(self) -> None:
        """Silence, and wait for the thread's end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            if not has_sound(self._path):
                return
            told = False
            while not self._is_closed:
                try:
                    self._play()
                except SpeechError as error:
                    _log.info("the sound of %s cannot be played: %s", self._path, error)
                    if not told:
                        told = True
                        self._on_problem(f"The video's own sound cannot be heard. {error.message}")
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._is_closed or self._is_moving, timeout=_TRIES_AGAIN_AFTER_S
                    )
        except RingsideError as error:
            _log.info("the sound of %s cannot be read: %s", self._path, error)
        except Exception:  # noqa: BLE001 - commentary goes on without the video's sound, whatever a decoder raises
            _log.exception("the sound of %s failed", self._path)

    def _play(self) -> None:
        """Play until the output is lost or this is closed. Raises SpeechError."""
        self._is_lost = self._is_moving = False
        stream = self._open()
        closing = threading.Lock()
        is_open = True

        def end() -> None:
            nonlocal is_open
            with closing:
                if is_open:
                    is_open = False
                    stream.abort()
                    stream.close()
            self._lose()

        self._close_stream = end
        with self._changed:
            if self._wants_from_s is None and self._lags_s:
                self._wants_from_s = max(0.0, time.monotonic() - min(self._lags_s))
        try:
            self._decode()
        finally:
            outputs.forget(self._end_stream)
            end()

    def _open(self) -> Any:
        for output in dict.fromkeys((self._options.output, "")):
            try:
                return outputs.open_stream(
                    output,
                    self._end_stream,
                    samplerate=RATE_HZ,
                    channels=2,
                    dtype="float32",
                    latency=_LATENCY_S,
                    callback=self._fill,
                    finished_callback=self._lose,
                )
            except OutputMissingError:
                continue
        raise OutputMissingError(self._options.output)

    def _end_stream(self) -> None:
        self._close_stream()

    def _lose(self) -> None:
        with self._changed:
            self._is_lost = True
            self._changed.notify_all()

    def _decode(self) -> None:
        """Keep what will be heard decoded, anew from wherever the picture jumps to."""
        blocks = None
        while True:
            with self._changed:
                while (
                    not (self._is_closed or self._is_lost)
                    and self._wants_from_s is None
                    and (blocks is None or self._num_waiting > _KEPT_S * RATE_HZ)
                ):
                    self._changed.wait()
                if self._is_closed or self._is_lost:
                    break
                if self._wants_from_s is not None:
                    self._start_s, self._wants_from_s = self._wants_from_s, None
                    self._blocks.clear()
                    self._num_waiting = self._position = 0
                    self._has_ended = False
                    start_s = self._start_s
                    blocks = source_blocks(self._path, start_s)
            block = next(blocks, None) if blocks is not None else None
            with self._changed:
                if block is None:
                    blocks = None
                    self._has_ended = self._wants_from_s is None
                elif self._wants_from_s is None:
                    self._blocks.append(block)
                    self._num_waiting += block.shape[1]
        if blocks is not None:
            blocks.close()

    def _fill(self, out: npt.NDArray[np.float32], num_frames: int, moment: Any, status: Any) -> None:
        """Called by PortAudio for the next samples."""
        options = self._options
        with self._changed:
            out[:] = 0
            wanted_s = self._picture_s(time.monotonic())
            if wanted_s is not None:
                # What is handed out now is heard when what is already in the device's buffer is over.
                ahead_s = self._start_s + self._position / RATE_HZ - wanted_s - _LATENCY_S
                self._keep_up(ahead_s, wanted_s)
                if ahead_s < _OFF_BY_S:
                    out[:] = self._take(num_frames).T
            if self._num_waiting < _KEPT_S * RATE_HZ:
                self._changed.notify_all()
        gains = self._ducker.gains(num_frames, is_speaking=self._is_speaking(), depth_db=options.duck_db)
        out *= gains[:, None] * np.float32(options.volume)

    def _picture_s(self, now_s: float) -> float | None:
        """What is on the screen now; None if nothing moves."""
        if self._is_paused or not self._lags_s or now_s - self._picture_at_s > _STALE_S:
            return None
        # Pictures come late now and then, and never early.
        return now_s - min(self._lags_s)

    def _keep_up(self, ahead_s: float, wanted_s: float) -> None:
        if self._has_ended and not self._num_waiting and ahead_s <= 0:
            return
        if abs(ahead_s) > _JUMPED_S:
            if self._wants_from_s is None:
                self._wants_from_s = wanted_s + _LATENCY_S
                latest = self._lags_s[-1]
                self._lags_s.clear()
                self._lags_s.append(latest)
        elif ahead_s < -_OFF_BY_S:
            self._take(min(round(-ahead_s * RATE_HZ), self._num_waiting))

    def _take(self, num_samples: int) -> Stereo:
        taken = np.zeros((2, num_samples), dtype=np.float32)
        at = 0
        while at < num_samples and self._blocks:
            block = self._blocks[0]
            size = min(block.shape[1], num_samples - at)
            taken[:, at : at + size] = block[:, :size]
            at += size
            if size == block.shape[1]:
                self._blocks.popleft()
            else:
                self._blocks[0] = block[:, size:]
        self._num_waiting -= at
        self._position += at
        return taken
