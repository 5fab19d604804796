"""Keys everywhere as the window knows them: on while the settings want them, and said where they cannot be.

Knows when keys are taken and given back. Knows no system: `adapter` picks what asks it.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication

from app.window.controller import Controller
from app.window.global_keys.adapter import Adapter, find_adapter
from app.window.state.messages import Message

_TOPIC = "global keys"
_SETTINGS = {"are_global_keys_on", "global_keys"}


class GlobalKeys(QObject):
    """One per main window."""

    _pressed = Signal(str)
    ready = Signal()
    """Keys are as the settings want them, as far as that can be."""

    def __init__(self, controller: Controller, parent: QObject) -> None:
        super().__init__(parent)
        self._controller = controller
        self._adapter: Adapter | None = None
        self._is_busy = False
        self._is_stale = False
        self.words = ""
        """What does not work, for a person."""
        # Adapters call from threads of their own.
        self._pressed.connect(self._act, Qt.ConnectionType.QueuedConnection)
        controller.settings_changed.subscribe(self._follow)

    @property
    def are_taken(self) -> bool:
        """Whether keys reach us wherever the keyboard is."""
        return self._adapter is not None

    def open(self) -> None:
        """The window is there."""
        if self._controller.settings.are_global_keys_on:
            self._apply()

    def close(self) -> None:
        """Give every key back; may wait a moment."""
        if self._adapter is not None:
            self._adapter.stop()
            self._adapter = None

    def _follow(self, changed: frozenset[str]) -> None:
        if changed & _SETTINGS:
            self._apply()

    def _apply(self) -> None:
        if self._is_busy:
            self._is_stale = True
            return
        self._is_busy, self._is_stale = True, False
        keys = self._controller.global_actions
        wanted = [key for action in keys for key in keys.keys(action.name)]
        is_on = self._controller.settings.are_global_keys_on
        platform, adapter = QGuiApplication.platformName(), self._adapter

        def work() -> tuple[Adapter | None, str]:
            if adapter is not None:
                adapter.stop()
            if not is_on:
                return None, ""
            found = adapter or find_adapter(platform)
            if isinstance(found, str):
                return None, found
            return found, found.start(wanted, self._pressed.emit)

        self._controller.aside(work, self._applied)

    def _applied(self, outcome: tuple[Adapter | None, str]) -> None:
        self._adapter, self.words = outcome
        self._is_busy = False
        messages = self._controller.state.messages
        if self.words:
            messages.show(Message(text=self.words, is_error=False, topic=_TOPIC))
        else:
            messages.take_back(_TOPIC)
        if self._is_stale:
            self._apply()
        self.ready.emit()

    def _act(self, key: str) -> None:
        action = self._controller.global_actions.for_key(key)
        if action is not None:
            action.act()
