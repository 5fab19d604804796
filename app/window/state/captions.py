"""The captions over the picture: which words stand where, which are dim, which are being spoken.

Knows how lines fill and roll without moving a word that was read within its line, and from which side they are read.
Knows no Qt: how wide a word is comes from whoever paints it, and so does the place of words that are read from the right.
"""

import bisect
import collections
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.captions.words import Direction, clusters, direction, ends_sentence, space_between
from app.window.state.event import Event
from app.window.state.words import WordAssembler

_SILENT_PHRASES_BEFORE_NEW_LINE = 2
_NUM_REMEMBERED_WORDS = 480
"""Enough for six lines of the widest window, also where every character is a word."""

_NUM_WORDS_EXPECTED = 3
"""So many words in the language that was asked for count as said before a session begins."""

_NUM_WORDS_FOR_DIRECTION = 9
"""Among so many of the latest words most decide from which side a line is read: a foreign name does not turn it round."""


@dataclass(frozen=True)
class CaptionWord:
    """One word, whole."""

    text: str
    phrase_s: float
    """Start of the chunk it is about: names its phrase."""
    begins_line: bool = False
    """Said after a silence: stands at the beginning of a line."""
    is_joined: bool = False
    """Stands right behind the one before, without a space."""
    is_right_to_left: bool = False
    """Said in a language that is read from the right: so is a line that begins with it."""


@dataclass(frozen=True)
class PlacedWord:
    """A word and where its line has it."""

    word: CaptionWord
    x_px: float
    """From the beginning of its line, which is on the right where the line is read from there."""
    width_px: float


Line = tuple[PlacedWord, ...]
Measure = Callable[[str], float]


def text_of(words: Iterable[CaptionWord]) -> str:
    """Words in one line."""
    text = ""
    for word in words:
        text += word.text if word.is_joined or not text else f" {word.text}"
    return text


class RollingLines:
    """A few lines of words. The newest grows at its end; when it is full it moves up and the oldest one goes.

    A word keeps its place in its line for as long as it is seen, unless the width itself changes.
    """

    def __init__(self, measure: Measure, width_px: float, num_lines: int = 2) -> None:
        """`measure` gives a text's width in pixels."""
        self._measure = measure
        self._width_px = width_px
        self._num_lines = num_lines
        self._lately: collections.deque[CaptionWord] = collections.deque(maxlen=_NUM_REMEMBERED_WORDS)
        self.lines: tuple[Line, ...] = ((),) * num_lines
        """The newest last; those that are not filled yet are empty and come first."""

    @property
    def lately(self) -> tuple[CaptionWord, ...]:
        """The words that were added last, more than are seen."""
        return tuple(self._lately)

    @property
    def newest(self) -> Line:
        """The line that grows."""
        return self.lines[-1]

    @property
    def older(self) -> Line:
        """The one above it; () if one line is all that is shown."""
        return self.lines[-2] if self._num_lines > 1 else ()

    def add(self, word: CaptionWord) -> None:
        """Place the next word."""
        self._lately.append(word)
        self._place(word)

    def clear(self) -> None:
        """Forget every word."""
        self._lately.clear()
        self.lines = ((),) * self._num_lines

    def fit(self, measure: Measure, width_px: float, num_lines: int | None = None) -> None:
        """Place the latest words anew, for another width, type size or number of lines."""
        self._measure, self._width_px = measure, width_px
        self._num_lines = num_lines or self._num_lines
        self.lines = ((),) * self._num_lines
        for word in self._lately:
            self._place(word)

    def _place(self, word: CaptionWord) -> None:
        width_px = self._measure(word.text)
        x_px = 0.0
        if self.newest:
            last = self.newest[-1]
            x_px = last.x_px + last.width_px + (0.0 if word.is_joined else self._measure(" "))
            if word.begins_line or x_px + width_px > self._width_px:
                self.lines, x_px = (*self.lines[1:], ()), 0.0
        parts = self._broken(word) if width_px > self._width_px else (word,)
        for number, part in enumerate(parts):
            if number:
                self.lines = (*self.lines[1:], ())
            placed = PlacedWord(part, x_px, self._measure(part.text))
            self.lines = (*self.lines[:-1], (*self.newest, placed))

    def _broken(self, word: CaptionWord) -> Iterator[CaptionWord]:
        """A word that is wider than a line, in parts that are not."""
        rest = tuple(clusters(word.text))
        while rest:
            num = self._num_fitting(rest)
            yield dataclasses.replace(word, text="".join(rest[:num]))
            rest = rest[num:]
            word = dataclasses.replace(word, begins_line=False, is_joined=True)

    def _num_fitting(self, characters: Sequence[str]) -> int:
        """How many of them one line takes; one at least."""
        nums = range(1, len(characters) + 1)
        return max(
            1,
            bisect.bisect_right(
                nums, self._width_px, key=lambda num: self._measure("".join(characters[:num]))
            ),
        )


