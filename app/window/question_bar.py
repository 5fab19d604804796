"""The question bar: a line to ask the commentator something, and how the question stands.

Knows the line and its words. Knows nothing of how a question reaches the model.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12
from app.window.icon_button import IconButton
from app.window.saying import Saying
from app.window.state.question import MAX_CHARACTERS, QuestionState


class QuestionBar(QFrame):
    """Hidden until somebody asks."""

    def __init__(
        self, saying: Saying, state: QuestionState, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("question")
        self.setProperty("role", "bar")
        self.setProperty("edge", "top")
        self.setAccessibleName("Question")
        self._saying = saying
        self._state = state
        self._back: QWidget | None = None
        self.box = QLineEdit(self)
        self.box.setPlaceholderText("Ask about what you see")
        self.box.setMaxLength(MAX_CHARACTERS)
        self.box.setAccessibleName("Question to the commentator")
        self.box.setAccessibleDescription(
            "Enter asks, Esc closes. The answer stands in captions and transcript."
        )
        self.ask_button = QPushButton("Ask", self)
        self.ask_button.setProperty("role", "plain")
        self.ask_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.ask_button.setAccessibleName("Ask")
        self.ask_button.setAccessibleDescription("Ask this (Enter).")
        self.words = QLabel(self)
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.words.setAccessibleName("How the question stands")
        self.close_button = IconButton(
            theme, "close", "Close the question", "Close this line (Esc).", parent=self
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_12, SPACE_8, SPACE_12, SPACE_8)
        row.setSpacing(SPACE_8)
        row.addWidget(self.box, 3)
        row.addWidget(self.ask_button)
        row.addWidget(self.words, 2)
        row.addWidget(self.close_button)
        self.box.returnPressed.connect(self._ask)
        self.ask_button.clicked.connect(self._ask)
        self.close_button.clicked.connect(self.shut)
        state.changed.subscribe(self._show)
        self._show()
        self.hide()

    def open(self) -> None:
        """Show it, with the keyboard in the line."""
        if not self.isVisible():
            self._back = self.window().focusWidget()
        self.show()
        self.box.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.box.selectAll()

    def shut(self) -> None:
        """Hide it; the keyboard goes back to where it was."""
        self.hide()
        if self._back is not None and self._back.isVisible():
            self._back.setFocus(Qt.FocusReason.OtherFocusReason)

    def _ask(self) -> None:
        if self._saying.ask(self.box.text()):
            self.box.clear()

    def _show(self) -> None:
        self.words.setText(self._state.words)
        self.words.setVisible(bool(self._state.words))
