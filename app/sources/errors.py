"""What can be wrong with a live source, in words.

Knows screens, windows, cameras and streams, and what a person can do about each failure. Files have errors of their
own (``app.errors``).
"""

from __future__ import annotations

from app.errors import RingsideError


class LiveSourceError(RingsideError):
    """Root of everything that keeps a live source from sending pictures."""


class SourceSpecError(LiveSourceError):
    """A text that names no source."""

    bad_use = True

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(
            f"{text!r} names nothing to watch: {reason}.",
            hint="Use demo, a video file, screen, screen:2, region:LEFT,TOP,WIDTHxHEIGHT, window:TITLE, camera:0 "
            "or an address such as rtsp://camera/stream.",
        )


class NoScreenError(LiveSourceError):
    """The desktop cannot be seen."""

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(
            f"The screen cannot be seen: {reason}.",
            hint=hint or "Check that a desktop is running, or watch a camera, a file or a stream.",
        )


class WaylandError(NoScreenError):
    """Wayland shows a program nothing but itself."""

    def __init__(self) -> None:
        super().__init__(
            "this desktop (Wayland) lets no program look at it",
            hint="Log in with an X11 session, or send the screen through OBS's virtual camera and watch that camera.",
        )


class MonitorGoneError(LiveSourceError):
    """There is no such monitor now."""

    def __init__(self, number: int, num_monitors: int) -> None:
        there = "is 1 screen" if num_monitors == 1 else f"are {num_monitors} screens"
        super().__init__(
            f"Screen {number} is not there: there {there}.", hint="Connect it, or choose another."
        )


class RegionGoneError(LiveSourceError):
    """The region lies outside every screen."""

    def __init__(self) -> None:
        super().__init__("That part of the screen is not there any more.", hint="Choose another part.")


class WindowGoneError(LiveSourceError):
    """There is no such window now."""

    def __init__(self, title: str) -> None:
        super().__init__(f"There is no window {title!r}.", hint="Open it again, or choose another.")


class WindowHiddenError(LiveSourceError):
    """The window is there, but shows nothing."""

    def __init__(self, title: str) -> None:
        super().__init__(f"The window {title!r} is minimised.", hint="Show it again.")


class WindowsUnknownError(LiveSourceError):
    """This system does not tell which windows there are."""

    def __init__(self) -> None:
        super().__init__(
            "Ringside cannot list the windows of this system.", hint="Choose a screen or a part of it."
        )


class CameraError(LiveSourceError):
    """A camera cannot be opened, or sends nothing."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} {reason}.", hint="Check that it is connected and that no other program uses it."
        )


class StreamError(LiveSourceError):
    """An address cannot be reached, or sends no pictures."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address} {reason}.", hint="Check the address and the network.")


class DeviceLostError(LiveSourceError):
    """A source that did send pictures does so no more."""

    def __init__(self, what: str, reason: str = "stopped sending pictures") -> None:
        super().__init__(f"{what[:1].upper()}{what[1:]} {reason}.")


class DeviceEndedError(LiveSourceError):
    """A source has come to its proper end."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what[:1].upper()}{what[1:]} is over.")


class StoppedError(LiveSourceError):
    """Someone stopped the source while it was being opened."""

    def __init__(self) -> None:
        super().__init__("It was stopped.")
