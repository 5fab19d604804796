"""An event to which any number of listeners subscribe.

Knows how to call them in order. Knows no Qt and no threads: emit where the listeners live.
"""

from collections.abc import Callable
from typing import Generic, TypeVarTuple

Arguments = TypeVarTuple("Arguments")


class Event(Generic[*Arguments]):
    """Something that happens now and then."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[*Arguments], None]] = []

    def subscribe(self, listener: Callable[[*Arguments], None]) -> Callable[[], None]:
        """Call `listener` whenever this happens; returns what ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def emit(self, *arguments: *Arguments) -> None:
        """Tell every listener, in the order in which they subscribed."""
        for listener in tuple(self._listeners):
            listener(*arguments)
