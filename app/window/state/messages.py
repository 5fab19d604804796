"""What the program has to say to the person: errors until they are read, and the latest note.

Knows text, one action that helps, details, and which message stands in front of which. Knows no Qt.
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
    is_offer: bool = False
    """Whether a note waits behind others for its answer, where other notes give way to the next one."""
    action: str = ""
    """Words on the one button that helps; "" for no button."""
    act: Callable[[], None] | None = None
    """What the button does; the message goes away first."""
    decline: Callable[[], None] | None = None
    """What closing the message means, if it means anything; the message goes away first."""
    details: str = ""
    """For a bug report; folded away."""
    topic: str = ""
    """Errors on a topic replace each other, and so do notes; both can be taken back by it. "a/b" is a part of "a"."""

    def says_the_same(self, other: "Message | None") -> bool:
        """Whether a person would read the same twice."""
        return other is not None and (self.text, self.topic, self.is_error) == (
            other.text,
            other.topic,
            other.is_error,
        )


def source_failed(error: RingsideError, open_file: Callable[[], None]) -> Message:
    """A video cannot be watched; another one may be."""
    return Message(text=error.line, topic="source", action="Open file…", act=open_file)


class MessageState:
    """The message that is shown, if any, and those that wait behind it.

    The newest error comes first, then older ones, then the note, then offers: what failed stays until a person has closed
    it or it is no longer true. A note that comes meanwhile waits, and is told as one that waits.
    """

    def __init__(self) -> None:
        self.changed: Event[()] = Event()
        """Another message is in front, or others wait."""
        self.came: Event[Message] = Event()
        """This was shown, and did not stand or wait there already; told before `changed`."""
        self._messages: list[Message] = []

    @property
    def current(self) -> Message | None:
        """The message in front."""
        return next(iter(self._in_order), None)

    @property
    def waiting(self) -> tuple[Message, ...]:
        """Those behind it, the next one first."""
        return self._in_order[1:]

    @property
    def waiting_in_words(self) -> str:
        """What waits, in a sentence or two; "" for nothing."""
        num_errors = sum(message.is_error for message in self.waiting)
        problems = "1 more problem waits." if num_errors == 1 else f"{num_errors} more problems wait."
        notes = [message.text for message in self.waiting if not message.is_error]
        return " ".join([problems, *notes] if num_errors else notes)

    def show(self, message: Message) -> None:
        """Show this: an error in front of all others, a note where no error stands."""
        is_new = not any(message.says_the_same(other) for other in self._messages)
        self._messages = [message, *(other for other in self._messages if not _gives_way(other, message))]
        if is_new:
            self.came.emit(message)
        self.changed.emit()

    def act(self) -> None:
        """Do what the message in front offers; it goes away first."""
        message = self.current
        if message is not None:
            self.withdraw(message)
            if message.act is not None:
                message.act()

    def dismiss(self) -> None:
        """A person has read the message in front: the next one comes."""
        message = self.current
        if message is not None:
            self.withdraw(message)
            if message.decline is not None:
                message.decline()

    def withdraw(self, message: Message) -> None:
        """Take this message away, and no other that came meanwhile."""
        self._keep([other for other in self._messages if other is not message])

    def take_back(self, topic: str) -> None:
        """Take away what is on this topic, or on a part of it: it is no longer true."""
        self._keep(
            [
                message
                for message in self._messages
                if message.topic != topic and not message.topic.startswith(f"{topic}/")
            ]
        )

    @property
    def _in_order(self) -> tuple[Message, ...]:
        return tuple(sorted(self._messages, key=lambda message: (not message.is_error, message.is_offer)))

    def _keep(self, messages: list[Message]) -> None:
        if len(messages) != len(self._messages):
            self._messages = messages
            self.changed.emit()


def _gives_way(old: Message, new: Message) -> bool:
    """Whether a message goes away when another one comes."""
    if old.is_error != new.is_error:
        return False
    if old.says_the_same(new) or (old.topic and old.topic == new.topic):
        return True
    return not (old.is_error or old.is_offer or new.is_offer)
