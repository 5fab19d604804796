"""The look of captions in force: what a person chose and the theme, as one style, and its fonts.

Knows when the style changes. Knows no words and paints nothing.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QFont

from app.settings.show import ShowSettings
from app.theme.caption_style import CaptionStyle, caption_style
from app.theme.theme import Theme


class CaptionLook(QObject):
    """One per window; whoever paints captions listens to `changed`."""

    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        settings: Callable[[], ShowSettings] = ShowSettings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._settings = settings
        self.style = caption_style(settings(), theme.palette)
        theme.changed.connect(self.refresh)

    @property
    def font(self) -> QFont:
        """The captions' letters."""
        font = self._theme.font(1, QFont.Weight.DemiBold)
        if self.style.font:
            font.setFamily(self.style.font)
        font.setPixelSize(max(1, round(self.style.size_px)))
        return font

    def refresh(self) -> None:
        """Settings or theme may be new."""
        style: CaptionStyle = caption_style(self._settings(), self._theme.palette)
        if style != self.style:
            self.style = style
            self.changed.emit()
