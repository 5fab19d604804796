"""The ways to choose a source that take more than one click: which screen, which window, which part, which camera.

Knows which dialog each of them opens, and their words. Knows no capture.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.sources.rect import Rect
from app.sources.spec import RegionSpec, ScreenSpec
from app.theme.theme import Theme
from app.window.controller import Controller
from app.window.menu import Choice
from app.window.region_picker import RegionPicker
from app.window.source_dialog import AddressDialog, Kind, SourceDialog


class SourceWays:
    """One per main window."""

    def __init__(self, controller: Controller, theme: Theme, window: QWidget) -> None:
        self._controller = controller
        self._theme = theme
        self._window = window
        self.others: tuple[tuple[str, str, Callable[[], object]], ...] = (
            ("A window…", "One window, whatever lies over it.", lambda: self.open("window")),
            ("Part of the screen…", "Drag over the part to watch.", self.choose_region),
            ("Camera…", "A camera or capture card.", lambda: self.open("camera")),
            ("Address…", "A stream from the network: RTSP, HTTP, UDP.", self.open_address),
        )
        """What each is called, what it is, and what it does."""

    def choose_screen(self, num_screens: int) -> None:
        """The only one, or one of several by their pictures."""
        if num_screens == 1:
            self._controller.choosing.source(ScreenSpec(1), "Screen")
        else:
            self.open("screen")

    def open(self, kind: Kind) -> SourceDialog:
        """Show what there is of one kind."""
        dialog = SourceDialog(self._controller, self._theme, kind, self._window)
        dialog.open()
        return dialog

    def open_address(self) -> AddressDialog:
        """Ask for an address."""
        dialog = AddressDialog(self._controller, self._theme, self._window)
        dialog.open()
        return dialog

    def choose_region(self) -> RegionPicker:
        """Dim the monitor on which the mouse is, and let a part be dragged."""
        screen = QGuiApplication.screenAt(QCursor.pos()) or self._window.screen()
        picker = RegionPicker(self._theme, screen)
        picker.picked.connect(self._take_region)
        picker.open()
        return picker

    def entries(self) -> list[Choice]:
        """For the menu of sources."""
        source = self._controller.state.session.source
        screens = len(QGuiApplication.screens())
        kinds = ("window", "region", "camera", "stream")
        first = Choice(
            text="Screen" if screens == 1 else "A screen…",
            act=lambda: self.choose_screen(screens),
            is_chosen=source is not None and source.kind == "screen",
            sentence="What this screen shows, without Ringside's own windows.",
            has_line_above=True,
        )
        return [first] + [
            Choice(
                text=name,
                act=lambda act=act: act() and None,  # type: ignore[misc] # mypy loses the type of a lambda's default
                is_chosen=source is not None and source.kind == kind,
                sentence=sentence,
            )
            for kind, (name, sentence, act) in zip(kinds, self.others, strict=True)
        ]

    def _take_region(self, part: Rect) -> None:
        self._controller.choosing.source(RegionSpec(part))
