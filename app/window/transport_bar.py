"""The transport bar: the only place to start and stop.

Knows its buttons and how they and the status share a narrow window. Knows nothing of what runs.
"""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, SPACE_16
from app.window.controller import Controller
from app.window.icon_button import IconButton
from app.window.state.session import Phase
from app.window.status_line import StatusLine


class TransportBar(QFrame):
    """Start, pause, speech, and the status."""

    def __init__(self, controller: Controller, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setProperty("edge", "top")
        self.setAccessibleName("Transport bar")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._controller = controller
        self._theme = theme
        self.start_button = IconButton(
            theme, "play", "Start", "Start commenting.", role="filled", text="Start"
        )
        self.start_button.setObjectName("start")
        self.pause_button = IconButton(
            theme, "pause", "Pause", "Hold picture and commentary.", role="plain", text="Pause"
        )
        self.pause_button.setObjectName("pause")
        self.speech_button = IconButton(
            theme, "speech-off", "Speech", "Speak the commentary aloud.", role="plain", text="Speech off"
        )
        self.speech_button.setObjectName("speech")
        self.speech_button.setCheckable(True)
        self.overlay_button = IconButton(
            theme, "overlay", "Overlay", "Show captions above all windows.", role="plain", text="Overlay off"
        )
        self.overlay_button.setObjectName("overlay-button")
        self.overlay_button.setCheckable(True)
        self.export_button = IconButton(
            theme, "export", "Export", "Save what was said, and send it to files and to OBS.", role="plain"
        )
        self.export_button.setText("Export")
        self.export_button.setObjectName("export")
        self.ask_button = IconButton(
            theme, "ask", "Ask", "Ask the commentator something.", role="plain", text="Ask"
        )
        self.ask_button.setObjectName("ask")
        self.status = StatusLine(controller.state.session, theme, self)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        self._buttons = (
            self.start_button,
            self.pause_button,
            self.speech_button,
            self.overlay_button,
            self.export_button,
            self.ask_button,
        )
        for button in self._buttons:
            buttons.addWidget(button)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(SPACE_12, SPACE_8, SPACE_16, SPACE_8)
        self._grid.setHorizontalSpacing(SPACE_16)
        self._grid.setVerticalSpacing(SPACE_8)
        self._grid.setColumnStretch(1, 1)
        self._grid.addLayout(buttons, 0, 0)
        self._has_two_rows = False
        self._grid.addWidget(self.status, 0, 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

        self.start_button.clicked.connect(controller.start_or_stop)
        self.pause_button.clicked.connect(controller.pause_or_resume)
        self.speech_button.clicked.connect(controller.toggle_speech)
        self.overlay_button.clicked.connect(lambda: controller.toggle("is_overlay_on"))
        controller.settings_changed.subscribe(lambda _: self._show_overlay())
        controller.actions.changed.subscribe(self._explain)
        controller.state.session.changed.subscribe(self._show_session)
        controller.state.speech.changed.subscribe(self._show_speech)
        theme.changed.connect(self._arrange)
        self._explain()

    def key_hint(self, action: str) -> str:
        """The key of an action, in brackets, for the end of a sentence."""
        actions = self._controller.actions
        keys = actions.keys(action) if action in actions else ()
        return f" ({keys[0]})" if keys else ""

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The bar makes do with any width: the status goes into a second row."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """One row if there is room, else two."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        margins = self._grid.contentsMargins()
        around = margins.left() + margins.right()
        for button in self._buttons:
            button.set_compact(is_compact=False)
        buttons = sum(button.sizeHint().width() + SPACE_8 for button in self._buttons)
        if around + buttons > self.width():
            for button in self._buttons[1:]:
                button.set_compact(is_compact=True)
            buttons = sum(button.sizeHint().width() + SPACE_8 for button in self._buttons)
        # Room for the longest status, so that figures that come and go do not move the picture.
        widest = self.status.fontMetrics().horizontalAdvance(
            "nothing chosen  00.0 fps  00.0 s  0000 ms  000 dropped"
        )
        needed = around + buttons + SPACE_16 + widest + 6 * SPACE_16
        has_two_rows = needed > self.width()
        if has_two_rows != self._has_two_rows:
            self._has_two_rows = has_two_rows
            self._grid.removeWidget(self.status)
            middle = Qt.AlignmentFlag.AlignVCenter
            if has_two_rows:
                self._grid.addWidget(self.status, 1, 0, 1, 3, Qt.AlignmentFlag.AlignLeft | middle)
            else:
                self._grid.addWidget(self.status, 0, 2, Qt.AlignmentFlag.AlignRight | middle)
            self.updateGeometry()

    def _explain(self) -> None:
        self._show_session()
        self._show_speech()
        self._show_overlay()

    def _show_session(self) -> None:
        session, key = self._controller.state.session, self.key_hint("start-or-stop")
        if session.is_busy:
            _label(self.start_button, "Stop", "stop", f"Stop commenting{key}.")
        else:
            sentence = f"Start commenting{key}."
            if session.source is None:
                sentence = "Choose what to watch first."
            elif session.model.has_failed:
                sentence = "Choose a model first."
            _label(self.start_button, "Start", "play", sentence)
        self.start_button.setEnabled(session.is_busy or session.can_start)
        key = self.key_hint("pause")
        if session.phase is Phase.PAUSED:
            _label(self.pause_button, "Resume", "play", f"Go on{key}.")
        else:
            _label(self.pause_button, "Pause", "pause", f"Hold picture and commentary{key}.")
        self.pause_button.setEnabled(session.phase in (Phase.RUNNING, Phase.PAUSED))

    def _show_speech(self) -> None:
        is_on, key = self._controller.state.speech.is_on, self.key_hint("speech")
        self.speech_button.setChecked(is_on)
        self.speech_button.setText("Speech on" if is_on else "Speech off")
        self.speech_button.set_icon("speech-on" if is_on else "speech-off")
        silence = self._controller.actions.keys("silence") if "silence" in self._controller.actions else ()
        self.speech_button.explain(
            f"Commentary is spoken. Turn it off{key}; {silence[0] if silence else 'Silence'} breaks off "
            "just this sentence."
            if is_on
            else f"Speak the commentary aloud{key}."
        )

    def _show_overlay(self) -> None:
        is_on, key = self._controller.settings.is_overlay_on, self.key_hint("overlay")
        self.overlay_button.setChecked(is_on)
        self.overlay_button.setText("Overlay on" if is_on else "Overlay off")
        self.overlay_button.explain(
            f"Captions are shown above all windows. Take them away{key}."
            if is_on
            else f"Show captions above all windows{key}."
        )


def _label(button: IconButton, words: str, icon: str, sentence: str) -> None:
    button.setText(words)
    button.setAccessibleName(words)
    button.set_icon(icon)
    button.explain(sentence)
