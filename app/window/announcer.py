"""What a screen reader is told without being asked: each change of state, once.

Knows which changes are worth interrupting for, and their words. Knows no widget but the window in whose name it speaks.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from app.captions.words import ends_sentence, join_words, num_words
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.session import StatusKind

_LOUD = {StatusKind.PROBLEM, StatusKind.NO_SIGNAL}


def announce(widget: QWidget, words: str, *, is_urgent: bool = False) -> None:
    """Have words read aloud in the name of a widget; urgent ones break off what is being read."""
    event = QAccessibleAnnouncementEvent(widget, words)
    politeness = QAccessible.AnnouncementPoliteness
    event.setPoliteness(politeness.Assertive if is_urgent else politeness.Polite)
    QAccessible.updateAccessibility(event)


class Announcer(QObject):
    """One per window."""

    announced = Signal(str)
    """These words were handed to whoever reads the screen aloud."""

    def __init__(self, state: AppState, window: QWidget, message_key: Callable[[], str] = lambda: "") -> None:
        """`message_key` gives the key that goes to a message's button, "" for none."""
        super().__init__(window)
        self._window = window
        self._state = state
        self._kind = state.session.status.kind
        self._message = state.messages.current
        self._message_key = message_key
        self._is_speech_on = state.speech.is_on
        self.reads_captions = False
        """Whether what is said is announced too, a sentence at a time."""
        self._sentence: list[str] = []
        state.session.changed.subscribe(self._tell_status)
        state.messages.came.subscribe(self._tell_new_message)
        state.messages.changed.subscribe(self._tell_message)
        state.speech.changed.subscribe(self._tell_speech)
        state.captions.word_added.subscribe(lambda word: self._tell_word(word.text))

    def announce(self, words: str, *, is_urgent: bool = False) -> None:
        """Have this read aloud; urgent words break off what is being read."""
        announce(self._window, words, is_urgent=is_urgent)
        self.announced.emit(words)

    def _tell_status(self) -> None:
        status = self._state.session.status
        if status.kind is self._kind:
            return
        self._kind = status.kind
        words = "loading" if status.kind is StatusKind.LOADING else status.words
        self.announce(f"{words}. {status.sentence}", is_urgent=status.kind in _LOUD)

    def _tell_new_message(self, message: Message) -> None:
        if message is not self._state.messages.current:
            # It waits behind an error: its words are told, its button when it can be pressed.
            self.announce(message.text)

    def _tell_message(self) -> None:
        message = self._state.messages.current
        if message is not None and not message.says_the_same(self._message):
            self.announce(f"{message.text} {self._way(message)}".strip(), is_urgent=message.is_error)
        self._message = message

    def _way(self, message: Message) -> str:
        """That there is a button that helps, and how to get there."""
        if not message.action:
            return ""
        label, key = message.action.rstrip("…"), self._message_key()
        return f"{key} goes to the button “{label}”." if key else f"There is a button “{label}”."

    def _tell_speech(self) -> None:
        if self._state.speech.is_on != self._is_speech_on:
            self._is_speech_on = self._state.speech.is_on
            self.announce("Speech on" if self._is_speech_on else "Speech off")

    def _tell_word(self, word: str) -> None:
        if not self.reads_captions:
            self._sentence.clear()
            return
        self._sentence.append(word)
        sentence = join_words(self._sentence)
        if ends_sentence(word) or num_words(sentence) >= _MAX_WORDS:
            self.announce(sentence)
            self._sentence.clear()


_MAX_WORDS = 14
"""A sentence longer than this is read in parts."""
