"""How captions look: what a person chose, completed by the theme.

Knows how settings and palette become one style that the window, the overlay and the page for OBS share. Knows no Qt and
paints nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.settings.show import ShowSettings
from app.theme.tokens import Palette


@dataclass(frozen=True, kw_only=True)
class CaptionStyle:
    """Everything that can be chosen about captions; colours are "#RRGGBB"."""

    font: str
    """A family; "" for the desktop's own."""
    size_px: float
    """Already scaled with the text size."""
    text_colour: str
    outline_px: float
    outline_colour: str
    background_colour: str
    background_opacity: float
    """0-1."""
    dim_opacity: float
    """0-1, of the older lines' letters, and of the last phrase in a silence."""
    num_lines: int
    align: Literal["left", "centre", "right"]
    stays: bool
    """Whether the last caption stays, dim, in a silence."""
    hides_after_s: float
    """Otherwise it goes so long after its last word."""


def caption_style(settings: ShowSettings, palette: Palette) -> CaptionStyle:
    """What a person chose; what they left open is the theme's."""
    # Someone who asked for high contrast gets it, unless they chose how much of the picture is to be seen.
    is_usual = settings.caption_background_percent == ShowSettings.caption_background_percent
    opacity = palette.caption_band_opacity if is_usual else settings.caption_background_percent / 100
    return CaptionStyle(
        font=settings.caption_font,
        size_px=settings.caption_size_px * settings.text_scale_percent / 100,
        text_colour=settings.caption_text_colour or palette.caption_text,
        outline_px=settings.caption_outline_px,
        outline_colour=settings.caption_outline_colour or palette.caption_band,
        background_colour=settings.caption_background_colour or palette.caption_band,
        background_opacity=opacity,
        dim_opacity=palette.caption_dim_opacity,
        num_lines=settings.caption_num_lines,
        align=settings.caption_align,
        stays=settings.caption_stays,
        hides_after_s=settings.caption_hides_after_s,
    )
