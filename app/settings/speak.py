"""Settings of the page "Speak": whether, how and where commentary is spoken. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeakSettings:
    """How it sounds."""

    is_speech_on: bool = setting(
        False, page="speak", label="Speech", description="Whether commentary is spoken aloud."
    )
