"""The status line: the state in words beside a shape, and the figures that say how well it goes.

Knows how each figure is written and what it means in one sentence. Knows nothing of how figures are measured.
"""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.theme.icons import icon_pixmap
from app.theme.theme import Theme
from app.theme.tokens import ICON_PX, SPACE_8, SPACE_16
from app.window.state.session import SessionState, Status, StatusKind

_ICONS = {
    StatusKind.EMPTY: "status-empty",
    StatusKind.READY: "status-ready",
    StatusKind.LIVE: "status-live",
    StatusKind.BEHIND: "status-behind",
    StatusKind.NO_SIGNAL: "status-no-signal",
    StatusKind.PAUSED: "status-paused",
    StatusKind.FINISHED: "status-finished",
    StatusKind.PROBLEM: "warning",
}
_ALARMING = {StatusKind.LIVE, StatusKind.BEHIND, StatusKind.NO_SIGNAL, StatusKind.PROBLEM, StatusKind.LOADING}


class StatusShape(QWidget):
    """The shape of a state: an icon, or an arc that fills while something loads."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Shape of the state")
        self._theme = theme
        self._status: Status | None = None
        theme.changed.connect(self._resize)
        self._resize()

    def show_status(self, status: Status) -> None:
        """Draw this one."""
        self._status = status
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """An icon of the palette's colour, or the arc."""
        status, palette = self._status, self._theme.palette
        if status is None:
            return
        painter = QPainter(self)
        colour = palette.accent if status.kind in _ALARMING else palette.quiet_text
        if status.kind is not StatusKind.LOADING:
            pixmap = icon_pixmap(_ICONS[status.kind], colour, self.width(), self.devicePixelRatioF())
            painter.drawPixmap(0, 0, pixmap)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        thickness = self.width() * 2.4 / 24
        margin = self.width() * 4 / 24
        ring = QRectF(self.rect()).adjusted(margin, margin, -margin, -margin)
        painter.setPen(QPen(QColor(palette.line), thickness))
        painter.drawEllipse(ring)
        pen = QPen(QColor(colour), thickness)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        fraction = 0.25 if status.fraction is None else max(0.02, status.fraction)
        painter.drawArc(ring, 90 * 16, -round(360 * 16 * fraction))

    def _resize(self) -> None:
        side = self._theme.px(ICON_PX)
        self.setFixedSize(QSize(side, side))
        self.update()


class StatusLine(QWidget):
    """Shows a SessionState."""

    def __init__(self, state: SessionState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self.setAccessibleName("Status")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._state = state
        self.shape = StatusShape(theme, self)
        self.words = QLabel(self)
        self.words.setProperty("role", "state")
        self.words.setAccessibleName("State")
        self.frames = self._figure("Frames a second", "How many pictures a second the model looks at.")
        self.behind = self._figure(
            "Seconds behind", "How long after a second of video its commentary is complete."
        )
        self.step = self._figure("Step time", "How long the model takes for one second of video.")
        self.dropped = self._figure("Dropped chunks", "Seconds of video that were skipped to keep up.")
        state_row = QHBoxLayout()
        state_row.setSpacing(SPACE_8)
        state_row.addWidget(self.shape)
        state_row.addWidget(self.words)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_16)
        row.addLayout(state_row)
        for figure in (self.frames, self.behind, self.step, self.dropped):
            row.addWidget(figure)
        state.changed.subscribe(self._show)
        self._show()

    @property
    def figures_in_words(self) -> str:
        """What is shown beside the state, for screen readers; "" if nothing is."""
        shown = (self.frames, self.behind, self.step, self.dropped)
        said = [f"{label.accessibleName()}: {label.text()}" for label in shown if label.text()]
        return f"{', '.join(said)}." if said else ""

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """There may be less room."""
        super().resizeEvent(event)
        self._fit()

    def _figure(self, name: str, sentence: str) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", "quiet")
        label.setAccessibleName(name)
        label.setToolTip(sentence)
        return label

    def _show(self) -> None:
        status, figures = self._state.status, self._state.figures
        self.shape.show_status(status)
        self.words.setText(status.words)
        for widget in (self, self.shape, self.words):
            widget.setToolTip(status.sentence)
        self.words.setAccessibleDescription(f"{status.words}. {status.sentence}")
        self.setAccessibleDescription(f"{status.words}. {status.sentence}")
        is_busy = self._state.is_busy
        _write(self.frames, f"{figures.frames_per_s:.1f} fps" if figures.frames_per_s is not None else "")
        _write(self.behind, f"{figures.behind_s:.1f} s" if figures.behind_s is not None else "")
        _write(self.step, f"{figures.step_ms:.0f} ms" if figures.step_ms is not None else "")
        _write(
            self.dropped, f"{figures.num_dropped} dropped" if is_busy and figures.step_ms is not None else ""
        )
        self._fit()

    def _fit(self) -> None:
        """Large figures in large text: those that say least give way, rather than all being cut."""
        bar = self.parentWidget()
        for label in (self.frames, self.step):
            if bar is not None and label.text() and self.sizeHint().width() > bar.width() - 2 * SPACE_16:
                label.hide()


def _write(label: QLabel, words: str) -> None:
    label.setText(words)
    label.setVisible(bool(words))
    label.setAccessibleDescription(f"{words}. {label.toolTip()}" if words else label.toolTip())
