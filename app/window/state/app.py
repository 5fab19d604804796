"""The whole state of the window in one place.

Knows which state objects there are. Knows no Qt, and not who changes them.
"""

from app.window.state.captions import CaptionState
from app.window.state.event import Event
from app.window.state.messages import MessageState
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
        self.messages = MessageState()
        self.speech = SpeechState()
        self.title = ""
        """What stands under "What is this?"."""
        self.title_changed: Event[()] = Event()
        self.look_changed: Event[()] = Event()
        """Theme or text size were picked."""
        self.file_wanted: Event[()] = Event()
        """Ask the person for a video."""
        self.model_folder_wanted: Event[()] = Event()
        """Ask the person for a model's folder."""

    def set_title(self, title: str) -> None:
        """Show another title."""
        if title != self.title:
            self.title = title
            self.title_changed.emit()
