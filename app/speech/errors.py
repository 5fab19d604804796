"""Why nothing can be heard, in words.

Knows the packages that bring a voice and a sound output. Knows no way to play anything.
"""

from app.errors import RingsideError


class SpeechError(RingsideError):
    """Root of everything that keeps Ringside from speaking. Captions work without."""


class NoVoiceError(SpeechError):
    """There is no speech synthesiser, or it does not work."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"There is no voice to speak with ({reason}).", hint="Install one: sudo apt-get install espeak-ng"
        )


class NoSoundLibraryError(SpeechError):
    """PortAudio is missing."""

    def __init__(self) -> None:
        super().__init__(
            "The sound library PortAudio is missing, so nothing can be spoken.",
            hint="Install it: sudo apt-get install libportaudio2",
        )


class NoSoundError(SpeechError):
    """There is no sound output, or it does not work."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(
            f"The sound output does not work: {reason}." if reason else "This machine has no sound output.",
            hint="Connect one, or start PipeWire or PulseAudio. Captions work without.",
        )
