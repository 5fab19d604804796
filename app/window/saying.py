"""What is said: persona, what is watched, language, and questions, as a person chooses them in the window.

Knows how choices are remembered, brought to the next run, and when it has to be said what a model cannot do. Knows no
widget and no thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.models.catalogue import CatalogueModel, find_model
from app.presets import Brief, Preset, PresetBook, honest_note, stream_settings
from app.presets.compose import answer_note
from app.settings import DEMO, UserSettings
from app.window.state.app import AppState
from app.window.state.event import Event
from app.window.state.messages import Message
from app.window.state.question import MAX_CHARACTERS
from app.window.state.session import Phase
from engine.settings import StreamSettings

_TOPIC = "say"


class Saying:
    """One per window; lives on its loop."""

    def __init__(
        self,
        state: AppState,
        settings: Callable[[], UserSettings],
        remember: Callable[..., None],
        ask_model: Callable[[str], bool],
    ) -> None:
        """`remember` changes settings; `ask_model` puts a question to the run and tells whether there is one."""
        self.changed: Event[()] = Event()
        """Preset, presets or language are others."""
        self._state = state
        self._settings = settings
        self._remember = remember
        self._ask_model = ask_model
        self.book = PresetBook(lambda: settings().presets, lambda lines: remember(presets=lines))

    @property
    def model(self) -> CatalogueModel:
        """What is known of the chosen model."""
        return find_model(self._settings().model)

    @property
    def preset(self) -> Preset:
        """The chosen persona."""
        return self.book.find(self._settings().preset)

    @property
    def brief(self) -> Brief:
        """What was told of what is watched."""
        state = self._state
        return Brief(title=state.title, teams=state.teams, people=state.people)

    @property
    def note(self) -> str:
        """What the chosen model will not do of what is wished; "" for nothing."""
        settings = self._settings()
        watches_demo_match = settings.source in ("", DEMO)
        return honest_note(self.model, self.preset, settings.language, watches_demo_match=watches_demo_match)

    @property
    def own_sampling(self) -> dict[str, Any]:
        """What the chosen persona says about sampling, where the model understands personas."""
        return self.preset.own_sampling if self.model.follows_requests else {}

    def compose(self, usual: StreamSettings) -> StreamSettings:
        """The settings of the next run, from those that the checkpoint is used to."""
        return stream_settings(
            usual, model=self.model, preset=self.preset, brief=self.brief, language=self._settings().language
        )

    def choose_preset(self, key: str) -> None:
        """Another persona, from the next start."""
        self._remember(preset=key)
        self._tell()

    def save_preset(self, preset: Preset) -> None:
        """Keep a changed preset and use it."""
        self.book.save(preset)
        self.choose_preset(preset.key)

    def copy_preset(self, name: str) -> Preset:
        """A person's own preset that begins as the chosen one, and is chosen. Raises PresetError."""
        own = self.book.copy(self.preset, name)
        self.choose_preset(own.key)
        return own

    def reset_preset(self, key: str) -> None:
        """Make a preset as it shipped; a person's own one is deleted, and the usual one chosen."""
        self.book.reset(key)
        self.choose_preset(self.book.find(key).key)

    def settings_changed(self, names: frozenset[str]) -> None:
        """Settings were changed elsewhere."""
        if names & {"language", "model"}:
            self._tell()
        elif "source" in names:
            self._tell_of_source()

    def open(self) -> None:
        """The window is there: what was watched last may be nothing for the model."""
        self._tell_of_source()

    def set_details(self, *, teams: str, people: str) -> None:
        """Teams and people. Used from the next start."""
        self._state.set_details(teams=teams, people=people)
        source = self._state.session.source
        if source is not None and source.kind != DEMO:
            self._remember(teams=teams, people=people)

    def ask(self, question: str) -> bool:
        """Ask the commentator something; the answer comes with the next pictures. False if that cannot be now."""
        text = " ".join(question.split())[:MAX_CHARACTERS]
        if not text:
            return False
        if self._state.session.phase not in (Phase.RUNNING, Phase.PAUSED) or not self._ask_model(text):
            self._state.messages.show(
                Message(
                    text="Questions are answered while commentary runs. Start first, then ask.",
                    is_error=False,
                    topic=_TOPIC,
                )
            )
            return False
        self._state.messages.take_back(_TOPIC)
        self._state.question.ask(text, answer_note(self.model))
        return True

    def _tell_of_source(self) -> None:
        """Models that follow requests take any pictures."""
        if not self.model.follows_requests:
            self._tell()

    def _tell(self) -> None:
        note = self.note
        if not note:
            self._state.messages.take_back(_TOPIC)
        else:
            self._state.messages.show(
                Message(
                    text=note,
                    is_error=False,
                    topic=_TOPIC,
                    action="Models…",
                    act=lambda: self._state.page_wanted.emit("models"),
                )
            )
        self.changed.emit()
