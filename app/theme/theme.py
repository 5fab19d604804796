"""The theme in force: which palette, which text scale, and who is told when they change.

Knows how to apply a style to the whole application and how to follow the desktop's light or dark. Knows no window.
"""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from app.theme.drawings import Drawings
from app.theme.icons import tinted_icon
from app.theme.stylesheet import control_height_px, style_sheet
from app.theme.tokens import BODY_TEXT_PX, ICON_PX, PALETTES, Palette, ThemeName, mix


class Theme(QObject):
    """The one theme of an application. Widgets ask it for sizes, colours and icons, and listen to `changed`."""

    changed = Signal()
    """Palette or scale are new; whatever was drawn with the old ones has to be drawn again."""

    def __init__(
        self, application: QApplication, *, name: ThemeName = "system", scale_percent: int = 100
    ) -> None:
        super().__init__(application)
        self._application = application
        self._name: ThemeName = name
        self._scale_percent = scale_percent
        self._drawings = Drawings()
        style = QStyleFactory.create("Fusion")
        application.setStyle(style)
        application.styleHints().colorSchemeChanged.connect(self._follow_desktop)
        self._apply()

    @property
    def name(self) -> ThemeName:
        """What was picked."""
        return self._name

    @property
    def scale_percent(self) -> int:
        """Text size, 100-200."""
        return self._scale_percent

    @property
    def palette(self) -> Palette:
        """What is painted."""
        if self._name != "system":
            return PALETTES[self._name]
        is_dark = self._application.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return PALETTES["dark" if is_dark else "light"]

    @property
    def scale(self) -> float:
        """Text size as a factor, 1.0-2.0."""
        return self._scale_percent / 100

    @property
    def control_height_px(self) -> int:
        """Height of buttons and fields."""
        return control_height_px(self.scale)

    def px(self, size: float) -> int:
        """A size that grows with the text, in pixels."""
        return round(size * self.scale)

    def font(self, size_px: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        """The desktop's own font, scaled."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        font.setPixelSize(self.px(size_px))
        font.setWeight(weight)
        return font

    def icon(self, name: str, colour: str | None = None, size_px: float = ICON_PX) -> QIcon:
        """An icon in the palette's text colour, or the given "#rrggbb". Raises ResourceMissingError."""
        palette = self.palette
        return tinted_icon(
            name,
            colour or palette.text,
            self.px(size_px),
            disabled_colour=mix(palette.panel, palette.text, 0.45),
        )

    def choose(self, *, name: ThemeName | None = None, scale_percent: int | None = None) -> None:
        """Pick another theme or text size; applied at once."""
        wanted = (name or self._name, scale_percent or self._scale_percent)
        if wanted != (self._name, self._scale_percent):
            self._name, self._scale_percent = wanted
            self._apply()
            self.changed.emit()

    def _follow_desktop(self) -> None:
        if self._name == "system":
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        self._application.setFont(self.font(BODY_TEXT_PX))
        self._application.setPalette(_qt_palette(self.palette))
        self._application.setStyleSheet(style_sheet(self.palette, self.scale, self._drawings.url))


def _qt_palette(palette: Palette) -> QPalette:
    """For what Qt draws without the style sheet: file dialogs, selections, placeholders."""
    qt = QPalette()
    role = QPalette.ColorRole
    colours = {
        role.Window: palette.window,
        role.WindowText: palette.text,
        role.Base: palette.panel,
        role.AlternateBase: palette.window,
        role.Text: palette.text,
        role.PlaceholderText: palette.quiet_text,
        role.Button: palette.panel,
        role.ButtonText: palette.text,
        role.Highlight: palette.accent,
        role.HighlightedText: palette.on_accent,
        role.ToolTipBase: palette.text,
        role.ToolTipText: palette.window,
        role.Link: palette.accent,
        role.Mid: palette.line,
    }
    for colour_role, colour in colours.items():
        qt.setColor(colour_role, QColor(colour))
    for colour_role in (role.WindowText, role.Text, role.ButtonText):
        qt.setColor(QPalette.ColorGroup.Disabled, colour_role, QColor(mix(palette.panel, palette.text, 0.45)))
    return qt
