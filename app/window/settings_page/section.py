"""One page of the settings: its heading, its settings, and the panels that other parts of the program add.

Knows what a search leaves of it. Knows nothing of the other pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.settings import Page, UserSettings, declared
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, SPACE_24
from app.window.controller import Controller
from app.window.naming import name_parts_within
from app.window.settings_page.row import SettingRow

PAGE_WORDS: dict[Page, tuple[str, str, str]] = {
    "watch": ("Watch", "What is watched, and how it is captured.", "watch"),
    "say": ("Say", "What the commentary knows, and how it speaks of it.", "say"),
    "show": ("Show", "How the window, the captions and the overlay look.", "theme"),
    "speak": ("Speak", "Whether and how commentary is spoken aloud.", "speech-on"),
    "stream": (
        "Stream",
        "Where captions go besides this window: files, OBS, the page for streams.",
        "stream",
    ),
    "models": ("Models", "Which model comments, and where models are kept.", "model"),
    "keys": ("Keys", "Which key does what.", "keyboard"),
}
"""What each page is called, its sentence, and its icon."""


class Section(QWidget):
    """A page. It is filled step by step: many widgets at once would hold the window up."""

    def __init__(
        self,
        page: Page,
        controller: Controller,
        theme: Theme,
        panels: list[Callable[[QWidget], QWidget]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        name, sentence, _ = PAGE_WORDS[page]
        self.setAccessibleName(name)
        self.page: Page = page
        self.rows: list[SettingRow] = []
        self.panels: list[QWidget] = []
        self._controller = controller
        self._theme = theme
        self._make_panels = panels
        self._is_narrow = False
        self._lines: list[QFrame] = []
        self.heading = QLabel(name, self)
        self.heading.setProperty("role", "heading")
        self.sentence = QLabel(sentence, self)
        self.sentence.setProperty("role", "quiet")
        self.sentence.setWordWrap(True)
        self.reset_button = QPushButton(f"Reset all of “{name}”", self)
        self.reset_button.setProperty("role", "plain")
        self.reset_button.setAccessibleName(f"Reset all of {name}")
        self.reset_button.setAccessibleDescription("Sets everything on this page back to what it usually is.")
        self.reset_button.clicked.connect(self._reset)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, SPACE_24)
        self._column.setSpacing(0)
        self._column.addWidget(self.heading)
        self._column.addWidget(self.sentence)
        self._column.addSpacing(SPACE_12)
        self._column.addWidget(self.reset_button, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)
        self.reset_button.hide()
        self._filling = self._fill()

    def fill_some(self) -> bool:
        """Make one more part of it; returns whether there is more to make."""
        return next(self._filling, False)

    def show_values(self, names: frozenset[str]) -> None:
        """Settings of these names are new."""
        for row in self.rows:
            if row.entry.name in names:
                row.show_value()
        self._show_reset()

    def set_narrow(self, *, is_narrow: bool) -> None:
        """See `SettingRow.set_narrow`."""
        self._is_narrow = is_narrow
        for row in self.rows:
            row.set_narrow(is_narrow=is_narrow)

    def search(self, words: list[str]) -> int:
        """Show only what all these words are found in, [] for all of it; returns how much that is."""
        num_found = 0
        for row in self.rows:
            is_found = row.matches(words)
            row.setVisible(is_found)
            num_found += is_found
        for panel in self.panels:
            is_found = not words or all(word in _words_in(panel) for word in words)
            panel.setVisible(is_found)
            num_found += is_found
        for widget in (self.sentence, *self._lines):
            widget.setVisible(not words)
        self._show_reset(is_searched=bool(words))
        return num_found

    def _fill(self) -> Iterator[bool]:
        for entry in declared(UserSettings):
            if entry.page == self.page:
                row = SettingRow(entry, self._controller, self._theme, self)
                row.set_narrow(is_narrow=self._is_narrow)
                self.rows.append(row)
                self._add(row)
                yield True
        for make in self._make_panels:
            panel = make(self)
            name_parts_within(panel)
            self.panels.append(panel)
            self._add(panel)
            yield True
        self._show_reset()
        yield False

    def _add(self, widget: QWidget) -> None:
        place = self._column.count() - 2
        if len(self.rows) + len(self.panels) > 1:
            line = QFrame(self)
            line.setProperty("role", "separator")
            line.setAccessibleName("Line")
            line.setFixedHeight(1)
            self._lines.append(line)
            self._column.insertWidget(place, line)
            place += 1
        self._column.insertWidget(place, widget)
        self._column.insertSpacing(place + 1, SPACE_8 if widget in self.panels else 0)

    def _show_reset(self, *, is_searched: bool = False) -> None:
        is_changed = any(row.reset_button.isEnabled() for row in self.rows)
        self.reset_button.setVisible(bool(self.rows) and not is_searched)
        self.reset_button.setEnabled(is_changed)

    def _reset(self) -> None:
        self._controller.remember(**{row.entry.name: row.entry.default for row in self.rows})


def _words_in(panel: QWidget) -> str:
    said = [panel.accessibleName(), panel.accessibleDescription()]
    for widget in panel.findChildren(QWidget):
        said += [widget.accessibleName(), widget.accessibleDescription()]
        if isinstance(widget, QLabel):
            said.append(widget.text())
    return " ".join(said).lower()
