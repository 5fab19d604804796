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
from app.window.caption_line import LaidOutLine, lay_out
from app.window.caption_look import CaptionLook
from app.window.state.captions import CaptionState, CaptionWord, RollingLines, text_of
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
        return text_of(placed.word for line in self.lines.lines for placed in line)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All lines and their margins."""
        return QSize(200, self._height_px(self._look.style.num_lines))

    def height_within(self, room_px: int) -> int:
        """Of as many lines as there is room for, the newest one at least: a line is shown whole or not at all."""
        return self._height_px(self._num_lines_within(room_px))

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
        """Another width is the one reason to break lines anew; in a low window the older lines go."""
        num_lines = self._num_lines_within(event.size().height())
        if event.size().width() != event.oldSize().width() or num_lines != len(self.lines.lines):
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

    def _height_px(self, num_lines: int) -> int:
        return round(num_lines * self._line_px) + 2 * SPACE_8

    def _num_lines_within(self, height_px: int) -> int:
        most = self._look.style.num_lines
        return next((num for num in range(most, 1, -1) if self._height_px(num) <= height_px), 1)

    def _fit(self) -> None:
        num_lines = self._num_lines_within(self.height())
        self.lines.fit(self._metrics.horizontalAdvance, self._text_width_px, num_lines)

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
        newest = len(self.lines.lines) - 1
        lines = [lay_out(line, self._font, self._state.spoken_s) for line in self.lines.lines]
        for row, line in enumerate(lines):
            is_dim = row < newest or self._state.is_silent
            self._paint_line(painter, line, row, style.dim_opacity if is_dim else 1.0)
        painter.end()
        self._words_at(density).keep({text for line in lines for text, _ in line.pieces})
        return pixmap

    def _paint_line(self, painter: QPainter, line: LaidOutLine, row: int, opacity: float) -> None:
        metrics, style = self._metrics, self._look.style
        baseline = (
            SPACE_8 + row * self._line_px + (self._line_px - metrics.lineSpacing()) / 2 + metrics.ascent()
        )
        share = {"left": 0.0, "centre": 0.5, "right": 1.0}[style.align]
        if line.is_right_to_left:
            # Where lines begin at the left, those that are read from the right begin there.
            share = 1.0 - share
        left = SPACE_16 + max(0.0, self._text_width_px - line.width_px) * share
        words = self._words_at(painter.device().devicePixelRatioF())
        pictures = [
            (words.picture(text, is_right_to_left=line.is_right_to_left), x_px) for text, x_px in line.pieces
        ]
        for picture, x_px in pictures:
            if picture.outline is not None:
                at = words.on_pixels(QPointF(left + x_px, baseline) - picture.margin)
                painter.drawPixmap(at, picture.outline)
        painter.setOpacity(opacity)
        for picture, x_px in pictures:
            at = words.on_pixels(QPointF(left + x_px, baseline) - picture.margin)
            painter.drawPixmap(at, picture.letters)
        thickness = max(2.0, metrics.lineWidth())
        for start_px, end_px in line.marked:
            underline = QRectF(left + start_px, baseline + 5, end_px - start_px, thickness)
            painter.fillRect(underline, QColor(style.text_colour))
        painter.setOpacity(1.0)

    def _words_at(self, density: float) -> WordPictures:
        if self._words is None or self._words.density != density:
            self._words = WordPictures(self._font, self._look.style, density)
        return self._words
