"""What a person chose about speech: which voice, how fast, how loud, and where it is heard.

Knows the choices and their limits. Knows no sound, and not where the choices are kept.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

Engine = Literal["system", "natural"]
"""Who makes the sound: the system's own synthesiser, or the natural voice (kokoro-onnx)."""

SLOWEST, FASTEST = 0.5, 3.0
"""Limits of the rate; beyond them no synthesiser can be understood."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """How to speak. Raises ValueError on a value that cannot be."""

    engine: Engine = "system"

    voice: str = ""
    """A voice's own name (`VoiceInfo.voice_id`); "" for the engine's usual one."""

    language: str = ""
    """What is spoken, such as "German", where no voice was chosen; "" or one that is not known: as the voice has it."""

    rate: float = 1.0
    """1 is the voice's usual rate, 2 is twice as fast."""

    volume: float = 1.0
    """0 to 1."""

    output: str = ""
    """A sound output (`SoundOutput.output_id`); "" for the system's own choice."""

    models_folder: str = ""
    """Where the natural voice was downloaded to; "" for the usual folder."""

    catches_up: bool = True
    """Speak faster for as long as sentences have to wait."""

    def __post_init__(self) -> None:
        if not SLOWEST <= self.rate <= FASTEST:
            raise ValueError(f"rate is {self.rate}, not {SLOWEST} to {FASTEST}")
        if not 0 <= self.volume <= 1:
            raise ValueError(f"volume is {self.volume}, not 0 to 1")


@dataclasses.dataclass(frozen=True)
class VoiceInfo:
    """A voice that can be chosen."""

    voice_id: str
    """Its own name, for `SpeechOptions.voice`."""
    name: str
    """As people call it."""
    language: str
    """Such as "en-us"; "" where the engine does not say."""
