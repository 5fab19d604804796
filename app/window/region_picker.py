"""Choosing a part of the screen: the desktop is dimmed, and a rectangle is dragged on it.

Knows mouse and keyboard, and how Qt's points become the desktop's pixels. Knows nothing of how the part is watched.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QScreen,
)
from PySide6.QtWidgets import QWidget

from app.sources.rect import Rect
from app.theme.theme import Theme
from app.theme.tokens import BODY_TEXT_PX, CORNER_PX, FOCUS_RING_PX, SPACE_8, SPACE_12, SPACE_32
from app.window.announcer import announce

_DIM = 0.55
_SMALLEST_PX = 48
_STEP_PX = 16
_WORDS = "Drag over the part to watch. Arrow keys move it, with Shift they resize it. Enter takes it, Esc does not."


class RegionPicker(QWidget):
    """Covers one monitor. `picked` gives the part in the desktop's pixels; closed without one, nothing was chosen."""

    picked = Signal(object)
    announced = Signal(str)
    """These words were handed to whoever reads the screen aloud."""

    def __init__(self, theme: Theme, screen: QScreen, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        flags = Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint
        self.setWindowFlags(flags)
        self.setObjectName("region-picker")
        self.setWindowTitle("Choose a part of the screen")
        self.setAccessibleName("Choose a part of the screen")
        self.setAccessibleDescription(_WORDS)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._theme = theme
        self._screen = screen
        # What is dimmed is a still picture: a window that can be seen through needs a compositing desktop.
        self._still: QPixmap = screen.grabWindow(0)
        self._from: QPoint | None = None
        self.region = QRect()
        """What is chosen so far, in points of this window."""

    def open(self) -> None:
        """Cover the monitor."""
        self.setGeometry(self._screen.geometry())
        middle = self.rect()
        self.region = QRect(0, 0, middle.width() // 2, middle.height() // 2)
        self.region.moveCenter(middle.center())
        self.showFullScreen()
        self.setGeometry(self._screen.geometry())
        self.raise_()
        self.activateWindow()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._tell(self._place)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """One corner."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._from = event.position().toPoint()
            self.region = QRect(self._from, self._from)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The other one, so far."""
        if self._from is not None:
            self._reach(self._from, event.position().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """That is it, unless it was only a click."""
        if self._from is not None and event.button() == Qt.MouseButton.LeftButton:
            self._reach(self._from, event.position().toPoint())
            self._from = None
            self._take()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """The same by keyboard."""
        ways = {
            Qt.Key.Key_Left: (-_STEP_PX, 0),
            Qt.Key.Key_Right: (_STEP_PX, 0),
            Qt.Key.Key_Up: (0, -_STEP_PX),
            Qt.Key.Key_Down: (0, _STEP_PX),
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.close()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take()
        elif key in ways:
            self._change(*ways[key], resizes=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The desktop, dim but for the part."""
        painter = QPainter(self)
        painter.drawPixmap(self.rect(), self._still)
        shade = QColor(0, 0, 0)
        shade.setAlphaF(_DIM)
        painter.fillRect(self.rect(), shade)
        if not self.region.isEmpty():
            density = self._still.width() / max(1, self.width())
            place = self.region
            part = QRect(
                round(place.x() * density), round(place.y() * density),
                round(place.width() * density), round(place.height() * density),
            )  # fmt: skip
            painter.drawPixmap(place, self._still, part)
            # Two colours, so that the line is seen on any picture.
            painter.setPen(QPen(QColor("#000000"), 2 * FOCUS_RING_PX))
            painter.drawRect(place)
            painter.setPen(QPen(QColor(self._theme.palette.accent), FOCUS_RING_PX))
            painter.drawRect(place)
        self._paint_words(painter)

    def _paint_words(self, painter: QPainter) -> None:
        size = self._in_pixels()
        words = f"{_WORDS}  {size.width}x{size.height}" if not self.region.isEmpty() else _WORDS
        painter.setFont(self._theme.font(BODY_TEXT_PX, QFont.Weight.DemiBold))
        room = painter.fontMetrics().boundingRect(
            QRect(0, 0, self.width() - 2 * SPACE_32, self.height()),
            int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter),
            words,
        )
        room.adjust(-SPACE_12, -SPACE_8, SPACE_12, SPACE_8)
        room.moveTop(SPACE_32)
        room.moveLeft((self.width() - room.width()) // 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.palette.panel))
        painter.drawRoundedRect(room, CORNER_PX, CORNER_PX)
        painter.setPen(QColor(self._theme.palette.text))
        inside = room.adjusted(SPACE_12, SPACE_8, -SPACE_12, -SPACE_8)
        painter.drawText(inside, int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter), words)

    def _reach(self, corner: QPoint, other: QPoint) -> None:
        left, right = sorted((corner.x(), other.x()))
        top, bottom = sorted((corner.y(), other.y()))
        self.region = QRect(left, top, right - left, bottom - top) & self.rect()
        self.update()

    def _change(self, right: int, down: int, *, resizes: bool) -> None:
        region = QRect(self.region)
        if resizes:
            region.setWidth(max(_SMALLEST_PX, region.width() + right))
            region.setHeight(max(_SMALLEST_PX, region.height() + down))
        else:
            region.translate(right, down)
        if self.rect().contains(region) and region != self.region:
            self.region = region
            self.update()
            self._tell(self._place)
        else:
            self._tell(f"No further. {self._place}")

    def _take(self) -> None:
        part = self._in_pixels()
        if min(part.width, part.height) < _SMALLEST_PX:
            self.update()
            self._tell(
                f"Too small: {part.width} by {part.height}. At least {_SMALLEST_PX} by {_SMALLEST_PX} pixels."
            )
            return
        self.close()
        self.picked.emit(part)

    @property
    def _place(self) -> str:
        """Where the part is and how large, in words."""
        part = self._in_pixels()
        corner = self._screen.geometry().topLeft()
        left, top = part.left - corner.x(), part.top - corner.y()
        return f"{left} from the left, {top} from the top, {part.width} by {part.height} pixels."

    def _tell(self, words: str) -> None:
        """The newest words break off those before: a key that is held changes them many times a second."""
        self.setAccessibleDescription(f"{_WORDS} {words}")
        announce(self, words, is_urgent=True)
        self.announced.emit(words)

    def _in_pixels(self) -> Rect:
        """The part in the desktop's own pixels: on X11 a monitor's corner is in pixels already, its inside is not."""
        density = self._screen.devicePixelRatio()
        corner = self._screen.geometry().topLeft()
        is_dense = QGuiApplication.platformName() in ("xcb", "windows", "offscreen")
        inside = density if is_dense else 1.0
        region = self.region
        return Rect(
            corner.x() + round(region.x() * inside),
            corner.y() + round(region.y() * inside),
            round(region.width() * inside),
            round(region.height() * inside),
        )
