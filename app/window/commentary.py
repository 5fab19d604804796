"""Where words go: pieces from the model become captions, transcript and speech.

Knows the three and keeps them in step. Knows no Qt, no worker and no source.
"""

from __future__ import annotations

from collections.abc import Callable

from app.speech import SpeechEnded, SpeechEvent, SpeechFailed, SpeechReady, SpeechService, SpeechStarted
from app.window.live_run import Post
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.speech import SentenceJoiner, Utterance

_NUM_REMEMBERED_UTTERANCES = 8


class Commentary:
    """Takes words on the window's loop."""

    def __init__(self, state: AppState, post: Post, on_speech_switch: Callable[[bool], None]) -> None:
        """`on_speech_switch` is told when speech is really on or off."""
        self._state = state
        self._speech = SpeechService(lambda event: post(self._on_speech_event, event))
        self._on_speech_switch = on_speech_switch
        self._joiner = SentenceJoiner()
        self._utterances: dict[int, Utterance] = {}

    @property
    def voice_pid(self) -> int | None:
        """The number of the process that makes speech, while it runs."""
        return self._speech.voice_pid

    def begin(self, heading: str) -> None:
        """A new run; `heading` stands over its part of the transcript if there was one before."""
        self._state.captions.clear()
        self._joiner = SentenceJoiner()
        if self._state.transcript.rows:
            self._state.transcript.add_heading(heading)

    def begin_answer(self, phrase_s: float, question: str) -> None:
        """The phrase about the chunk that starts at `phrase_s` answers a person's question."""
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
        utterance = self._joiner.push(phrase_s, text)
        if utterance is not None:
            self._say(utterance)

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

    def silence(self) -> None:
        """Break off what is being said."""
        self._speech.stop()
        self._state.captions.mark_spoken(())

    def close(self) -> None:
        """End speech; waits for its thread and its process."""
        self._speech.close()

    def _say(self, utterance: Utterance) -> None:
        if not self._state.speech.is_on:
            return
        # A sentence is said to its end: one that is cut every second says nothing. Of those that wait, the newest.
        text_id = self._speech.say(utterance.text, cut=False)
        self._utterances[text_id] = utterance
        self._utterances.pop(text_id - _NUM_REMEMBERED_UTTERANCES, None)

    def _on_speech_event(self, event: SpeechEvent) -> None:
        match event:
            case SpeechReady():
                self._state.messages.take_back("speech")
            case SpeechStarted():
                utterance = self._utterances.get(event.text_id)
                self._state.captions.mark_spoken(utterance.phrases_s if utterance is not None else ())
            case SpeechEnded():
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
