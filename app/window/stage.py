"""The stage: the picture of what is watched, with the captions over it.

Knows how a picture keeps its shape in any window, and that nothing around it moves when it comes or goes. Knows no
source and no decoding.
"""

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.theme import Theme
from app.theme.tokens import CORNER_PX, SPACE_8, SPACE_16, SPACE_24
from app.window.caption_band import CaptionBand
from app.window.caption_look import CaptionLook
from app.window.picture import Picture, fit_within
from app.window.state.captions import CaptionState

_LOWEST_PX = 128
_NARROWEST_BAND_PX = 320
"""At usual text size: over a picture that is smaller, in a low window, captions go on beside it."""


class Stage(QWidget):
    """Paints pictures as they come."""

    room_changed = Signal(int, int)
    """Height and width, in pixels of the screen, that pictures should fill."""

    def __init__(
        self,
        captions: CaptionState,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        look: CaptionLook | None = None,
    ) -> None:
        """Without a `look`, captions have their usual one."""
        super().__init__(parent)
        self.setObjectName("stage")
        self.setAccessibleName("Picture")
        self.setAccessibleDescription("The video that is being commented on.")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.num_pictures = 0
        """Pictures shown so far."""
        self._theme = theme
        self._picture: Picture | None = None
        self._image: QImage | None = None
        self._front: QWidget | None = None
        self._look = look or CaptionLook(theme, parent=self)
        self.band = CaptionBand(captions, self._look, self)
        theme.changed.connect(self._lay_out)
        self._look.changed.connect(self._lay_out)

    @property
    def screen_rect(self) -> QRect:
        """Where the 16:9 screen is; the picture lies in its middle."""
        room = self.rect().adjusted(SPACE_16, SPACE_16, -SPACE_16, -SPACE_16)
        height, width = fit_within(9, 16, max(9, room.height()), max(16, room.width()))
        screen = QRect(QPoint(0, 0), QSize(width, height))
        screen.moveCenter(room.center())
        return screen

    def show_picture(self, picture: Picture | None) -> None:
        """Show this one from now on; None for an empty screen."""
        self._picture = picture
        self._image = None
        if picture is not None:
            height, width = picture.pixels.shape[:2]
            self._image = QImage(picture.pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
            self.num_pictures += 1
        self.update(self.screen_rect)

    def set_front(self, front: QWidget | None) -> None:
        """A widget that covers the stage while there is nothing to see; None for none."""
        if self._front is not None and self._front is not front:
            self._front.hide()
        self._front = front
        if front is not None:
            front.setParent(self)
            front.show()
        self._lay_out()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Small enough for a narrow window, and for large text in a low one; a line of captions has room."""
        return QSize(480, max(_LOWEST_PX, self.band.height_within(0) + 2 * (SPACE_16 + SPACE_8)))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Everything on the stage follows its size."""
        self._lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The picture, in the middle of a black screen with round corners."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(self._theme.palette.window))
        if self._front is not None:
            return
        screen = self.screen_rect
        painter.fillRect(screen, Qt.GlobalColor.black)
        if self._image is not None:
            painter.drawImage(self._picture_rect(self._image), self._image)
        self._round_corners(painter, screen)

    def _picture_rect(self, image: QImage) -> QRect:
        screen = self.screen_rect
        height, width = fit_within(image.height(), image.width(), screen.height(), screen.width())
        place = QRect(QPoint(0, 0), QSize(width, height))
        place.moveCenter(screen.center())
        return place

    def _round_corners(self, painter: QPainter, screen: QRect) -> None:
        outside = QPainterPath()
        outside.addRect(QRectF(screen))
        inside = QPainterPath()
        inside.addRoundedRect(QRectF(screen), CORNER_PX, CORNER_PX)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(outside.subtracted(inside), QColor(self._theme.palette.window))

    def _lay_out(self) -> None:
        screen = self.screen_rect
        margin = SPACE_24 if screen.width() > 700 else SPACE_8
        height = self.band.height_within(screen.height() - 2 * margin)
        narrowest = min(self._theme.px(_NARROWEST_BAND_PX), self.width() - 2 * SPACE_16)
        width = max(screen.width() - 2 * margin, narrowest)
        left = screen.left() + (screen.width() - width) // 2
        self.band.setGeometry(left, screen.bottom() + 1 - margin - height, width, height)
        self.updateGeometry()
        if self._front is not None:
            self._front.setGeometry(self.rect())
            self._front.raise_()
        density = self.devicePixelRatioF()
        self.room_changed.emit(round(screen.height() * density), round(screen.width() * density))
        self.update()
