"""What the program has to say to the person: one message at a time, in a bar.

Knows text, one action that helps, and details. Knows no Qt.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.errors import RingsideError
from app.window.state.event import Event


@dataclass(frozen=True, kw_only=True)
class Message:
    """Something that happened."""

    text: str
    """What, in a sentence or two."""
    is_error: bool = True
    """Whether something failed, or is only worth knowing."""
    action: str = ""
    """Words on the one button that helps; "" for no button."""
    act: Callable[[], None] | None = None
    """What the button does; the message goes away first."""
    details: str = ""
    """For a bug report; folded away."""
    topic: str = ""
    """Messages on the same topic replace each other, and can be taken back by it."""


def source_failed(error: RingsideError, open_file: Callable[[], None]) -> Message:
    """A video cannot be watched; another one may be."""
    return Message(text=error.line, topic="source", action="Open file…", act=open_file)


class MessageState:
    """The message that is shown, if any."""

    def __init__(self) -> None:
        self.changed: Event[()] = Event()
        self.current: Message | None = None

    def show(self, message: Message) -> None:
        """Show this in place of whatever was shown."""
        self.current = message
        self.changed.emit()

    def dismiss(self) -> None:
        """Take the message away."""
        if self.current is not None:
            self.current = None
            self.changed.emit()

    def take_back(self, topic: str) -> None:
        """Take the message away if it is on this topic: it is no longer true."""
        if self.current is not None and self.current.topic == topic:
            self.dismiss()
