"""Buttons whose icon follows the theme.

Knows how a button keeps its icon, name and colours in step with the palette. Knows nothing of what a button does.
"""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPaintEvent
from PySide6.QtWidgets import QPushButton, QStyle, QStyleOptionButton, QStylePainter, QWidget

from app.theme.theme import Theme
from app.theme.tokens import ICON_PX, SPACE_8, SPACE_12, mix


class IconButton(QPushButton):
    """A button with an icon, and perhaps words.

    It takes the keyboard by Tab but not by a click, so that Space goes on starting and stopping for people who use
    the mouse.
    """

    def __init__(
        self,
        theme: Theme,
        icon: str,
        name: str,
        sentence: str,
        *,
        role: str = "icon",
        text: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """`name` is what screen readers say, `sentence` what the button does; `role` names its style."""
        super().__init__(text, parent)
        self._theme = theme
        self._icon = icon
        self._is_compact = False
        self.setProperty("role", role)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)
        self.explain(sentence)
        theme.changed.connect(self.retheme)
        self.retheme()

    def explain(self, sentence: str) -> None:
        """What the button does, on hover and for screen readers."""
        self.setToolTip(sentence)
        self.setAccessibleDescription(sentence)

    def set_compact(self, *, is_compact: bool) -> None:
        """Show the icon alone: where there is no room for words, hovering and screen readers still have them."""
        if is_compact != self._is_compact:
            self._is_compact = is_compact
            self.updateGeometry()
            self.update()

    @property
    def _words(self) -> str:
        return "" if self._is_compact else self.text()

    def set_icon(self, icon: str) -> None:
        """Another icon, by its name."""
        if icon != self._icon:
            self._icon = icon
            self.retheme()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Icon and words with a gap that can be seen."""
        height = self._theme.control_height_px
        if not self._words:
            return QSize(height, height)
        words = self.fontMetrics().horizontalAdvance(self._words)
        padding = SPACE_8 if self.property("role") == "ghost" else SPACE_12
        return QSize(2 * padding + self.iconSize().width() + SPACE_8 + words, height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Words are never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The style's button, with icon and words of our own in it."""
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text, option.icon = "", QIcon()
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        side = self.iconSize().width()
        words = self.fontMetrics().horizontalAdvance(self._words) if self._words else -SPACE_8
        left = (self.width() - side - SPACE_8 - words) // 2
        mode = QIcon.Mode.Normal if self.isEnabled() else QIcon.Mode.Disabled
        place = QRect(left, (self.height() - side) // 2, side, side)
        self.icon().paint(painter, place, mode=mode)
        if self._words:
            painter.setPen(QColor(self._ink))
            room = QRect(left + side + SPACE_8, 0, words + 1, self.height())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._words)

    @property
    def _ink(self) -> str:
        palette = self._theme.palette
        if not self.isEnabled():
            return mix(palette.panel, palette.text, 0.45)
        return palette.on_accent if self.property("role") == "filled" else palette.text

    def retheme(self) -> None:
        """Draw the icon again in the colours in force."""
        palette = self._theme.palette
        colour = palette.on_accent if self.property("role") == "filled" else palette.text
        icon: QIcon = self._theme.icon(self._icon, colour)
        self.setIcon(icon)
        side = self._theme.px(ICON_PX)
        self.setIconSize(QSize(side, side))
