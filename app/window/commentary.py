"""Where words go: pieces from the model become captions, transcript and speech.

Knows the three and keeps them in step, and what a person wants to hear of them. Knows no Qt, no worker and no picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.models.catalogue import find_model
from app.settings import UserSettings
from app.speech import (
    SpeechEnded,
    SpeechEvent,
    SpeechFailed,
    SpeechLost,
    SpeechNotice,
    SpeechOptions,
    SpeechReady,
    SpeechService,
    SpeechStarted,
)
from app.speech.languages import is_right_to_left
from app.speech.options import Engine
from app.speech.source_sound import SourceSound, SourceSoundOptions
from app.window.live_run import Post
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.session import Source
from app.window.state.speech import SentenceJoiner, Utterance, WorthSaying

_NUM_REMEMBERED_UTTERANCES = 8


class Commentary:
    """Takes words on the window's loop."""

    def __init__(
        self,
        state: AppState,
        post: Post,
        on_speech_switch: Callable[[bool], None],
        settings: Callable[[], UserSettings] = UserSettings,
    ) -> None:
        """`on_speech_switch` is told when speech is really on or off; `settings` gives them as they are now."""
        self._state = state
        self._post = post
        self._settings = settings
        self._speech = SpeechService(lambda event: post(self._on_speech_event, event))
        self._speech.configure(speech_options(settings()))
        self._sound: SourceSound | None = None
        self._worth = WorthSaying()
        self._answer_s: float | None = None
        self._is_answer_awaited = False
        self._is_lost = False
        self._on_speech_switch = on_speech_switch
        self._joiner = SentenceJoiner()
        self._utterances: dict[int, Utterance] = {}

    @property
    def voice_pid(self) -> int | None:
        """The number of the process that makes speech, while it runs."""
        return self._speech.voice_pid

    @property
    def speech(self) -> SpeechService:
        """Who speaks, for those who ask which voices and outputs there are."""
        return self._speech

    def settings_changed(self, names: frozenset[str]) -> None:
        """Settings of these names are others now."""
        if any(
            name.startswith(("speech_", "natural_", "does_speech_", "models_folder")) for name in names
        ) or (names & {"language", "model"}):
            self._speech.configure(speech_options(self._settings()))
        if "is_speech_on" in names and self._settings().is_speech_on != self._state.speech.is_on:
            self.switch_speech(is_on=self._settings().is_speech_on)
        if self._sound is not None and names & {
            "source_volume_percent",
            "duck_db",
            "plays_source_sound",
            "speech_output",
        }:
            self._sound.configure(sound_options(self._settings()))

    def source_sound(self, source: Source) -> SourceSound | None:
        """The sound of a video file that is about to be watched; None for what has none."""
        if not source.path or not Path(source.path).is_file() or not self._settings().plays_source_sound:
            self._sound = None
            return None
        self._sound = SourceSound(
            Path(source.path),
            lambda: self._speech.is_speaking,
            options=sound_options(self._settings()),
            on_problem=lambda problem: self._post(self._note, problem),
        )
        return self._sound

    def begin(self, heading: str) -> None:
        """A new run; `heading` stands over its part of the transcript if there was one before."""
        self._worth.forget()
        self._state.captions.clear(is_right_to_left=is_right_to_left(spoken_language(self._settings())))
        self._joiner = SentenceJoiner()
        if self._state.transcript.rows:
            self._state.transcript.add_heading(heading)

    def begin_answer(self, phrase_s: float, question: str) -> None:
        """The phrase about the chunk that starts at `phrase_s` answers a person's question."""
        self._answer_s = phrase_s
        self._state.question.take()
        self._state.transcript.add_question(phrase_s, question)

    def push_piece(self, phrase_s: float, piece: str) -> None:
        """A piece of the phrase about the chunk that starts at `phrase_s`."""
        self._state.transcript.add_words(phrase_s, self._state.captions.push_piece(phrase_s, piece))

    def end_phrase(self, phrase_s: float, text: str) -> None:
        """The phrase has ended; `text` is all of it, "" for silence."""
        self._state.transcript.add_words(phrase_s, self._state.captions.end_phrase(phrase_s))
        if not text:
            self._state.transcript.add_silence()
        if phrase_s == self._answer_s:
            self._end_answer(phrase_s, text)
            return
        utterance = self._joiner.push(phrase_s, text)
        if utterance is not None:
            self._say(utterance)
        if not text:
            self._worth.break_off()

    def end(self) -> None:
        """The run has come to its end: what was said stays, and is spoken to the last word."""
        self._state.captions.rest()
        utterance = self._joiner.finish()
        if utterance is not None:
            self._say(utterance)

    def break_off(self) -> None:
        """The run was stopped: what was said stays, and nothing more is spoken."""
        self._state.captions.rest()
        self._joiner.finish()
        self.silence()

    def switch_speech(self, *, is_on: bool) -> None:
        """Speak from now on, or be silent at once."""
        self._state.messages.take_back("speech")
        self._state.speech.switch(is_on=is_on)
        self._on_speech_switch(is_on)
        if is_on:
            self._speech.check()
        else:
            self.silence()

    def repeat(self) -> None:
        """Say the last sentence again, whether speech is on or not."""
        self.tell(self._state.speech.last or "Nothing was said yet.")

    def tell(self, text: str) -> None:
        """Say something now, in place of what is being said, whether speech is on or not."""
        self._speech.say(text)

    def await_answer(self) -> None:
        """The next answer is spoken in any case, whether speech is on or not."""
        self._is_answer_awaited = True

    def silence(self) -> None:
        """Break off what is being said."""
        self._speech.stop()
        self._state.captions.mark_spoken(())

    def close(self) -> None:
        """End speech; waits for its thread and its process."""
        self._speech.close()

    def _end_answer(self, phrase_s: float, text: str) -> None:
        """An answer is spoken at once: somebody waits for it."""
        self._answer_s = None
        is_awaited, self._is_answer_awaited = self._is_answer_awaited, False
        if text:
            self._state.speech.last = text
        elif is_awaited:
            text = f"Nothing new. {self._state.speech.last}".strip()
        if text and (is_awaited or self._state.speech.is_on):
            self._joiner.finish()
            self._utterances[self._speech.say(text)] = Utterance(text, (phrase_s,))

    def _say(self, spoken: Utterance) -> None:
        self._state.speech.last = spoken.text
        utterance = self._worth.choose(spoken, self._settings().speech_detail)
        if utterance is None or not self._state.speech.is_on:
            return
        # A sentence is said to its end: one that is cut every second says nothing. Of those that wait, the newest.
        text_id = self._speech.say(utterance.text, cut=False)
        self._utterances[text_id] = utterance
        self._utterances.pop(text_id - _NUM_REMEMBERED_UTTERANCES, None)

    def _on_speech_event(self, event: SpeechEvent) -> None:
        match event:
            case SpeechReady():
                self._state.messages.take_back("speech")
                if self._is_lost:
                    self._is_lost = False
                    self._note("The sound is back.")
            case SpeechLost():
                self._is_lost = True
                self._state.messages.show(Message(text=event.message, topic="speech"))
            case SpeechNotice():
                self._note(event.message)
            case SpeechStarted():
                self._state.speech.mark_speaking(is_speaking=True)
                utterance = self._utterances.get(event.text_id)
                self._state.captions.mark_spoken(utterance.phrases_s if utterance is not None else ())
            case SpeechEnded():
                self._state.speech.mark_speaking(is_speaking=False)
                self._utterances.pop(event.text_id, None)
                self._state.captions.mark_spoken(())
            case SpeechFailed():
                self._state.captions.mark_spoken(())
                self._state.speech.switch(is_on=False)
                self._state.messages.show(
                    Message(
                        text=f"{event.message} {event.hint}".strip(),
                        topic="speech",
                        action="Try again",
                        act=lambda: self.switch_speech(is_on=True),
                    )
                )

    def _note(self, text: str) -> None:
        self._state.messages.show(Message(text=text, is_error=False, topic="speech"))


def speech_options(settings: UserSettings) -> SpeechOptions:
    """How to speak, from a person's settings."""
    engine: Engine = "natural" if settings.speech_engine == "natural" else "system"
    return SpeechOptions(
        engine=engine,
        voice=settings.natural_voice if engine == "natural" else settings.speech_voice,
        rate=settings.speech_rate_percent / 100,
        volume=settings.speech_volume_percent / 100,
        output=settings.speech_output,
        models_folder=settings.models_folder,
        language=spoken_language(settings),
        catches_up=settings.does_speech_catch_up,
    )


def spoken_language(settings: UserSettings) -> str:
    """The language of the commentary, "" for English or where the model takes no wishes."""
    return settings.language if find_model(settings.model).follows_requests else ""


def sound_options(settings: UserSettings) -> SourceSoundOptions:
    """How the video's own sound is played, from a person's settings."""
    return SourceSoundOptions(
        volume=settings.source_volume_percent / 100 if settings.plays_source_sound else 0.0,
        duck_db=float(settings.duck_db),
        output=settings.speech_output,
    )
