"""The settings page as the main window knows it: it can be opened, and parts of the program add panels to it.

Knows which panels there are, and that the window is made when it is first opened. Knows nothing of what a panel shows.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.settings import Page
from app.theme.theme import Theme
from app.window.announcer import Announcer
from app.window.controller import Controller
from app.window.settings_page.window import SettingsWindow

MakePanel = Callable[[QWidget], QWidget]
"""From the widget that will hold it to a panel; called once, when its page is first shown."""


class SettingsPage(QObject):
    """One per main window."""

    def __init__(self, controller: Controller, theme: Theme, announcer: Announcer, window: QWidget) -> None:
        super().__init__(window)
        self._controller = controller
        self._theme = theme
        self._announcer = announcer
        self._main = window
        self._panels: dict[Page, list[MakePanel]] = {}
        self.window: SettingsWindow | None = None
        """Once it was opened."""

    def add_panel(self, page: Page, make: MakePanel) -> None:
        """Show a widget below a page's settings. Everything in it needs an accessible name.

        Its labels are found by the search. Call it before the settings are opened.
        """
        self._panels.setdefault(page, []).append(make)

    def open(self, page: Page = "watch") -> None:
        """Show the settings, at a page."""
        if self.window is None:
            self.window = SettingsWindow(
                self._controller, self._theme, self._announcer, self._panels, self._main
            )
        self.window.go_to(page)
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def close(self) -> None:
        """The main window closes."""
        if self.window is not None:
            self.window.close()
