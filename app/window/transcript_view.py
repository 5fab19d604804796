"""The transcript's rows as text that can be selected, copied, searched and read by a screen reader.

Knows how a row is written, its time beside it, and when to follow the newest. However long the transcript, only the
rows in sight cost anything. Knows no find box, and nothing of captions or speech.
"""

import bisect
import contextlib
from collections.abc import Callable, Iterator

from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QPlainTextDocumentLayout, QPlainTextEdit, QTextEdit, QWidget
from shiboken6 import isValid

from app.theme.theme import Theme
from app.theme.tokens import BODY_TEXT_PX, SMALL_TEXT_PX, SPACE_8, SPACE_12, SPACE_16
from app.window.state.transcript import Match, TranscriptState, clock


class _RowLayout(QPlainTextDocumentLayout):
    """Plain lines of text with a little room after each row; those of a row that is read from the right begin there."""

    def blockBoundingRect(self, block: QTextBlock) -> QRectF:  # noqa: N802 - Qt's name
        """The row and the room after it."""
        place = super().blockBoundingRect(block)
        if block.textDirection() == Qt.LayoutDirection.RightToLeft:
            layout, margin = block.layout(), self.document().documentMargin()
            for number in range(layout.lineCount()):
                line = layout.lineAt(number)
                line.setPosition(QPointF(margin + line.width() - line.naturalTextWidth(), line.y()))
        return place.adjusted(0, 0, 0, SPACE_8)


