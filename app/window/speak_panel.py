"""The panel of the page Speak: voices and sound outputs of this machine, and a button to hear how it sounds.

Knows widgets and words. Knows nothing of how voices are found: the speech service is asked, in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.speech.options import Engine, VoiceInfo
from app.speech.outputs import SoundOutput
from app.theme.tokens import SPACE_8, SPACE_12
from app.window.controller import Controller
from app.window.naming import name_parts_within

_ENGINES: tuple[tuple[Engine, str], ...] = (("system", "System voice"), ("natural", "Natural voice"))


class SpeakPanel(QWidget):
    """Kind of voice, voice, output, test."""

    def __init__(self, controller: Controller, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("speak-panel")
        self.setAccessibleName("Voice and output")
        self._controller = controller
        self.engine_box = _box("Kind of voice", "The system's own voice, or the natural one.", self)
        for engine, words in _ENGINES:
            self.engine_box.addItem(words, engine)
        self.voice_box = _box("Voice", "Who speaks.", self)
        self.output_box = _box("Sound output", "Where speech and the video are heard.", self)
        self.note = QLabel(self)
        self.note.setProperty("role", "quiet")
        self.note.setWordWrap(True)
        self.note.setAccessibleName("About the natural voice")
        self.download_button = QPushButton("Download the natural voice", self)
        self.download_button.setAccessibleName("Download the natural voice")
        self.download_button.setAccessibleDescription("It can be stopped, and goes on where it was.")
        self.test_button = QPushButton("Test voice", self)
        self.test_button.setAccessibleName("Test voice")
        self.test_button.setAccessibleDescription("Says a sentence as commentary would be said now.")
        self.silence_button = QPushButton("Silence", self)
        self.silence_button.setAccessibleName("Silence")
        self.silence_button.setAccessibleDescription("Breaks off what is being said (Esc).")
        self.look_button = QPushButton("Look for outputs", self)
        self.look_button.setAccessibleName("Look for outputs")
        self.look_button.setAccessibleDescription("Asks again which sound outputs there are.")
        for button in (self.download_button, self.look_button, self.test_button, self.silence_button):
            button.setProperty("role", "plain")
            button.setToolTip(button.accessibleDescription())
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._lay_out()
        self.engine_box.activated.connect(self._take_engine)
        self.voice_box.activated.connect(self._take_voice)
        self.output_box.activated.connect(self._take_output)
        self.test_button.clicked.connect(controller.test_voice)
        self.silence_button.clicked.connect(controller.silence)
        self.look_button.clicked.connect(self._look_for_outputs)
        self.download_button.clicked.connect(self._download_or_stop)
        ends = [
            controller.settings_changed.subscribe(self._follow),
            controller.natural_voice.changed.subscribe(self._show_natural),
        ]
        self.destroyed.connect(lambda: [end() for end in ends])
        name_parts_within(self)
        self._show_engine()
        self._show_voices(())
        self._show_outputs(())

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Devices come and go."""
        super().showEvent(event)
        self._controller.natural_voice.look()
        self._look_for_voices()
        self._look_for_outputs()

    def _lay_out(self) -> None:
        # Below each other, so that nothing is cut where the text is large.
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_12, 0, 0)
        column.setSpacing(SPACE_8)
        for box in (self.engine_box, self.voice_box, self.output_box):
            label = QLabel(box.accessibleName(), self)
            label.setProperty("role", "title")
            label.setBuddy(box)
            column.addWidget(label)
            column.addWidget(box)
            if box is self.engine_box:
                column.addWidget(self.note)
                column.addWidget(self.download_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.look_button, 0, Qt.AlignmentFlag.AlignLeft)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addWidget(self.test_button)
        buttons.addWidget(self.silence_button)
        buttons.addStretch(1)
        column.addLayout(buttons)

    @property
    def _engine(self) -> Engine:
        return "natural" if self._controller.settings.speech_engine == "natural" else "system"

    @property
    def _voice_setting(self) -> str:
        return "natural_voice" if self._engine == "natural" else "speech_voice"

    def _follow(self, names: frozenset[str]) -> None:
        if names & {"speech_engine", "speech_voice", "natural_voice"}:
            self._show_engine()
            self._look_for_voices()
        if "speech_output" in names:
            self._look_for_outputs()

    def _look_for_voices(self) -> None:
        engine = self._engine
        self._controller.aside(lambda: self._controller.speech.voices(engine), self._show_voices)

    def _look_for_outputs(self) -> None:
        self._controller.aside(self._controller.speech.outputs, self._show_outputs)

    def _show_engine(self) -> None:
        self.engine_box.setCurrentIndex(self.engine_box.findData(self._engine))
        self._show_natural()

    def _show_natural(self) -> None:
        natural, is_wanted = self._controller.natural_voice, self._engine == "natural"
        words = natural.words if is_wanted else ""
        self.note.setText(words)
        self.note.setVisible(bool(words))
        is_under_way = natural.fraction is not None
        self.download_button.setVisible(is_wanted and (natural.can_download or is_under_way))
        self.download_button.setText("Stop the download" if is_under_way else "Download the natural voice")
        self.download_button.setAccessibleName(self.download_button.text())
        if is_wanted and natural.is_here and self.voice_box.count() == 1:
            self._look_for_voices()

    def _download_or_stop(self) -> None:
        natural = self._controller.natural_voice
        if natural.fraction is not None:
            natural.stop()
        else:
            natural.download()

    def _show_voices(self, voices: Sequence[VoiceInfo]) -> None:
        chosen = getattr(self._controller.settings, self._voice_setting)
        entries = [("", "The usual one")]
        entries += [
            (voice.voice_id, f"{voice.name} · {voice.language}" if voice.language else voice.name)
            for voice in sorted(voices, key=lambda voice: (voice.language, voice.name))
        ]
        _fill(self.voice_box, entries, chosen)

    def _show_outputs(self, outputs: Sequence[SoundOutput]) -> None:
        entries = [("", "The system's choice")]
        entries += [(output.output_id, output.name) for output in outputs]
        _fill(self.output_box, entries, self._controller.settings.speech_output)

    def _take_engine(self) -> None:
        self._controller.remember(speech_engine=self.engine_box.currentData())

    def _take_voice(self) -> None:
        self._controller.remember(**{self._voice_setting: self.voice_box.currentData()})

    def _take_output(self) -> None:
        self._controller.remember(speech_output=self.output_box.currentData())


def _box(name: str, sentence: str, parent: QWidget) -> QComboBox:
    box = QComboBox(parent)
    box.setAccessibleName(name)
    box.setAccessibleDescription(sentence)
    box.setToolTip(sentence)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    return box


def _fill(box: QComboBox, entries: Sequence[tuple[str, str]], chosen: str) -> None:
    """Show these; what is chosen and not among them stays, and says so."""
    known = list(entries)
    if chosen not in [value for value, _ in known]:
        known.append((chosen, f"{chosen.removeprefix('pulse:')} (not there now)"))
    present = [(box.itemData(index), box.itemText(index)) for index in range(box.count())]
    if present != known:
        box.clear()
        for value, words in known:
            box.addItem(words, value)
    box.setCurrentIndex(box.findData(chosen))
