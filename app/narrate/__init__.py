"""Narrated video: a video and what is to be said about it in, a video that says it out.

Knows when each phrase is spoken, how the original sound makes room for it, and how all of it is written. Knows no
window and no terminal.
"""

from app.narrate.errors import NarrationCancelledError, NarrationError
from app.narrate.job import NarrationJob, NarrationResult, Progress, narrate
from app.narrate.transcript import read_transcript

__all__ = [
    "NarrationCancelledError",
    "NarrationError",
    "NarrationJob",
    "NarrationResult",
    "Progress",
    "narrate",
    "read_transcript",
]
