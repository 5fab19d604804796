"""Settings of the page "Show": how the window and the captions look. Knows declarations only."""

import dataclasses

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
