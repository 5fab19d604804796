"""Sessions on disk: what is said is journalled as it happens, and is there again after a crash.

Knows journals, how they are written, read and brought back. Knows no Qt, no model and no window.
"""

from app.session.head import SessionHead
from app.session.journal import Journal
from app.session.recording import RecordedSession, read_head, read_session
from app.session.recovery import cut_off_sessions, earlier_sessions, settle

__all__ = [
    "Journal",
    "RecordedSession",
    "SessionHead",
    "cut_off_sessions",
    "earlier_sessions",
    "read_head",
    "read_session",
    "settle",
]
