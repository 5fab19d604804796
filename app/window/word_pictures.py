"""Words of captions as small pictures: their letters and the outline around them, drawn once and put down many times.

Knows how letters are outlined. Knows no lines, not where a word stands, and not how dim it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap

from app.theme.caption_style import CaptionStyle


@dataclass(frozen=True)
class WordPicture:
    """One word. Both pictures have the same size; an outline goes below the letters of all words."""

    letters: QPixmap
    outline: QPixmap | None
    margin: QPointF
    """From the picture's corner to where the word's baseline begins: on its right if it is read from there."""


class WordPictures:
    """Words of one font and style, at one density of pixels."""

    def __init__(self, font: QFont, style: CaptionStyle, density: float) -> None:
        self._font = font
        self._style = style
        self._density = density
        self._metrics = QFontMetricsF(font)
        self._pictures: dict[str, WordPicture] = {}

    @property
    def density(self) -> float:
        """Pixels of the screen to one of the window."""
        return self._density

    def picture(self, text: str, *, is_right_to_left: bool = False) -> WordPicture:
        """The word as it is painted."""
        known = self._pictures.get(text)
        if known is None:
            known = self._pictures[text] = self._paint(text, is_right_to_left=is_right_to_left)
        return known

    def keep(self, texts: set[str]) -> None:
        """Forget all other words: pictures of every word that was ever said would fill the memory."""
        for text in self._pictures.keys() - texts:
            del self._pictures[text]

    def on_pixels(self, point: QPointF) -> QPointF:
        """The nearest whole pixel of the screen: between two, letters would blur."""
        return QPointF(
            round(point.x() * self._density) / self._density, round(point.y() * self._density) / self._density
        )

    def _paint(self, text: str, *, is_right_to_left: bool) -> WordPicture:
        path = QPainterPath()
        start = -self._metrics.horizontalAdvance(text) if is_right_to_left else 0.0
        path.addText(QPointF(start, 0), self._font, text)
        # Letters may reach beyond their advance, and the outline beyond the letters.
        room = path.boundingRect().united(self._metrics.boundingRect(text).translated(start, 0))
        edge = math.ceil(self._style.outline_px) + 2
        margin = QPointF(math.ceil(-room.left()) + edge, math.ceil(-room.top()) + edge)
        size = QSizeF(margin.x() + room.right() + edge, margin.y() + room.bottom() + edge)
        outline = None
        if self._style.outline_px > 0:
            outline = self._blank(size)
            painter = _painter(outline, margin)
            pen = QPen(QColor(self._style.outline_colour), 2 * self._style.outline_px)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.strokePath(path, pen)
            painter.end()
        letters = self._blank(size)
        painter = _painter(letters, margin)
        painter.fillPath(path, QColor(self._style.text_colour))
        painter.end()
        return WordPicture(letters, outline, margin)

    def _blank(self, size: QSizeF) -> QPixmap:
        pixmap = QPixmap((size * self._density).toSize() + QSizeF(1, 1).toSize())
        pixmap.setDevicePixelRatio(self._density)
        pixmap.fill(Qt.GlobalColor.transparent)
        return pixmap


def _painter(pixmap: QPixmap, origin: QPointF) -> QPainter:
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(origin)
    return painter
