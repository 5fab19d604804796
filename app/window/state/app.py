"""The whole state of the window in one place.

Knows which state objects there are. Knows no Qt, and not who changes them.
"""

from app.window.state.captions import CaptionState
from app.window.state.event import Event
from app.window.state.messages import MessageState
from app.window.state.outputs import OutputState
from app.window.state.question import QuestionState
from app.window.state.record import RecordState
from app.window.state.session import SessionState
from app.window.state.speech import SpeechState
from app.window.state.transcript import TranscriptState


class AppState:
    """What is shown, and what is asked of the window."""

    def __init__(self) -> None:
        self.session = SessionState()
        self.captions = CaptionState()
        self.transcript = TranscriptState()
        self.record = RecordState(lambda: len(self.transcript.rows))
        self.outputs = OutputState()
        self.messages = MessageState()
        self.speech = SpeechState()
        self.question = QuestionState()
        self.title = ""
        """What stands under "What is this?"."""
        self.teams = ""
        self.people = ""
        self.title_changed: Event[()] = Event()
        """Title, teams or people are others."""
        self.look_changed: Event[()] = Event()
        """Theme or text size were picked."""
        self.file_wanted: Event[()] = Event()
        """Ask the person for a video."""
        self.model_folder_wanted: Event[()] = Event()
        """Ask the person for a model's folder."""
        self.page_wanted: Event[str] = Event()
        """Show a page of the settings, by its name: "models"."""

    def set_title(self, title: str) -> None:
        """Show another title."""
        if title != self.title:
            self.title = title
            self.title_changed.emit()

    def set_details(self, *, teams: str, people: str) -> None:
        """Show other teams and people."""
        if (teams, people) != (self.teams, self.people):
            self.teams, self.people = teams, people
            self.title_changed.emit()

    def moment_of_row(self, row: int) -> float | None:
        """Where in the video a row of the transcript was said; None if that is not the video that is watched."""
        rows, source = self.transcript.rows, self.session.source
        session = self.record.session_of_row(row)
        if row >= len(rows) or source is None or session is None or not source.path:
            return None
        is_same = session.head.kind == source.kind and session.head.path == source.path
        return rows[row].start_s if is_same else None
