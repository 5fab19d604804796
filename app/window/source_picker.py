"""What is on the stage while nothing was chosen yet: "Choose what to watch", as large pictures.

Knows the sources that there are and how each is shown. Knows no decoding; pictures are handed in, and taken of the
screen while this is to be seen.
"""

from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.settings import DEMO
from app.sources.spec import ScreenSpec
from app.theme.theme import Theme
from app.theme.tokens import SPACE_4, SPACE_8, SPACE_12, SPACE_16, SPACE_32
from app.window import thumbnails
from app.window.controller import Controller
from app.window.flow import FlowLayout
from app.window.picture import Picture
from app.window.source_card import SourceCard
from app.window.source_ways import SourceWays
from app.window.thumbnails import Thumbnails

_ROOM = (360, 640)
_LOOK_AGAIN_MS = 2000
_ROOMY_PX = 240
"""Height, at usual text size, from which on the hint is shown."""


class SourcePicker(QWidget):
    """The demo match, the screen, a file, and the file of last time if there is one; the rest in a row below."""

    def __init__(
        self, controller: Controller, theme: Theme, ways: SourceWays, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("picker")
        self.setAccessibleName("Choose what to watch")
        self._controller = controller
        self._is_looking = False
        heading = QLabel("Choose what to watch", self)
        heading.setProperty("role", "heading")
        heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._theme = theme
        self._hint = hint = QLabel("Then press Start, or Space.", self)
        hint.setProperty("role", "quiet")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading.setAccessibleDescription(hint.text())
        self.demo_card = SourceCard(
            theme,
            "demo-match",
            "Demo match",
            "A football match that ships with Ringside.",
            controller.choosing.demo,
        )
        self.screen_card = SourceCard(
            theme,
            "screen",
            "Screen",
            "What this screen shows.",
            lambda: ways.choose_screen(self._num_screens),
        )
        self.file_card = SourceCard(
            theme,
            "video-file",
            "Open file…",
            "A video from this computer.",
            controller.state.file_wanted.emit,
        )
        self.cards = [self.demo_card, self.screen_card, self.file_card]
        self.recent_card: SourceCard | None = None
        recent = controller.recent_file
        if recent:
            self.recent_card = SourceCard(
                theme,
                "video-file",
                Path(recent).name,
                "Watched last.",
                lambda: controller.choosing.file(recent),
            )
            self.cards.insert(2, self.recent_card)
        for card in self.cards:
            card.neighbours = self.cards
        self.buttons = [self._button(name, sentence, act) for name, sentence, act in ways.others]
        self._num_screens = 1
        self._row = row = QHBoxLayout()
        row.setSpacing(SPACE_16)
        row.addStretch(1)
        for card in self.cards:
            row.addWidget(card, 20)
        row.addStretch(1)
        flow = FlowLayout()
        for button in self.buttons:
            flow.addWidget(button)
        others = QHBoxLayout()
        others.addStretch(1)
        others.addLayout(flow, 20 * len(self.cards))
        others.addStretch(1)
        # Large text in a small window has more to show than there is room for.
        inside = QWidget()
        inside.setAccessibleName("Choose what to watch")
        inside.setObjectName("picker-inside")
        scroll = QScrollArea(self)
        scroll.setAccessibleName("Choose what to watch")
        scroll.setWidgetResizable(True)
        scroll.verticalScrollBar().setAccessibleName("Scroll")
        scroll.horizontalScrollBar().setAccessibleName("Scroll sideways")
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        self._column = column = QVBoxLayout(inside)
        column.setSpacing(SPACE_8)
        column.addStretch(1)
        column.addWidget(heading)
        column.addWidget(hint)
        column.addLayout(row)
        column.addSpacing(SPACE_8)
        column.addLayout(others)
        column.addStretch(1)
        self._timer = QTimer(self, interval=_LOOK_AGAIN_MS)
        self._timer.timeout.connect(self._look)
        controller.state.session.changed.subscribe(self._show)
        self._show()

    def show_picture(self, kind: str, picture: Picture) -> None:
        """A picture of the demo match ("demo") or of the file of last time ("file")."""
        card = {DEMO: self.demo_card, "file": self.recent_card}.get(kind)
        if card is not None:
            card.show_picture(picture)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Where there is little room, the cards come first: what the hint says, the button says below."""
        super().resizeEvent(event)
        is_roomy = self.height() >= self._theme.px(_ROOMY_PX)
        self._hint.setVisible(is_roomy)
        around = SPACE_12 if is_roomy else SPACE_4
        self._column.setContentsMargins(SPACE_32, around, SPACE_32, around)
        self._row.setContentsMargins(0, around, 0, 0)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """The screen's picture is a live one."""
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Nobody sees it."""
        super().hideEvent(event)
        self._timer.stop()

    def _button(self, name: str, sentence: str, act: object) -> QPushButton:
        button = QPushButton(name, self)
        button.setProperty("role", "plain")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(name)
        button.setAccessibleDescription(sentence)
        button.setToolTip(sentence)
        button.clicked.connect(act)
        return button

    def _look(self) -> None:
        if not self._is_looking:
            self._is_looking = True
            self._controller.aside(lambda: thumbnails.screens(_ROOM), self._show_screens)

    def _show_screens(self, found: Thumbnails) -> None:
        self._is_looking = False
        self._num_screens = max(1, len(found.found))
        self.screen_card.setEnabled(bool(found.found))
        if found.limits:
            self.screen_card.setToolTip(found.limits)
            self.screen_card.setAccessibleDescription(found.limits)
        for thumbnail in found.found[:1]:
            if thumbnail.picture is not None:
                self.screen_card.show_picture(thumbnail.picture)

    def _show(self) -> None:
        source = self._controller.state.session.source
        self.demo_card.setChecked(source is not None and source.kind == DEMO)
        self.screen_card.setChecked(source is not None and isinstance(source.spec, ScreenSpec))
        self.file_card.setChecked(False)
        if self.recent_card is not None:
            self.recent_card.setChecked(source is not None and source.kind == "file")
