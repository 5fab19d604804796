"""The transcript's rows as text that can be selected, copied, searched and read by a screen reader.

Knows how a row is written and when to follow the newest. Knows no find box, and nothing of captions or speech.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QTextEdit, QWidget

from app.theme.theme import Theme
from app.theme.tokens import SMALL_TEXT_PX, SPACE_4, SPACE_8, SPACE_12, SPACE_16
from app.window.state.transcript import Match, TranscriptState, clock

_MAX_MARKED = 500
"""Matches that are coloured at once; the find keys reach all of them."""


class TranscriptView(QTextEdit):
    """The rows as text. Follows the newest row unless a person scrolled up."""

    following_changed = Signal(bool)

    def __init__(self, state: TranscriptState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName("Transcript")
        self.setAccessibleDescription("Everything that was said, oldest first.")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.verticalScrollBar().setAccessibleName("Scroll the transcript")
        self.horizontalScrollBar().setAccessibleName("Scroll the transcript sideways")
        self.document().setDocumentMargin(SPACE_16)
        self._state = state
        self._theme = theme
        self._is_following = True
        self._is_inserting = False
        self._block_of_row: list[int] = []
        self._offset_of_row: list[int] = []
        state.row_added.subscribe(self._add_row)
        state.row_grew.subscribe(self._grow_row)
        state.cleared.subscribe(self._rebuild)
        theme.changed.connect(self._rebuild)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().rangeChanged.connect(lambda *_: self._follow())

    @property
    def is_following(self) -> bool:
        """Whether the newest row is kept in sight."""
        return self._is_following

    def follow(self) -> None:
        """Go to the newest row and stay there."""
        self._set_following(True)
        self._follow()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Space is the window's: it starts and stops."""
        if event.key() == Qt.Key.Key_Space:
            event.ignore()
            return
        super().keyPressEvent(event)

    def mark(self, matches: list[Match], current: int | None, *, moves: bool = True) -> None:
        """Colour what was found; `moves` brings the current one into sight."""
        selections = []
        first = max(0, min((current or 0) - _MAX_MARKED // 2, len(matches) - _MAX_MARKED))
        for index, match in enumerate(matches[first : first + _MAX_MARKED], start=first):
            selection = QTextEdit.ExtraSelection()
            palette = self._theme.palette
            is_current = index == current
            colour_format = QTextCharFormat()
            colour_format.setBackground(QColor(palette.accent if is_current else palette.found))
            colour_format.setForeground(QColor(palette.on_accent if is_current else palette.text))
            selection.format = colour_format
            selection.cursor = self._cursor_at(match)
            selections.append(selection)
        self.setExtraSelections(selections)
        if moves and current is not None and matches:
            self._set_following(False)
            cursor = self._cursor_at(matches[current])
            cursor.clearSelection()
            self.setTextCursor(cursor)
            self.ensureCursorVisible()

    def _cursor_at(self, match: Match) -> QTextCursor:
        block = self.document().findBlockByNumber(self._block_of_row[match.row])
        start = block.position() + self._offset_of_row[match.row]
        cursor = QTextCursor(self.document())
        cursor.setPosition(start + match.start)
        cursor.setPosition(start + match.end, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _add_row(self, index: int) -> None:
        row = self._state.rows[index]
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        block_format = QTextBlockFormat()
        block_format.setBottomMargin(SPACE_8)
        if row.start_s is not None:
            column = self._time_column_px(row.start_s)
            block_format.setLeftMargin(column)
            block_format.setTextIndent(-column)
            tab = QTextOption.Tab(column, QTextOption.TabType.LeftTab)
            block_format.setTabPositions([tab])
        else:
            block_format.setTopMargin(SPACE_16 if index else 0)
        self._is_inserting = True
        if index:
            cursor.insertBlock(block_format, self._word_format())
        else:
            cursor.setBlockFormat(block_format)
            cursor.setBlockCharFormat(self._word_format())
        time_words = f"{clock(row.start_s)}\t" if row.start_s is not None else ""
        if time_words:
            cursor.insertText(time_words, self._time_format())
        cursor.insertText(row.text, self._word_format() if time_words else self._heading_format())
        self._is_inserting = False
        self._block_of_row.append(cursor.blockNumber())
        self._offset_of_row.append(len(time_words))
        self._follow()

    def _grow_row(self, index: int, addition: str) -> None:
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(addition, self._word_format())
        self._follow()

    def _rebuild(self) -> None:
        self.clear()
        self.setExtraSelections([])
        self._block_of_row.clear()
        self._offset_of_row.clear()
        for index in range(len(self._state.rows)):
            self._add_row(index)

    def _time_column_px(self, time_s: float) -> int:
        widest = "0:00:00" if time_s >= 3600 else "00:00"
        metrics = QFontMetrics(self._theme.font(SMALL_TEXT_PX))
        return metrics.horizontalAdvance(widest) + SPACE_12

    def _word_format(self) -> QTextCharFormat:
        text_format = QTextCharFormat()
        text_format.setForeground(QColor(self._theme.palette.text))
        return text_format

    def _time_format(self) -> QTextCharFormat:
        text_format = QTextCharFormat()
        text_format.setForeground(QColor(self._theme.palette.quiet_text))
        text_format.setProperty(QTextCharFormat.Property.FontPixelSize.value, self._theme.px(SMALL_TEXT_PX))
        return text_format

    def _heading_format(self) -> QTextCharFormat:
        text_format = self._time_format()
        text_format.setFontWeight(QFont.Weight.DemiBold)
        return text_format

    def _scrolled(self, value: int) -> None:
        if not self._is_inserting:
            bar = self.verticalScrollBar()
            self._set_following(value >= bar.maximum() - SPACE_4)

    def _set_following(self, is_following: bool) -> None:
        if is_following != self._is_following:
            self._is_following = is_following
            self.following_changed.emit(is_following)

    def _follow(self) -> None:
        if self._is_following:
            self._is_inserting = True
            bar = self.verticalScrollBar()
            bar.setValue(bar.maximum())
            self._is_inserting = False
