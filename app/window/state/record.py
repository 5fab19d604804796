"""The record: every session of this window, phrase by phrase, for whoever writes it down, sends it on or saves it.

Knows when a session began, what was said in it and which rows of the transcript it has. Knows no Qt, no files and no
network.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.captions import Phrase
from app.session import RecordedSession, SessionHead
from app.session.journal import How
from app.window.state.event import Event


@dataclass
class Session:
    """One run, or one that was brought back."""

    head: SessionHead
    first_row: int
    """Its first row in the transcript, or its heading there."""
    phrases: list[Phrase] = field(default_factory=list)


class RecordState:
    """Sessions only ever come at the end; only the last one grows."""

    def __init__(self, num_rows: Callable[[], int]) -> None:
        """`num_rows` counts the transcript's rows."""
        self.began: Event[Session] = Event()
        self.said: Event[Phrase] = Event()
        self.ended: Event[How] = Event()
        self.changed: Event[()] = Event()
        """There are other sessions, or the first phrase of one."""
        self.sessions: list[Session] = []
        self.is_running = False
        self._num_rows = num_rows

    @property
    def latest(self) -> Session | None:
        """The latest session in which something was said."""
        return next((session for session in reversed(self.sessions) if session.phrases), None)

    def begin(self, head: SessionHead) -> None:
        """A run begins; call it before its heading is put into the transcript."""
        self.end("stopped")
        self.sessions.append(Session(head, self._num_rows()))
        self.is_running = True
        self.began.emit(self.sessions[-1])
        self.changed.emit()

    def say(self, start_s: float, end_s: float, text: str) -> None:
        """A step has ended; text without a word is silence and leaves nothing."""
        phrase = Phrase.said(start_s, end_s, text)
        if phrase is None or not self.is_running:
            return
        phrases = self.sessions[-1].phrases
        phrases.append(phrase)
        self.said.emit(phrase)
        if len(phrases) == 1:
            self.changed.emit()

    def end(self, how: How) -> None:
        """The run is over; nothing happens if none is."""
        if self.is_running:
            self.is_running = False
            self.ended.emit(how)
            self.changed.emit()

    def bring_back(self, recorded: RecordedSession) -> None:
        """Take in a session of an earlier start; call it before its heading is put into the transcript.

        Only between two runs: rows of the transcript come at its end.
        """
        assert not self.is_running
        self.sessions.append(Session(recorded.head, self._num_rows(), list(recorded.phrases)))
        self.changed.emit()

    def session_of_row(self, row: int) -> Session | None:
        """To which session a row of the transcript belongs."""
        before = [session for session in self.sessions if session.first_row <= row]
        return max(before, key=lambda session: session.first_row, default=None)
