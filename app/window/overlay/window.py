"""The overlay window: frameless, above all others, invisible to the mouse until it is unlocked.

Knows where it is, how it is moved by mouse and keyboard, and what shows through where the desktop cannot blend. Knows no
words: its band of captions shows the same state as the one over the picture.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QBitmap,
    QColor,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QMoveEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QScreen,
    QShowEvent,
)
from PySide6.QtWidgets import QLabel, QWidget

from app.theme.theme import Theme
from app.theme.tokens import CORNER_PX, FOCUS_RING_PX, SPACE_4, SPACE_8
from app.window.caption_band import CaptionBand
from app.window.caption_look import CaptionLook
from app.window.controller import Controller
from app.window.overlay.desktop import Desktop
from app.window.overlay.placing import (
    SMALLEST_WIDTH_PX,
    Place,
    Rect,
    own_place,
    read_places,
    usual_place,
    write_places,
)

UNLOCKED_WORDS = "Drag to move, drag a side for the width. Esc locks it."
UNLOCKED_SENTENCE = (
    "The overlay is unlocked: arrow keys move it, with Ctrl they change its width, with Shift by single pixels; "
    "Esc or Enter locks it."
)
LOCKED_SENTENCE = "Captions above all windows; clicks pass through."

_GRIP_PX = 16
_STEP_PX = 16
_STAY_ON_TOP_MS = 500
_WAYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_LOCKING_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)
_OWN_KEYS = {*_WAYS, *_LOCKING_KEYS}
_PLACE_SETTINGS = {"overlay_position", "overlay_width_percent", "overlay_crop_margin_px"}


class OverlayWindow(QWidget):
    """One per main window, whose child it is: it goes when that one goes."""

    place_changed = Signal()
    """It lies elsewhere, or is shown or hidden."""

    def __init__(self, controller: Controller, look: CaptionLook, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        kind = Qt.WindowType.Window if sys.platform == "win32" else Qt.WindowType.Tool
        self._flags = kind | Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint
        self.setWindowFlags(self._flags)
        self.setObjectName("overlay")
        self.setWindowTitle("Ringside captions")
        self.setAccessibleName("Caption overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_MacAlwaysShowToolWindow)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._controller = controller
        self._theme = theme
        self._look = look
        self._desktop = Desktop()
        self._is_alone = False
        self._grabbed: tuple[QPoint, QRect, str] | None = None
        self.band = CaptionBand(controller.state.captions, look, self)
        self.hint = QLabel(UNLOCKED_WORDS, self)
        self.hint.setProperty("role", "chip")
        self.hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._stays_on_top = QTimer(self, interval=_STAY_ON_TOP_MS)
        self._stays_on_top.timeout.connect(self.raise_)
        self.band.repainted.connect(self._cut_to_shape)
        look.changed.connect(self.place)
        theme.changed.connect(self.update)
        controller.settings_changed.subscribe(self._follow)
        QGuiApplication.instance().screenRemoved.connect(self.place)  # type: ignore[union-attr] # made by now
        QGuiApplication.instance().screenAdded.connect(self.place)  # type: ignore[union-attr] # as above
        self._show_lock()

    @property
    def is_locked(self) -> bool:
        """Whether clicks pass through."""
        return self._controller.settings.is_overlay_locked

    def reckon_with(self, desktop: Desktop) -> None:
        """What the desktop does with such windows is known."""
        self._desktop = desktop
        self._keep_on_top()
        self._cut_to_shape()

    def open(self) -> None:
        """Be on the screen."""
        self.place()
        self.winId()  # makes the window, so that it can be told before it is seen
        # It stays while the main window is minimised.
        self.windowHandle().setTransientParent(None)  # type: ignore[arg-type] # Qt takes none, its stubs do not
        self._show_lock()
        self.show()
        self.raise_()

    def place(self) -> None:
        """Go where settings, monitors and type size want it."""
        if self._grabbed is not None:
            return
        settings, screen = self._controller.settings, self._screen()
        margin = settings.overlay_crop_margin_px
        height = self.band.sizeHint().height() + 2 * margin
        room = screen.availableGeometry()
        monitor = Rect(room.x(), room.y(), room.width(), room.height())
        kept = read_places(settings.overlay_places).get(screen.name())
        if settings.overlay_position == "free" and kept is not None:
            rect = own_place(kept, height, monitor)
        else:
            rect = usual_place(settings.overlay_position, settings.overlay_width_percent, height, monitor)
        self.setGeometry(rect.left, rect.top, rect.width, rect.height)
        self._lay_out()

    def event(self, event: QEvent) -> bool:
        """While it is unlocked, its keys are not those of the main window."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and Qt.Key(event.key()) in _OWN_KEYS
            and not self.is_locked
        ):
            event.accept()
            return True
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """It may cover other windows now."""
        super().showEvent(event)
        self._keep_on_top()
        self._cut_to_shape()
        self.place_changed.emit()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """It covers nothing any more."""
        super().hideEvent(event)
        self._keep_on_top()
        self.place_changed.emit()

    def moveEvent(self, event: QMoveEvent) -> None:  # noqa: N802 - Qt's name
        """Whoever keeps us out of the captured picture has to know."""
        super().moveEvent(event)
        self.place_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The captions fill all but the margin."""
        super().resizeEvent(event)
        self._lay_out()
        self.place_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Nothing while it is locked; a ground to grab and a border while it is not."""
        if self.is_locked:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(self._look.style.background_colour)
        ground.setAlphaF(0.5)
        painter.setBrush(ground)
        pen = QPen(QColor(self._theme.palette.accent), FOCUS_RING_PX, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), CORNER_PX, CORNER_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of it, or of one of its sides."""
        if event.button() != Qt.MouseButton.LeftButton or self.is_locked:
            return
        side = self._side_at(event.position().toPoint())
        if QGuiApplication.platformName().startswith("wayland") and not side:
            self.windowHandle().startSystemMove()
            return
        self._grabbed = (event.globalPosition().toPoint(), self.geometry(), side)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the mouse."""
        if self._grabbed is None:
            is_side = bool(self._side_at(event.position().toPoint()))
            shape = Qt.CursorShape.SizeHorCursor if is_side else Qt.CursorShape.SizeAllCursor
            self.setCursor(shape)
            return
        start, before, side = self._grabbed
        way = event.globalPosition().toPoint() - start
        self._go(before, way.x(), way.y(), side)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Stay there, also next time."""
        if self._grabbed is not None:
            self._grabbed = None
            self._remember_place()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Arrow keys move it, with Ctrl they change its width; Esc and Enter lock it."""
        key, is_fine = Qt.Key(event.key()), event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if key in _LOCKING_KEYS:
            self._controller.remember(is_overlay_locked=True)
        elif key in _WAYS and not self.is_locked:
            right, down = (way * (1 if is_fine else _STEP_PX) for way in _WAYS[key])
            is_width = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            self._go(self.geometry(), right, down, "right" if is_width else "")
            self._remember_place()
        else:
            super().keyPressEvent(event)

    def _go(self, before: QRect, right: int, down: int, side: str) -> None:
        """From `before`, move by so many pixels, or move one side by `right`."""
        rect = QRect(before)
        if side == "left":
            rect.setLeft(min(before.left() + right, before.right() - SMALLEST_WIDTH_PX))
        elif side == "right":
            rect.setRight(max(before.right() + right, before.left() + SMALLEST_WIDTH_PX))
        else:
            rect.translate(right, down)
        self.setGeometry(rect)

    def _side_at(self, point: QPoint) -> str:
        if point.x() < _GRIP_PX:
            return "left"
        return "right" if point.x() >= self.width() - _GRIP_PX else ""

    def _remember_place(self) -> None:
        screen = QGuiApplication.screenAt(self.geometry().center()) or self._screen()
        room, settings = screen.availableGeometry(), self._controller.settings
        places = read_places(settings.overlay_places)
        places[screen.name()] = Place(self.x() - room.x(), self.y() - room.y(), self.width())
        self._controller.remember(
            overlay_position="free",
            overlay_places=write_places(places),
            overlay_monitor=screen.name(),
        )

    def _screen(self) -> QScreen:
        wanted = self._controller.settings.overlay_monitor
        for screen in QGuiApplication.screens():
            if screen.name() == wanted:
                return screen
        parent = self.parentWidget()
        return parent.screen() if parent is not None else QGuiApplication.primaryScreen()

    def _follow(self, changed: frozenset[str]) -> None:
        if changed & _PLACE_SETTINGS:
            self.place()
        if changed & {"is_overlay_locked", "is_overlay_above_games"}:
            self._show_lock()

    def _show_lock(self) -> None:
        is_locked = self.is_locked
        self.hint.setVisible(not is_locked)
        self.setAccessibleDescription(LOCKED_SENTENCE if is_locked else UNLOCKED_SENTENCE)
        self.unsetCursor()
        self._set_flags()
        if not is_locked and self.isVisible():
            self.activateWindow()
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._lay_out()
        self._cut_to_shape()
        self.update()

    def _set_flags(self) -> None:
        handle = self.windowHandle()
        if handle is None:
            return
        flags, bypass = self._flags, Qt.WindowType.BypassWindowManagerHint
        if self.is_locked:
            flags |= Qt.WindowType.WindowTransparentForInput | Qt.WindowType.WindowDoesNotAcceptFocus
            if self._controller.settings.is_overlay_above_games and self._is_x11:
                # Window managers put full-screen windows above those that want to be on top. Not this one.
                flags |= bypass
        has_other_manager = self._is_alone != bool(flags & bypass)
        self._is_alone = bool(flags & bypass)
        if has_other_manager and self.isVisible():
            # Another window for it: a manager that hears late that this one has left unmaps it after it is back.
            self.hide()
            self.destroy()
            self.open()
            return
        # On the window itself: QWidget would make another one, which forgets its place.
        handle.setFlags(flags)
        self._keep_on_top()

    @property
    def _is_x11(self) -> bool:
        return QGuiApplication.platformName() == "xcb"

    def _lay_out(self) -> None:
        margin = self._controller.settings.overlay_crop_margin_px
        self.band.setGeometry(self.rect().adjusted(margin, margin, -margin, -margin))
        self.hint.adjustSize()
        size = self.hint.size().boundedTo(QSize(max(1, self.width() - 2 * SPACE_8), self.height()))
        self.hint.setGeometry(self.width() - size.width() - SPACE_8, SPACE_4, size.width(), size.height())
        self.hint.raise_()

    def _keep_on_top(self) -> None:
        if self.isVisible() and (self._is_alone or not self._desktop.stacks):
            self._stays_on_top.start()
        else:
            self._stays_on_top.stop()

    def _cut_to_shape(self) -> None:
        """Where nothing can be seen through, show only what is painted."""
        if self._desktop.blends or not self.is_locked:
            self.clearMask()
            return
        region = QRegion(0, 0, 1, 1)  # an empty one would mean all of the window
        if not self.band.isHidden():
            image = self.band.painted().toImage()
            if image.devicePixelRatio() != 1.0:
                image = image.scaled(self.band.size())
            opaque = QBitmap.fromImage(image.createAlphaMask(Qt.ImageConversionFlag.ThresholdDither))
            region = QRegion(opaque).translated(self.band.pos())
        self.setMask(region)
