"""Controls of the settings page: for each kind of setting one that fits.

Knows how a value of a declared type is shown and changed by mouse and keyboard. Knows no setting, and nothing of where
values are kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontDatabase, QIcon, QPainter, QPixmap, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from app.settings import Declared
from app.theme.theme import Theme
from app.theme.tokens import ICON_PX, SPACE_8
from app.window.icon_button import IconButton
from app.window.menu import Choice, Menu
from app.window.naming import name_parts

Changed = Callable[[Any], None]

NAMED_COLOURS = (
    ("White", "#FFFFFF"),
    ("Black", "#000000"),
    ("Yellow", "#FFD400"),
    ("Cyan", "#40E0FF"),
    ("Green", "#7CFC8A"),
    ("Orange", "#FF9A3D"),
    ("Pink", "#FF9AD5"),
    ("Blue", "#0B3D91"),
)
THEMES_OWN = "The theme's"
DESKTOPS_OWN = "The desktop's"

_LARGEST_INT = 1_000_000


class Control(Protocol):
    """What all controls have besides being widgets."""

    def show_value(self, value: Any) -> None:
        """Show this one; tells nobody."""
        ...


def make_control(entry: Declared, theme: Theme, changed: Changed, parent: QWidget) -> QWidget:
    """A control for a setting, which also is a `Control`; `changed` is called with each value that a person picks."""
    control: QWidget
    if entry.choices:
        control = ChoiceControl(entry.choices, changed, parent)
    elif isinstance(entry.default, bool):
        control = SwitchControl(changed, parent)
    elif isinstance(entry.default, int):
        control = WholeNumberControl(entry, changed, parent)
    elif isinstance(entry.default, float):
        control = NumberControl(entry, changed, parent)
    elif entry.kind == "colour":
        control = ColourControl(entry, theme, changed, parent)
    elif entry.kind == "font":
        families = [("", DESKTOPS_OWN), *((name, name) for name in QFontDatabase.families())]
        control = ChoiceControl(families, changed, parent)
    elif entry.kind == "folder":
        control = FolderControl(entry, changed, parent)
    elif entry.kind == "secret":
        control = SecretControl(entry, changed, parent)
    elif isinstance(entry.default, tuple):
        control = ListControl(changed, parent)
    else:
        control = TextControl(changed, parent)
    for widget in (control, *control.findChildren(QWidget)):
        if not widget.accessibleDescription():
            widget.setAccessibleDescription(entry.description)
    if not control.accessibleName():
        control.setAccessibleName(entry.label)
    name_parts(control)
    return control


def in_words(entry: Declared, value: Any) -> str:
    """A value as a person reads it."""
    for choice, words in entry.choices:
        if choice == value:
            return words
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if entry.kind in ("colour", "font") and not value:
        return THEMES_OWN if entry.kind == "colour" else DESKTOPS_OWN
    if entry.kind == "secret" and value:
        return "kept secret"
    if isinstance(value, str):
        return value or "empty"
    return f"{value:g}{_unit(entry)}"


def _limits(entry: Declared) -> tuple[float, float]:
    """The least and most that a spin box can hold where the declaration has no limit of its own."""
    least = entry.minimum if math.isfinite(entry.minimum) else -_LARGEST_INT
    most = entry.maximum if math.isfinite(entry.maximum) else _LARGEST_INT
    return least, most


def _unit(entry: Declared) -> str:
    return entry.unit if entry.unit in ("", "%") else f" {entry.unit}"


class SwitchControl(QCheckBox):
    """On or off, in words too."""

    def __init__(self, changed: Changed, parent: QWidget) -> None:
        super().__init__(parent)
        self.toggled.connect(self._say)
        self.clicked.connect(lambda is_on: changed(bool(is_on)))
        self._say()

    def show_value(self, value: bool) -> None:
        """Show this one."""
        self.setChecked(value)

    def _say(self) -> None:
        self.setText("On" if self.isChecked() else "Off")


class ChoiceControl(QComboBox):
    """One of several."""

    def __init__(self, choices: Any, changed: Changed, parent: QWidget) -> None:
        super().__init__(parent)
        self._values = [value for value, _ in choices]
        self.addItems([words for _, words in choices])
        self.setMaxVisibleItems(14)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.activated.connect(lambda index: changed(self._values[index]))

    def show_value(self, value: Any) -> None:
        """Show this one."""
        self.setCurrentIndex(self._values.index(value) if value in self._values else -1)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """The wheel scrolls the page; what is under the pointer by chance keeps its value."""
        event.ignore()


class WholeNumberControl(QSpinBox):
    """A whole number within limits."""

    def __init__(self, entry: Declared, changed: Changed, parent: QWidget) -> None:
        super().__init__(parent)
        least, most = _limits(entry)
        self.setRange(int(least), int(most))
        self.setSuffix(_unit(entry))
        self.lineEdit().setTextMargins(SPACE_8, 0, 0, 0)
        self.setKeyboardTracking(False)
        self._is_showing = False
        self.valueChanged.connect(lambda value: None if self._is_showing else changed(value))

    def show_value(self, value: int) -> None:
        """Show this one."""
        self._is_showing = True
        self.setValue(value)
        self._is_showing = False

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """The wheel scrolls the page."""
        event.ignore()


class NumberControl(QDoubleSpinBox):
    """A number within limits."""

    def __init__(self, entry: Declared, changed: Changed, parent: QWidget) -> None:
        super().__init__(parent)
        least, most = _limits(entry)
        is_fine = most - least <= 5
        self.setDecimals(2 if is_fine else 1)
        self.setSingleStep(0.05 if is_fine else 0.5)
        self.setRange(least, most)
        self.setSuffix(_unit(entry))
        self.lineEdit().setTextMargins(SPACE_8, 0, 0, 0)
        self.setKeyboardTracking(False)
        self._is_showing = False
        self.valueChanged.connect(lambda value: None if self._is_showing else changed(round(value, 3)))

    def show_value(self, value: float) -> None:
        """Show this one."""
        self._is_showing = True
        self.setValue(value)
        self._is_showing = False

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """The wheel scrolls the page."""
        event.ignore()


class TextControl(QLineEdit):
    """Any text; taken when it is left, or with Enter."""

    def __init__(self, changed: Changed, parent: QWidget) -> None:
        super().__init__(parent)
        self._shown = ""
        self._changed = changed
        self.editingFinished.connect(self._take)

    def show_value(self, value: str) -> None:
        """Show this one."""
        self._shown = value
        if value != self.text():
            self.setText(value)

    def _take(self) -> None:
        if self.text() != self._shown:
            self._shown = self.text()
            self._changed(self.text())


class ListControl(TextControl):
    """Several texts with commas between them."""

    def __init__(self, changed: Changed, parent: QWidget) -> None:
        super().__init__(
            lambda text: changed(tuple(part.strip() for part in text.split(",") if part.strip())), parent
        )

    def show_value(self, value: Any) -> None:
        """Show these."""
        super().show_value(", ".join(value))


class ColourControl(QPushButton):
    """A colour by its name, one of any kind, or the theme's."""

    def __init__(self, entry: Declared, theme: Theme, changed: Changed, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "field")
        self._entry = entry
        self._theme = theme
        self._changed = changed
        self._value = ""
        self.setMenu(Menu(theme, entry.label, self._entries, self))

    def show_value(self, value: str) -> None:
        """Show this one."""
        self._value = value
        self.setText(self._name(value))
        self.setIcon(_swatch(value, self._theme.palette.line, self._theme.px(ICON_PX)))
        self.setIconSize(QSize(self._theme.px(ICON_PX), self._theme.px(ICON_PX)))
        self.setAccessibleName(f"{self._entry.label}: {self.text()}")

    def _name(self, value: str) -> str:
        if not value:
            return THEMES_OWN
        return next((name for name, colour in NAMED_COLOURS if colour == value.upper()), value.upper())

    def _entries(self) -> list[Choice]:
        def pick(value: str) -> Callable[[], None]:
            return lambda: self._changed(value)

        entries = [Choice(text=THEMES_OWN, act=pick(""), is_chosen=not self._value)]
        entries += [
            Choice(text=name, act=pick(colour), is_chosen=self._value.upper() == colour)
            for name, colour in NAMED_COLOURS
        ]
        entries.append(Choice(text="Another…", act=self._ask, has_line_above=True))
        return entries

    def _ask(self) -> None:
        dialog = QColorDialog(QColor(self._value or "#FFFFFF"), self)
        dialog.setWindowTitle(self._entry.label)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda colour: self._changed(colour.name().upper()))
        dialog.open()


