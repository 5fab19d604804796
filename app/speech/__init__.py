"""Speech: text in, sound out, stoppable at any moment.

Knows voices (pyttsx3, in a process of its own) and sound output (sounddevice). Knows nothing of captions or windows.
"""

from app.speech.errors import NoSoundError, NoVoiceError, SpeechError
from app.speech.options import SpeechOptions
from app.speech.service import (
    SpeechEnded,
    SpeechEvent,
    SpeechFailed,
    SpeechLost,
    SpeechNotice,
    SpeechReady,
    SpeechService,
    SpeechStarted,
)

__all__ = [
    "NoSoundError",
    "NoVoiceError",
    "SpeechEnded",
    "SpeechError",
    "SpeechEvent",
    "SpeechFailed",
    "SpeechLost",
    "SpeechNotice",
    "SpeechOptions",
    "SpeechReady",
    "SpeechService",
    "SpeechStarted",
]
