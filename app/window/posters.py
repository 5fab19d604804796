"""The first picture of every source that can be chosen, brought in a thread while nothing runs.

Knows whose picture is wanted and who is told when it cannot be had. Knows no widget, and not how a picture is taken
(`app.window.poster`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app import resources
from app.errors import RingsideError
from app.settings import DEMO
from app.window.background import Background
from app.window.picture import Picture
from app.window.poster import blank_picture, first_picture, live_picture
from app.window.state.app import AppState
from app.window.state.event import Event
from app.window.state.messages import Message, source_failed

_ROOM = (720, 1280)
_FIRST_S = 1.0


class Posters:
    """One per window."""

    def __init__(self, state: AppState, background: Background, recent_file: Callable[[], str]) -> None:
        """`recent_file` is the video of last time, "" for none."""
        self._state = state
        self._background = background
        self._recent_file = recent_file
        self.came: Event[str, Picture] = Event()
        """The first picture of a source: its kind, and the picture."""

    async def bring_all(self) -> None:
        """Of everything that can be chosen with one key; waits for them, but not long."""
        source = self._state.session.source
        kinds = {DEMO, "file"} | ({source.kind} if source is not None else set())
        tasks = [self._background.spawn(self._bring(kind)) for kind in sorted(kinds)]
        await asyncio.wait(tasks, timeout=_FIRST_S)

    def bring_soon(self, kind: str) -> None:
        """Of the source of this kind."""
        self._background.spawn(self._bring(kind))

    async def _bring(self, kind: str) -> None:
        source = self._state.session.source
        if source is not None and source.spec is not None and source.kind == kind:
            spec = source.spec
            try:
                shot = await self._background.in_thread(lambda: live_picture(spec, _ROOM))
            except RingsideError as error:
                self._state.messages.show(Message(text=error.line, topic="source"))
                return
            if self._state.session.source == source:
                self.came.emit(kind, shot or blank_picture())
            return
        is_chosen = source is not None and source.kind == kind
        try:
            path = source.path if source is not None and is_chosen else self._usual_path(kind)
            picture = await self._background.in_thread(lambda: first_picture(path, _ROOM)) if path else None
        except RingsideError as error:
            if is_chosen:
                self._state.messages.show(source_failed(error, self._state.file_wanted.emit))
            return
        if picture is not None:
            self.came.emit(kind, picture)

    def _usual_path(self, kind: str) -> str:
        """Raises RingsideError."""
        return str(resources.demo_video()) if kind == DEMO else self._recent_file()
