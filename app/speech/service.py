"""Speaks one text after the other, in a thread of its own; the newest wins.

Knows when a text is made into sound, played, cut off or passed over. Knows neither captions nor windows: what it does
is told by events, from its own thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.speech.errors import SpeechError
from app.speech.output import Playing, load_sound
from app.speech.voice import Voice

_log = logging.getLogger("ringside.app.speech")

_HANGS_AFTER_S = 0.3
"""A voice that takes longer over a text that nobody wants any more is killed."""


@dataclass(frozen=True)
class SpeechReady:
    """Voice and sound output are there."""


@dataclass(frozen=True)
class SpeechFailed:
    """Nothing can be spoken."""

    message: str
    """What is wrong, for a person."""
    hint: str
    """What to do."""


@dataclass(frozen=True)
class SpeechStarted:
    """A text is being spoken."""

    text_id: int


@dataclass(frozen=True)
class SpeechEnded:
    """A text is over."""

    text_id: int
    is_whole: bool
    """Whether it was spoken to its end."""


SpeechEvent = SpeechReady | SpeechFailed | SpeechStarted | SpeechEnded


@dataclass(frozen=True)
class _Wanted:
    text: str
    text_id: int


class SpeechService:
    """Says texts. Every method may be called from any thread and returns at once, but for `close`.

    `on_event` is called from the service's thread and has to return quickly.
    """

    def __init__(self, on_event: Callable[[SpeechEvent], None] = lambda event: None) -> None:
        self._on_event = on_event
        self._voice = Voice()
        self._changed = threading.Condition()
        self._waiting: _Wanted | None = None
        self._asks_for_check = False
        self._num_cuts = 0
        self._num_texts = 0
        self._is_closed = False
        self._synthesising_since_s: float | None = None
        self._available: tuple[bool, str] = (False, "Speech was not tried yet.")
        self._thread: threading.Thread | None = None

    @property
    def available(self) -> tuple[bool, str]:
        """Whether speech works, and if not, why; as of the last try."""
        return self._available

    @property
    def voice_pid(self) -> int | None:
        """The number of the process that makes the sound, while it runs."""
        return self._voice.pid

    def check(self) -> None:
        """Find out whether speech works; SpeechReady or SpeechFailed follows."""
        with self._changed:
            self._asks_for_check = True
            self._wake()

    def say(self, text: str, *, cut: bool = True) -> int:
        """Say this next, in place of whatever still waits. Returns the text's number in later events.

        `cut`: also break off what is being said; else it is said to its end first.
        """
        with self._changed:
            self._num_texts += 1
            self._waiting = _Wanted(text, self._num_texts)
            if cut:
                self._cut()
            self._wake()
            return self._num_texts

    def stop(self) -> None:
        """Silence, now; nothing waits any more."""
        with self._changed:
            self._waiting = None
            self._cut()
            self._changed.notify_all()

    def close(self, timeout_s: float | None = None) -> bool:
        """Silence, and end the thread and the voice's process. True if they have ended."""
        with self._changed:
            self._is_closed = True
            self._waiting = None
            self._cut()
            self._changed.notify_all()
            thread = self._thread
        self._voice.kill()
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _wake(self) -> None:
        if self._thread is None and not self._is_closed:
            # A daemon, so that a program that dies without `close` does not hang on its voice.
            self._thread = threading.Thread(target=self._run, name="ringside-speech", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _cut(self) -> None:
        self._num_cuts += 1
        since_s = self._synthesising_since_s
        if since_s is not None and time.monotonic() - since_s > _HANGS_AFTER_S:
            self._voice.kill()

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    while not (self._waiting or self._asks_for_check or self._is_closed):
                        self._changed.wait()
                    if self._is_closed:
                        return
                    wanted, self._waiting = self._waiting, None
                    asks, self._asks_for_check = self._asks_for_check, False
                    num_cuts = self._num_cuts
                try:
                    if asks:
                        self._try_everything()
                    if wanted is not None:
                        self._say(wanted, num_cuts)
                except SpeechError as error:
                    self._fail(error, num_cuts)
        finally:
            self._voice.close()

    def _try_everything(self) -> None:
        load_sound()
        self._voice.start()
        self._available = (True, "")
        self._emit(SpeechReady())

    def _say(self, wanted: _Wanted, num_cuts: int) -> None:
        self._synthesising_since_s = time.monotonic()
        try:
            pcm = self._voice.synthesise(wanted.text)
        finally:
            self._synthesising_since_s = None
        with self._changed:
            if self._num_cuts != num_cuts:
                return
        playing = Playing(pcm, self._notify)
        try:
            self._available = (True, "")
            self._emit(SpeechStarted(wanted.text_id))
            is_whole = self._wait_for_end(playing, num_cuts)
            if not is_whole:
                playing.silence()
            self._emit(SpeechEnded(wanted.text_id, is_whole))
        finally:
            playing.close()

    def _wait_for_end(self, playing: Playing, num_cuts: int) -> bool:
        with self._changed:
            while self._num_cuts == num_cuts and not playing.is_done:
                self._changed.wait()
            return self._num_cuts == num_cuts

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _fail(self, error: SpeechError, num_cuts: int) -> None:
        with self._changed:
            if self._is_closed or self._num_cuts != num_cuts:
                return  # killed on purpose
        _log.info("speech failed: %s", error)
        self._available = (False, error.line)
        self._emit(SpeechFailed(error.message, error.hint))

    def _emit(self, event: SpeechEvent) -> None:
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - a listener's fault must not end speech: logged, and on
            _log.exception("a listener failed on %s", type(event).__name__)
