"""Tells the sources where our own windows are, so that no picture of the screen contains them.

Knows when any window of the program comes, moves and goes: bars, dialogs, menus and hints alike. Knows nothing of how it
is left out.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtGui import QPlatformSurfaceEvent, QWindow

from app.sources.own_windows import OwnWindows, own_windows
from app.sources.rect import Rect

_COMES_OR_GOES = (QEvent.Type.Show, QEvent.Type.Hide)
_ABOUT_WINDOWS = frozenset(
    (*_COMES_OR_GOES, QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.PlatformSurface)
)
_GOES = QPlatformSurfaceEvent.SurfaceEventType.SurfaceAboutToBeDestroyed


class OwnWindowsKeeper(QObject):
    """One per main window; every window that the program has from now on is told of."""

    def __init__(self, parent: QObject, windows: OwnWindows = own_windows) -> None:
        super().__init__(parent)
        self._windows = windows
        self._ids: set[int] = set()
        application = QCoreApplication.instance()
        assert application is not None
        self._application = application
        application.installEventFilter(self)

    def forget_all(self) -> None:
        """The main window closes, and all others with it."""
        self._application.removeEventFilter(self)
        for window_id in self._ids:
            self._windows.remove(window_id)
        self._ids.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """A window has moved, come or gone."""
        kind = event.type()
        if kind not in _ABOUT_WINDOWS or not isinstance(watched, QWindow) or not watched.isTopLevel():
            return False
        if isinstance(event, QPlatformSurfaceEvent):
            if event.surfaceEventType() is _GOES:
                self._forget(int(watched.winId()))
        elif kind in _COMES_OR_GOES or watched.isVisible():
            # In time: the system shows the window after this.
            self._tell(watched)
        return False

    def _tell(self, window: QWindow) -> None:
        window_id = int(window.winId())
        self._ids.add(window_id)
        if not window.isVisible():
            self._windows.put(window_id, None)
            return
        # Sources count the screen's own pixels.
        density, place = window.devicePixelRatio(), window.frameGeometry()
        left, top, width, height = (
            round(side * density) for side in (place.x(), place.y(), place.width(), place.height())
        )
        self._windows.put(window_id, Rect(left, top, width, height))

    def _forget(self, window_id: int) -> None:
        if window_id in self._ids:
            self._ids.discard(window_id)
            self._windows.remove(window_id)
