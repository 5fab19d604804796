"""Captions as a few lines of plain text.

Knows how lines fill and roll by counting characters; one that is twice as wide counts twice. Knows no files and no
network.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable

from app.captions.words import num_columns
from app.window.state.captions import CaptionWord


class TextLines:
    """The newest line grows at its end; a word never changes its line, unless the shape itself changes."""

    def __init__(self, num_lines: int = 2, num_characters: int = 60) -> None:
        self._num_characters = num_characters
        self._lines: collections.deque[str] = collections.deque(maxlen=num_lines)

    @property
    def text(self) -> str:
        """All lines, oldest first."""
        return "\n".join(self._lines)

    def add(self, word: CaptionWord) -> None:
        """Place the next word. One that is longer than a line has a line of its own."""
        last = self._lines[-1] if self._lines else ""
        longer = f"{last}{'' if word.is_joined else ' '}{word.text}"
        if last and not word.begins_line and num_columns(longer) <= self._num_characters:
            self._lines[-1] = longer
        else:
            self._lines.append(word.text)

    def clear(self) -> None:
        """Forget every word."""
        self._lines.clear()

    def fit(self, num_lines: int, num_characters: int, words: Iterable[CaptionWord]) -> None:
        """Another shape, into which the latest words are placed anew."""
        self._num_characters = num_characters
        self._lines = collections.deque(maxlen=num_lines)
        for word in words:
            self.add(word)
