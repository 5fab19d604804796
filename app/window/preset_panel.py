"""The panel of the page Say: which persona comments, and what it is made of.

Knows the fields of a preset and how they are changed, kept and reset. Knows no model and no settings file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.presets import Preset, PresetError
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, SPACE_16
from app.window.controller import Controller

Number = TypeVar("Number", int, float)

_QUERY_LINES = 4
_AS_THE_MODEL = "as the model has it"


class PresetPanel(QWidget):
    """The chosen preset, to look at and to change."""

    def __init__(self, controller: Controller, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("presets")
        self.setAccessibleName("Personas")
        self._saying = controller.saying
        self._theme = theme
        self.chooser = QComboBox(self)
        self.chooser.setAccessibleName("Persona")
        self.chooser.setAccessibleDescription("Who comments, from the next start.")
        self.chooser.view().setAccessibleName("Personas")
        self.chooser.view().verticalScrollBar().setAccessibleName("Scroll the personas")
        self.sentence = QLabel(self)
        self.sentence.setProperty("role", "quiet")
        self.sentence.setWordWrap(True)
        self.name = self._line("Name", "Two or three words.")
        self.form = self._line(
            "Title's form",
            "How the title is put together from {title}, {teams} and {people}. A part in [square brackets] is left "
            "out if what it names is empty.",
        )
        self.query = QPlainTextEdit(self)
        self.query.setProperty("role", "details")
        self.query.setTabChangesFocus(True)
        self.query.setPlaceholderText("What the model was trained with")
        self.query.setAccessibleName("What the model is asked to do")
        self.query.setAccessibleDescription(
            "Empty: what the model was trained with. Larger models follow this."
        )
        self.query.verticalScrollBar().setAccessibleName("Scroll what the model is asked")
        self.query.horizontalScrollBar().setAccessibleName("Scroll sideways what the model is asked")
        self.temperature = self._line(
            "Freedom", "0.1 to 2: how freely words are picked. Empty: as the model has it."
        )
        self.top_p = self._line("Top p", "0.1 to 1: how unlikely a word may be. Empty: as the model has it.")
        self.most = self._line("Words a second", "Most tokens in one second. Empty: as the model has it.")
        for box in (self.temperature, self.top_p, self.most):
            box.setPlaceholderText(_AS_THE_MODEL)
        self.problem = QLabel(self)
        self.problem.setWordWrap(True)
        self.problem.setAccessibleName("What is wrong")
        self.save_button = self._button("Save", "Keep these changes and use them.", self._save)
        self.copy_button = self._button("Save as new", "Make a persona of your own of it.", self._copy)
        self.reset_button = self._button("Reset", "Make it as it came.", self._reset)
        self._lay_out()
        self.chooser.activated.connect(self._choose)
        theme.changed.connect(self._fit)
        unsubscribe = self._saying.changed.subscribe(self._show)
        self.destroyed.connect(lambda: unsubscribe())
        self._show()
        self._fit()

    def _show(self) -> None:
        saying = self._saying
        preset, presets = saying.preset, saying.book.presets
        self.chooser.clear()
        for known in presets:
            mark = " (changed)" if saying.book.is_changed(known.key) else ""
            self.chooser.addItem(f"{known.name}{mark}", known.key)
        self.chooser.setCurrentIndex([known.key for known in presets].index(preset.key))
        self.sentence.setText(" ".join(part for part in (preset.sentence, saying.note) if part))
        self.name.setText(preset.name)
        self.form.setText(preset.form)
        self.query.setPlainText(preset.query)
        self.temperature.setText(_text(preset.temperature))
        self.top_p.setText(_text(preset.top_p))
        self.most.setText(_text(preset.max_new_tokens))
        is_own = saying.book.is_own(preset.key)
        self.reset_button.setText("Delete" if is_own else "Reset")
        self.reset_button.setAccessibleName(f"Delete {preset.name}" if is_own else f"Reset {preset.name}")
        self.reset_button.setEnabled(is_own or saying.book.is_changed(preset.key))
        self._complain("")

    def _choose(self, index: int) -> None:
        self._saying.choose_preset(str(self.chooser.itemData(index)))

    def _save(self) -> None:
        self._try(self._saying.save_preset)

    def _copy(self) -> None:
        def copy(preset: Preset) -> None:
            old = self._saying.preset.name
            name = preset.name if preset.name != old else f"My {old[:1].lower()}{old[1:]}"
            own = self._saying.copy_preset(name)
            self._saying.save_preset(dataclasses.replace(preset, key=own.key, name=name))

        self._try(copy)

    def _reset(self) -> None:
        self._saying.reset_preset(self._saying.preset.key)

    def _try(self, use: Callable[[Preset], None]) -> None:
        try:
            preset = dataclasses.replace(
                self._saying.preset,
                name=self.name.text().strip(),
                form=self.form.text().strip(),
                query=" ".join(self.query.toPlainText().split()),
                temperature=_number(self.temperature, float),
                top_p=_number(self.top_p, float),
                max_new_tokens=_number(self.most, int),
            )
            use(preset)
        except PresetError as error:
            self._complain(error.line)

    def _complain(self, words: str) -> None:
        self.problem.setText(words)
        self.problem.setVisible(bool(words))

    def _fit(self) -> None:
        self.query.setFixedHeight(self.query.fontMetrics().lineSpacing() * _QUERY_LINES + 2 * SPACE_12)

    def _line(self, name: str, sentence: str) -> QLineEdit:
        box = QLineEdit(self)
        box.setAccessibleName(name)
        box.setAccessibleDescription(sentence)
        box.setToolTip(sentence)
        return box

    def _button(self, words: str, sentence: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(words, self)
        button.setProperty("role", "plain")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(words)
        button.setAccessibleDescription(sentence)
        button.setToolTip(sentence)
        button.clicked.connect(lambda: act())
        return button

    def _lay_out(self) -> None:
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Persona", self.chooser),
            ("Name", self.name),
            ("Asked to", self.query),
            ("Title's form", self.form),
            ("Freedom", self.temperature),
            ("Top p", self.top_p),
            ("Words a second", self.most),
        )
        form = QFormLayout()
        form.setHorizontalSpacing(SPACE_16)
        form.setVerticalSpacing(SPACE_8)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for words, widget in fields:
            label = QLabel(words, self)
            label.setBuddy(widget)
            form.addRow(label, widget)
            if widget is self.chooser:
                form.addRow("", self.sentence)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        for button in (self.save_button, self.copy_button, self.reset_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_12, 0, SPACE_12)
        column.setSpacing(SPACE_12)
        column.addLayout(form)
        column.addWidget(self.problem)
        column.addLayout(buttons)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _number(box: QLineEdit, kind: Callable[[str], Number]) -> Number | None:
    text = box.text().strip().replace(",", ".")
    if not text:
        return None
    try:
        return kind(text)
    except ValueError as error:
        raise PresetError(f"{box.accessibleName().lower()} is {text!r}", hint="Write a number.") from error
