"""Speaks one text after the other, in a thread of its own; the newest wins.

Knows when a text is made into sound, played, cut off or passed over, and what happens when the sound output goes away
in the middle. Knows neither captions nor windows: what it does is told by events, from its own thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.speech.catching_up import CatchUp
from app.speech.errors import NoSoundError, NoSoundLibraryError, SpeechError
from app.speech.options import Engine, SpeechOptions, VoiceInfo
from app.speech.outputs import OutputMissingError, SoundOutput, load_sound, refresh, sound_outputs
from app.speech.playing import Playing
from app.speech.speaker import Speaker
from app.speech.voice import Pcm

_log = logging.getLogger("ringside.app.speech")

_HANGS_AFTER_S = 0.3
"""A voice that takes longer over a text that nobody wants any more is killed."""

_TRIES_AGAIN_AFTER_S = (0.1, 0.4, 1.0, 2.0)
"""After the output went away in mid-sentence; after that, each new sentence is a try."""

_REPEATS_S = 0.3
"""So much of what was cut off by a lost output is heard again, so that no word is missed."""

_OVERDUE_S = 4.0
"""An output that is so much later than its sound lasts is taken for lost."""


@dataclass(frozen=True)
class SpeechReady:
    """Voice and sound output are there, or there again."""


@dataclass(frozen=True)
class SpeechFailed:
    """Nothing can be spoken."""

    message: str
    """What is wrong, for a person."""
    hint: str
    """What to do."""


@dataclass(frozen=True)
class SpeechLost:
    """The sound output went away while it was in use; it is tried again."""

    message: str


@dataclass(frozen=True)
class SpeechNotice:
    """Speech goes on, but not as it was chosen."""

    message: str


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


SpeechEvent = SpeechReady | SpeechFailed | SpeechLost | SpeechNotice | SpeechStarted | SpeechEnded


@dataclass(frozen=True)
class _Wanted:
    text: str
    text_id: int
    is_urgent: bool
    asked_at_s: float
    num_passed_over: int


class SpeechService:
    """Says texts. Every method may be called from any thread and returns at once, but for `close`, `voices`, `outputs`.

    `on_event` is called from the service's thread and has to return quickly.
    """

    def __init__(self, on_event: Callable[[SpeechEvent], None] = lambda event: None) -> None:
        self._on_event = on_event
        self._speaker = Speaker(on_notice=lambda notice: self._emit(SpeechNotice(notice)))
        self._changed = threading.Condition()
        self._waiting: _Wanted | None = None
        self._asks_for_check = False
        self._num_cuts = 0
        self._num_texts = 0
        self._is_closed = False
        self._synthesising_since_s: float | None = None
        self._available: tuple[bool, str] = (False, "Speech was not tried yet.")
        self._thread: threading.Thread | None = None
        self._catch_up = CatchUp()
        self._options = SpeechOptions()
        self._is_lost = False
        self._told_missing = ""
        self.is_speaking = False
        """Whether a text is being heard just now."""

    @property
    def available(self) -> tuple[bool, str]:
        """Whether speech works, and if not, why; as of the last try."""
        return self._available

    @property
    def voice_pid(self) -> int | None:
        """The number of the process that makes the sound, while it runs."""
        return self._speaker.pid

    def configure(self, options: SpeechOptions) -> None:
        """Speak by these from the next text on."""
        with self._changed:
            if options.output != self._options.output:
                self._told_missing = ""
            self._options = options
            self._speaker.configure(options)

    def voices(self, engine: Engine) -> tuple[VoiceInfo, ...]:
        """The voices of an engine; () if it cannot speak here. Waits for a process: not for a window's thread."""
        with Speaker(self._options) as asked:
            return asked.voices(engine)

    def outputs(self) -> tuple[SoundOutput, ...]:
        """The sound outputs that can be chosen now. Takes a moment: not for a window's thread."""
        return sound_outputs()

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
            passed_over = self._waiting.num_passed_over + 1 if self._waiting is not None and not cut else 0
            self._waiting = _Wanted(text, self._num_texts, cut, time.monotonic(), passed_over)
            if cut:
                self._cut()
            self._wake()
            return self._num_texts

    def stop(self) -> None:
        """Silence, now; nothing waits any more."""
        with self._changed:
            self._waiting = None
            self._catch_up.reset()
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
        self._speaker.kill()
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
            self._speaker.kill()

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
                    options = self._options
                try:
                    if asks:
                        self._try_everything()
                    if wanted is not None:
                        self._say(wanted, options, num_cuts)
                except SpeechError as error:
                    self._fail(error, num_cuts)
        finally:
            self._speaker.close()

    def _try_everything(self) -> None:
        load_sound()
        self._speaker.start()
        self._is_lost = False
        self._available = (True, "")
        self._emit(SpeechReady())

    def _works(self) -> None:
        was_lost, self._is_lost = self._is_lost, False
        self._available = (True, "")
        if was_lost:
            self._emit(SpeechReady())

    def _say(self, wanted: _Wanted, options: SpeechOptions, num_cuts: int) -> None:
        rate = options.rate
        if options.catches_up and not wanted.is_urgent:
            self._catch_up.note(
                waited_s=time.monotonic() - wanted.asked_at_s, num_passed_over=wanted.num_passed_over
            )
            rate *= self._catch_up.factor
        self._synthesising_since_s = time.monotonic()
        try:
            pcm = self._speaker.synthesise(wanted.text, rate=rate)
        finally:
            self._synthesising_since_s = None
        with self._changed:
            if self._num_cuts != num_cuts:
                return
        self._play(wanted, pcm, options, num_cuts)

    def _play(self, wanted: _Wanted, pcm: Pcm, options: SpeechOptions, num_cuts: int) -> None:
        from_s = 0.0
        has_started = is_whole = False
        tries = iter((0.0, *_TRIES_AGAIN_AFTER_S))
        error: SpeechError | None = None
        try:
            for after_s in tries:
                if after_s and not self._wait(after_s, num_cuts):
                    break
                try:
                    if after_s:
                        refresh()
                    playing = self._open(pcm, options, from_s)
                except NoSoundLibraryError:
                    raise
                except NoSoundError as lost:
                    error = lost
                    if not has_started and not self._is_lost:
                        raise
                    if self._is_lost and not has_started:
                        break  # the next sentence is the next try
                    continue
                error = None
                try:
                    self.is_speaking = True
                    self._works()
                    if not has_started:
                        has_started = True
                        self._emit(SpeechStarted(wanted.text_id))
                    is_whole = self._wait_for_end(playing, num_cuts)
                    if not playing.was_lost:
                        break
                    from_s = max(0.0, playing.played_s - _REPEATS_S)
                finally:
                    self.is_speaking = False
                    playing.close()
                is_whole = False
                self._lose()
        finally:
            if has_started:
                self._emit(SpeechEnded(wanted.text_id, is_whole))
        if error is not None:
            _log.info("the sound output is still gone: %s", error)

    def _open(self, pcm: Pcm, options: SpeechOptions, from_s: float) -> Playing:
        """Play on the chosen output, or where that is gone on the usual one."""
        output = options.output
        try:
            return Playing(pcm, self._notify, output=output, volume=options.volume, from_s=from_s)
        except OutputMissingError as missing:
            playing = Playing(pcm, self._notify, volume=options.volume, from_s=from_s)
            if self._told_missing != output:
                self._told_missing = output
                self._emit(SpeechNotice(f"{missing.message} Speech goes to the usual output."))
            return playing

    def _lose(self) -> None:
        self._is_lost = True
        self._available = (False, "The sound output went away.")
        self._emit(SpeechLost("The sound output went away. Trying again."))

    def _wait(self, seconds: float, num_cuts: int) -> bool:
        """False if what is said meanwhile is not wanted any more."""
        end_s = time.monotonic() + seconds
        with self._changed:
            while self._num_cuts == num_cuts and (remaining_s := end_s - time.monotonic()) > 0:
                self._changed.wait(remaining_s)
            return self._num_cuts == num_cuts

    def _wait_for_end(self, playing: Playing, num_cuts: int) -> bool:
        """Whether all of it was played; what is not wanted any more is silent when this returns."""
        end_s = time.monotonic() + playing.lasts_s + _OVERDUE_S
        with self._changed:
            while self._num_cuts == num_cuts and not playing.is_done:
                remaining_s = end_s - time.monotonic()
                if remaining_s <= 0:
                    break
                self._changed.wait(remaining_s)
            is_cut = self._num_cuts != num_cuts
        if is_cut or not playing.is_done:
            playing.silence()
        return not is_cut and not playing.was_lost

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
