"""The transcript panel: everything said, with times, and a box to find things in it.

Knows how finding works and where the parts of the panel go. Knows nothing of captions or speech.
"""

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, SPACE_16
from app.window.icon_button import IconButton
from app.window.search_box import SearchBox
from app.window.state.transcript import Match, TranscriptState
from app.window.transcript_view import TranscriptView

_ROOM_FOR_HEADING_PX = 230
"""Width of the panel, at usual text size, below which the heading makes room for the find box."""

_ROOM_FOR_NOTE_PX = 150
"""Height of the panel, at usual text size, below which the note waits for more room."""

_ROOM_FOR_NEWEST_PX = 160
"""Height of the rows, at usual text size, below which the newest button has no words."""

_EMPTY_WORDS = "What is said appears here, with the time at which it was said."


class TranscriptPanel(QFrame):
    """Heading, find box, rows, and a note that commentary may be wrong."""

    note_closed = Signal()

    def __init__(self, state: TranscriptState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAccessibleName("Transcript panel")
        self._state = state
        self._theme = theme
        self._matches: list[Match] = []
        self._current: int | None = None
        self._has_note = False
        self.view = TranscriptView(state, theme, self)
        self.find_box = SearchBox(theme, self)
        self.find_box.setObjectName("find")
        self.find_box.setPlaceholderText("Find")
        self.find_box.setAccessibleName("Find in the transcript")
        self.find_box.setToolTip("Find words in the transcript (Ctrl+F); Enter goes to the next place.")
        self.find_box.setAccessibleDescription(self.find_box.toolTip())
        self.count = QLabel(self)
        self.count.setProperty("role", "small")
        self.count.setAccessibleName("Places found")
        self.count.hide()
        self._heading = QLabel("Transcript", self)
        self._heading.setProperty("role", "title")
        self._empty_words = QLabel(_EMPTY_WORDS, self.view)
        self._empty_words.setProperty("role", "quiet")
        self._empty_words.setWordWrap(True)
        self._empty_words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._empty_words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.newest_button = IconButton(
            theme,
            "arrow-down",
            "Newest",
            "Go to the newest words and follow them.",
            role="plain",
            text="Newest",
        )
        self.newest_button.setParent(self.view)
        self.newest_button.hide()
        self.note = self._make_note()
        self._refresh = QTimer(self, singleShot=True, interval=200)
        self._lay_out()

        self._refresh.timeout.connect(self._find_again)
        self.find_box.textChanged.connect(self._find_anew)
        self.find_box.installEventFilter(self)
        self.view.installEventFilter(self)
        self.view.following_changed.connect(lambda follows: self.newest_button.setVisible(not follows))
        self.newest_button.clicked.connect(self.view.follow)
        state.row_added.subscribe(lambda _: self._empty_words.hide())
        state.cleared.subscribe(self._empty_words.show)
        state.row_added.subscribe(lambda _: self._refresh_soon())
        state.row_grew.subscribe(lambda *_: self._refresh_soon())
        state.rows_added.subscribe(lambda _: self._empty_words.hide())
        state.rows_added.subscribe(lambda _: self._refresh_soon())
        state.cleared.subscribe(self._find_again)
        theme.changed.connect(self._retheme)

    @property
    def found(self) -> str:
        """What the count beside the find box says."""
        return self.count.text()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Enter in the find box walks through what was found; the newest button keeps its corner."""
        if watched is self.find_box and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                backwards = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
                self.walk(-1 if backwards else 1)
                return True
        elif watched is self.view and event.type() == QEvent.Type.Resize:
            self._place_on_view()
        return False

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """No: a layout would take the height that it wants for one that it needs."""
        return False

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The find box and a line or two; whatever lies above and below has more to say where there is little room."""
        return QSize(0, 2 * self.find_box.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """In a narrow panel the find box needs the heading's place."""
        super().resizeEvent(event)
        self._make_room()

    @property
    def has_note(self) -> bool:
        """Whether the note that commentary may be wrong is to be read, room permitting."""
        return self._has_note

    def show_note(self, *, is_shown: bool) -> None:
        """Show or hide that note."""
        self._has_note = is_shown
        self._make_room()

    def walk(self, step: int) -> None:
        """Go to the next (1) or previous (-1) place that was found."""
        if self._matches:
            start = self._current if self._current is not None else (-1 if step > 0 else 0)
            self._current = (start + step) % len(self._matches)
            self._show_matches()

    def _make_note(self) -> QFrame:
        note = QFrame(self)
        note.setProperty("role", "bar")
        note.setProperty("edge", "top")
        note.setAccessibleName("Note")
        words = QLabel("Commentary may be wrong.", note)
        words.setProperty("role", "small")
        words.setWordWrap(True)
        close = IconButton(self._theme, "close", "Close the note", "Close this note for good.")
        close.clicked.connect(lambda: self.show_note(is_shown=False))
        close.clicked.connect(self.note_closed)
        row = QHBoxLayout(note)
        row.setContentsMargins(SPACE_16, SPACE_8, SPACE_8, SPACE_8)
        row.setSpacing(SPACE_8)
        row.addWidget(words, 1)
        row.addWidget(close)
        note.hide()
        return note

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(SPACE_16, SPACE_12, SPACE_16, SPACE_8)
        top.setSpacing(SPACE_12)
        top.addWidget(self._heading)
        top.addWidget(self.find_box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.count, 0, Qt.AlignmentFlag.AlignRight)
        column.addWidget(self.view, 1)
        column.addWidget(self.note)
        self.count.setContentsMargins(SPACE_16, 0, SPACE_16, 0)

    def _place_on_view(self) -> None:
        self._empty_words.setGeometry(self.view.rect().adjusted(SPACE_16, SPACE_16, -SPACE_16, -SPACE_16))
        is_roomy = self.view.height() >= self._theme.px(_ROOM_FOR_NEWEST_PX)
        self.newest_button.setText("Newest" if is_roomy else "")
        self.newest_button.setProperty("role", "plain" if is_roomy else "small-icon")
        self.newest_button.style().polish(self.newest_button)
        size = self.newest_button.sizeHint()
        self.newest_button.setGeometry(
            (self.view.width() - size.width()) // 2
            if is_roomy
            else self.view.width() - size.width() - SPACE_16,
            self.view.height() - size.height() - SPACE_12,
            size.width(),
            size.height(),
        )

    def _make_room(self) -> None:
        self.note.setVisible(self._has_note and self.height() >= self._theme.px(_ROOM_FOR_NOTE_PX))
        has_room = self.width() >= self._theme.px(_ROOM_FOR_HEADING_PX)
        self._heading.setVisible(has_room)
        self.find_box.setPlaceholderText("Find" if has_room else "Find words")

    def _retheme(self) -> None:
        self._make_room()
        self._place_on_view()

    def _refresh_soon(self) -> None:
        if self.find_box.text() and not self._refresh.isActive():
            self._refresh.start()

    def _find_anew(self) -> None:
        self._current = None
        self._find_again()
        self.walk(1)

    def _find_again(self) -> None:
        self._matches = self._state.find(self.find_box.text())
        if self._current is not None and self._current >= len(self._matches):
            self._current = None
        self._show_matches(moves=False)

    def _show_matches(self, *, moves: bool = True) -> None:
        wanted = self.find_box.text().strip()
        self.count.setVisible(bool(wanted))
        if not wanted:
            self.view.mark([], None)
            return
        if not self._matches:
            self.count.setText("Nothing found")
        elif self._current is None:
            self.count.setText(f"{len(self._matches)} found")
        else:
            self.count.setText(f"{self._current + 1} of {len(self._matches)}")
        self.view.mark(self._matches, self._current, moves=moves)
