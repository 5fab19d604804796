"""What is remembered without being a choice: places, sizes, and what a person has been told. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Memory:
    """Remembered, and shown on no page."""

    has_seen_warning: bool = setting(
        False,
        page="memory",
        description="Whether the person has been told that commentary may be wrong.",
    )
    has_finished_first_start: bool = setting(
        False,
        page="memory",
        description="Whether the first steps were done, or closed.",
    )
    geometry: str = setting(
        "", page="memory", description="Place and size of the window, as Qt packs them, in base 64."
    )
    overlay_places: tuple[str, ...] = setting(
        (),
        page="memory",
        description='Where the overlay was put: "monitor=left top width" for each monitor, in its own pixels.',
    )
    overlay_monitor: str = setting(
        "", page="memory", description="The monitor on which the overlay was last."
    )
