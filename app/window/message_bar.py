"""The bar under the top bar that says what happened.

Knows how a message is shown: words, one button that helps, folded details. Knows nothing of what went wrong.
"""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.theme.icons import icon_pixmap
from app.theme.theme import Theme
from app.theme.tokens import ICON_PX, SPACE_8, SPACE_12
from app.window.icon_button import IconButton
from app.window.state.messages import Message, MessageState

_DETAILS_HEIGHT_PX = 140


class MessageBar(QFrame):
    """Shows a MessageState; hidden while there is none."""

    def __init__(self, state: MessageState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self.setProperty("role", "message")
        self.setAccessibleName("Message")
        self._state = state
        self._theme = theme
        self._shown: Message | None = None
        self._former: QWidget | None = None
        self._icon = QLabel(self)
        self._icon.setAccessibleName("Kind of message")
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAccessibleName("What happened")
        self.action_button = QPushButton(self)
        self.action_button.setProperty("role", "plain")
        self.action_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.action_button.setAccessibleName("What helps")
        self.action_button.setAccessibleDescription("Do what helps, and close this message.")
        self.details_button = IconButton(
            theme,
            "chevron-down",
            "Details",
            "Show or hide what a bug report needs.",
            role="ghost",
            text="Details",
        )
        self.details_button.setCheckable(True)
        self.close_button = IconButton(theme, "close", "Close the message", "Close this message.")
        self.details = QPlainTextEdit(self)
        self.details.setProperty("role", "details")
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName("Details")
        self.details.setAccessibleDescription("What a bug report needs.")
        self.details.verticalScrollBar().setAccessibleName("Scroll the details")
        self.details.horizontalScrollBar().setAccessibleName("Scroll the details sideways")
        self.copy_button = IconButton(
            theme, "copy", "Copy the details", "Copy the details to the clipboard.", role="ghost", text="Copy"
        )
        self._lay_out()
        self.action_button.clicked.connect(state.act)
        self.details_button.toggled.connect(self._unfold)
        self.close_button.clicked.connect(state.dismiss)
        self.copy_button.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(self.details.toPlainText())
        )
        state.changed.subscribe(self._show)
        theme.changed.connect(self._show_icon)
        self._show()

    def go(self) -> bool:
        """Put the keyboard on the button that helps, or on the one that closes; False if there is no message."""
        if self.isHidden():
            return False
        if not self._has_keyboard:
            self._former = self.window().focusWidget()
        button = self.close_button if self.action_button.isHidden() else self.action_button
        button.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return True

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(SPACE_8)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.words, 1)
        row.addWidget(self.details_button)
        row.addWidget(self.action_button)
        row.addWidget(self.close_button)
        below = QHBoxLayout()
        below.setSpacing(SPACE_8)
        below.addWidget(self.details, 1)
        below.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_12, SPACE_8, SPACE_12, SPACE_8)
        column.setSpacing(SPACE_8)
        column.addLayout(row)
        column.addLayout(below)
        self.details.setFixedHeight(_DETAILS_HEIGHT_PX)

    def _show(self) -> None:
        message = self._state.current
        if message is None:
            self._shown = None
            self._leave()
            self.hide()
            return
        self.show()
        waiting = self._state.waiting_in_words
        words = f"{message.text}\n{waiting}" if waiting else message.text
        self.words.setText(words)
        self.words.setAccessibleDescription(words)
        self.setAccessibleDescription(words)
        if message is self._shown:
            return  # only those that wait are others: its details stay as they are
        self._shown = message
        has_keyboard = self._has_keyboard
        self.action_button.setText(message.action)
        self.action_button.setAccessibleName(message.action or "What helps")
        self.action_button.setVisible(bool(message.action))
        self.details.setPlainText(message.details)
        self.details_button.setVisible(bool(message.details))
        self.details_button.setChecked(False)
        self._unfold(False)
        self._show_icon()
        if has_keyboard:
            self.go()

    def _show_icon(self) -> None:
        message, palette, side = self._state.current, self._theme.palette, self._theme.px(ICON_PX)
        name = "warning" if message is None or message.is_error else "info"
        self._icon.setPixmap(icon_pixmap(name, palette.accent, side, self.devicePixelRatioF()))
        self._icon.setFixedSize(QSize(side, side))

    def _unfold(self, is_open: bool) -> None:
        self.details.setVisible(is_open)
        self.copy_button.setVisible(is_open)
        self.details_button.set_icon("chevron-up" if is_open else "chevron-down")

    @property
    def _has_keyboard(self) -> bool:
        return self.isAncestorOf(self.window().focusWidget())

    def _leave(self) -> None:
        """Give the keyboard back to where it came from."""
        former, self._former = self._former, None
        if former is not None and isValid(former) and self._has_keyboard:
            former.setFocus(Qt.FocusReason.OtherFocusReason)
