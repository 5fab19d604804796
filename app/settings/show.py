"""Settings of the page "Show": how the window and the captions look. Knows declarations only."""

import dataclasses
from typing import Literal

from app.settings.declaration import setting
from app.theme.tokens import TEXT_SCALES_PERCENT, ThemeName


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShowSettings:
    """How it looks."""

    theme: ThemeName = setting(
        "system",
        page="show",
        label="Theme",
        description="Colours of the window: light, dark, high contrast, or as the desktop has it.",
        choices=(
            ("system", "As the desktop"),
            ("light", "Light"),
            ("dark", "Dark"),
            ("high-contrast", "High contrast"),
        ),
    )
    text_scale_percent: int = setting(
        100,
        page="show",
        label="Text size",
        description="Size of all text in the window.",
        choices=tuple((percent, f"{percent}%") for percent in TEXT_SCALES_PERCENT),
        unit="%",
    )

    # Captions, in the window, in the overlay and on the page for OBS; `app.theme.caption_style` reads them.
    caption_font: str = setting(
        "",
        page="show",
        label="Caption font",
        description="Font of the captions, or the desktop's own.",
        kind="font",
    )
    caption_size_px: int = setting(
        28,
        page="show",
        label="Caption size",
        description="Height of the captions' letters, before the text size above.",
        minimum=14,
        maximum=120,
        unit="px",
    )
    caption_text_colour: str = setting(
        "",
        page="show",
        label="Caption colour",
        description="Colour of the captions' letters, or the theme's own.",
        kind="colour",
    )
    caption_outline_px: int = setting(
        3,
        page="show",
        label="Caption outline",
        description="Width of the line around the captions' letters; 0 for none.",
        minimum=0,
        maximum=12,
        unit="px",
    )
    caption_outline_colour: str = setting(
        "",
        page="show",
        label="Outline colour",
        description="Colour of the line around the captions' letters, or the theme's own.",
        kind="colour",
    )
    caption_background_colour: str = setting(
        "",
        page="show",
        label="Background colour",
        description="Colour behind the captions, or the theme's own.",
        kind="colour",
    )
    caption_background_percent: int = setting(
        72,
        page="show",
        label="Background strength",
        description="How much the background hides of what is behind: 0 for no background, 100 for all of it.",
        minimum=0,
        maximum=100,
        unit="%",
    )
    caption_num_lines: int = setting(
        2,
        page="show",
        label="Caption lines",
        description="How many lines of captions are seen at once.",
        minimum=1,
        maximum=6,
    )
    caption_align: Literal["left", "centre", "right"] = setting(
        "left",
        page="show",
        label="Caption alignment",
        description="Where the lines of captions begin; the sides are swapped for languages that are read from the right. "
        "Only lines that start at the left never move while they grow.",
        choices=(("left", "Left"), ("centre", "Centre"), ("right", "Right")),
    )
    caption_stays: bool = setting(
        True,
        page="show",
        label="Keep the last caption",
        description="Whether the last caption stays, dimmed, while nothing is said; otherwise it is hidden.",
    )
    caption_hides_after_s: float = setting(
        6.0,
        page="show",
        label="Hide captions after",
        description="How long after the last word captions are hidden, if the last one is not kept.",
        minimum=1.0,
        maximum=60.0,
        unit="s",
    )

    # The overlay: a window of its own that lies above everything.
    is_overlay_on: bool = setting(
        False,
        page="show",
        label="Overlay",
        description="Whether captions are also shown in a window of their own, above all other windows.",
    )
    is_overlay_locked: bool = setting(
        True,
        page="show",
        label="Lock the overlay",
        description="Whether clicks pass through the overlay; unlock it to move it and to change its width.",
    )
    is_overlay_above_games: bool = setting(
        True,
        page="show",
        label="Above full-screen games",
        description="Whether the locked overlay also lies above full-screen windows; on X11, OBS then cannot capture its "
        "window.",
    )
    overlay_position: Literal["bottom", "middle", "top", "free"] = setting(
        "bottom",
        page="show",
        label="Overlay place",
        description="Where on the screen the overlay is: at the bottom, in the middle, at the top, or where it was put.",
        choices=(("bottom", "Bottom"), ("middle", "Middle"), ("top", "Top"), ("free", "Where I put it")),
    )
    overlay_width_percent: int = setting(
        70,
        page="show",
        label="Overlay width",
        description="Width of the overlay, as a share of the screen's, unless you made it otherwise by hand.",
        minimum=20,
        maximum=100,
        unit="%",
    )
    overlay_crop_margin_px: int = setting(
        0,
        page="show",
        label="Crop margin",
        description="Empty room around the overlay's captions, so that a stream can crop the window without cutting words.",
        minimum=0,
        maximum=200,
        unit="px",
    )
    announces_captions: bool = setting(
        False,
        page="show",
        label="Read captions aloud by screen reader",
        description="Whether your screen reader is given each sentence of the commentary as it is said.",
    )
    is_hud_on: bool = setting(
        False,
        page="show",
        label="Figures",
        description="Whether frames a second, step time, lag, dropped seconds and memory lie over the picture.",
    )
    is_polite: bool = setting(
        False,
        page="show",
        label="Be polite to my game",
        description="Whether the model sees smaller pictures and, from the next start, pauses for other programs.",
    )
