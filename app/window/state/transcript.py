"""The transcript: everything that was said, in rows with times, and how to find something in it.

Knows when a new row begins. Knows no Qt, and nothing of what is spoken or shown over the picture.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.captions.words import ends_sentence, space_between
from app.window.state.event import Event

LONG_ROW_CHARACTERS = 120
"""A sentence longer than this goes on in a row of its own at its next phrase."""

PAUSE_CHUNKS = 2
"""So many silent chunks end a row, even in the middle of a sentence."""


@dataclass
class TranscriptRow:
    """A sentence, or a heading over a new session."""

    start_s: float | None
    """When its first words were said, in seconds of the stream; None for a heading."""
    text: str


@dataclass(frozen=True)
class Match:
    """Where the find box's words stand."""

    row: int
    start: int
    """First character in the row's text."""
    end: int
    """After the last character."""


def clock(time_s: float) -> str:
    """A time as mm:ss, or h:mm:ss from one hour on."""
    hours, rest_s = divmod(int(time_s), 3600)
    minutes, seconds = divmod(rest_s, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


class TranscriptState:
    """Rows that only ever grow at the end."""

    def __init__(self) -> None:
        self.row_added: Event[int] = Event()
        self.row_grew: Event[int, str] = Event()
        """Row, and what was added to its text."""
        self.rows_added: Event[int] = Event()
        """Many rows at once, from this one to the last; none of them is told as `row_added`."""
        self.cleared: Event[()] = Event()
        self._rows: list[TranscriptRow] = []
        self._phrase_s = -1.0
        self._begins_row = True
        self._num_silent = 0
        self._answer_s: float | None = None

    @property
    def rows(self) -> Sequence[TranscriptRow]:
        """Everything so far."""
        return self._rows

    def add_words(self, phrase_s: float, words: Sequence[str]) -> None:
        """Words of the phrase about the chunk that starts at `phrase_s`."""
        if self._answer_s is not None and phrase_s != self._answer_s:
            self._begins_row, self._answer_s = True, None
        for word in words:
            self._num_silent = 0
            if phrase_s != self._phrase_s and self._rows and not self._begins_row:
                text = self._rows[-1].text
                self._begins_row = ends_sentence(text) or len(text) > LONG_ROW_CHARACTERS
            self._phrase_s = phrase_s
            if self._begins_row:
                self._begins_row = False
                mark = "Answer: " if phrase_s == self._answer_s else ""
                self._append(TranscriptRow(phrase_s, f"{mark}{word}"))
            else:
                addition = f"{space_between(self._rows[-1].text, word)}{word}"
                self._rows[-1].text += addition
                self.row_grew.emit(len(self._rows) - 1, addition)

    def add_silence(self) -> None:
        """A chunk was passed over without a word; after a few of them the next words start a row."""
        if self._answer_s is not None and self._begins_row:
            self._append(TranscriptRow(self._answer_s, "No answer this time."))
            self._answer_s = None
        self._num_silent += 1
        self._begins_row = self._begins_row or self._num_silent >= PAUSE_CHUNKS

    def add_question(self, phrase_s: float, question: str) -> None:
        """A person asked this; the phrase about the chunk that starts at `phrase_s` answers it, in a row of its own."""
        self._append(TranscriptRow(phrase_s, f"You asked: {question}"))
        self._begins_row, self._answer_s, self._phrase_s = True, phrase_s, phrase_s

    def add_heading(self, text: str) -> None:
        """Another session begins."""
        self._begins_row = True
        self._phrase_s = -1.0
        self._append(TranscriptRow(None, text))

    def add_rows(self, rows: Sequence[tuple[float, str]]) -> None:
        """Rows of an earlier session: when each began, and its text."""
        if rows:
            first = len(self._rows)
            self._rows.extend(TranscriptRow(start_s, text) for start_s, text in rows)
            self._begins_row = True
            self.rows_added.emit(first)

    def clear(self) -> None:
        """Forget everything."""
        self._rows.clear()
        self._begins_row = True
        self._phrase_s = -1.0
        self.cleared.emit()

    def find(self, wanted: str) -> list[Match]:
        """Every place where these words stand, in order; upper and lower case are the same."""
        if not wanted.strip():
            return []
        pattern = re.compile(re.escape(wanted.strip()), re.IGNORECASE)
        return [
            Match(index, found.start(), found.end())
            for index, row in enumerate(self._rows)
            for found in pattern.finditer(row.text)
        ]

    def _append(self, row: TranscriptRow) -> None:
        self._rows.append(row)
        self.row_added.emit(len(self._rows) - 1)
