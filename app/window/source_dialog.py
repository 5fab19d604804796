"""Choosing a window, a screen or a camera by its picture, or a stream by its address.

Knows widgets: cards that show what can be seen right now. Knows no capture; pictures come from `app.window.thumbnails`,
taken aside.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.errors import RingsideError
from app.sources import SourceSpec
from app.theme.focus_ring import FocusRing
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, SPACE_16
from app.window import thumbnails
from app.window.controller import Controller
from app.window.source_card import SourceCard
from app.window.thumbnails import Thumbnails

Kind = Literal["screen", "window", "camera"]

_ROOM = (180, 320)
_LOOK_AGAIN_MS = 1500
_NUM_COLUMNS = 3
_SIZE = (760, 520)

_TITLES: dict[Kind, str] = {
    "screen": "Choose a screen",
    "window": "Choose a window",
    "camera": "Choose a camera",
}
_LOOKS: dict[Kind, Callable[[tuple[int, int]], Thumbnails]] = {
    "screen": thumbnails.screens,
    "window": thumbnails.windows,
    "camera": thumbnails.cameras,
}


class SourceDialog(QDialog):
    """Cards of everything there is of one kind; they are kept up to date while it is open."""

    def __init__(self, controller: Controller, theme: Theme, kind: Kind, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("choose-source")
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(_TITLES[kind])
        self.setAccessibleName(_TITLES[kind])
        self._controller = controller
        self._theme = theme
        self._kind: Kind = kind
        self._is_closed = False
        self._is_looking = False
        self.cards: dict[str, SourceCard] = {}
        """By what they stand for."""
        self.words = QLabel("Looking around…", self)
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What was found")
        self._inside = QWidget()
        self._inside.setAccessibleName(_TITLES[kind])
        self._grid = QGridLayout(self._inside)
        self._grid.setSpacing(SPACE_12)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop)
        for column in range(_NUM_COLUMNS):
            self._grid.setColumnStretch(column, 1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.verticalScrollBar().setAccessibleName("Scroll")
        scroll.horizontalScrollBar().setAccessibleName("Scroll sideways")
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self._inside)
        scroll.setAccessibleName(_TITLES[kind])
        close = QPushButton("Cancel", self)
        close.setProperty("role", "plain")
        close.setAccessibleName("Cancel")
        close.setAutoDefault(False)
        close.clicked.connect(self.close)
        below = QHBoxLayout()
        below.addWidget(self.words, 1)
        below.addWidget(close)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
        column_layout.setSpacing(SPACE_12)
        column_layout.addWidget(scroll, 1)
        column_layout.addLayout(below)
        self.close_button = close
        self.focus_ring = FocusRing(self, theme)
        self.resize(self.sizeHint())
        self._timer = QTimer(self, interval=_LOOK_AGAIN_MS)
        self._timer.timeout.connect(self._look)
        # A camera is opened once for its picture and then left alone.
        if kind != "camera":
            self._timer.start()
        self._look()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Nobody looks any more."""
        self._is_closed = True
        self._timer.stop()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        """As closing: what is still being looked at comes to nothing."""
        self._is_closed = True
        self._timer.stop()
        super().done(result)

    def _look(self) -> None:
        if not self._is_looking and not self._is_closed:
            self._is_looking = True
            look = _LOOKS[self._kind]
            self._controller.aside(lambda: look(_ROOM), self._show)

    def _show(self, found: Thumbnails) -> None:
        if self._is_closed:
            return
        self._is_looking = False
        keys = [self._key(index, found) for index in range(len(found.found))]
        for gone in self.cards.keys() - set(keys):
            card = self.cards.pop(gone)
            self._grid.removeWidget(card)
            card.deleteLater()
        for index, (key, thumbnail) in enumerate(zip(keys, found.found, strict=True)):
            is_new = key not in self.cards
            if is_new:
                watchable = thumbnail.watchable
                self.cards[key] = SourceCard(
                    self._theme,
                    self._kind,
                    watchable.name,
                    watchable.detail or _TITLES[self._kind].replace("Choose", "Watch"),
                    functools.partial(self._choose, watchable.spec, watchable.name),
                )
                self.cards[key].setMinimumHeight(self._theme.px(150))
            self._grid.addWidget(self.cards[key], index // _NUM_COLUMNS, index % _NUM_COLUMNS)
            if thumbnail.picture is not None:
                self.cards[key].show_picture(thumbnail.picture)
        noun = self._kind
        count = f"1 {noun}" if len(keys) == 1 else f"{len(keys)} {noun}s"
        self.words.setText(found.limits or f"{count}. Ringside's own windows are never in the picture.")
        focus = self.focusWidget()
        if self.cards and not isinstance(focus, SourceCard):
            next(iter(self.cards.values())).setFocus(Qt.FocusReason.OtherFocusReason)

    def _key(self, index: int, found: Thumbnails) -> str:
        watchable = found.found[index].watchable
        return f"{watchable.spec}/{getattr(watchable.spec, 'window_id', 0)}"

    def _choose(self, spec: SourceSpec, name: str, is_checked: bool = True) -> None:
        self.close()
        self._controller.choosing.source(spec, name)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for three columns, or what the screen has."""
        wanted = QSize(self._theme.px(_SIZE[0]), self._theme.px(_SIZE[1]))
        return wanted.boundedTo(self.screen().availableSize())


class AddressDialog(QDialog):
    """An address, and what may stand there."""

    def __init__(self, controller: Controller, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("choose-address")
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Watch an address")
        self.setAccessibleName("Watch an address")
        self.setMinimumWidth(min(theme.px(480), self.screen().availableSize().width()))
        self._controller = controller
        label = QLabel("Address of the stream", self)
        self.box = QLineEdit(controller.settings.recent_address, self)
        self.box.setAccessibleName("Address of the stream")
        self.box.setPlaceholderText("rtsp://camera.local/stream")
        self.box.selectAll()
        label.setBuddy(self.box)
        self.words = QLabel("RTSP, HTTP, HLS, UDP, RTMP or SRT; what OBS and IP cameras send.", self)
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.words.setAccessibleName("Help")
        self.watch_button = QPushButton("Watch", self)
        self.watch_button.setProperty("role", "filled")
        self.watch_button.setAccessibleName("Watch")
        self.watch_button.setDefault(True)
        cancel = QPushButton("Cancel", self)
        cancel.setProperty("role", "plain")
        cancel.setAccessibleName("Cancel")
        cancel.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.watch_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
        column.setSpacing(SPACE_12)
        for widget in (label, self.box, self.words):
            column.addWidget(widget)
        column.addLayout(buttons)
        self.focus_ring = FocusRing(self, theme)
        cancel.clicked.connect(self.close)
        self.watch_button.clicked.connect(self._watch)

    def _watch(self) -> None:
        try:
            self._controller.choosing.address(self.box.text())
        except RingsideError as error:
            self.words.setText(error.line)
            self.box.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.close()
