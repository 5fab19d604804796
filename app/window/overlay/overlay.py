"""The overlay as the main window knows it: there is one while the settings want it.

Knows when the overlay's window is made, shown and closed, and who is told where it lies. Knows nothing of how it looks.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.window.caption_band import CaptionBand
from app.window.caption_look import CaptionLook
from app.window.controller import Controller
from app.window.overlay.desktop import Desktop, find_out
from app.window.overlay.window import OverlayWindow
from app.window.state.messages import Message

_TOPIC = "overlay"


class Overlay(QObject):
    """One per main window; its window is made when it is first wanted."""

    def __init__(
        self, controller: Controller, look: CaptionLook, theme: Theme, band: CaptionBand, window: QWidget
    ) -> None:
        """`band` is the one over the picture."""
        super().__init__(window)
        self._band = band
        self._controller = controller
        self._look = look
        self._theme = theme
        self._main = window
        self._is_closed = False
        self.window: OverlayWindow | None = None
        controller.settings_changed.subscribe(self._follow_settings)

    def follow(self) -> None:
        """Show or hide the overlay as the settings have it, once the main window is there."""
        is_wanted = self._controller.settings.is_overlay_on and not self._is_closed
        if not is_wanted or not self._main.isVisible():
            if self.window is not None:
                self.window.hide()
            self._controller.state.messages.take_back(_TOPIC)
            return
        if self.window is None:
            self.window = OverlayWindow(self._controller, self._look, self._theme, self._main)
            self.window.band.begin_as(self._band)
        platform = QGuiApplication.platformName()
        # Before it is shown: without this, a desktop that cannot blend shows a black bar for a moment.
        self._controller.aside(lambda: find_out(platform), self._open)

    def close(self) -> None:
        """The main window closes: no overlay is left."""
        self._is_closed = True
        if self.window is not None:
            self.window.hide()

    def _open(self, desktop: Desktop) -> None:
        if self.window is None or self._is_closed or not self._controller.settings.is_overlay_on:
            return
        self.window.reckon_with(desktop)
        self.window.open()
        if desktop.limits:
            self._controller.state.messages.show(Message(text=desktop.limits, is_error=False, topic=_TOPIC))

    def _follow_settings(self, changed: frozenset[str]) -> None:
        if "is_overlay_on" in changed:
            self.follow()
