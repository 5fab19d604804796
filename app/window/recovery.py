"""Sessions that were cut off by a crash: found at the start, offered, and brought back whole.

Knows when there is something to offer and what each answer does. Knows no Qt, and not how a journal is written.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from app.errors import RingsideError
from app.outputs.export import sentences
from app.session import RecordedSession, cut_off_sessions, settle
from app.session.journal import How
from app.window.background import Background
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.transcript import clock

_log = logging.getLogger("ringside.app.window")

_TOPIC = "recovery"


class Recovery:
    """One per window; everything is called on its loop.

    The offer stays until it is answered: it waits behind other messages, comes back after a run, and at the next start.
    """

    def __init__(self, state: AppState, background: Background) -> None:
        self._state = state
        self._background = background
        self._waiting: Sequence[RecordedSession] = ()
        self._offer: Message | None = None
        state.record.changed.subscribe(self._look)

    async def find(self, folder: Path) -> None:
        """Look for sessions that were cut off, and offer them."""
        found = await self._background.in_thread(lambda: cut_off_sessions(folder))
        if found:
            _log.info("%d sessions were cut off", len(found))
            self._make_offer(found)

    def _make_offer(self, waiting: Sequence[RecordedSession]) -> None:
        self._waiting = waiting
        self._offer = Message(
            text=_words(waiting),
            is_error=False,
            is_offer=True,
            action="Bring it back" if len(waiting) == 1 else "Bring them back",
            act=self._accept,
            decline=lambda: self._settle(self._take(), "kept"),
            topic=_TOPIC,
        )
        self._look()

    def _look(self) -> None:
        if self._offer is None:
            return
        if self._state.record.is_running:
            # Rows come at the transcript's end, and there a run is writing.
            self._state.messages.take_back(_TOPIC)
        else:
            self._state.messages.show(self._offer)

    def _accept(self) -> None:
        waiting = self._take()
        self._background.spawn(self._bring_back(waiting))

    def _take(self) -> Sequence[RecordedSession]:
        waiting, self._waiting, self._offer = self._waiting, (), None
        return waiting

    async def _bring_back(self, waiting: Sequence[RecordedSession]) -> None:
        rows = await self._background.in_thread(
            lambda: [[(row.start_s, row.text) for row in sentences(session.phrases)] for session in waiting]
        )
        if self._state.record.is_running:
            # A run began this very moment: it is offered again afterwards.
            self._make_offer(waiting)
            return
        for session, session_rows in zip(waiting, rows, strict=True):
            self._state.record.bring_back(session)
            self._state.transcript.add_heading(f"{session.head.heading} (brought back)")
            self._state.transcript.add_rows(session_rows)
        self._settle(waiting, "recovered")

    def _settle(self, waiting: Sequence[RecordedSession], how: How) -> None:
        def write() -> None:
            for recorded in waiting:
                try:
                    settle(recorded, how)
                except RingsideError as error:
                    # Then it is offered once more; nothing is lost by that.
                    _log.warning("%s", error.line)

        self._background.start_in_thread(write)


def _words(waiting: Sequence[RecordedSession]) -> str:
    num_phrases = sum(len(recorded.phrases) for recorded in waiting)
    phrases = "1 phrase" if num_phrases == 1 else f"{num_phrases} phrases"
    latest = waiting[-1]
    if len(waiting) == 1:
        return (
            f"Ringside ended in the middle of a session. “{latest.head.name}” of {latest.head.moment:%H:%M} is safe: "
            f"{phrases}, the last at {clock(latest.phrases[-1].start_s)}."
        )
    return (
        f"Ringside ended in the middle of {len(waiting)} sessions, the latest “{latest.head.name}” of "
        f"{latest.head.moment:%H:%M}. They are safe: {phrases}."
    )
