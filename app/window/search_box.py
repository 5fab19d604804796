"""A line to type into with a magnifying glass that grows with the text.

Knows how it is drawn. Knows nothing of what is searched.
"""

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.theme.icons import icon_pixmap
from app.theme.theme import Theme
from app.theme.tokens import SPACE_4, SPACE_8

_ICON_PX = 18


class SearchBox(QLineEdit):
    """A QLineEdit with the icon at its left."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        theme.changed.connect(self._make_room)
        self._make_room()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The field, then the icon."""
        super().paintEvent(event)
        side = self._theme.px(_ICON_PX)
        colour = self._theme.palette.quiet_text
        glass = icon_pixmap("find", colour, side, self.devicePixelRatioF())
        QPainter(self).drawPixmap(SPACE_8, (self.height() - side) // 2, glass)

    def _make_room(self) -> None:
        self.setTextMargins(self._theme.px(_ICON_PX) + SPACE_4, 0, 0, 0)
        self.update()
