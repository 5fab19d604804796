"""Actions on keys, in one window.

Knows how a key reaches its action, and which keys the control that has the focus may want first. Knows no action.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.window.actions import Action, Actions, KeyUnknownError

_OFFERED_TO_CONTROLS = frozenset(
    (
        "Space",
        "Return",
        "Up",
        "Down",
        "Left",
        "Right",
        "Home",
        "End",
        "PgUp",
        "PgDown",
        "Backspace",
        "Del",
        "Ins",
    )
)
"""Keys with which buttons, lists and texts are used: they are ours only where nothing else wants them."""


class Hotkeys(QObject):
    """Lets the keys of all actions work in a window; follows every change of them."""

    def __init__(self, window: QWidget, actions: Actions) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._shortcuts: list[QShortcut] = []
        actions.changed.subscribe(self._bind)
        self._bind()

    def handle(self, event: QKeyEvent) -> bool:
        """A key that nothing else wanted; returns whether it did something."""
        try:
            action = self._actions.for_key(key_of(event))
        except KeyUnknownError:
            return False
        if action is None:
            return False
        if not event.isAutoRepeat():
            action.act()
        return True

    def _bind(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._shortcuts = []
        for action in self._actions:
            for key in self._actions.keys(action.name):
                if key not in _OFFERED_TO_CONTROLS:
                    self._shortcuts.append(self._shortcut(key, action))

    def _shortcut(self, key: str, action: Action) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key, QKeySequence.SequenceFormat.PortableText), self._window)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(action.act)
        return shortcut


def key_of(event: QKeyEvent) -> str:
    """The key of an event, as `actions` writes it; "" for a modifier alone."""
    if event.key() in (
        Qt.Key.Key_Shift,
        Qt.Key.Key_Control,
        Qt.Key.Key_Alt,
        Qt.Key.Key_Meta,
        Qt.Key.Key_unknown,
    ):
        return ""
    key = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.PortableText)
    return key.replace("Enter", "Return").replace("Num+", "")
