"""Whoever speaks: the voice that was chosen, or the system's own where that one cannot.

Knows which voice is asked and what is said when another one has to speak in its place. Knows no sound output.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from app.speech.errors import NoVoiceError
from app.speech.languages import NATURAL, codes, speaks
from app.speech.natural import find_natural_voice, why_not
from app.speech.options import Engine, SpeechOptions, VoiceInfo
from app.speech.voice import Pcm, Voice

_log = logging.getLogger("ringside.app.speech")


class Speaker:
    """Makes speech by the options. Used from one thread; `kill` may come from any, `configure` too."""

    def __init__(
        self, options: SpeechOptions | None = None, *, on_notice: Callable[[str], None] = lambda notice: None
    ) -> None:
        """`on_notice` is told, once for each reason, when somebody else has to speak."""
        self._options = options or SpeechOptions()
        self._on_notice = on_notice
        self._told: set[str] = set()
        self._voice: Voice = Voice()
        self._engine: Engine = "system"
        self._natural_failed = False
        self._known: dict[Engine, tuple[VoiceInfo, ...]] = {}

    @property
    def options(self) -> SpeechOptions:
        """As they are now."""
        return self._options

    @property
    def pid(self) -> int | None:
        """The number of the process that makes the sound, while it runs."""
        return self._voice.pid

    def configure(self, options: SpeechOptions) -> None:
        """Speak by these from the next text on."""
        if options.engine != self._options.engine:
            self._natural_failed = False
        self._options = options

    def start(self) -> None:
        """Have a voice ready. Raises NoVoiceError."""
        self._choose()
        try:
            self._voice.start()
        except NoVoiceError as error:
            self._fall_back(error)
            self._voice.start()

    def synthesise(self, text: str, *, rate: float | None = None) -> Pcm:
        """Speech for a text, at the chosen rate or another one. Raises NoVoiceError, also when killed meanwhile."""
        options = self._options
        self._choose()
        rate = options.rate if rate is None else rate
        try:
            return self._voice.synthesise(text, voice=self._voice_id(options), rate=rate)
        except NoVoiceError as error:
            self._fall_back(error)
            return self._voice.synthesise(text, rate=rate)

    def voices(self, engine: Engine) -> tuple[VoiceInfo, ...]:
        """The voices of an engine; () if it cannot speak here. Asks it the first time, in a process of its own."""
        if engine not in self._known:
            folder = self._options.models_folder
            files = find_natural_voice(folder) if engine == "natural" else ()
            if engine == "natural" and why_not(folder):
                return ()
            asked = Voice(files)
            try:
                self._known[engine] = asked.voices()
            except NoVoiceError as error:
                _log.info("the voices of %s are not known: %s", engine, error)
                return ()
            finally:
                asked.close()
        return self._known[engine]

    def kill(self) -> None:
        """End what is being made, now."""
        self._voice.kill()

    def close(self) -> None:
        """End the process."""
        self._voice.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _choose(self) -> None:
        wanted: Engine = self._options.engine
        if wanted == "natural" and not self._natural_failed:
            reason = why_not(self._options.models_folder)
            if reason:
                wanted = "system"
                self._tell(f"{reason} The system's voice speaks in its place.")
            elif codes(self._options.language) and not set(codes(self._options.language)) & set(NATURAL):
                wanted = "system"
                self._tell(
                    f"The natural voice does not speak {self._options.language}. The system's voice does."
                )
        elif wanted == "natural":
            wanted = "system"
        if wanted != self._engine:
            self._replace(wanted)

    def _replace(self, engine: Engine) -> None:
        former, self._voice = (
            self._voice,
            Voice(find_natural_voice(self._options.models_folder) if engine == "natural" else ()),
        )
        self._engine = engine
        former.close()

    def _voice_id(self, options: SpeechOptions) -> str:
        """The chosen voice, if this engine has it."""
        if not options.voice or options.engine != self._engine:
            return self._voice_of(options.language)
        if options.voice not in {voice.voice_id for voice in self.voices(self._engine)}:
            self._tell("The voice that was chosen is not there any more. The usual one speaks.")
            return ""
        return options.voice

    def _voice_of(self, language: str) -> str:
        """A voice that speaks this language; "" for the usual one."""
        if not codes(language) or codes(language) == codes("English"):
            return ""
        for voice in self.voices(self._engine):
            if speaks(voice.language, language):
                return voice.voice_id
        self._tell(f"There is no voice for {language} here. The usual one speaks.")
        return ""

    def _fall_back(self, error: NoVoiceError) -> None:
        """Let the system speak in place of a natural voice that failed; raises the error if it was not that."""
        if self._engine != "natural" or self._voice.was_killed:
            raise error
        _log.warning("the natural voice failed: %s", error)
        self._natural_failed = True
        self._replace("system")
        self._tell("The natural voice does not work just now. The system's voice speaks in its place.")

    def _tell(self, notice: str) -> None:
        if notice not in self._told:
            self._told.add(notice)
            self._on_notice(notice)
