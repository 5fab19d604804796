"""The band of captions: lines of words, outlined, the older ones dim.

Knows how words are painted, when they are hidden, and what a screen reader reads of them. Knows no picture, not where
words come from, and not whether it lies in the window or in the overlay.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.tokens import CORNER_PX, SPACE_8, SPACE_16
from app.window.caption_look import CaptionLook
from app.window.state.captions import CaptionState, CaptionWord, Line, RollingLines
from app.window.word_pictures import WordPictures


class CaptionBand(QWidget):
    """Shows a CaptionState. Hidden until something was said."""

    repainted = Signal()
    """What is to be seen has changed."""
    shown = Signal()
    """It was just painted on the window."""

    def __init__(self, state: CaptionState, look: CaptionLook, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("captions")
        self.setAccessibleName("Captions")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._state = state
        self._look = look
        self._painted: QPixmap | None = None
        self._words: WordPictures | None = None
        self._font = look.font
        self._metrics = QFontMetricsF(self._font)
        self.lines = RollingLines(self._metrics.horizontalAdvance, self._text_width_px, look.style.num_lines)
        self._hides = QTimer(self, singleShot=True)
        self._hides.timeout.connect(self.hide)
        state.word_added.subscribe(self._add)
        state.cleared.subscribe(self._clear)
        state.restyled.subscribe(self._restyle)
        look.changed.connect(self._follow_look)
        self.hide()

    @property
    def text(self) -> str:
        """What can be read just now."""
        return " ".join(placed.word.text for line in self.lines.lines for placed in line)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All lines and their margins."""
        return QSize(200, round(self._look.style.num_lines * self._line_px) + 2 * SPACE_8)

    def begin_as(self, other: CaptionBand) -> None:
        """Show what another band of the same state shows already."""
        for word in other.lines.lately:
            self.lines.add(word)
        self.setVisible(not other.isHidden())
        self._wait_to_hide()
        self._repaint()

    def painted(self) -> QPixmap:
        """All of it, as it is on the screen."""
        if self._painted is None:
            self._painted = self._paint()
        return self._painted

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width is the one reason to break lines anew."""
        if event.size().width() != event.oldSize().width():
            self._fit()
        self._repaint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Words are painted when they change, not with every picture."""
        QPainter(self).drawPixmap(0, 0, self.painted())
        self.shown.emit()

    @property
    def _text_width_px(self) -> float:
        return max(1.0, self.width() - 2 * SPACE_16)

    @property
    def _line_px(self) -> float:
        # A wide outline needs room of its own, or it would cover the letters above.
        return self._metrics.lineSpacing() + max(0.0, 2 * self._look.style.outline_px - 6)

    def _fit(self) -> None:
        self.lines.fit(self._metrics.horizontalAdvance, self._text_width_px, self._look.style.num_lines)

    def _add(self, word: CaptionWord) -> None:
        self.lines.add(word)
        if self.isHidden():
            self.show()
        self._wait_to_hide()
        self._repaint()

    def _clear(self) -> None:
        self.lines.clear()
        self._hides.stop()
        self.hide()
        self._repaint()

    def _restyle(self) -> None:
        self._wait_to_hide()
        self._repaint()

    def _wait_to_hide(self) -> None:
        style = self._look.style
        if style.stays or self._state.spoken_s:
            self._hides.stop()
        elif not self.isHidden():
            self._hides.start(round(style.hides_after_s * 1000))

    def _follow_look(self) -> None:
        self._font = self._look.font
        self._words = None
        self._metrics = QFontMetricsF(self._font)
        self._fit()
        self.updateGeometry()
        if self._look.style.stays and self.text:
            self.show()
        self._wait_to_hide()
        self._repaint()

    def _repaint(self) -> None:
        self._painted = None
        self.setAccessibleDescription(self.text)
        self.update()
        self.repainted.emit()

    def _paint(self) -> QPixmap:
        style, density = self._look.style, self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * density)
        pixmap.setDevicePixelRatio(density)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if style.background_opacity > 0:
            ground = QColor(style.background_colour)
            ground.setAlphaF(style.background_opacity)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(QRectF(self.rect()), CORNER_PX, CORNER_PX)
        # With one line only, it stands where it will stay until a second one pushes it up.
        newest = style.num_lines - 1
        for row, line in enumerate(self.lines.lines):
            is_dim = row < newest or self._state.is_silent
            self._paint_line(painter, line, row, style.dim_opacity if is_dim else 1.0)
        painter.end()
        self._words_at(density).keep({placed.word.text for line in self.lines.lines for placed in line})
        return pixmap

    def _paint_line(self, painter: QPainter, line: Line, row: int, opacity: float) -> None:
        if not line:
            return
        metrics, style = self._metrics, self._look.style
        baseline = (
            SPACE_8 + row * self._line_px + (self._line_px - metrics.lineSpacing()) / 2 + metrics.ascent()
        )
        room = self._text_width_px - (line[-1].x_px + line[-1].width_px)
        left = SPACE_16 + max(0.0, room) * {"left": 0.0, "centre": 0.5, "right": 1.0}[style.align]
        words = self._words_at(painter.device().devicePixelRatioF())
        pictures = [(words.picture(placed.word.text), placed) for placed in line]
        for picture, placed in pictures:
            if picture.outline is not None:
                at = words.on_pixels(QPointF(left + placed.x_px, baseline) - picture.margin)
                painter.drawPixmap(at, picture.outline)
        painter.setOpacity(opacity)
        for picture, placed in pictures:
            at = words.on_pixels(QPointF(left + placed.x_px, baseline) - picture.margin)
            painter.drawPixmap(at, picture.letters)
        thickness = max(2.0, metrics.lineWidth())
        for index, placed in enumerate(line):
            if placed.word.phrase_s in self._state.spoken_s:
                follower = line[index + 1] if index + 1 < len(line) else None
                goes_on = follower is not None and follower.word.phrase_s in self._state.spoken_s
                right = follower.x_px if follower is not None and goes_on else placed.x_px + placed.width_px
                underline = QRectF(left + placed.x_px, baseline + 5, right - placed.x_px, thickness)
                painter.fillRect(underline, QColor(style.text_colour))
        painter.setOpacity(1.0)

    def _words_at(self, density: float) -> WordPictures:
        if self._words is None or self._words.density != density:
            self._words = WordPictures(self._font, self._look.style, density)
        return self._words