class FolderControl(QWidget):
    """A folder: typed, or chosen in a dialog."""

    def __init__(self, entry: Declared, changed: Changed, parent: QWidget) -> None:
        super().__init__(parent)
        self._entry = entry
        self._changed = changed
        self.box = TextControl(changed, self)
        self.box.setPlaceholderText("Usual")
        self.button = QPushButton("Choose…", self)
        self.button.setProperty("role", "plain")
        self.button.setAccessibleName(f"Choose: {entry.label}")
        self.button.clicked.connect(self._ask)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_8)
        row.addWidget(self.box, 1)
        row.addWidget(self.button)
        self.setFocusProxy(self.box)

    def show_value(self, value: str) -> None:
        """Show this one."""
        self.box.show_value(value)

    def _ask(self) -> None:
        dialog = QFileDialog(self, self._entry.label)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self.box.text() and Path(self.box.text()).is_dir():
            dialog.setDirectory(self.box.text())
        dialog.fileSelected.connect(self._changed)
        dialog.open()


class SecretControl(QWidget):
    """A text that is shown only while a person asks for it."""

    def __init__(self, entry: Declared, changed: Changed, parent: QWidget) -> None:
        super().__init__(parent)
        self.box = TextControl(changed, self)
        self.box.setEchoMode(QLineEdit.EchoMode.Password)
        self.button = QPushButton("Show", self)
        self.button.setProperty("role", "plain")
        self.button.setCheckable(True)
        self.button.setAccessibleName(f"Show: {entry.label}")
        self.button.toggled.connect(self._reveal)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_8)
        row.addWidget(self.box, 1)
        row.addWidget(self.button)
        self.setFocusProxy(self.box)

    def show_value(self, value: str) -> None:
        """Show that there is one."""
        self.box.show_value(value)

    def _reveal(self, is_shown: bool) -> None:
        modes = QLineEdit.EchoMode
        self.box.setEchoMode(modes.Normal if is_shown else modes.Password)
        self.button.setText("Hide" if is_shown else "Show")


def reset_button(entry: Declared, theme: Theme, reset: Callable[[], None], parent: QWidget) -> IconButton:
    """The button that brings back what a setting usually is."""
    usual = in_words(entry, entry.default)
    button = IconButton(theme, "reset", f"Reset {entry.label}", f"Back to the usual: {usual}.", parent=parent)
    button.clicked.connect(reset)
    return button


def _swatch(colour: str, line: str, side: int) -> QIcon:
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(line))
    painter.setBrush(QColor(colour) if colour else Qt.BrushStyle.BDiagPattern)
    painter.drawRoundedRect(QRectF(1, 1, side - 2, side - 2), 4, 4)
    painter.end()
    return QIcon(pixmap)
