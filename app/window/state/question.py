"""A question to the commentator: asked, waiting for the next pictures, being answered.

Knows one question at a time and what can be said about it. Knows no Qt and no model.
"""

from __future__ import annotations

from app.window.state.event import Event

MAX_CHARACTERS = 200
"""A longer question would push pictures out of what the model sees."""


class QuestionState:
    """What was asked last."""

    def __init__(self) -> None:
        self.changed: Event[()] = Event()
        self.text = ""
        """The question; "" if there was none in this run."""
        self.is_waiting = False
        """Asked, and the model has not begun to answer."""
        self.note = ""
        """What is to be expected of the answer; "" for nothing special."""

    def ask(self, text: str, note: str = "") -> None:
        """This was asked."""
        self.text, self.is_waiting, self.note = text, True, note
        self.changed.emit()

    def take(self) -> None:
        """The answer begins."""
        if self.is_waiting:
            self.is_waiting = False
            self.changed.emit()

    def forget(self) -> None:
        """The run has ended: what was not answered will not be."""
        if self.text:
            self.text, self.is_waiting, self.note = "", False, ""
            self.changed.emit()

    @property
    def words(self) -> str:
        """How it stands, in a sentence."""
        if not self.text:
            return ""
        stands = (
            "Asked; the answer comes with the next pictures."
            if self.is_waiting
            else "Answered in the captions."
        )
        return f"{stands} {self.note}".strip()
