"""Speech as the window sees it: on or off, possible or not, what is being said, and what is worth saying.

Knows how phrases become sentences, and which of them a person wants to hear. Knows no sound, no voices and no Qt.
"""

import collections
import re
from dataclasses import dataclass

from app.captions.words import ends_sentence, is_without_spaces, join_words, num_words, runs
from app.window.state.event import Event

MAX_WORDS_AT_ONCE = 14
"""A sentence longer than this is spoken in parts, so that the voice does not fall behind the picture."""

_NEW_SHARE = 0.34
"""A sentence of which so much was not told before tells something new."""

_NUM_TOLD = 6
"""Sentences that are remembered as told."""

_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a an the and or but is are was were be been being has have had it its he she they them him his her their this
        that these those there here of in on at to from for with by as into over up out off again now still then so who""",
    )
)
_NUMBERS = frozenset(
    re.findall(r"\w+", "nil zero one two three four five six seven eight nine ten eleven twelve twenty half")
)
_NUMBER_CHARACTERS = frozenset("〇零二三四五六七八九十百两")
"""Those of Chinese and Japanese; 一 is as often "a" as "one"."""


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
        joined = join_words(phrase for _, phrase in self._phrases)
        if joined and (not text or ends_sentence(joined) or num_words(joined) >= MAX_WORDS_AT_ONCE):
            return self.finish()
        return None

    def finish(self) -> Utterance | None:
        """What is left."""
        phrases, self._phrases = self._phrases, []
        if not phrases:
            return None
        return Utterance(join_words(text for _, text in phrases), tuple(start_s for start_s, _ in phrases))


class WorthSaying:
    """Chooses what is spoken, by the setting "What is spoken"."""

    def __init__(self) -> None:
        self._open: Utterance | None = None
        self._told: collections.deque[_Facts] = collections.deque(maxlen=_NUM_TOLD)

    def choose(self, utterance: Utterance, detail: str) -> Utterance | None:
        """What to speak now, if anything. `detail`: "everything", "sentences" or "changes"."""
        if detail == "everything":
            self._open = None
            return utterance
        whole = self._whole(utterance)
        if whole is None or detail == "sentences":
            return whole
        return whole if self._is_new(whole.text) else None

    def break_off(self) -> None:
        """The sentence that had begun does not go on."""
        self._open = None

    def forget(self) -> None:
        """Something else is watched: everything is new."""
        self._open = None
        self._told.clear()

    def _whole(self, utterance: Utterance) -> Utterance | None:
        """The sentence, once it has ended; one that was spoken in parts comes whole, and one that never ends not at all."""
        joined = utterance
        if self._open is not None:
            joined = Utterance(
                join_words((self._open.text, utterance.text)), self._open.phrases_s + utterance.phrases_s
            )
        if ends_sentence(joined.text):
            self._open = None
            return joined
        too_long = num_words(joined.text) >= 3 * MAX_WORDS_AT_ONCE
        self._open = None if too_long else joined
        return None

    def _is_new(self, text: str) -> bool:
        facts = _facts(text)
        is_new = all(
            facts.exact - told.exact or len(facts.words - told.words) >= _NEW_SHARE * max(1, len(facts.words))
            for told in self._told
        )
        if is_new:
            self._told.append(facts)
        return is_new


@dataclass(frozen=True)
class _Facts:
    """What a sentence tells, as far as words show it."""

    words: frozenset[str]
    """The beginnings of its words, so that "sits" and "sitting" are the same; where a script shows no words, pairs of
    characters.
    """
    exact: frozenset[str]
    """Names and numbers: another one is always news."""


def _facts(text: str) -> _Facts:
    found = runs(text)
    exact = frozenset(
        word.lower()
        for place, word in enumerate(found)
        if word.lower() in _NUMBERS or any(c.isdigit() for c in word) or (place > 0 and word[0].isupper())
    )
    words = frozenset(
        word.lower()[:3] for word in found if word.lower() not in _EMPTY_WORDS and not is_without_spaces(word)
    )
    unspaced = [word for word in found if is_without_spaces(word)]
    pairs = frozenset(word[at : at + 2] for word in unspaced for at in range(max(1, len(word) - 1)))
    return _Facts(words | pairs, exact | (_NUMBER_CHARACTERS & set("".join(unspaced))))


class SpeechState:
    """Whether commentary is spoken."""

    def __init__(self) -> None:
        self.changed: Event[()] = Event()
        self.is_on = False
        self.is_speaking = False
        """Whether something is being heard just now."""
        self.last = ""
        """The last sentence, whether it was spoken or not: what "repeat" says again."""

    def switch(self, *, is_on: bool) -> None:
        """Speak from now on, or no more."""
        if is_on != self.is_on:
            self.is_on = is_on
            self.changed.emit()

    def mark_speaking(self, *, is_speaking: bool) -> None:
        """Something is being heard, or no more."""
        if is_speaking != self.is_speaking:
            self.is_speaking = is_speaking
            self.changed.emit()
