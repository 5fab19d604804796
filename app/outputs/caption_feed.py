"""The captions of this moment, for everything outside the window that shows them.

Knows which words are to be seen, when they go away, and how they become a page's JSON or a few lines of text. Knows no
network and no files.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import secrets
from collections.abc import Callable
from typing import Any

from app.outputs.text_lines import TextLines
from app.theme.caption_style import CaptionStyle
from app.window.state.captions import CaptionState, CaptionWord
from app.window.state.event import Event

SETTLE_S = 0.03
"""Words of one phrase come in bursts; listeners hear of a burst once, and no eye sees the difference."""

_NUM_WORDS = 120
_NUM_CHARACTERS = 480
"""Where words are shorter, as many more of them are needed to fill the lines."""


class CaptionFeed:
    """Follows a CaptionState. Lives on the window's loop."""

    def __init__(self, captions: CaptionState, style: CaptionStyle, loop: asyncio.AbstractEventLoop) -> None:
        self.changed: Event[()] = Event()
        """Something is to be shown otherwise; a little later than it happened."""
        self.version = 0
        """Rises with every change that was told."""
        self.is_hidden = False
        self._captions = captions
        self._style = style
        self._loop = loop
        self._words: collections.deque[tuple[int, CaptionWord]] = collections.deque()
        self._num_characters = 0
        self._lines = TextLines()
        self._num_words = 0
        self._life = secrets.token_hex(4)
        self._epoch = 0
        self._telling: asyncio.TimerHandle | None = None
        self._hiding: asyncio.TimerHandle | None = None
        self._unsubscribe: tuple[Callable[[], None], ...] = (
            captions.word_added.subscribe(self._add),
            captions.cleared.subscribe(self._clear),
            captions.restyled.subscribe(self._tell_soon),
        )

    def close(self) -> None:
        """Follow no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for timer in (self._telling, self._hiding):
            if timer is not None:
                timer.cancel()

    def restyle(self, style: CaptionStyle) -> None:
        """Captions look otherwise from now on."""
        if style != self._style:
            self._style = style
            self._hide_later()
            self._tell_soon()

    def page_state(self) -> dict[str, Any]:
        """Everything the page needs to show what is to be seen, whatever it showed before."""
        captions = self._captions
        return {
            # A page that outlives this program must not take the next one's words for its own.
            "epoch": f"{self._life}-{self._epoch}",
            "words": [
                {
                    "number": number,
                    "text": word.text,
                    "phrase": word.phrase_s,
                    "begins": word.begins_line,
                    "joined": word.is_joined,
                    "rtl": word.is_right_to_left,
                }
                for number, word in self._words
            ],
            "spoken": sorted(captions.spoken_s),
            "silent": captions.is_silent,
            "hidden": self.is_hidden,
            "style": dataclasses.asdict(self._style),
        }

    def reshape(self, num_lines: int, num_characters: int) -> None:
        """Text has so many lines of at most so many characters from now on."""
        self._lines.fit(num_lines, num_characters, [word for _, word in self._words])
        self._tell_soon()

    @property
    def text(self) -> str:
        """The latest lines as plain text, without a line break at the end; "" if nothing is to be seen."""
        return "" if self.is_hidden else self._lines.text

    def _add(self, word: CaptionWord) -> None:
        if self.is_hidden:
            # What went away does not come back with the next word.
            self._forget()
        self._num_words += 1
        self._lines.add(word)
        self._words.append((self._num_words, word))
        self._num_characters += len(word.text)
        while len(self._words) > _NUM_WORDS and self._num_characters > _NUM_CHARACTERS:
            self._num_characters -= len(self._words.popleft()[1].text)
        self._hide_later()
        self._tell_soon()

    def _clear(self) -> None:
        self._forget()
        self._tell_soon()

    def _forget(self) -> None:
        self._words.clear()
        self._num_characters = 0
        self._lines.clear()
        self._epoch += 1
        self.is_hidden = False

    def _hide_later(self) -> None:
        if self._hiding is not None:
            self._hiding.cancel()
            self._hiding = None
        if self._style.stays:
            self.is_hidden = False
        elif self._words and not self.is_hidden:
            self._hiding = self._loop.call_later(self._style.hides_after_s, self._hide)

    def _hide(self) -> None:
        self.is_hidden = True
        self._tell_soon()

    def _tell_soon(self) -> None:
        if self._telling is None:
            self._telling = self._loop.call_later(SETTLE_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self.version += 1
        self.changed.emit()
