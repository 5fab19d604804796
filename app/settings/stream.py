"""Settings of the page "Stream": where captions go besides the window. Knows declarations only."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """For streamers."""
