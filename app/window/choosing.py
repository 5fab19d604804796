"""Choosing what is watched: the demo match, a video, or anything live; and what is remembered of it.

Knows which title and which details belong to which source, and what was watched last time. Knows no picture, no widget
and not how anything is opened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from app import resources
from app.errors import RingsideError
from app.settings import DEMO, UserSettings
from app.sources import LIVE_KINDS, SourceSpec, parse_spec
from app.sources.spec import DemoSpec, FileSpec, StreamSpec
from app.window.state.app import AppState
from app.window.state.messages import source_failed
from app.window.state.session import Figures, Phase, Source

_log = logging.getLogger("ringside.app.window")


class Run(Protocol):
    """The run that a choice ends."""

    def stop(self) -> None:
        """End it."""
        ...

    def start_at(self, time_s: float) -> None:
        """Where the next one begins."""
        ...


class Choosing:
    """One per window."""

    def __init__(
        self,
        state: AppState,
        settings: Callable[[], UserSettings],
        remember: Callable[..., None],
        run: Run,
        bring_poster: Callable[[str], None],
    ) -> None:
        """`remember` changes settings; `bring_poster` has the first picture shown of the chosen source, by its kind."""
        self._state = state
        self._settings = settings
        self._remember = remember
        self._run = run
        self._bring_poster = bring_poster

    def demo(self) -> None:
        """Watch the demo match."""
        try:
            source, title = _demo_match()
        except RingsideError as error:
            self._state.messages.show(source_failed(error, self._state.file_wanted.emit))
            return
        self._choose(source, title)
        self._remember(source=DEMO)

    def file(self, path: str) -> None:
        """Watch a video file."""
        if path != self._settings().recent_file:
            self._remember(title="", teams="", people="")
        self._remember(source=path, recent_file=path)
        self._choose(_video(path), self._settings().title)
        self._show_details()

    def source(self, spec: SourceSpec, name: str = "") -> None:
        """Watch anything, by what names it; `name` is what a person calls it."""
        match spec:
            case DemoSpec():
                self.demo()
            case FileSpec(path=path):
                self.file(path)
            case _:
                if str(spec) != self._settings().source:
                    self._remember(title="", teams="", people="")
                self._remember(source=str(spec))
                if isinstance(spec, StreamSpec):
                    self._remember(recent_address=spec.address)
                self._choose(
                    Source(kind=spec.kind, name=name or spec.name, spec=spec), self._settings().title
                )
                self._show_details()

    def address(self, text: str) -> None:
        """Watch what an address, a path or any other text names. Raises SourceSpecError."""
        self.source(parse_spec(text))

    def remembered(self) -> None:
        """What was watched last time, if it can be watched; before the first time, the demo match."""
        try:
            found = self._last_watched()
        except RingsideError as error:
            _log.info("what was watched last cannot be: %s", error)
            return
        if found is not None:
            source, title = found
            self._state.session.choose(source)
            self._state.set_title(title)
            if source.kind != DEMO:
                self._show_details()

    def _last_watched(self) -> tuple[Source, str] | None:
        """What it was and its title. Raises RingsideError."""
        settings = self._settings()
        if settings.source in ("", DEMO):
            return _demo_match()
        if Path(settings.source).is_file():
            return _video(settings.source), settings.title
        spec = parse_spec(settings.source)
        if spec.kind not in LIVE_KINDS:
            return None
        return Source(kind=spec.kind, name=spec.name, spec=spec), settings.title

    def _choose(self, source: Source, title: str) -> None:
        state = self._state
        self._run.stop()
        state.messages.take_back("source")
        state.session.choose(source)
        state.session.update(phase=Phase.IDLE, figures=Figures())
        state.captions.clear()
        state.set_title(title)
        state.set_details(teams="", people="")
        self._run.start_at(0.0)
        self._bring_poster(source.kind)

    def _show_details(self) -> None:
        settings = self._settings()
        self._state.set_details(teams=settings.teams, people=settings.people)


def _demo_match() -> tuple[Source, str]:
    """The demo match and its title. Raises RingsideError."""
    path, title = resources.demo_video(), resources.demo_title()
    return Source(kind=DEMO, name="Demo match", path=str(path)), title


def _video(path: str) -> Source:
    return Source(kind="file", name=Path(path).name, path=path)
