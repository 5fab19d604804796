"""Why a narrated video cannot be made, in words. Knows no way to make one."""

from __future__ import annotations

from pathlib import Path

from app.errors import RingsideError


class NarrationError(RingsideError):
    """Root of everything that keeps a narrated video from being written."""


class NarrationCancelledError(NarrationError):
    """A person ended it; nothing was written."""

    def __init__(self) -> None:
        super().__init__("The narrated video was not finished; nothing was written.")


class OutputEndingError(NarrationError):
    """The output is to be something else than an MP4 file."""

    bad_use = True

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not an .mp4 file.", hint="Narrated videos are MP4: end the name in .mp4."
        )


class OutputIsSourceError(NarrationError):
    """The output would replace the video that is being narrated."""

    bad_use = True

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is the video itself.", hint="Choose another name for the narrated one.")


class OutputFailedError(NarrationError):
    """The output cannot be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be written: {reason}.",
            hint="What was there before is unchanged. Choose another place, or make room.",
        )


class TranscriptError(NarrationError):
    """A transcript cannot be read."""

    bad_use = True

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be used as a transcript: {reason}.",
            hint="Use a .srt, .vtt or .jsonl file that Ringside wrote, edited if you like.",
        )


class NothingToSayError(NarrationError):
    """There is not one phrase."""

    def __init__(self) -> None:
        super().__init__(
            "There is nothing to say about this video.",
            hint="The model was silent, or the transcript is empty.",
        )
