"""Menus: entries with our own ticks, and corners as round as everything else's.

Knows how a choice becomes an entry. Knows nothing of what is chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QAction, QPainterPath, QRegion, QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.theme.icons import blank_icon
from app.theme.theme import Theme
from app.theme.tokens import CORNER_PX, ICON_PX


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An entry of a menu."""

    text: str
    act: Callable[[], None]
    is_chosen: bool | None = None
    """None for an entry that does something and is never ticked."""
    sentence: str = ""
    """What it is, on hover and for screen readers."""
    has_line_above: bool = False


class Menu(QMenu):
    """A menu that is filled whenever it opens."""

    def __init__(
        self, theme: Theme, name: str, entries: Callable[[], list[Choice]] | None, parent: QWidget
    ) -> None:
        """Without `entries` it keeps what is put into it."""
        super().__init__(name, parent)
        self.setAccessibleName(name)
        self.setToolTipsVisible(True)
        self._theme = theme
        self._entries = entries
        if entries is not None:
            self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """Ask for the entries and show them in place of those of last time."""
        self.clear()
        for choice in self._entries() if self._entries is not None else []:
            if choice.has_line_above:
                self.addSeparator()
            self.addAction(self._action(choice))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Cut the corners, also where the desktop cannot blend."""
        super().resizeEvent(event)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), CORNER_PX, CORNER_PX)
        self.setMask(QRegion(outline.toFillPolygon().toPolygon()))

    def _action(self, choice: Choice) -> QAction:
        action = QAction(choice.text, self)
        if choice.is_chosen is not None:
            action.setCheckable(True)
            action.setChecked(choice.is_chosen)
        size_px = self._theme.px(ICON_PX)
        action.setIcon(self._theme.icon("tick") if choice.is_chosen else blank_icon(size_px))
        action.setToolTip(choice.sentence or choice.text)
        action.triggered.connect(lambda _checked=False: choice.act())
        return action
