"""Figures over the picture, for people who play while Ringside comments, and the switch that leaves them more room.

Knows how each figure is written. Knows nothing of how figures are measured.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QWidget

from app.theme.theme import Theme
from app.theme.tokens import SPACE_4, SPACE_8, SPACE_12, SPACE_16
from app.window.controller import Controller
from app.window.memory_use import memory_in_words

_LOOK_AT_MEMORY_MS = 2000
_UNKNOWN = "–"


class Hud(QFrame):
    """Lies in a corner of the stage while the settings want it."""

    def __init__(self, controller: Controller, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("hud")
        self.setProperty("role", "card")
        self.setAccessibleName("Figures")
        self.setAccessibleDescription("How fast the model is, how late, and what it takes.")
        self._controller = controller
        self._theme = theme
        self._rows: list[tuple[QWidget, ...]] = []
        self._has_room = True
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(SPACE_12, SPACE_8, SPACE_12, SPACE_8)
        self._grid.setHorizontalSpacing(SPACE_16)
        self._grid.setVerticalSpacing(SPACE_4)
        self.frames = self._figure("Frames a second", "How many pictures a second the model looks at.")
        self.step = self._figure("Step", "How long the model takes for one second of video.")
        self.lag = self._figure("Lag", "How long after a second of video its commentary is complete.")
        self.dropped = self._figure("Dropped", "Seconds of video that were skipped to keep up.")
        self.memory = self._figure(
            "Memory", "What Ringside takes, on the graphics card if the model is there."
        )
        self.polite = QCheckBox("Be polite to my game", self)
        self.polite.setAccessibleName("Be polite to my game")
        sentence = (
            "The model sees smaller pictures at once, and from the next start pauses for other programs."
        )
        self.polite.setToolTip(sentence)
        self.polite.setAccessibleDescription(sentence)
        self.polite.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._grid.addWidget(self.polite, self._grid.rowCount(), 0, 1, 2)
        self._rows.append((self.polite,))
        self._looks = QTimer(self, interval=_LOOK_AT_MEMORY_MS)
        self._looks.timeout.connect(self._look_at_memory)
        self.polite.clicked.connect(lambda is_on: controller.remember(is_polite=bool(is_on)))
        controller.state.session.changed.subscribe(self._show)
        controller.settings_changed.subscribe(lambda _: self._show())
        theme.changed.connect(self._show)
        self._show()

    def fit_within(self, height: int) -> None:
        """Show as many rows as there is room for, from the first; where there is none, nothing."""
        margins = self._grid.contentsMargins()
        bottom = margins.top() + margins.bottom() - SPACE_4
        for number, row in enumerate(self._rows):
            bottom += SPACE_4 + max(widget.sizeHint().height() for widget in row)
            if not number:
                self._has_room = bottom <= height
            for widget in row:
                widget.setVisible(bottom <= height)
        self._show()
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Memory is only looked at while it is seen."""
        super().showEvent(event)
        self._looks.start()
        self._look_at_memory()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """No more."""
        super().hideEvent(event)
        self._looks.stop()

    def _figure(self, name: str, sentence: str) -> QLabel:
        row = self._grid.rowCount()
        title, value = QLabel(name, self), QLabel(_UNKNOWN, self)
        title.setProperty("role", "small")
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        value.setAccessibleName(name)
        for label in (title, value):
            label.setToolTip(sentence)
            label.setAccessibleDescription(sentence)
        self._grid.addWidget(title, row, 0)
        self._grid.addWidget(value, row, 1)
        self._rows.append((title, value))
        return value

    def _show(self) -> None:
        figures, settings = self._controller.state.session.figures, self._controller.settings
        frames, step, behind = figures.frames_per_s, figures.step_ms, figures.behind_s
        self._write(self.frames, f"{frames:.1f}" if frames is not None else _UNKNOWN)
        self._write(self.step, f"{step:.0f} ms" if step is not None else _UNKNOWN)
        self._write(self.lag, f"{behind:.1f} s" if behind is not None else _UNKNOWN)
        self._write(self.dropped, f"{figures.num_dropped} s" if step is not None else _UNKNOWN)
        self.polite.setChecked(settings.is_polite)
        self.setVisible(settings.is_hud_on and self._has_room)

    def _write(self, label: QLabel, words: str) -> None:
        if label.text() != words:
            label.setText(words)
            label.setAccessibleDescription(f"{words}. {label.toolTip()}")
            self._fit()

    def _look_at_memory(self) -> None:
        self._controller.aside(memory_in_words, lambda words: self._write(self.memory, words or _UNKNOWN))

    def _fit(self) -> None:
        self._grid.activate()
        self.adjustSize()
