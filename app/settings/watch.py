"""Settings of the page "Watch": where pictures come from. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting

DEMO = "demo"
"""Names the demo match as a source, and the demo model as a model."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """What is watched."""

    source: str = setting(
        "", page="memory", description='What was watched last: "demo" or a video\'s path; "" before a choice.'
    )
    recent_file: str = setting(
        "", page="memory", description="The video watched last, also if the demo match came after it."
    )
