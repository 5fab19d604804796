"""Settings of the page "Watch": where pictures come from. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting

DEMO = "demo"
"""Names the demo match as a source, and the demo model as a model."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """What is watched."""

    source: str = setting(
        "",
        page="memory",
        description='What was watched last: "demo", a video\'s path, or as "screen:1"; "" before a choice.',
    )
    recent_file: str = setting(
        "", page="memory", description="The video watched last, also if the demo match came after it."
    )
    recent_address: str = setting("", page="memory", description="The address watched last.")
    file_speed: str = setting(
        "own",
        page="watch",
        label="Speed of a video",
        description="Whether a video file plays at its own speed, or as fast as the model can comment on all of it.",
        choices=(("own", "As it plays"), ("fast", "As fast as possible")),
    )
    camera_size: str = setting(
        "",
        page="watch",
        label="Size of the camera's picture",
        description="What a camera is asked for; it may give another size. Used from the next start.",
        choices=(
            ("", "As the camera likes"),
            ("640x480", "640x480"),
            ("1280x720", "1280x720"),
            ("1920x1080", "1920x1080"),
        ),
    )
    shows_cursor: bool = setting(
        False,
        page="watch",
        label="Mouse pointer",
        description="Whether the pointer is seen in pictures of the screen (on Linux). Used from the next start.",
    )
