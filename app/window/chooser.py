"""A button that shows a choice and opens a menu to make another.

Knows how the choice is drawn, with an arrow. Knows nothing of what is chosen.
"""

from collections.abc import Callable

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QIcon, QPaintEvent
from PySide6.QtWidgets import QStyle, QStyleOptionButton, QStylePainter, QWidget

from app.theme.theme import Theme
from app.theme.tokens import ICON_PX, SPACE_4, SPACE_8, SPACE_12
from app.window.icon_button import IconButton
from app.window.menu import Choice, Menu


class Chooser(IconButton):
    """Shows the choice; a click, Space or the down key opens the menu."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        name: str,
        sentence: str,
        entries: Callable[[], list[Choice]],
        *,
        width_px: int,
        parent: QWidget | None = None,
    ) -> None:
        """`entries` is asked whenever the menu opens; `width_px` is the widest at usual text size."""
        self._width_px = width_px
        super().__init__(theme, icon, name, sentence, role="plain", parent=parent)
        self.setMenu(Menu(theme, name, entries, self))

    def set_choice(self, text: str, icon: str) -> None:
        """What is chosen."""
        self.set_icon(icon)
        self.setText(text)
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as its words, within reason."""
        words = QFontMetrics(self.font()).horizontalAdvance(self.text())
        wanted = words + 2 * (self._theme.px(ICON_PX) + SPACE_8) + 2 * SPACE_12
        return QSize(min(wanted, self._theme.px(self._width_px)), self._theme.control_height_px)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The choice is never cut short for want of room: whoever has too little takes another row."""
        return self.sizeHint()

    @property
    def words_shown(self) -> str:
        """What can be read: the choice, shortened in its middle if it is wider than a choice may be."""
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self._room.width())

    @property
    def _room(self) -> QRect:
        side = self._theme.px(ICON_PX)
        left, right = SPACE_12 + side + SPACE_8, self.width() - SPACE_8 - side - SPACE_4
        return QRect(left, 0, right - left, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The style's button with our own icon, words and arrow in it."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text, option.icon = "", QIcon()
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        side = self._theme.px(ICON_PX)
        middle = (self.height() - side) // 2
        self.icon().paint(painter, QRect(SPACE_12, middle, side, side))
        arrow = QRect(self.width() - SPACE_8 - side, middle, side, side)
        self._theme.icon("chevron-down", self._theme.palette.quiet_text).paint(painter, arrow)
        painter.setPen(QColor(self._theme.palette.text))
        painter.drawText(
            self._room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.words_shown
        )
