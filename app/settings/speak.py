"""Settings of the page "Speak": whether, how and where commentary is spoken. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeakSettings:
    """How it sounds."""

    is_speech_on: bool = setting(
        False, page="speak", label="Speech", description="Whether commentary is spoken aloud."
    )
    speech_detail: str = setting(
        "everything",
        page="speak",
        label="What is spoken",
        description="Everything that is said, only whole sentences, or only sentences that tell something new.",
        choices=(
            ("everything", "Everything"),
            ("sentences", "Sentences only"),
            ("changes", "Only when something changes"),
        ),
    )
    speech_rate_percent: int = setting(
        100,
        page="speak",
        label="Rate",
        description="How fast the voice speaks; 100 is its usual rate.",
        minimum=50,
        maximum=300,
        unit="%",
    )
    does_speech_catch_up: bool = setting(
        True,
        page="speak",
        label="Catch up",
        description="Speaks a little faster, up to 40%, for as long as sentences have to wait.",
    )
    speech_volume_percent: int = setting(
        100,
        page="speak",
        label="Volume",
        description="How loud the voice is.",
        minimum=0,
        maximum=100,
        unit="%",
    )
    plays_source_sound: bool = setting(
        True,
        page="speak",
        label="Sound of the video",
        description="Plays the sound of a video file while it is watched.",
    )
    source_volume_percent: int = setting(
        100,
        page="speak",
        label="Its volume",
        description="How loud the video's own sound is while nobody speaks.",
        minimum=0,
        maximum=100,
        unit="%",
    )
    duck_db: int = setting(
        12,
        page="speak",
        label="Quieter while speaking",
        description="How much quieter the video's own sound is while commentary is spoken, also in narrated videos.",
        minimum=0,
        maximum=40,
        unit="dB",
    )
    # Their choices depend on the machine: the page has a panel of its own for them.
    speech_engine: str = setting(
        "system",
        page="memory",
        label="Kind of voice",
        description="The system's own voice, or the natural one.",
        choices=(("system", "System voice"), ("natural", "Natural voice")),
    )
    speech_voice: str = setting(
        "", page="memory", label="Voice", description='The system voice that speaks; "" for the usual one.'
    )
    natural_voice: str = setting(
        "", page="memory", label="Voice", description='The natural voice that speaks; "" for the usual one.'
    )
    speech_output: str = setting(
        "",
        page="memory",
        label="Sound output",
        description='Where speech and the video are heard; "" for the system\'s choice.',
    )
