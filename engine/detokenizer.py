"""Text as it grows, token by token.

Knows: that a character may be spread over tokens, and that a phrase's closing " ..." is not part of what is
said.
Does not know: sampling, the context.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

_REPLACEMENT = "\ufffd"  # what decoding puts in place of a character that is not whole


class PhraseDecoder:
    """Turns the ids of one phrase into pieces of text that join to the phrase.

    ``decode`` turns ids into text; it must be byte-level, so that whole characters decode the same on their
    own.
    """

    def __init__(
        self, decode: Callable[[Sequence[int]], str], ellipsis_id: int, stop_ids: Collection[int]
    ) -> None:
        self._decode = decode
        self._ellipsis_id = ellipsis_id
        self._stop_ids = stop_ids
        self._waiting: list[int] = []
        self._closing = False

    def push(self, token_id: int) -> str:
        """Add an id; returns the text it makes certain: "" while a character or a closing is open."""
        if token_id in self._stop_ids:
            return ""
        if self._closing:
            self._waiting.append(self._ellipsis_id)
        self._closing = token_id == self._ellipsis_id
        if not self._closing:
            self._waiting.append(token_id)
        text = self._decode(self._waiting) if self._waiting else ""
        if text.endswith(_REPLACEMENT):
            return ""
        self._waiting.clear()
        return text

    def finish(self) -> str:
        """End the phrase without its closing " ..." or half a character; returns what else was waiting."""
        text = self._decode(self._waiting) if self._waiting else ""
        self._waiting.clear()
        self._closing = False
        return text.rstrip(_REPLACEMENT)
