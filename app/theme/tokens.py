"""The design tokens: palettes, spacing, corners and type sizes, as plain numbers.

Knows the three palettes and how to measure and mix colours. Knows no Qt, and nothing of the widgets that use them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["system", "light", "dark", "high-contrast"]
"""What a person picks; "system" follows the desktop."""

PaletteName = Literal["light", "dark", "high-contrast"]
"""What is painted in the end."""

THEME_NAMES: tuple[ThemeName, ...] = ("system", "light", "dark", "high-contrast")
TEXT_SCALES_PERCENT: tuple[int, ...] = (100, 125, 150, 175, 200)

SPACE_4, SPACE_8, SPACE_12, SPACE_16, SPACE_24, SPACE_32 = 4, 8, 12, 16, 24, 32
CORNER_PX = 8
FOCUS_RING_PX = 2
FOCUS_GAP_PX = 2
MOTION_MS = 120

SMALL_TEXT_PX, BODY_TEXT_PX, HEADING_TEXT_PX, CAPTION_TEXT_PX = 13, 15, 20, 28
CAPTION_OUTLINE_PX = 3
ICON_PX = 20
CONTROL_HEIGHT_PX = 32


@dataclass(frozen=True, kw_only=True)
class Palette:
    """One set of colours, each "#rrggbb"."""

    name: PaletteName
    window: str
    """Behind everything."""
    panel: str
    """Bars, panels, fields and menus."""
    line: str
    """Borders and separators."""
    text: str
    quiet_text: str
    """Times, hints, units: what may be overlooked."""
    accent: str
    """Start, focus, live."""
    on_accent: str
    """Words and icons on the accent."""
    hover: str
    """A control under the pointer."""
    pressed: str
    """A control held down, or the chosen row of a menu."""
    caption_band: str
    caption_band_opacity: float
    """0-1, over the picture."""
    caption_text: str
    caption_dim_opacity: float
    """0-1: the older line, and the last phrase in a silence."""
    found: str
    """Behind words that the find box matches."""


def relative_luminance(colour: str) -> float:
    """WCAG 2 relative luminance of "#rrggbb", 0-1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(first: str, second: str) -> float:
    """WCAG 2 contrast of two "#rrggbb" colours, 1-21."""
    lighter, darker = sorted((relative_luminance(first), relative_luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mix(base: str, other: str, share: float) -> str:
    """`share` (0-1) of `other` over `base`, as "#rrggbb"."""
    channels = (
        round(int(base[i : i + 2], 16) * (1 - share) + int(other[i : i + 2], 16) * share) for i in (1, 3, 5)
    )
    return "#" + "".join(f"{c:02X}" for c in channels)


LIGHT = Palette(
    name="light",
    window="#F7F7F8",
    panel="#FFFFFF",
    line="#DDDEE3",
    text="#16181D",
    quiet_text="#5A606B",
    accent="#C4320A",
    on_accent="#FFFFFF",
    hover=mix("#FFFFFF", "#16181D", 0.06),
    pressed=mix("#FFFFFF", "#16181D", 0.12),
    caption_band="#000000",
    caption_band_opacity=0.72,
    caption_text="#FFFFFF",
    caption_dim_opacity=0.66,
    found="#FFE08A",
)

DARK = Palette(
    name="dark",
    window="#121316",
    panel="#1B1D22",
    line="#2C2F36",
    text="#F2F3F5",
    quiet_text="#A2A8B4",
    accent="#FF6A3D",
    on_accent="#000000",
    hover=mix("#1B1D22", "#F2F3F5", 0.07),
    pressed=mix("#1B1D22", "#F2F3F5", 0.14),
    caption_band="#000000",
    caption_band_opacity=0.72,
    caption_text="#FFFFFF",
    caption_dim_opacity=0.66,
    found="#6B4A12",
)

HIGH_CONTRAST = Palette(
    name="high-contrast",
    window="#000000",
    panel="#000000",
    line="#FFFFFF",
    text="#FFFFFF",
    quiet_text="#FFFFFF",
    accent="#FFD400",
    on_accent="#000000",
    hover="#333333",
    pressed="#4D4D4D",
    caption_band="#000000",
    caption_band_opacity=1.0,
    caption_text="#FFD400",
    caption_dim_opacity=0.72,
    found="#0050C8",
)

PALETTES: Mapping[PaletteName, Palette] = {p.name: p for p in (LIGHT, DARK, HIGH_CONTRAST)}
