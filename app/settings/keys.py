"""Settings of the page "Keys": which key does what. Knows declarations only."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeySettings:
    """The keys."""
