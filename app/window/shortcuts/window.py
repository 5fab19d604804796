"""The list of all shortcuts, on F1.

Knows how the list is searched and how an action is done from it. Knows no action.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme.focus_ring import FocusRing
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, SPACE_16
from app.window.actions import Actions
from app.window.announcer import Announcer
from app.window.naming import name_parts_within
from app.window.search_box import SearchBox
from app.window.shortcuts.table import ShortcutTable

USUAL_SIZE = (820, 600)

FIXED_KEYS = (
    ("Tab", "Next control", "Goes to the next control; with Shift to the one before."),
    ("Space or Return", "Press a button", "Presses the button, or opens the list, that has the focus ring."),
    ("Up or Down", "Walk through a list", "Walks through lists, menus and the transcript."),
    ("Return", "Next place found", "In the find box: goes to the next place; with Shift to the one before."),
    (
        "Arrow keys",
        "Move the overlay",
        "While the overlay is unlocked; with Ctrl its width, with Shift by pixels.",
    ),
)


class ShortcutsWindow(QWidget):
    """One per main window, whose child it is."""

    def __init__(
        self,
        actions: Actions,
        theme: Theme,
        announcer: Announcer,
        change_keys: Callable[[], None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("shortcuts-window")
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Shortcuts · Ringside")
        self.setAccessibleName("Shortcuts")
        self.setMinimumSize(480, 360)
        self._actions = actions
        self._announcer = announcer
        self.search_box = SearchBox(theme, self)
        self.search_box.setObjectName("search-shortcuts")
        self.search_box.setPlaceholderText("Search actions and keys")
        self.search_box.setAccessibleName("Search actions and keys")
        self.search_box.setAccessibleDescription("Words of an action, or a key such as Ctrl+F.")
        self.table = ShortcutTable(actions, theme, self, fixed=FIXED_KEYS)
        self.conflicts = QLabel(self)
        self.conflicts.setAccessibleName("Keys that two actions want")
        self.conflicts.setWordWrap(True)
        self.sentence = QLabel(self)
        self.sentence.setAccessibleName("What it does")
        self.sentence.setWordWrap(True)
        self.do_button = QPushButton("Do it", self)
        self.do_button.setProperty("role", "plain")
        self.do_button.setAccessibleName("Do it")
        self.do_button.setAccessibleDescription("Closes this list and does the chosen action.")
        self.change_button = QPushButton("Change keys…", self)
        self.change_button.setProperty("role", "plain")
        self.change_button.setAccessibleName("Change keys")
        self.change_button.setAccessibleDescription("Opens the settings at the page “Keys”.")
        bottom = QHBoxLayout()
        bottom.setSpacing(SPACE_8)
        words = QVBoxLayout()
        words.addWidget(self.sentence)
        words.addWidget(self.conflicts)
        bottom.addLayout(words, 1)
        bottom.addWidget(self.do_button)
        bottom.addWidget(self.change_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
        column.setSpacing(SPACE_12)
        column.addWidget(self.search_box)
        column.addWidget(self.table, 1)
        column.addLayout(bottom)
        name_parts_within(self)
        self.focus_ring = FocusRing(self, theme)
        self._tells = QTimer(self, singleShot=True, interval=700)
        self._tells.timeout.connect(
            lambda: announcer.announce(f"{self.table.num_found or 'No'} shortcuts found")
        )
        self.search_box.textChanged.connect(self._find)
        self.table.chosen.connect(self._show_chosen)
        self.table.itemActivated.connect(lambda *_: self._do())
        self.do_button.clicked.connect(self._do)
        self.change_button.clicked.connect(change_keys)
        self.change_button.clicked.connect(self.close)
        actions.changed.subscribe(self._show_conflicts)
        QShortcut(QKeySequence("Ctrl+W"), self).activated.connect(self.close)
        QShortcut(QKeySequence("F1"), self).activated.connect(self.close)
        self._show_chosen(self.table.action)
        self._show_conflicts()
        wanted = QSize(*(round(side * min(theme.scale, 1.35)) for side in USUAL_SIZE))
        self.resize(wanted.boundedTo(self.screen().availableSize()))

    def open(self) -> None:
        """Be shown, with the keyboard in the search."""
        self.search_box.clear()
        self.show()
        self.raise_()
        self.activateWindow()
        self.search_box.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Esc closes it; Down goes from the search into the list."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        elif event.key() == Qt.Key.Key_Down and self.search_box.hasFocus():
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)

    def _find(self) -> None:
        self.table.find(self.search_box.text())
        if self.search_box.text().strip():
            self._tells.start()

    def _do(self) -> None:
        name = self.table.action
        if name:
            self.close()
            self._actions.trigger(name)

    def _show_chosen(self, name: str) -> None:
        self.do_button.setEnabled(bool(name))
        self.sentence.setText(self.table.sentence)

    def _show_conflicts(self) -> None:
        words = " ".join(conflict.sentence for conflict in self._actions.conflicts)
        self.conflicts.setText(words)
        self.conflicts.setVisible(bool(words))
