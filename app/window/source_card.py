"""A card that stands for a source: its picture, its name, and what it is.

Knows how it is painted at any size. Knows no source; what it does is handed in.
"""

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy

from app.theme.icons import icon_pixmap
from app.theme.theme import Theme
from app.theme.tokens import (
    BODY_TEXT_PX,
    CORNER_PX,
    SMALL_TEXT_PX,
    SPACE_4,
    SPACE_8,
    SPACE_12,
)
from app.window.picture import Picture

_LARGEST_CARD_PX = 300
_SMALLEST_CARD_PX = 140
_LEAST_PICTURE_PX = 48


class SourceCard(QPushButton):
    """One source: its picture, its name, and what it is."""

    def __init__(self, theme: Theme, icon: str, name: str, sentence: str, act: Callable[[], object]) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.setAccessibleName(name)
        self.setAccessibleDescription(sentence)
        self.setToolTip(sentence)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMaximumWidth(theme.px(_LARGEST_CARD_PX))
        self._theme = theme
        self._icon = icon
        self._name = name
        self._sentence = sentence
        self.neighbours: list[SourceCard] = []
        """Cards whose words begin at the same height."""
        self._image: QImage | None = None
        self._picture: Picture | None = None
        self.clicked.connect(act)
        theme.changed.connect(self._resize)

    def show_picture(self, picture: Picture) -> None:
        """Show this on the card."""
        self._picture = picture  # the image is only a view of its pixels
        height, width = picture.pixels.shape[:2]
        self._image = QImage(picture.pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A picture of 16:9 and the words below."""
        width = self.width() if self.isVisible() else self._theme.px(_LARGEST_CARD_PX)
        return QSize(self._theme.px(_LARGEST_CARD_PX), round(width * 9 / 16) + self._words_height_px(width))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Three fit into a narrow window; words are never cut, pictures are."""
        width = max(self.width() if self.isVisible() else 0, _SMALLEST_CARD_PX)
        return QSize(_SMALLEST_CARD_PX, _LEAST_PICTURE_PX + self._words_height_px(width))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width breaks the words elsewhere."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Picture above, words below, an accent line around the chosen one."""
        palette = self._theme.palette
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), CORNER_PX, CORNER_PX)
        painter.fillPath(outline, QColor(palette.hover if self.underMouse() else palette.panel))
        picture = QRect(0, 0, self.width(), self.height() - self._words_height_px(self.width()))
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(picture, QColor("#000000" if self._image else palette.pressed))
        if self._image is not None:
            painter.drawImage(picture, self._image, _cut(self._image.size(), picture.size()))
        else:
            side = min(self._theme.px(40), picture.height() * 2 // 3)
            place = QPointF((picture.width() - side) / 2, (picture.height() - side) / 2)
            painter.drawPixmap(place, icon_pixmap(self._icon, palette.text, side, self.devicePixelRatioF()))
        painter.restore()
        words = QRect(SPACE_12, picture.bottom() + SPACE_8, self.width() - 2 * SPACE_12, self.height())
        self._paint_words(painter, words)
        is_chosen = self.isChecked()
        painter.setPen(QPen(QColor(palette.accent if is_chosen else palette.line), 2 if is_chosen else 1))
        painter.drawPath(outline)

    def _paint_words(self, painter: QPainter, place: QRect) -> None:
        palette = self._theme.palette
        painter.setFont(self._theme.font(BODY_TEXT_PX, QFont.Weight.DemiBold))
        painter.setPen(QColor(palette.text))
        name = painter.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideMiddle, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)
        below = place.adjusted(0, painter.fontMetrics().lineSpacing() + SPACE_4, 0, 0)
        painter.setFont(self._theme.font(SMALL_TEXT_PX))
        painter.setPen(QColor(palette.quiet_text))
        wraps = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(below, int(wraps), self._sentence)

    def _words_height_px(self, width: int) -> int:
        return max(card.own_words_height_px(width) for card in self.neighbours or [self])

    def own_words_height_px(self, width: int) -> int:
        """Room for this card's words on a card of this width."""
        name = QFontMetrics(self._theme.font(BODY_TEXT_PX, QFont.Weight.DemiBold)).lineSpacing()
        small = QFontMetrics(self._theme.font(SMALL_TEXT_PX))
        room = QRect(0, 0, max(1, width - 2 * SPACE_12), 1000)
        sentence = small.boundingRect(room, int(Qt.TextFlag.TextWordWrap), self._sentence).height()
        return SPACE_8 + name + SPACE_4 + sentence + SPACE_12

    def _resize(self) -> None:
        self.setMaximumWidth(self._theme.px(_LARGEST_CARD_PX))
        self.updateGeometry()
        self.update()


def _cut(image: QSize, room: QSize) -> QRect:
    """The largest middle part of an image that has the shape of a room."""
    part = room.scaled(image, Qt.AspectRatioMode.KeepAspectRatio)
    return QRect(QPoint((image.width() - part.width()) // 2, (image.height() - part.height()) // 2), part)
