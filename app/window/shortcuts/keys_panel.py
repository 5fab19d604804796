"""The panel on which keys are changed.

Knows how a key is caught, what is said when it is taken, and the way back. Knows no action; `actions` keeps the keys.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.theme.tokens import SPACE_8
from app.window.actions import Actions, KeyTakenError, KeyUnknownError
from app.window.announcer import Announcer
from app.window.flow import FlowLayout
from app.window.hotkeys import key_of
from app.window.naming import name_parts
from app.window.shortcuts.table import ShortcutTable

_TABLE_HEIGHT_PX = 320


def works_everywhere(key: str) -> bool:
    """Whether a key can be taken from all other programs without harm to them."""
    *modifiers, last = key.split("+")
    return bool({"Ctrl", "Alt", "Meta"} & set(modifiers)) or (last.startswith("F") and last[1:].isdigit())


class KeyCatcher(QPushButton):
    """A button that waits for a key once it is pressed. Tab and Esc always lead out of it."""

    caught = Signal(str)
    left = Signal()
    """It waits no more, and no key came."""
    is_waiting = False  # Qt sends events before __init__ is done

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Change key…", parent)
        self.setProperty("role", "plain")
        self.setAccessibleName("Change key")
        self.setAccessibleDescription("Waits for the key that should do the chosen action.")
        self.clicked.connect(self.wait)

    def wait(self) -> None:
        """Take the next key."""
        self.is_waiting = True
        self.setText("Press the key…")
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def event(self, event: QEvent) -> bool:
        """While it waits, keys are no shortcuts."""
        if self.is_waiting and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if self.is_waiting and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
                self._stop()
                return super().event(event)
            self._take(event)
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Whoever goes elsewhere wants no key."""
        super().focusOutEvent(event)
        self._stop()

    def _take(self, event: QKeyEvent) -> None:
        key = key_of(event)
        if not key:
            return  # Ctrl, on the way to Ctrl+something
        if key == "Esc":
            self._stop()
            return
        self.is_waiting = False
        self.setText("Change key…")
        self.caught.emit(key)

    def _stop(self) -> None:
        if self.is_waiting:
            self.is_waiting = False
            self.setText("Change key…")
            self.left.emit()


class KeysPanel(QWidget):
    """A list of all actions, and what can be done about the chosen one's keys."""

    def __init__(
        self, actions: Actions, everywhere: Actions, theme: Theme, announcer: Announcer, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Keys")
        self._actions = actions
        self._everywhere = everywhere
        self._announcer = announcer
        self._theme = theme
        self._offered: str = ""
        self.table = ShortcutTable(actions, theme, self, everywhere=everywhere, has_sentences=False)
        self.where = QComboBox(self)
        self.where.setAccessibleName("Which keys")
        self.where.setAccessibleDescription("Keys of this window, or keys that work in other programs too.")
        self.where.addItems(["Key in this window", "Key everywhere"])
        name_parts(self.where)
        self.catcher = KeyCatcher(self)
        self.remove_button = self._button("No key", "Takes the key away from the chosen action.")
        self.reset_button = self._button("Usual key", "Gives the chosen action the key it came with.")
        self.take_button = self._button("Take the key", "Takes the key from what it does now.")
        self.reset_all_button = self._button("All usual keys", "Gives every action the key it came with.")
        self.words = QLabel("Choose an action, then change its key.", self)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What happened")
        buttons = FlowLayout()
        for widget in (
            self.where,
            self.catcher,
            self.take_button,
            self.remove_button,
            self.reset_button,
            self.reset_all_button,
        ):
            buttons.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_8, 0, SPACE_8)
        column.setSpacing(SPACE_8)
        column.addWidget(self.table)
        column.addWidget(self.words)
        column.addLayout(buttons)
        self.table.chosen.connect(lambda _: self._show())
        self.where.currentIndexChanged.connect(lambda _: self._show())
        self.catcher.clicked.connect(self._ask)
        self.catcher.caught.connect(self._caught)
        self.catcher.left.connect(lambda: self._say("The key stays as it is."))
        self.remove_button.clicked.connect(lambda: self._change(()))
        self.reset_button.clicked.connect(self._reset)
        self.take_button.clicked.connect(lambda: self._change((self._offered,), takes=True))
        self.reset_all_button.clicked.connect(self._reset_all)
        theme.changed.connect(self._fit)
        self._fit()
        self._show()

    def _button(self, words: str, sentence: str) -> QPushButton:
        button = QPushButton(words, self)
        button.setProperty("role", "plain")
        button.setAccessibleName(words)
        button.setAccessibleDescription(sentence)
        button.setToolTip(sentence)
        return button

    @property
    def _keys(self) -> Actions:
        return self._everywhere if self.where.currentIndex() else self._actions

    def _label(self) -> str:
        return self._actions[self.table.action].label

    def _show(self) -> None:
        name, keys = self.table.action, self._keys
        is_there = bool(name) and name in keys
        self.catcher.setEnabled(is_there)
        self.remove_button.setEnabled(is_there and bool(keys.keys(name)))
        self.reset_button.setEnabled(is_there and keys.is_changed(name))
        self.take_button.setVisible(bool(self._offered))
        if not is_there:
            self.words.setText(
                "This action has no key that works everywhere."
                if name and name in self._actions
                else "Choose an action, then change its key."
            )
        elif not self._offered:
            self.words.setText(
                f"{self._actions[name].description} Key: {' or '.join(keys.keys(name)) or 'none'}."
            )

    def _ask(self) -> None:
        self._offered = ""
        self._show()
        self._say(f"Press the key for “{self._label()}”. Esc leaves it as it is.")

    def _caught(self, key: str) -> None:
        if self._keys is self._everywhere and not works_everywhere(key):
            self._say(
                f"{key} alone cannot work everywhere: other programs need it. Hold Ctrl, Alt or Meta with it."
            )
        else:
            self._change((key,))

    def _change(self, keys: tuple[str, ...], *, takes: bool = False) -> None:
        name = self.table.action
        self._offered = ""
        try:
            self._keys.change(name, keys, takes=takes)
        except KeyTakenError as error:
            self._offered = error.key
            self._show()
            self._say(error.line)
            self.take_button.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        except KeyUnknownError as error:
            self._show()
            self._say(error.line)
            return
        self._show()
        what = f"is {' or '.join(keys)} now" if keys else "has no key now"
        self._say(f"“{self._label()}” {what}.")
        self.catcher.setFocus(Qt.FocusReason.OtherFocusReason)

    def _reset(self) -> None:
        try:
            self._keys.reset(self.table.action)
        except KeyTakenError as error:
            self._offered = error.key
            self._show()
            self._say(error.line)
            return
        self._show()
        self._say(f"“{self._label()}” has its usual key.")
        self.catcher.setFocus(Qt.FocusReason.OtherFocusReason)

    def _reset_all(self) -> None:
        self._actions.reset_all()
        self._everywhere.reset_all()
        self._offered = ""
        self._show()
        self._say("Every action has its usual key.")

    def _say(self, words: str) -> None:
        self.words.setText(words)
        self._announcer.announce(words)

    def _fit(self) -> None:
        self.table.setFixedHeight(self._theme.px(_TABLE_HEIGHT_PX))
