"""The narrated video that is being made, as the window sees it.

Knows how far it is and what is being done. Knows no Qt and no process.
"""

from app.window.state.event import Event


class NarrationState:
    """At most one video is made at a time."""

    def __init__(self) -> None:
        self.changed: Event[()] = Event()
        self.is_running = False
        self.output = ""
        """Where it will be."""
        self.fraction = 0.0
        """Of everything, 0 to 1."""
        self.doing = ""
        """What is being done, for a person."""

    def begin(self, output: str) -> None:
        """One is being made."""
        self.is_running, self.output, self.fraction, self.doing = True, output, 0.0, "Starting"
        self.changed.emit()

    def progress(self, fraction: float, doing: str) -> None:
        """It is further on."""
        if (fraction, doing) != (self.fraction, self.doing):
            self.fraction, self.doing = fraction, doing
            self.changed.emit()

    def end(self) -> None:
        """It is there, or will not be."""
        self.is_running = False
        self.changed.emit()
