"""Loading the model: which files it is, how exactly they are kept, and what is said when it cannot be.

Knows the order: find, load, ready or failed; and how the model's memory is lent to somebody else for a while. Knows no
run, no source and no Qt: it lives on an asyncio loop, and the worker's thread does the work.
"""

from __future__ import annotations

import asyncio
import dataclasses
import linecache
import logging
from collections.abc import Callable

from app.errors import RingsideError
from app.models.catalogue import find_model
from app.models.errors import ModelNotHereError
from app.models.fit import AUTO
from app.models.request import request_model
from app.models.store import ModelStore
from app.window.background import Background
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.session import ModelState, loading
from app.worker import LoadModel, ModelLoading, ModelReady, ModelReleased, ReleaseModel, WorkerFailed
from engine.settings import StreamSettings

_log = logging.getLogger("ringside.app.window")


class ModelLoader:
    """One per window."""

    def __init__(
        self, state: AppState, background: Background, submit: Callable[[LoadModel | ReleaseModel], object]
    ) -> None:
        """`submit` asks the worker; what comes of that is handed to `take`."""
        self._state = state
        self._background = background
        self._submit = submit
        self._known = asyncio.Event()
        self._finding: asyncio.Task[None] | None = None
        self.usual = StreamSettings()
        """What the loaded model was trained for."""
        self.was_asked = False
        """Whether a model was chosen since this was made."""
        self._load_again: Callable[[], None] | None = None
        """Brings back what was lent."""
        self._on_released: Callable[[], None] | None = None
        self._latest: Callable[[], None] | None = None
        """Loads once more what was asked for last."""

    def load(self, choice: str, store: ModelStore, precision: str = AUTO, device: str = AUTO) -> None:
        """Load "demo", a folder, or a hub id that is in `store`, in place of the present model."""
        self.was_asked = True
        self._load_again = None
        self._latest = lambda: self.load(choice, store, precision, device)
        self._known.clear()
        self._state.messages.take_back("model")
        self._state.session.update(model=ModelState(name=find_model(choice).name, doing="starting"))
        if self._finding is not None:
            self._finding.cancel()
        self._finding = self._background.spawn(self._find_and_load(choice, store, precision, device))

    def lend(self, then: Callable[[], None]) -> None:
        """Let the model go, and call `then` when its memory is free. A start waits until `take_back` has loaded it again."""
        self._known.clear()
        if self._finding is not None:
            self._finding.cancel()
        self._load_again, self._on_released = self._latest, then
        model = self._state.session.model
        self._state.session.update(model=dataclasses.replace(model, is_ready=False, is_lent=True))
        self._submit(ReleaseModel())

    def take_back(self) -> None:
        """Load what was lent; does nothing where nothing was, or another model was chosen since."""
        if self._load_again is not None:
            self._load_again()

    async def known(self) -> None:
        """Wait until the model is there, or cannot be loaded."""
        await self._known.wait()

    def take(self, event: ModelLoading | ModelReady | ModelReleased | WorkerFailed) -> None:
        """What the worker tells of its loading."""
        session = self._state.session
        match event:
            case ModelReleased():
                then, self._on_released = self._on_released, None
                if then is not None:
                    then()
            case ModelLoading():
                session.update(model=loading(session.model, event.fraction, event.text))
            case ModelReady():
                # PySide reads the source of every module that is imported; nobody needs those forty megabytes.
                linecache.clearcache()
                self.usual = event.settings
                ready = dataclasses.replace(
                    session.model, is_ready=True, has_failed=False, device=event.device
                )
                session.update(model=ready)
                _log.info("model is ready: %s on %s", session.model.name, event.device)
                self._known.set()
            case WorkerFailed():
                self._failed(event.in_one, event.details)

    async def _find_and_load(self, choice: str, store: ModelStore, precision: str, device: str) -> None:
        def find() -> LoadModel:
            return request_model(choice, store, precision=precision, device=device).load

        try:
            request = await self._background.in_thread(find)
        except ModelNotHereError as error:
            self._failed(error.line, "", action="Models…", act=lambda: self._state.page_wanted.emit("models"))
        except RingsideError as error:
            self._failed(error.line, "")
        else:
            self._submit(request)

    def _failed(
        self,
        text: str,
        details: str,
        *,
        action: str = "Choose folder…",
        act: Callable[[], None] | None = None,
    ) -> None:
        session = self._state.session
        session.update(model=dataclasses.replace(session.model, has_failed=True, is_ready=False))
        self._known.set()
        self._state.messages.show(
            Message(
                text=text,
                details=details,
                topic="model",
                action=action,
                act=act or self._state.model_folder_wanted.emit,
            )
        )
