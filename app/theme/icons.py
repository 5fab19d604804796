"""Our icons: SVG drawings that take the palette's colour.

Knows how a drawing in "currentColor" becomes pixels of any colour, size and screen density. Knows no palette.
"""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app import resources

_DENSITIES = (1.0, 2.0, 3.0)


@lru_cache(maxsize=512)
def icon_pixmap(name: str, colour: str, size_px: int, density: float = 1.0) -> QPixmap:
    """The icon in one colour ("#rrggbb"), `size_px` square on a screen of that pixel density.

    Raises ResourceMissingError if there is no such icon.
    """
    drawing = resources.icon(name).read_text(encoding="utf-8").replace("currentColor", colour)
    pixels = round(size_px * density)
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(drawing.encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    pixmap.setDevicePixelRatio(density)
    return pixmap


def tinted_icon(name: str, colour: str, size_px: int, *, disabled_colour: str | None = None) -> QIcon:
    """The icon for buttons and menus, sharp at every density. Raises ResourceMissingError."""
    icon = QIcon()
    for density in _DENSITIES:
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
            icon.addPixmap(icon_pixmap(name, colour, size_px, density), mode)
        if disabled_colour is not None:
            icon.addPixmap(icon_pixmap(name, disabled_colour, size_px, density), QIcon.Mode.Disabled)
    return icon


def blank_icon(size_px: int) -> QIcon:
    """Nothing, of an icon's size: keeps menu entries without a tick in line with those that have one."""
    pixmap = QPixmap(QSize(size_px, size_px))
    pixmap.fill(Qt.GlobalColor.transparent)
    return QIcon(pixmap)


def application_icon() -> QIcon:
    """Ringside's own mark. Raises ResourceMissingError."""
    icon = QIcon()
    for size_px in (16, 24, 32, 48, 64, 128, 256):
        icon.addPixmap(icon_pixmap("ringside", "#000000", size_px))
    return icon
