"""Words as scripts write them: where one ends, what stands between two, where a sentence ends, which way they run.

Knows Chinese and Japanese, which write no spaces: there each character is a word, with the marks that may not begin or
end a line (kinsoku). Knows Unicode's properties of characters. Knows no language's words, no times and no layout.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal

Direction = Literal["left", "right"]
"""To which side a word is read."""

_SENTENCE_ENDS = (*".!?…", *"。．！？｡﹒", *"‼⁇⁈⁉", *"؟۔", *"।॥")
_CLAUSE_ENDS = (*_SENTENCE_ENDS, *",;:", *"，、；：､", *"،؛")
_CLOSERS = frozenset({"Pe", "Pf", "Pi", "Zs"})
_QUOTES = "\"'"
_CHARACTERS_A_WORD = 2
"""So many Chinese or Japanese characters take about as long to say as a word of other languages."""


def ends_sentence(text: str) -> bool:
    """Whether a sentence is over after these words."""
    return _without_closers(text).endswith(_SENTENCE_ENDS)


def ends_clause(text: str) -> bool:
    """Whether whoever reads these words aloud takes a breath after them."""
    return _without_closers(text).endswith(_CLAUSE_ENDS)


def split_words(text: str) -> list[str]:
    """The words of a text, each as it stands in a line; `join_words` gives the text back.

    White space ends a word; in a script without it every character is one. A space that somebody put there all the same
    stays at the end of its word.
    """
    words: list[str] = []
    for part in text.split():
        if words and not space_between(words[-1], part):
            words[-1] += " "
        start = 0
        for place in range(1, len(part)):
            if _may_break(part[start:place], part[place]):
                words.append(part[start:place])
                start = place
        words.append(part[start:])
    return words


def join_words(words: Iterable[str]) -> str:
    """Words, or phrases, in one line, with spaces where their script has them."""
    joined = ""
    for word in words:
        joined += space_between(joined, word) + word
    return joined


def space_between(before: str, after: str) -> str:
    """What stands between two words, or two phrases: a space or nothing."""
    if not before or not after or before[-1].isspace() or _is_wide_mark(before[-1]):
        return ""
    return "" if _is_spaceless(_last(before)) and _is_spaceless(_first(after)) else " "


def may_need_no_space_after(word: str) -> bool:
    """Whether the next word may follow without a space; that depends on it too."""
    return _is_spaceless(word[-1]) or _is_spaceless(_last(word))


def num_words(text: str) -> int:
    """How many words there are, also where every character is one and says less than a word."""
    num_characters = sum(map(_is_letter_without_spaces, text))
    others = "".join(" " if _is_spaceless(character) else character for character in text)
    return len(others.split()) + math.ceil(num_characters / _CHARACTERS_A_WORD)


def num_columns(text: str) -> int:
    """How wide a text is in a type where Latin letters take one column, and Chinese characters two."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def clusters(text: str) -> Iterator[str]:
    """What a reader takes for one character: a letter with its marks, a picture with what joins it."""
    start = 0
    for place in range(1, len(text)):
        if not (_belongs_to_the_one_before(text[place]) or text[place - 1] == "\u200d"):
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def runs(text: str) -> list[str]:
    """A text's words without their marks and without spaces between them: "第3分钟" is "第", "3" and "分钟"."""
    found: list[str] = []
    before = ""
    for character in text:
        is_word = character.isalnum() or character == "_"
        if is_word and before and _is_spaceless(before) == _is_spaceless(character):
            found[-1] += character
        elif is_word:
            found.append(character)
        before = character if is_word else ""
    return found


def is_without_spaces(text: str) -> bool:
    """Whether the script of a text's first character has no spaces."""
    return _is_spaceless(text[:1])


def direction(word: str) -> Direction | None:
    """The side to which a word is read; None for numbers and marks, which follow their neighbours."""
    for character in word:
        match unicodedata.bidirectional(character):
            case "L":
                return "right"
            case "R" | "AL":
                return "left"
    return None


def has_right_to_left(text: str) -> bool:
    """Whether any of it is written from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def _without_closers(text: str) -> str:
    end = len(text)
    while end and (unicodedata.category(text[end - 1]) in _CLOSERS or text[end - 1] in _QUOTES):
        end -= 1
    return text[:end]


@functools.lru_cache(maxsize=4096)
def _is_spaceless(character: str) -> bool:
    """Chinese characters, kana, and the wide marks between them; Korean has spaces, and pictures are no script."""
    return bool(character) and (_is_letter_without_spaces(character) or _is_wide_mark(character))


@functools.lru_cache(maxsize=4096)
def _is_letter_without_spaces(character: str) -> bool:
    return (
        unicodedata.east_asian_width(character) in "WFH"
        and unicodedata.category(character) in ("Lo", "Lm", "Nl", "Mn")
        and "HANGUL" not in unicodedata.name(character, "")
    )


@functools.lru_cache(maxsize=4096)
def _is_wide_mark(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WFH" and (
        unicodedata.category(character)[0] == "P" or character in "～"
    )


@functools.lru_cache(maxsize=4096)
def _begins_no_line(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Pe", "Pf", "Po", "Pd", "Lm")
        or character in "～…％"
        or _belongs_to_the_one_before(character)
        # Small kana: the sound of the one before.
        or "LETTER SMALL" in unicodedata.name(character, "")
    )


def _belongs_to_the_one_before(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character == "\u200d" or "🏻" <= character <= "🏿"


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end with `before`, a word so far, and the next begin with the character `after`."""
    if (
        _begins_no_line(after)
        or unicodedata.category(before[-1]) in ("Ps", "Pi", "Sc")
        or before[-1] in _QUOTES
    ):
        return False
    return _is_wide_mark(before[-1]) or (_is_spaceless(_last(before)) and _is_spaceless(after))


def _last(text: str) -> str:
    """The last character that belongs to a script."""
    return next((c for c in reversed(text) if _is_spaceless(c) or not _is_mark(c)), "")


def _first(text: str) -> str:
    return next((c for c in text if _is_spaceless(c) or not _is_mark(c)), "")


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "P"
