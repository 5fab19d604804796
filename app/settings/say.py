"""Settings of the page "Say": what the commentary knows and how it speaks of it. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting

LANGUAGES = (
    ("", "The model's own"),
    ("English", "English"),
    ("Chinese", "Chinese"),
    ("German", "German"),
    ("French", "French"),
    ("Spanish", "Spanish"),
    ("Portuguese", "Portuguese"),
    ("Italian", "Italian"),
    ("Dutch", "Dutch"),
    ("Polish", "Polish"),
    ("Russian", "Russian"),
    ("Japanese", "Japanese"),
    ("Korean", "Korean"),
    ("Arabic", "Arabic"),
    ("Vietnamese", "Vietnamese"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SaySettings:
    """What to say."""

    title: str = setting(
        "", page="memory", description='What was last written under "What is this?"; the demo has its own.'
    )
    teams: str = setting("", page="memory", description="Teams or groups that were last told of.")
    people: str = setting("", page="memory", description="People that were last told of.")
    preset: str = setting("sports", page="memory", description="The persona that comments.")
    presets: tuple[str, ...] = setting(
        (), page="memory", description="Presets that were changed or made, one JSON object each."
    )
    language: str = setting(
        "",
        page="say",
        label="Language",
        description="The language to comment in. The demo model speaks English only; StreamingVLM was taught in English.",
        choices=LANGUAGES,
    )
