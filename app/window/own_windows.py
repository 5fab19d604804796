"""Tells the sources where our own windows are, so that no picture of the screen contains them.

Knows when a window comes, moves and goes. Knows nothing of how it is left out.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from app.sources.own_windows import OwnWindows, own_windows
from app.sources.rect import Rect

_MOVES = (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.Move, QEvent.Type.Resize)


class OwnWindowsKeeper(QObject):
    """One per main window; is given each window that it opens."""

    def __init__(self, parent: QObject, windows: OwnWindows = own_windows) -> None:
        super().__init__(parent)
        self._windows = windows
        self._ids: set[int] = set()
        self._is_done = False

    def keep(self, window: QWidget) -> None:
        """Tell of this one from now on."""
        window.installEventFilter(self)
        if window.isVisible():
            self._tell(window)

    def forget_all(self) -> None:
        """The main window closes, and all others with it."""
        self._is_done = True
        for window_id in self._ids:
            self._windows.remove(window_id)
        self._ids.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """A window that we know of has moved, come or gone."""
        if event.type() in _MOVES and isinstance(watched, QWidget):
            self._tell(watched)
        return False

    def _tell(self, window: QWidget) -> None:
        if self._is_done or (not window.isVisible() and not window.internalWinId()):
            return
        window_id = int(window.winId())
        self._ids.add(window_id)
        if not window.isVisible():
            self._windows.put(window_id, None)
            return
        # Sources count the screen's own pixels.
        density, place = window.devicePixelRatioF(), window.frameGeometry()
        left, top, width, height = (
            round(side * density) for side in (place.x(), place.y(), place.width(), place.height())
        )
        self._windows.put(window_id, Rect(left, top, width, height))
