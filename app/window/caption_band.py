"""The band of captions over the picture: two lines, outlined, the older one dim.

Knows how words are painted and what a screen reader reads of them. Knows no picture, and not where words come from.
"""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.theme import Theme
from app.theme.tokens import (
    CAPTION_OUTLINE_PX,
    CAPTION_TEXT_PX,
    CORNER_PX,
    SPACE_8,
    SPACE_16,
)
from app.window.state.captions import CaptionState, CaptionWord, Line, RollingLines

_NUM_LINES = 2


class CaptionBand(QWidget):
    """Shows a CaptionState. Hidden until something was said."""

    def __init__(self, state: CaptionState, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("captions")
        self.setAccessibleName("Captions")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._state = state
        self._theme = theme
        self._painted: QPixmap | None = None
        self._font = theme.font(CAPTION_TEXT_PX, QFont.Weight.DemiBold)
        self._metrics = QFontMetricsF(self._font)
        self.lines = RollingLines(self._metrics.horizontalAdvance, self._text_width_px)
        state.word_added.subscribe(self._add)
        state.cleared.subscribe(self._clear)
        state.restyled.subscribe(self._repaint)
        theme.changed.connect(self._retheme)
        self.hide()

    @property
    def text(self) -> str:
        """What can be read just now."""
        return " ".join(placed.word.text for line in self._shown for placed in line)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Two lines and their margins."""
        return QSize(200, round(_NUM_LINES * self._metrics.lineSpacing()) + 2 * SPACE_8)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width is the one reason to break lines anew."""
        if event.size().width() != event.oldSize().width():
            self.lines.fit(self._metrics.horizontalAdvance, self._text_width_px)
        self._repaint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Words are painted when they change, not with every picture."""
        if self._painted is None:
            self._painted = self._paint()
        QPainter(self).drawPixmap(0, 0, self._painted)

    @property
    def _shown(self) -> tuple[Line, Line]:
        return self.lines.older, self.lines.newest

    @property
    def _text_width_px(self) -> float:
        return max(1.0, self.width() - 2 * SPACE_16)

    def _add(self, word: CaptionWord) -> None:
        self.lines.add(word)
        if not self.isVisible():
            self.show()
        self._repaint()

    def _clear(self) -> None:
        self.lines.clear()
        self.hide()
        self._repaint()

    def _retheme(self) -> None:
        self._font = self._theme.font(CAPTION_TEXT_PX, QFont.Weight.DemiBold)
        self._metrics = QFontMetricsF(self._font)
        self.lines.fit(self._metrics.horizontalAdvance, self._text_width_px)
        self.updateGeometry()
        self._repaint()

    def _repaint(self) -> None:
        self._painted = None
        self.setAccessibleDescription(self.text)
        self.update()

    def _paint(self) -> QPixmap:
        palette, density = self._theme.palette, self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * density)
        pixmap.setDevicePixelRatio(density)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        band = QColor(palette.caption_band)
        band.setAlphaF(palette.caption_band_opacity)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(band)
        painter.drawRoundedRect(QRectF(self.rect()), CORNER_PX, CORNER_PX)
        dim = palette.caption_dim_opacity
        opacities = (dim, dim if self._state.is_silent else 1.0)
        # With one line only, it stands where it will stay until a second one pushes it up.
        for row, (line, opacity) in enumerate(zip(self._shown, opacities, strict=True)):
            self._paint_line(painter, line, row, opacity)
        painter.end()
        return pixmap

    def _paint_line(self, painter: QPainter, line: Line, row: int, opacity: float) -> None:
        metrics, palette = self._metrics, self._theme.palette
        baseline = SPACE_8 + row * metrics.lineSpacing() + metrics.ascent()
        letters, underlines = QPainterPath(), QPainterPath()
        thickness = max(2.0, metrics.lineWidth())
        for index, placed in enumerate(line):
            x = SPACE_16 + placed.x_px
            letters.addText(QPointF(x, baseline), self._font, placed.word.text)
            if placed.word.phrase_s in self._state.spoken_s:
                follower = line[index + 1] if index + 1 < len(line) else None
                goes_on = follower is not None and follower.word.phrase_s in self._state.spoken_s
                right = follower.x_px if follower is not None and goes_on else placed.x_px + placed.width_px
                underlines.addRect(x, baseline + 5, right - placed.x_px, thickness)
        outline = QPen(QColor(palette.caption_band), 2 * CAPTION_OUTLINE_PX)
        outline.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(letters, outline)
        ink = QColor(palette.caption_text)
        ink.setAlphaF(opacity)
        painter.fillPath(letters, ink)
        painter.fillPath(underlines, ink)
