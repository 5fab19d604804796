"""The focus ring: the same two pixels of accent, with a gap of two, around whatever has the keyboard.

Knows where the focus is in one window. Knows no widget's own looks; it lies above all of them and takes no clicks.
"""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from app.theme.theme import Theme
from app.theme.tokens import CORNER_PX, FOCUS_GAP_PX, FOCUS_RING_PX

_REACH_PX = FOCUS_GAP_PX + FOCUS_RING_PX
_MOVES = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide)


class FocusRing(QWidget):
    """Lies over a window and follows its focus."""

    def __init__(self, window: QWidget, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("focus-ring")
        self.setAccessibleName("Focus ring")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._theme = theme
        self._target: QWidget | None = None
        self._watched: list[QWidget] = []
        theme.changed.connect(self.update)
        QApplication.instance().focusChanged.connect(self._focus_moved)  # type: ignore[union-attr] # made by now
        self.hide()

    @property
    def target(self) -> QWidget | None:
        """The widget with the ring, if any."""
        return self._target

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Follow the target when it, or anything around it, moves."""
        if event.type() in _MOVES:
            self._follow()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The ring itself."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.palette.accent), FOCUS_RING_PX))
        inset = FOCUS_RING_PX / 2
        ring = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(ring, CORNER_PX + FOCUS_GAP_PX, CORNER_PX + FOCUS_GAP_PX)

    def _focus_moved(self, old: QWidget | None, new: QWidget | None) -> None:
        window = self._window
        for widget in self._watched:
            # While a window is taken down, the focus moves because what had it is gone.
            if isValid(widget):
                widget.removeEventFilter(self)
        self._watched = []
        self._target = new if new is not None and new.window() is window else None
        around = self._target
        while around is not None and around is not window:
            around.installEventFilter(self)
            self._watched.append(around)
            around = around.parentWidget()
        self._follow()

    def _follow(self) -> None:
        target, window = self._target, self._window
        if target is None or not isValid(target) or not target.isVisible():
            self.hide()
            return
        place = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
        reach = place.adjusted(-_REACH_PX, -_REACH_PX, _REACH_PX, _REACH_PX)
        # Where a widget touches the window's edge, the ring goes inside rather than out of sight.
        self.setGeometry(reach.intersected(window.rect()))
        self.raise_()
        self.show()
