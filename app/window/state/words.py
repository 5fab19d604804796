"""From the pieces a model says to whole words.

Knows that a word is only certain once what follows it has come. Knows no Qt, no times and no layout.
"""

from app.captions.words import may_need_no_space_after, split_words


class WordAssembler:
    """Collects pieces of text and gives back each word once it is whole, so that no word changes once it is seen."""

    def __init__(self) -> None:
        self._pending = ""

    def push(self, piece: str) -> list[str]:
        """Words that are certain to be whole, now that `piece` has come."""
        text = self._pending + piece
        words = split_words(text)
        self._pending = ""
        if words and not text[-1].isspace():
            self._pending = words.pop()
        elif words and may_need_no_space_after(words[-1]):
            # Whether the space after it is to be seen depends on what follows.
            self._pending = f"{words.pop()} "
        return words

    def finish(self) -> list[str]:
        """What is left when the phrase has ended."""
        words, self._pending = split_words(self._pending), ""
        return words
