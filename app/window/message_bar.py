"""The bar under the top bar that says what happened.

Knows how a message is shown: words, one button that helps, folded details. Knows nothing of what went wrong.
"""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
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

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as its words, and its details while they are open."""
        width, edges = self._width_px, self.size() - self.contentsRect().size()
        height = self._column.totalHeightForWidth(width) + edges.height()
        if not self.details.isHidden():
            height += _DETAILS_HEIGHT_PX - self.details.height()
        return QSize(width, height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """One line; the rest is scrolled to where there is no room."""
        lowest = self.fontMetrics().lineSpacing() + 2 * SPACE_8
        return QSize(0, min(self.sizeHint().height(), lowest))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width breaks the words elsewhere."""
        super().resizeEvent(event)
        # Of what is scrolled itself, all can be seen at once.
        room = max(self.minimumSizeHint().height(), self.contentsRect().height())
        self.details.setFixedHeight(min(_DETAILS_HEIGHT_PX, room))
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Other words or another text size want another place for the buttons; what has the keyboard is seen."""
        if event.type() is QEvent.Type.LayoutRequest:
            self._arrange()
        elif event.type() is QEvent.Type.FocusIn and isinstance(watched, QWidget):
            # Not ensureWidgetVisible, which cares for the text cursor's place only.
            place = watched.mapTo(self._content, watched.rect().center())
            self._scroll.ensureVisible(place.x(), place.y(), 0, watched.height() // 2 + 1)
        return super().eventFilter(watched, event)

    def _lay_out(self) -> None:
        self._row, self._below = QHBoxLayout(), QHBoxLayout()
        self._row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        self._row.addWidget(self.words, 1)
        self._has_buttons_below = False
        for button in (self.details_button, self.action_button, self.close_button):
            self._row.addWidget(button)
        details = QHBoxLayout()
        details.addWidget(self.details, 1)
        details.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignTop)
        self._content = content = QWidget(self)
        content.setAccessibleName("Message")
        buttons = (self.details_button, self.action_button, self.close_button, self.copy_button)
        for watched in (content, self.details, *buttons):
            watched.installEventFilter(self)
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(SPACE_12, SPACE_8, SPACE_12, SPACE_8)
        self._column.setSpacing(SPACE_8)
        for row in (self._row, self._below, details):
            row.setSpacing(SPACE_8)
            self._column.addLayout(row)
        self.details.setFixedHeight(_DETAILS_HEIGHT_PX)
        # In a small window with large text it scrolls; nothing is cut.
        self._scroll = QScrollArea(self)
        self._scroll.setAccessibleName("Message")
        self._scroll.viewport().setAccessibleName("Message")
        self._scroll.verticalScrollBar().setAccessibleName("Scroll the message")
        self._scroll.horizontalScrollBar().setAccessibleName("Scroll the message sideways")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(content)
        content.setAutoFillBackground(False)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(self._scroll)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    @property
    def _width_px(self) -> int:
        """Of all rows: while it is hidden it has no width of its own, but its window has."""
        parent, edges = self.parentWidget(), self.size() - self.contentsRect().size()
        return max(1, (parent.width() if parent is not None else self.width()) - edges.width())

    def _arrange(self) -> None:
        """The buttons go below words that would be higher beside them."""
        room = self._width_px - 2 * SPACE_12 - self._icon.width() - SPACE_8
        room -= self.close_button.sizeHint().width() + SPACE_8
        buttons = [b for b in (self.details_button, self.action_button) if not b.isHidden()]
        taken = sum(button.sizeHint().width() + SPACE_8 for button in buttons)
        control = self._theme.control_height_px
        beside = max(control, self.words.heightForWidth(max(1, room - taken)))
        below = max(control, self.words.heightForWidth(max(1, room))) + SPACE_8 + control
        has_buttons_below = below < beside
        if has_buttons_below != self._has_buttons_below:
            self._has_buttons_below = has_buttons_below
            while self._below.count():
                self._below.takeAt(0)
            for button in (self.details_button, self.action_button, self.close_button):
                self._row.removeWidget(button)
            for button in (self.details_button, self.action_button):
                (self._below if has_buttons_below else self._row).addWidget(button)
            if has_buttons_below:
                self._below.addStretch(1)
            self._row.addWidget(self.close_button)
        self.updateGeometry()

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
