"""One line of captions as it lies on the screen: what is painted as one picture, where, and what lies above a phrase.

Knows that words of both directions in a line stand where Qt's bidirectional layout puts them. Knows no colours and no
other lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from PySide6.QtGui import QFont, QFontMetricsF, QTextLayout

from app.captions.words import has_right_to_left
from app.window.state.captions import Line, text_of

_LEFT_TO_RIGHT_MARK = "\u200e"
_RIGHT_TO_LEFT_MARK = "\u200f"
_SAME_PLACE_PX = 0.1


@dataclass(frozen=True)
class LaidOutLine:
    """Places are in pixels from the line's left."""

    pieces: tuple[tuple[str, float], ...]
    """Texts that are painted as one picture each, and where each begins: its right end, if the line begins on the right."""
    width_px: float
    is_right_to_left: bool
    """Whether it begins on the right."""
    marked: tuple[tuple[float, float], ...]
    """From where to where the words lie that were to be marked, from left to right."""


def lay_out(line: Line, font: QFont, marked_phrases_s: Collection[float]) -> LaidOutLine:
    """The line as it is painted in this font, with words of some phrases marked."""
    text = text_of(placed.word for placed in line)
    if has_right_to_left(text) or any(placed.word.is_right_to_left for placed in line[:1]):
        return _in_both_directions(text, line, font, marked_phrases_s)
    spans = []
    for index, placed in enumerate(line):
        follower = line[index + 1] if index + 1 < len(line) else None
        if placed.word.phrase_s in marked_phrases_s:
            goes_on = follower is not None and follower.word.phrase_s in marked_phrases_s
            right = follower.x_px if follower is not None and goes_on else placed.x_px + placed.width_px
            spans.append((placed.x_px, right))
    return LaidOutLine(
        pieces=tuple((placed.word.text, placed.x_px) for placed in line),
        width_px=line[-1].x_px + line[-1].width_px if line else 0.0,
        is_right_to_left=False,
        marked=tuple(spans),
    )


def _in_both_directions(
    text: str, line: Line, font: QFont, marked_phrases_s: Collection[float]
) -> LaidOutLine:
    """All of it is one text: where a word stands depends on its neighbours."""
    is_right_to_left = line[0].word.is_right_to_left
    text = f"{_RIGHT_TO_LEFT_MARK if is_right_to_left else _LEFT_TO_RIGHT_MARK}{text}"
    width_px = QFontMetricsF(font).horizontalAdvance(text)
    layout = QTextLayout(text, font)
    layout.beginLayout()
    laid = layout.createLine()
    layout.endLayout()
    places = sorted(
        (glyphs.boundingRect().left(), glyphs.boundingRect().right())
        for start, num in _marked_characters(line, marked_phrases_s)
        for glyphs in laid.glyphRuns(start, num)
    )
    spans: list[tuple[float, float]] = []
    for left, right in places:
        if spans and left <= spans[-1][1] + _SAME_PLACE_PX:
            spans[-1] = (spans[-1][0], max(right, spans[-1][1]))
        else:
            spans.append((left, right))
    return LaidOutLine(
        pieces=((text, width_px if is_right_to_left else 0.0),),
        width_px=width_px,
        is_right_to_left=is_right_to_left,
        marked=tuple(spans),
    )


def _marked_characters(line: Line, marked_phrases_s: Collection[float]) -> Iterator[tuple[int, int]]:
    """First and number of those of each marked word, and of the space after it if the next is marked too.

    They are counted as Qt does; the direction's mark comes before all.
    """
    start, was_marked = 1, False
    for number, placed in enumerate(line):
        is_marked = placed.word.phrase_s in marked_phrases_s
        if number and not placed.word.is_joined:
            if is_marked and was_marked:
                yield start, 1
            start += 1
        num = len(placed.word.text.encode("utf-16-le")) // 2
        if is_marked:
            yield start, num
        start += num
        was_marked = is_marked
