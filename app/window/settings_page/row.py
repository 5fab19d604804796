"""One setting on the settings page: its words, its control, and the way back to its default.

Knows how they share a wide and a narrow page, and how a value that cannot be is said. Knows nothing of the others.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.settings import Declared
from app.theme.theme import Theme
from app.theme.tokens import SPACE_4, SPACE_8, SPACE_16
from app.window.controller import Controller
from app.window.settings_page.controls import Control, make_control, reset_button

_CONTROL_WIDTH_PX = 220


class SettingRow(QWidget):
    """A setting; what a person picks holds at once."""

    def __init__(self, entry: Declared, controller: Controller, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(entry.label)
        self.setObjectName(f"setting-{entry.name}")
        self.entry = entry
        self._controller = controller
        self._theme = theme
        self._is_narrow = False
        self.label = QLabel(entry.label, self)
        self.label.setProperty("role", "title")
        self.label.setWordWrap(True)
        self.sentence = QLabel(entry.description, self)
        self.sentence.setProperty("role", "small")
        self.sentence.setWordWrap(True)
        self.refusal = QLabel(self)
        self.refusal.setWordWrap(True)
        self.refusal.setAccessibleName("What is wrong")
        self.refusal.hide()
        self.control = make_control(entry, theme, self._take, self)
        self.control.setObjectName(entry.name)
        self.control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.label.setBuddy(self.control)
        self.reset_button = reset_button(entry, theme, self._reset, self)
        self._lay_out()
        theme.changed.connect(self._fit)
        self._fit()
        self.show_value()

    def show_value(self) -> None:
        """Show the setting as it is."""
        value = getattr(self._controller.settings, self.entry.name)
        control: Control = self.control  # type: ignore[assignment] # made to be one
        control.show_value(value)
        self.reset_button.setEnabled(value != self.entry.default)

    def matches(self, words: list[str]) -> bool:
        """Whether all of these stand somewhere in what is said about the setting."""
        entry = self.entry
        said = [entry.label, entry.description, entry.name, *(words for _, words in entry.choices)]
        text = " ".join(said).lower()
        return all(word in text for word in words)

    def set_narrow(self, *, is_narrow: bool) -> None:
        """Put the control below the words, where there is no room beside them."""
        direction = QBoxLayout.Direction
        self._is_narrow = is_narrow
        self._across.setDirection(direction.TopToBottom if is_narrow else direction.LeftToRight)
        side = Qt.AlignmentFlag(0) if is_narrow else Qt.AlignmentFlag.AlignVCenter
        self._across.setAlignment(self._holder, side)
        self._fit()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(SPACE_4)
        for label in (self.label, self.sentence, self.refusal):
            words.addWidget(label)
        control = QHBoxLayout()
        control.setSpacing(SPACE_8)
        control.addWidget(self.control, 1)
        control.addWidget(self.reset_button)
        self._holder = QWidget(self)
        self._holder.setAccessibleName(self.entry.label)
        self._holder.setLayout(control)
        control.setContentsMargins(0, 0, 0, 0)
        self._across = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._across.setContentsMargins(0, SPACE_8, 0, SPACE_8)
        self._across.setSpacing(SPACE_16)
        self._across.addLayout(words, 1)
        self._across.addWidget(self._holder, 0, Qt.AlignmentFlag.AlignVCenter)

    def _fit(self) -> None:
        width = self._theme.px(_CONTROL_WIDTH_PX) + self._theme.control_height_px + SPACE_8
        self._holder.setMinimumWidth(0 if self._is_narrow else width)
        self._holder.setMaximumWidth(width)

    def _take(self, value: Any) -> None:
        try:
            self._controller.remember(**{self.entry.name: value})
        except ValueError as error:
            self.refusal.setText(f"That cannot be: {error}.")
            self.refusal.show()
        else:
            self.refusal.hide()
        self.show_value()

    def _reset(self) -> None:
        self._take(self.entry.default)
        self.control.setFocus(Qt.FocusReason.OtherFocusReason)
