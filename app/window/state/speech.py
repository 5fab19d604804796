"""Speech as the window sees it: on or off, possible or not, and what is being said.

Knows how phrases become sentences worth speaking. Knows no sound, no voices and no Qt.
"""

from dataclasses import dataclass

from app.window.state.event import Event
from app.window.state.words import ends_sentence

MAX_WORDS_AT_ONCE = 14
"""A sentence longer than this is spoken in parts, so that the voice does not fall behind the picture."""


@dataclass(frozen=True)
class Utterance:
    """Something to say aloud."""

    text: str
    phrases_s: tuple[float, ...]
    """The phrases it is made of, by the start of their chunks."""


class SentenceJoiner:
    """Joins phrases of two or three words into sentences: a voice that stops every second is hard to listen to."""

    def __init__(self) -> None:
        self._phrases: list[tuple[float, str]] = []

    def push(self, phrase_s: float, text: str) -> Utterance | None:
        """A phrase has ended ("" for silence); returns what can be said now."""
        if text:
            self._phrases.append((phrase_s, text))
        joined = " ".join(phrase for _, phrase in self._phrases)
        if joined and (not text or ends_sentence(joined) or len(joined.split()) >= MAX_WORDS_AT_ONCE):
            return self.finish()
        return None

    def finish(self) -> Utterance | None:
        """What is left."""
        phrases, self._phrases = self._phrases, []
        if not phrases:
            return None
        return Utterance(" ".join(text for _, text in phrases), tuple(start_s for start_s, _ in phrases))


class SpeechState:
    """Whether commentary is spoken."""

    def __init__(self) -> None:
        self.changed: Event[()] = Event()
        self.is_on = False

    def switch(self, *, is_on: bool) -> None:
        """Speak from now on, or no more."""
        if is_on != self.is_on:
            self.is_on = is_on
            self.changed.emit()