class TranscriptView(QPlainTextEdit):
    """The rows; block i of the document is row i. Follows the newest row unless a person scrolled up."""

    following_changed = Signal(bool)
    row_chosen = Signal(int)
    """A person clicked a row, or pressed Enter on it, and it is one that can be gone to."""

    def __init__(self, state: TranscriptState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName("Transcript")
        self.setAccessibleDescription("Everything that was said, oldest first.")
        self.verticalScrollBar().setAccessibleName("Scroll the transcript")
        self.horizontalScrollBar().setAccessibleName("Scroll the transcript sideways")
        self._state = state
        self._theme = theme
        self._is_following = True
        self._is_moving_itself = False
        self._matches: list[Match] = []
        self._copied: QMimeData | None = None
        self._pressed_at: QPoint | None = None
        self._leads_somewhere: Callable[[int], bool] = lambda _: False
        self._current: int | None = None
        document = QTextDocument(self)
        document.setDocumentLayout(_RowLayout(document))
        document.setDocumentMargin(SPACE_12)
        document.setUndoRedoEnabled(False)
        self.setDocument(document)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._times = _Times(self)
        state.row_added.subscribe(self._add_row)
        state.row_grew.subscribe(self._grow_row)
        state.rows_added.subscribe(self._add_rows)
        state.cleared.subscribe(self._clear)
        theme.changed.connect(self._retheme)
        self.updateRequest.connect(self._times.follow)
        self.cursorPositionChanged.connect(self._tell_time)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().rangeChanged.connect(lambda *_: self._follow())
        self._retheme()

    @property
    def is_following(self) -> bool:
        """Whether the newest row is kept in sight."""
        return self._is_following

    def follow(self) -> None:
        """Go to the newest row and stay there."""
        self._set_following(True)
        self._follow()

    def lead(self, leads_somewhere: Callable[[int], bool]) -> None:
        """Which rows can be gone to."""
        self._leads_somewhere = leads_somewhere

    def choose_at(self, y: int) -> None:
        """Choose the row at a height of the viewport, in pixels."""
        block = self.cursorForPosition(QPoint(0, y)).block()
        if self.blockBoundingGeometry(block).translated(self.contentOffset()).bottom() >= y:
            self._choose(block.blockNumber())

    def leads_at(self, y: int) -> bool:
        """Whether the row at a height of the viewport can be gone to."""
        return self._leads_somewhere(self.cursorForPosition(QPoint(0, y)).blockNumber())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter goes to the row's moment. Space is the window's: it starts and stops."""
        if event.key() == Qt.Key.Key_Space:
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.textCursor().blockNumber())
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A click may choose, a drag selects."""
        is_click = event.button() == Qt.MouseButton.LeftButton and not event.modifiers()
        self._pressed_at = event.position().toPoint() if is_click else None
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the row that was clicked, if nothing was selected."""
        super().mouseReleaseEvent(event)
        pressed_at, self._pressed_at = self._pressed_at, None
        place = event.position().toPoint()
        if (
            pressed_at is not None
            and (place - pressed_at).manhattanLength() < QGuiApplication.styleHints().startDragDistance()
            and not self.textCursor().hasSelection()
        ):
            self.choose_at(place.y())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The times keep their column, and the newest row its place."""
        with self._moving_itself():
            super().resizeEvent(event)
        place = self.contentsRect()
        self._times.setGeometry(QRect(place.topLeft(), QSize(self.time_column_px, place.height())))
        self._follow()

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802 - Qt's name
        """What is copied has its times with it."""
        cursor = self.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        lines = []
        block = self.document().findBlock(start)
        while block.isValid() and block.position() <= end:
            text = block.text()[max(0, start - block.position()) : end - block.position()]
            time_s = self._state.rows[block.blockNumber()].start_s
            lines.append(f"{clock(time_s)}  {text}" if time_s is not None else text)
            block = block.next()
        self._copied = QMimeData()
        self._copied.setText("\n".join(lines))
        return self._copied

    def hand_over_copied(self) -> None:
        """Leave the clipboard a copy that is Qt's own: what Python made, Qt frees after Python's end, and crashes."""
        clipboard = QGuiApplication.clipboard()
        copied = self._copied
        if copied is not None and isValid(copied) and clipboard.mimeData() is copied:
            clipboard.setText(copied.text())
        self._copied = None

    def mark(self, matches: list[Match], current: int | None, *, moves: bool = True) -> None:
        """Colour what was found, in order; `moves` brings the current one into sight."""
        self._matches, self._current = matches, current
        if moves and current is not None and matches:
            self._set_following(False)
            cursor = self._cursor_at(matches[current])
            cursor.clearSelection()
            self.setTextCursor(cursor)
            self.ensureCursorVisible()
            # Where everything is in sight there is nothing to go back to.
            self._set_following(self.verticalScrollBar().maximum() == 0)
        self._colour_in_sight()

    @property
    def time_column_px(self) -> int:
        """Width of the times beside the rows."""
        latest_s = self._state.rows[-1].start_s if self._state.rows else None
        widest = "00:00:00" if (latest_s or 0.0) >= 3600 else "00:00"
        return SPACE_16 + QFontMetrics(self._theme.font(SMALL_TEXT_PX)).horizontalAdvance(widest)

    def paint_times(self, painter: QPainter, dirty: QRect) -> None:
        """The time of every row in sight, on the row's first line."""
        painter.setFont(self._theme.font(SMALL_TEXT_PX))
        painter.setPen(QColor(self._theme.palette.quiet_text))
        first_line = QFontMetrics(self.font()).ascent()
        block = self.firstVisibleBlock()
        while block.isValid() and block.blockNumber() < len(self._state.rows):
            place = self.blockBoundingGeometry(block).translated(self.contentOffset())
            if place.top() > dirty.bottom():
                return
            time_s = self._state.rows[block.blockNumber()].start_s
            layout = block.layout()
            if time_s is not None and layout.lineCount():
                top = place.top() + layout.lineAt(0).y()
                painter.drawText(SPACE_16, round(top + first_line), clock(time_s))
            block = block.next()

    def _colour_in_sight(self) -> None:
        first_row = self.firstVisibleBlock().blockNumber()
        last_row = first_row + self.viewport().height() // max(1, self.fontMetrics().height()) + 1
        first = bisect.bisect_left(self._matches, first_row, key=lambda match: match.row)
        last = bisect.bisect_right(self._matches, last_row, key=lambda match: match.row)
        if first == last and not self.extraSelections():
            return
        palette = self._theme.palette
        selections = []
        for index in range(first, last):
            selection = QTextEdit.ExtraSelection()
            is_current = index == self._current
            colours = QTextCharFormat()
            colours.setBackground(QColor(palette.accent if is_current else palette.found))
            colours.setForeground(QColor(palette.on_accent if is_current else palette.text))
            selection.format = colours
            selection.cursor = self._cursor_at(self._matches[index])
            selections.append(selection)
        self.setExtraSelections(selections)

    def _cursor_at(self, match: Match) -> QTextCursor:
        start = self.document().findBlockByNumber(match.row).position()
        cursor = QTextCursor(self.document())
        cursor.setPosition(start + match.start)
        cursor.setPosition(start + match.end, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _add_row(self, index: int) -> None:
        row = self._state.rows[index]
        words = QTextCharFormat()
        if row.start_s is None:
            words.setFontWeight(QFont.Weight.DemiBold)
        cursor = self._end()
        with self._moving_itself():
            if index:
                cursor.insertBlock()
            cursor.insertText(row.text, words)
        self._make_column()
        self._follow()

    def _add_rows(self, first: int) -> None:
        text = "\n".join(row.text for row in self._state.rows[first:])
        cursor = self._end()
        with self._moving_itself():
            if first:
                cursor.insertBlock()
            cursor.insertText(text, QTextCharFormat())
        self._make_column()
        self._follow()

    def _grow_row(self, index: int, addition: str) -> None:
        with self._moving_itself():
            self._end().insertText(addition, QTextCharFormat())
        self._follow()

    def _end(self) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        return cursor

    def _clear(self) -> None:
        self._matches, self._current = [], None
        self.setExtraSelections([])
        self.clear()

    def _retheme(self) -> None:
        with self._moving_itself():
            self.document().setDefaultFont(self._theme.font(BODY_TEXT_PX))
        self._make_column()
        self._times.update()
        self._colour_in_sight()
        self._follow()

    def _make_column(self) -> None:
        width = self.time_column_px
        if self.viewportMargins().left() != width:
            self.setViewportMargins(width, 0, 0, 0)
            self._times.resize(width, self._times.height())

    def _choose(self, row: int) -> None:
        if self._leads_somewhere(row):
            self.row_chosen.emit(row)

    def _tell_time(self) -> None:
        rows, index = self._state.rows, self.textCursor().blockNumber()
        time_s = rows[index].start_s if index < len(rows) else None
        said = f" This row was said at {clock(time_s)}." if time_s is not None else ""
        if said and self._leads_somewhere(index):
            said += " Enter goes there in the video."
        self.setAccessibleDescription(f"Everything that was said, oldest first.{said}")

    def _scrolled(self, value: int) -> None:
        self._times.update()
        self._colour_in_sight()
        if not self._is_moving_itself:
            self._set_following(value >= self.verticalScrollBar().maximum())

    def _set_following(self, is_following: bool) -> None:
        if is_following != self._is_following:
            self._is_following = is_following
            self.following_changed.emit(is_following)

    def _follow(self) -> None:
        if self._is_following:
            bar = self.verticalScrollBar()
            with self._moving_itself():
                bar.setValue(bar.maximum())

    @contextlib.contextmanager
    def _moving_itself(self) -> Iterator[None]:
        """What scrolls inside is no person's doing; one inside another is part of it."""
        before, self._is_moving_itself = self._is_moving_itself, True
        try:
            yield
        finally:
            self._is_moving_itself = before


class _Times(QWidget):
    """The column of times; the view paints into it."""

    def __init__(self, view: TranscriptView) -> None:
        super().__init__(view)
        self.setAccessibleName("Times")
        self.setMouseTracking(True)
        self._view = view

    def follow(self, place: QRect, moved_by: int) -> None:
        """The rows were scrolled, or some of them are new."""
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A hand over times that can be gone to."""
        leads = self._view.leads_at(round(event.position().y()))
        self.setCursor(Qt.CursorShape.PointingHandCursor if leads else Qt.CursorShape.ArrowCursor)
        self.setToolTip("Go to this moment in the video." if leads else "")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A click goes to the row's moment."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._view.choose_at(round(event.position().y()))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Over the times the wheel scrolls as it does beside them."""
        QCoreApplication.sendEvent(self._view.verticalScrollBar(), event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The times of the rows in sight."""
        painter = QPainter(self)
        self._view.paint_times(painter, event.rect())
