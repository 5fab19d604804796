"""From the pieces a model says to whole words, and from words to sentences.

Knows white space and full stops. Knows no Qt, no times and no layout.
"""

import re

_SENTENCE_ENDS = (".", "!", "?", "…")
_CLOSERS = "\"')]”’» "


def ends_sentence(text: str) -> bool:
    """Whether a sentence is over after these words."""
    return text.rstrip(_CLOSERS).endswith(_SENTENCE_ENDS)


class WordAssembler:
    """Collects pieces of text and gives back each word once it is whole, so that no word changes once it is seen."""

    def __init__(self) -> None:
        self._pending = ""

    def push(self, piece: str) -> list[str]:
        """Words that are certain to be whole, now that `piece` has come."""
        *whole, self._pending = re.split(r"\s+", self._pending + piece)
        return [word for word in whole if word]

    def finish(self) -> list[str]:
        """What is left when the phrase has ended."""
        words, self._pending = self._pending.split(), ""
        return words
