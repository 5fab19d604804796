"""The dialog that makes a narrated video: what it says, where it goes, how far it is.

Knows widgets and words. Knows nothing of how the video is made.
"""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import resources
from app.theme.focus_ring import FocusRing
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, SPACE_16
from app.window.controller import Controller
from app.window.naming import name_parts_within
from app.window.narrating import NarrationRequest

_WIDTH_PX = 480
_BESIDE_WORDS_PX = 48
"""What a box with choices has beside their words, at usual text size."""
_SAID, _WATCH = "said", "watch"


class NarrateDialog(QDialog):
    """Opened from the export menu; may be closed while a video is being made."""

    def __init__(self, controller: Controller, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("narrate")
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Narrated video")
        self.setAccessibleName("Narrated video")
        self._controller = controller
        self._state = controller.narrating.state
        self.sentence = QLabel(
            "Makes an MP4 in which the commentary is spoken over the video's own, quieter sound, with subtitles.",
            self,
        )
        self.sentence.setWordWrap(True)
        self.words_box = QComboBox(self)
        self.words_box.setAccessibleName("What it says")
        self.words_box.setAccessibleDescription(
            "What was said while you watched, or what the chosen model says when it watches the whole video now."
        )
        self.words_box.setToolTip(self.words_box.accessibleDescription())
        self.words_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.words_box.setMinimumContentsLength(24)
        self.whole_box = QCheckBox("Speak whole sentences", self)
        self.whole_box.setAccessibleDescription(
            "Smoother to listen to; each sentence begins at its time, its later words may not."
        )
        self.whole_box.setToolTip(self.whole_box.accessibleDescription())
        self.file_box = QLineEdit(self)
        self.file_box.setAccessibleName("Save as")
        self.browse_button = QPushButton("Browse…", self)
        self.browse_button.setProperty("role", "plain")
        self.browse_button.setAccessibleName("Browse for a place")
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        keeps_its_place = self.bar.sizePolicy()
        keeps_its_place.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(keeps_its_place)
        self.doing = QLabel(self)
        self.doing.setWordWrap(True)
        self.doing.setAccessibleName("What is being done")
        self.make_button = QPushButton("Make the video", self)
        self.make_button.setProperty("role", "filled")
        self.cancel_button = QPushButton("Cancel", self)
        self.cancel_button.setProperty("role", "plain")
        self.cancel_button.setAccessibleName("Cancel making the video")
        self.close_button = QPushButton("Close", self)
        self.close_button.setProperty("role", "plain")
        for button in (self.make_button, self.close_button, self.browse_button, self.cancel_button):
            button.setAutoDefault(False)
            if not button.accessibleName():
                button.setAccessibleName(button.text())
        self.make_button.setDefault(True)
        self._lay_out()
        self.browse_button.clicked.connect(self._browse)
        self.make_button.clicked.connect(self._make)
        self.cancel_button.clicked.connect(controller.narrating.cancel)
        self.close_button.clicked.connect(self.close)
        self.words_box.currentIndexChanged.connect(lambda: self._follow())
        theme.changed.connect(self._fit)
        self.file_box.textChanged.connect(lambda: self._follow())
        # Closed, it leaves the video to be made; its end is told in the main window.
        unsubscribe = self._state.changed.subscribe(self._follow)
        self.finished.connect(lambda: unsubscribe())
        self._find_out()
        self._follow()
        name_parts_within(self)
        self.focus_ring = FocusRing(self, theme)
        self._fit()

    def _lay_out(self) -> None:
        label = QLabel("Save as", self)
        label.setBuddy(self.file_box)
        place = QHBoxLayout()
        place.setSpacing(SPACE_8)
        place.addWidget(self.file_box, 1)
        place.addWidget(self.browse_button)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addWidget(self.make_button)
        buttons.addWidget(self.cancel_button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
        column.setSpacing(SPACE_12)
        says = QLabel("What it says", self)
        says.setBuddy(self.words_box)
        for widget in (self.sentence, says, self.words_box, self.whole_box):
            column.addWidget(widget)
        column.addWidget(label)
        column.addLayout(place)
        column.addWidget(self.bar)
        column.addWidget(self.doing)
        column.addStretch(1)
        column.addLayout(buttons)

    def _fit(self) -> None:
        """Wide enough for the text size, and as high as the words then need."""
        width = round(_WIDTH_PX * (1 + self._theme.scale) / 2)
        self.doing.setMinimumHeight(self.doing.fontMetrics().lineSpacing())
        # Its longest choice is whole, in all but the largest text: there it would be wider than a screen.
        longest = max(
            (self.words_box.fontMetrics().horizontalAdvance(words) for words in self._choices()), default=0
        )
        words_px = longest + self._theme.px(_BESIDE_WORDS_PX)
        self.words_box.setMinimumWidth(min(words_px, self.screen().availableSize().width() - 2 * SPACE_16))
        column = self.layout()
        assert column is not None
        column.activate()
        width = max(width, column.minimumSize().width())
        self.setMinimumSize(width, column.heightForWidth(width))
        self.resize(self.minimumSize())

    def _choices(self) -> list[str]:
        return [self.words_box.itemText(index) for index in range(self.words_box.count())]

    def _find_out(self) -> None:
        """What can be narrated: the latest session with a file, and the file that is chosen."""
        record, source = self._controller.state.record, self._controller.state.session.source
        latest = record.latest
        self._said = latest if latest is not None and Path(latest.head.path).is_file() else None
        self._video = (
            source.path if source is not None and source.path and Path(source.path).is_file() else ""
        )
        if self._said is not None:
            phrases = len(self._said.phrases)
            words = "1 phrase" if phrases == 1 else f"{phrases} phrases"
            self.words_box.addItem(f"What was said about {self._said.head.name} ({words})", _SAID)
        if self._video:
            name = source.name if source is not None else ""
            self.words_box.addItem(f"Watch all of {name} now", _WATCH)
        if not self.words_box.count():
            self.words_box.addItem("Choose a video file to watch first", "")
            self.words_box.setEnabled(False)
        video = Path(self._said.head.path if self._said is not None else self._video)
        if video.name:
            folder = _folder_for(video, self._controller.settings.export_folder)
            self.file_box.setText(str(_free(folder / f"{video.stem}-narrated.mp4")))

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Save the narrated video")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["MP4 video (*.mp4)"])
        dialog.setDefaultSuffix("mp4")
        dialog.selectFile(self.file_box.text())
        dialog.fileSelected.connect(self.file_box.setText)
        dialog.open()

    def _make(self) -> None:
        controller = self._controller
        output = self.file_box.text().strip()
        if self.words_box.currentData() == _SAID and self._said is not None:
            request = NarrationRequest(
                video=self._said.head.path,
                output=output,
                phrases=tuple(self._said.phrases),
                title=self._said.head.title,
                whole_sentences=self.whole_box.isChecked(),
            )
        else:
            wanted = controller.stream_settings()
            request = NarrationRequest(
                video=self._video,
                output=output,
                phrases=None,
                title=wanted.title,
                query=wanted.query,
                sampling=controller.saying.own_sampling,
                whole_sentences=self.whole_box.isChecked(),
            )
        controller.remember(export_folder=str(Path(output).parent))
        controller.narrating.begin(request)
        self.cancel_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _follow(self) -> None:
        is_running = self._state.is_running
        has_video = bool(self.words_box.currentData())
        self.make_button.setEnabled(not is_running and has_video and bool(self.file_box.text().strip()))
        self.cancel_button.setEnabled(is_running)
        self.bar.setVisible(is_running)
        self.bar.setValue(round(1000 * self._state.fraction) if is_running else 0)
        words = f"{self._state.doing}, {self._state.fraction:.0%}" if is_running else ""
        if words != self.doing.text():
            self.doing.setText(words)


def _folder_for(video: Path, chosen: str) -> Path:
    """Where videos were saved last, or beside this one; what ships with Ringside is no place for a person's files."""
    if chosen and Path(chosen).is_dir():
        return Path(chosen)
    if os.access(video.parent, os.W_OK) and not video.is_relative_to(resources.assets_dir()):
        return video.parent
    videos = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation))
    return videos if videos.is_dir() else Path.home()


def _free(path: Path) -> Path:
    """This path, or the first with a number that is not taken."""
    number = 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate
