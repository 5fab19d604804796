"""The form under "What is this?": what it is, teams, people, and the language, for those who want to tell more.

Knows its fields and how they follow the state. Knows nothing of how a model is told.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.theme.tokens import SPACE_8, SPACE_12, SPACE_16
from app.window.controller import Controller

_FIELDS = (
    ("title", "What it is", "Cup final at the Riverside, second half"),
    ("teams", "Teams or groups", "Lions in red, Bears in blue"),
    ("people", "People", "Lions: 7 Okafor, 9 Lind. Referee: Wahl"),
)


class BriefForm(QFrame):
    """Opens below the top bar."""

    closed = Signal()
    """A person is done with it."""

    def __init__(self, controller: Controller, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("brief")
        self.setProperty("role", "bar")
        self.setProperty("edge", "bottom")
        self.setAccessibleName("What is this?")
        self._controller = controller
        self._back: QWidget | None = None
        form = QFormLayout()
        form.setHorizontalSpacing(SPACE_16)
        form.setVerticalSpacing(SPACE_8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self.boxes: dict[str, QLineEdit] = {}
        for name, label, example in _FIELDS:
            box = QLineEdit(self)
            box.setObjectName(f"brief-{name}")
            box.setPlaceholderText(example)
            box.setAccessibleName(label)
            box.setAccessibleDescription(f"For example: {example}.")
            box.textEdited.connect(lambda _: self._tell())
            words = QLabel(label, self)
            words.setBuddy(box)
            form.addRow(words, box)
            self.boxes[name] = box
        self.note = QLabel(self)
        self.note.setProperty("role", "quiet")
        self.note.setWordWrap(True)
        self.note.setAccessibleName("How it is used")
        self._content = QWidget(self)
        self._content.setAccessibleName("What is this?")
        self._column = column = QVBoxLayout(self._content)
        column.setContentsMargins(SPACE_16, SPACE_12, SPACE_16, SPACE_12)
        column.setSpacing(SPACE_8)
        column.addLayout(form)
        column.addWidget(self.note)
        # In a small window with large text it scrolls; nothing is cut.
        self._scroll = QScrollArea(self)
        self._scroll.setAccessibleName("What is this?")
        self._scroll.viewport().setAccessibleName("What is this?")
        self._scroll.verticalScrollBar().setAccessibleName("Scroll the form")
        self._scroll.horizontalScrollBar().setAccessibleName("Scroll the form sideways")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(self._content)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(self._scroll)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        controller.state.title_changed.subscribe(self._show)
        controller.saying.changed.subscribe(self._show)
        self._show()
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as its fields and words."""
        width = max(self.width(), 1)
        return QSize(width, self._column.totalHeightForWidth(width) + 1)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """One field and a part of the next, which tells that there are more."""
        return QSize(0, self.boxes["title"].sizeHint().height() * 2)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width breaks the words elsewhere."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def toggle(self, *, is_open: bool) -> None:
        """Open it, with the keyboard in its first field, or close it."""
        if is_open and not self.isVisible():
            self._back = self.window().focusWidget()
            self.show()
            self.boxes["title"].setFocus(Qt.FocusReason.OtherFocusReason)
        elif not is_open and self.isVisible():
            self.hide()
            if self._back is not None and self._back.isVisible():
                self._back.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter closes it; so does Esc, which is the window's key."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _tell(self) -> None:
        self._controller.set_title(self.boxes["title"].text())
        self._controller.saying.set_details(
            teams=self.boxes["teams"].text(), people=self.boxes["people"].text()
        )

    def _show(self) -> None:
        brief = self._controller.saying.brief
        for name, value in brief.values.items():
            box = self.boxes[name]
            if box.text() != value:
                box.setText(value)
                box.setCursorPosition(0)
        preset = self._controller.saying.preset
        told = preset.title(brief.values)
        if not self._controller.saying.model.follows_requests:
            told = brief.line
        said = f"The commentator is told: {told}" if told else "The commentator knows only what stands here."
        self.note.setText(f"{said} Used from the next start.")
        self.updateGeometry()
