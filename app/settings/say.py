"""Settings of the page "Say": what the commentary knows and how it speaks of it. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class SaySettings:
    """What to say."""

    title: str = setting(
        "", page="memory", description='What was last written under "What is this?"; the demo has its own.'
    )
