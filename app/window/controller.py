"""The controller: what a person asks for, brought to the runner, speech and the settings.

Knows who does what, and what is remembered. Knows no Qt: it lives on an asyncio loop, and everything that takes
time happens in threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from app.models.local import models_folder
from app.models.manager import ModelManager
from app.models.request import ModelRequest, request_model
from app.outputs.outputs import Outputs
from app.settings import DEMO, SettingsError, SettingsStore, UserSettings
from app.speech import SpeechService
from app.theme.tokens import TEXT_SCALES_PERCENT, ThemeName
from app.window.actions import Actions
from app.window.background import Background
from app.window.choosing import Choosing
from app.window.commentary import Commentary
from app.window.narrating import Narrating
from app.window.natural_voice import NaturalVoice
from app.window.picture import PictureBox
from app.window.posters import Posters
from app.window.recovery import Recovery
from app.window.run_plan import RunPlan
from app.window.runner import Runner
from app.window.saying import Saying
from app.window.state.app import AppState
from app.window.state.event import Event
from app.window.state.messages import Message
from engine.settings import StreamSettings

Result = TypeVar("Result")

_log = logging.getLogger("ringside.app.window")

_SAVE_AFTER_S = 0.5

DESCRIBE_NOW = "Describe what can be seen right now, in one sentence."
"""Asked by the key of the same name."""


class Controller:
    """One per window. Everything is called on the loop's thread; `open` and `close` bracket its work."""

    def __init__(
        self, store: SettingsStore, loop: asyncio.AbstractEventLoop, session_folder: Path | None = None
    ) -> None:
        """`session_folder` is where sessions are kept if nothing else is chosen: usually beside the settings."""
        self.state = AppState()
        self.settings_changed: Event[frozenset[str]] = Event()
        """Names of settings that have another value now, whoever changed them."""
        self.picture_came: Event[()] = Event()
        """`pictures` holds a picture."""
        self._store = store
        self.actions = Actions(lambda: self.settings.keys, lambda keys: self.remember(keys=keys))
        self.global_actions = Actions(
            lambda: self.settings.global_keys, lambda keys: self.remember(global_keys=keys)
        )
        """The same actions, on keys that work while another program has the keyboard."""
        self.actions.changed.subscribe(self._follow_actions)
        self._background = Background(loop)
        self.pictures = PictureBox(lambda: self._background.post(self.picture_came.emit))
        self._commentary = Commentary(
            self.state, self._background.post, self._on_speech_switch, lambda: self.settings
        )
        self.settings_changed.subscribe(self._commentary.settings_changed)
        self.saying = Saying(
            self.state,
            lambda: self.settings,
            self.remember,
            lambda question: self._runner.ask(question),
        )
        plan = RunPlan(lambda: self.settings, self.saying.compose)
        self._runner = Runner(self.state, self._commentary, self.pictures, self._background, plan)
        self.posters = Posters(self.state, self._background, lambda: self.recent_file)
        """First pictures of what can be watched."""
        self.choosing = Choosing(
            self.state, lambda: self.settings, self.remember, self._runner, self.posters.bring_soon
        )
        """What is watched."""
        self.settings_changed.subscribe(self.saying.settings_changed)
        self.settings_changed.subscribe(self._follow_placement)
        self.models = ModelManager(
            folder=lambda: models_folder(self.settings.models_folder),
            chosen=lambda: self.settings.model,
            device=lambda: self.settings.device,
            more=lambda: self.settings.more_models,
            keep_more=lambda repos: self.remember(more_models=repos),
            post=self._background.post,
            aside=self.aside,
        )
        self.outputs = Outputs(
            self.state,
            self._background,
            lambda: self.settings,
            self.remember,
            session_folder or store.path.parent / "sessions",
        )
        self.settings_changed.subscribe(self.outputs.apply)
        self._recovery = Recovery(self.state, self._background)
        self.narrating = Narrating(
            self.state,
            settings=lambda: self.settings,
            request_model=self._request_model,
            lend_model=self._runner.model.lend,
            take_model_back=self._runner.model.take_back,
            aside=self.aside,
            post=self._background.post,
        )
        self.natural_voice = NaturalVoice(
            lambda: self.settings.models_folder, self._background.post, self.aside
        )
        self._is_open = False
        self._saving: asyncio.TimerHandle | None = None
        self._is_unsaved_told = False
        self.choosing.remembered()

    @property
    def settings(self) -> UserSettings:
        """What is remembered, as it is now."""
        return self._store.settings

    @property
    def recent_file(self) -> str:
        """The video of last time, if it is still there."""
        path = self.settings.recent_file
        return path if path and Path(path).is_file() else ""

    @property
    def voice_pid(self) -> int | None:
        """The number of the process that makes speech, while it runs."""
        return self._commentary.voice_pid

    @property
    def speech(self) -> SpeechService:
        """Who speaks, for those who ask which voices and outputs there are."""
        return self._commentary.speech

    def open(self) -> None:
        """Start the threads and load the model. Call it when the window is on the screen."""
        self._is_open = True
        if self._store.problem is not None:
            problem = self._store.problem
            self.state.messages.show(
                Message(text=problem.line, details=problem.details, topic="settings-file")
            )
        self.saying.open()
        self.outputs.open()
        self._background.spawn(self._recovery.find(self.outputs.session_folder))
        self._runner.open()
        self.state.speech.switch(is_on=self.settings.is_speech_on)
        self._background.spawn(self._prepare())

    async def close(self) -> None:
        """End everything that runs, and wait for its threads and processes."""
        self._is_open = False
        self._runner.stop()
        if self._saving is not None:
            self._saving.cancel()
        await self.outputs.close()
        await self._background.close(
            self._runner.shut,
            self._commentary.close,
            self._store.save,
            self.models.close,
            self.outputs.shut,
            self.narrating.close,
            self.natural_voice.close,
        )

    def remember(self, **changes: object) -> None:
        """Change settings, and keep them a moment later."""
        before = self.settings
        self._store.change(**changes)
        now = self.settings
        changed = frozenset(name for name in changes if getattr(before, name) != getattr(now, name))
        if changed & {"theme", "text_scale_percent"}:
            self.state.look_changed.emit()
        if changed:
            self.settings_changed.emit(changed)
        if self._saving is None and self._is_open:
            self._saving = self._background.loop.call_later(_SAVE_AFTER_S, self._save)

    def toggle(self, name: str) -> None:
        """Switch a setting that is on or off. Raises AttributeError if there is none of that name."""
        self.remember(**{name: not getattr(self.settings, name)})

    def aside(self, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do something that waits, in a thread; what it gives is handed to `then` on the loop."""

        async def do() -> None:
            then(await self._background.in_thread(work))

        self._background.spawn(do())

    def start(self) -> None:
        """Begin a new run, as soon as the model is there."""
        self._runner.start()

    def start_or_stop(self) -> None:
        """The one button, and Space."""
        if self.state.session.is_busy:
            self._runner.stop()
        else:
            self._runner.start()

    def pause_or_resume(self) -> None:
        """Hold the run, or let it go on."""
        self._runner.pause_or_resume()

    def toggle_speech(self) -> None:
        """Speak, or speak no more."""
        self._commentary.switch_speech(is_on=not self.state.speech.is_on)

    def silence(self) -> None:
        """Break off what is being said; speech stays as it is."""
        self._commentary.silence()

    def repeat(self) -> None:
        """Say the last sentence again, whether speech is on or not."""
        self._commentary.repeat()

    def describe_now(self) -> None:
        """Have the commentator describe what is to be seen, and speak that, whether speech is on or not."""
        if self.saying.ask(DESCRIBE_NOW):
            self._commentary.await_answer()
        else:
            self._commentary.tell("Nothing is being watched. Start first.")

    def stream_settings(self) -> StreamSettings:
        """The settings that a run started now would have: title, query, sampling."""
        return self.saying.compose(self._runner.model.usual)

    def test_voice(self) -> None:
        """Say a sentence as commentary would be said now."""
        self._commentary.tell("This is how the commentary sounds. Okafor shoots, and it is in!")

    def seek(self, time_s: float) -> None:
        """Go to a moment of the video that is watched; nothing happens to a source that has no moments."""
        source = self.state.session.source
        if source is not None and source.path:
            self._runner.seek(time_s)

    def set_title(self, title: str) -> None:
        """What is this? Used from the next start."""
        self.state.set_title(title)
        source = self.state.session.source
        if source is not None and source.kind != DEMO:
            self.remember(title=title)

    def _follow_placement(self, names: frozenset[str]) -> None:
        if names & {"precision", "device"} and self._is_open:
            self.choose_model(self.settings.model)
        if "device" in names and self._is_open:
            self.models.refresh()  # what fits is another question now

    def choose_model(self, name: str) -> None:
        """Another model: "demo", a folder, or a hub id."""
        self._runner.stop()
        self.remember(model=name)
        self._load(name)
        self.models.chosen_changed()

    def _load(self, name: str) -> None:
        settings = self.settings
        self._runner.model.load(name, self.models.store, settings.precision, settings.device)

    def _request_model(self) -> ModelRequest:
        settings = self.settings
        return request_model(
            settings.model, self.models.store, precision=settings.precision, device=settings.device
        )

    def choose_theme(self, name: ThemeName) -> None:
        """Other colours."""
        self.remember(theme=name)

    def choose_text_scale(self, percent: int) -> None:
        """Another text size."""
        self.remember(text_scale_percent=percent)

    def step_text_scale(self, step: int) -> None:
        """The next larger (1) or smaller (-1) text size, or with 0 the usual one."""
        index = TEXT_SCALES_PERCENT.index(self.settings.text_scale_percent)
        wanted = min(max(0, index + step), len(TEXT_SCALES_PERCENT) - 1) if step else 0
        self.choose_text_scale(TEXT_SCALES_PERCENT[wanted])

    async def _prepare(self) -> None:
        # One after the other: libraries that are loaded while torch's is keep the whole program waiting.
        await self.posters.bring_all()
        if not self._runner.model.was_asked:  # a person may have chosen another model by now
            self._load(self.settings.model)
        await self._runner.model.known()
        if self.state.speech.is_on:
            self._commentary.switch_speech(is_on=True)
        self.models.refresh()

    def _follow_actions(self) -> None:
        for action in self.actions:
            if action.name not in self.global_actions:
                self.global_actions.add(replace(action, default_keys=action.default_global_keys))

    def _save(self) -> None:
        self._saving = None
        self.aside(self._store.save, self._tell_saved)

    def _save_again(self) -> None:
        self._is_unsaved_told = False
        self._save()

    def _tell_saved(self, problem: SettingsError | None) -> None:
        """Settings that cannot be kept are told of once, until they can be again."""
        if problem is None:
            self._is_unsaved_told = False
            self.state.messages.take_back("settings")
        elif not self._is_unsaved_told:
            self._is_unsaved_told = True
            self.state.messages.show(
                Message(text=problem.line, topic="settings", action="Try again", act=self._save_again)
            )

    def _on_speech_switch(self, is_on: bool) -> None:
        self.remember(is_speech_on=is_on)