class CaptionState:
    """What was said lately."""

    def __init__(self) -> None:
        self.word_added: Event[CaptionWord] = Event()
        self.cleared: Event[()] = Event()
        self.restyled: Event[()] = Event()
        """The words are the same; which of them are dim or underlined is new."""
        self.is_silent = False
        """Nothing was said about the latest chunk."""
        self.spoken_s: frozenset[float] = frozenset()
        """Phrases that are being spoken, by the start of their chunk."""
        self._assembler = WordAssembler()
        self._num_silent_phrases = 0
        self._last_word = ""
        self._directions: collections.deque[Direction] = collections.deque(maxlen=_NUM_WORDS_FOR_DIRECTION)
        self._said_in_s = -1.0

    def push_piece(self, phrase_s: float, piece: str) -> list[str]:
        """A piece of a phrase has come; returns the words that are whole now."""
        words = self._assembler.push(piece)
        self._add(phrase_s, words)
        return words

    def end_phrase(self, phrase_s: float) -> list[str]:
        """The phrase has ended, perhaps without a word; returns the words that were still missing."""
        words = self._assembler.finish()
        self._add(phrase_s, words)
        if self._said_in_s != phrase_s:
            self._num_silent_phrases += 1
            if not self.is_silent:
                self.is_silent = True
                self.restyled.emit()
        return words

    def mark_spoken(self, phrases_s: Collection[float]) -> None:
        """These phrases are being spoken now, and no others."""
        if frozenset(phrases_s) != self.spoken_s:
            self.spoken_s = frozenset(phrases_s)
            self.restyled.emit()

    def rest(self) -> None:
        """Nothing more comes for now: the last phrase stays, dim."""
        self._assembler.finish()
        if not self.is_silent:
            self.is_silent = True
            self.restyled.emit()

    def clear(self, *, is_right_to_left: bool = False) -> None:
        """A new session, perhaps in a language that is read from the right."""
        self._assembler = WordAssembler()
        self._num_silent_phrases = 0
        self._last_word = ""
        self._directions.clear()
        if is_right_to_left:
            # A line that begins with a foreign name is one of that language all the same.
            self._directions.extend(["left"] * _NUM_WORDS_EXPECTED)
        self._said_in_s = -1.0
        self.is_silent = False
        self.spoken_s = frozenset()
        self.cleared.emit()

    def _add(self, phrase_s: float, words: list[str]) -> None:
        for word in words:
            begins_line = bool(self._last_word) and (
                self._num_silent_phrases >= _SILENT_PHRASES_BEFORE_NEW_LINE
                or (self._num_silent_phrases > 0 and ends_sentence(self._last_word))
            )
            is_joined = bool(self._last_word) and not space_between(self._last_word, word)
            read_to = direction(word)
            if read_to is not None:
                self._directions.append(read_to)
            is_right_to_left = 2 * self._directions.count("left") > len(self._directions)
            self._num_silent_phrases = 0
            self._last_word = word
            self._said_in_s = phrase_s
            self.is_silent = False
            self.word_added.emit(CaptionWord(word, phrase_s, begins_line, is_joined, is_right_to_left))
