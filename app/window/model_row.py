"""One model on the page Models: what it is, whether it fits, how far it has come, and what can be done with it.

Knows how a row of the manager is shown. Knows no hub, no files and no machine.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.models.fit import Fit
from app.models.manager import ModelManager, ModelRow, Stage
from app.models.rate import size_words
from app.settings import DEMO
from app.theme.icons import icon_pixmap
from app.theme.theme import Theme
from app.theme.tokens import SPACE_4, SPACE_8, SPACE_12

_SHAPES = {
    Fit.FITS: "tick",
    Fit.SLOW: "status-behind",
    Fit.BUSY: "status-behind",
    Fit.TOO_LARGE: "warning",
    Fit.UNKNOWN: "status-empty",
}
_SHAPE_PX = 16
_PROGRESS_STEPS = 1000


class ModelRowView(QFrame):
    """A card."""

    def __init__(
        self,
        repo: str,
        manager: ModelManager,
        choose: Callable[[str], None],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        """`choose` makes a model the one that comments."""
        super().__init__(parent)
        self.setProperty("role", "card")
        self.repo = repo
        self._manager = manager
        self._choose = choose
        self._theme = theme
        self._is_asking = False
        name = manager.row(repo).model.name
        self._name = name
        self.setAccessibleName(name)
        self.name = QLabel(name, self)
        self.name.setProperty("role", "title")
        self.name.setWordWrap(True)
        self.shape = QLabel(self)
        self.shape.setAccessibleName("Whether it fits")
        self.fit = QLabel(self)
        self.fit.setProperty("role", "state")
        self.sentence = self._quiet_label()
        self.facts = self._quiet_label()
        self.status = QLabel(self)
        self.status.setWordWrap(True)
        self.status.setAccessibleName(f"How far {name} is")
        self.progress = QProgressBar(self)
        self.progress.setRange(0, _PROGRESS_STEPS)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(SPACE_8)
        self.progress.setAccessibleName(f"Download of {name}")
        self.use = self._button("Use", "Have this model comment.", self._use)
        self.download = self._button(
            "Download", "Bring it here from the hub.", lambda: manager.download(self.repo)
        )
        self.pause = self._button(
            "Pause", "Stop for now and keep what is here.", lambda: manager.pause(self.repo)
        )
        self.cancel = self._button(
            "Cancel", "Stop and delete what is here of it.", lambda: manager.cancel(self.repo)
        )
        self.delete = self._button("Delete…", "Delete its files from this computer.", self._ask)
        self.really = self._button("Delete", "Delete its files now.", self._delete)
        self.keep = self._button("Keep it", "Delete nothing.", self._keep)
        self.forget = self._button(
            "Take off the list", "Forget this name.", lambda: manager.forget(self.repo)
        )
        self._lay_out()
        theme.changed.connect(self.show_row)
        self.show_row()

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """All of them, in the order of the keyboard."""
        return (
            self.use,
            self.download,
            self.pause,
            self.cancel,
            self.delete,
            self.really,
            self.keep,
            self.forget,
        )

    def show_row(self) -> None:
        """Show the row as it stands."""
        row = self._manager.row(self.repo)
        palette, side = self._theme.palette, self._theme.px(_SHAPE_PX)
        self.shape.setPixmap(
            icon_pixmap(_SHAPES[row.verdict.fit], palette.text, side, self.devicePixelRatioF())
        )
        self.shape.setFixedSize(QSize(side, side))
        self.fit.setText(row.verdict.words)
        self.sentence.setText(row.model.sentence)
        languages = row.model.languages
        spoken = (
            languages[0] if len(languages) == 1 else f"{languages[0]} and {len(languages) - 1} more languages"
        )
        self.facts.setText(f"{row.verdict.sentence} Speaks {spoken}. Licence: {row.model.licence}.")
        self.facts.setToolTip(", ".join(languages))
        self.status.setText(self._status(row))
        self.progress.setVisible(row.is_at_work or row.stage is Stage.PAUSED)
        self.progress.setValue(round(_PROGRESS_STEPS * row.fraction))
        self._show_buttons(row)

    def _status(self, row: ModelRow) -> str:
        if self._is_asking:
            return f"Delete {self._name}, {size_words(row.done_bytes)}? It can be downloaded again."
        words = f"In use · {row.words}" if row.is_chosen and row.stage is Stage.HERE else row.words
        return f"{words}. {row.problem}" if row.problem and row.stage is Stage.HERE else words

    def _show_buttons(self, row: ModelRow) -> None:
        is_here, is_asking = row.stage is Stage.HERE, self._is_asking
        has_some = row.stage in (Stage.PAUSED, Stage.FAILED) and row.done_bytes > 0
        focused = self.focusWidget()
        self.use.setVisible(is_here and not row.is_chosen and not is_asking)
        self.download.setVisible(row.stage in (Stage.ABSENT, Stage.PAUSED, Stage.FAILED))
        self._word(
            self.download, "Resume" if has_some else "Try again" if row.stage is Stage.FAILED else "Download"
        )
        self.pause.setVisible(row.is_at_work)
        self.cancel.setVisible(row.is_at_work or has_some)
        self.delete.setVisible(is_here and row.is_ours and not row.is_chosen and not is_asking)
        self.really.setVisible(is_asking)
        self.keep.setVisible(is_asking)
        self.forget.setVisible(self._manager.can_forget(self.repo))
        if focused is not None:
            self._keep_focus(focused)

    def _keep_focus(self, focused: QWidget) -> None:
        """The keyboard stays with the model whose button has just gone."""
        if not focused.isVisibleTo(self):
            for button in self.buttons:
                if button.isVisibleTo(self):
                    button.setFocus(Qt.FocusReason.OtherFocusReason)
                    return

    def _use(self) -> None:
        row = self._manager.row(self.repo)
        # A folder or the demo by its name; a hub model by its id, so that it is found again wherever it lies.
        self._choose(DEMO if self.repo == DEMO else row.model.repo)

    def _ask(self) -> None:
        self._is_asking = True
        self.show_row()
        self.keep.setFocus(Qt.FocusReason.OtherFocusReason)

    def _keep(self) -> None:
        self._is_asking = False
        self.show_row()

    def _delete(self) -> None:
        self._is_asking = False
        self._manager.delete(self.repo)
        self.show_row()

    def _button(self, words: str, sentence: str, act: Callable[[], object]) -> QPushButton:
        button = QPushButton(self)
        button.setProperty("role", "plain")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(sentence)
        button.setAccessibleDescription(sentence)
        self._word(button, words)
        button.clicked.connect(lambda: act())
        return button

    def _word(self, button: QPushButton, words: str) -> None:
        button.setText(words)
        button.setAccessibleName(f"{words.rstrip('…')} {self._name}")

    def _quiet_label(self) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", "quiet")
        label.setWordWrap(True)
        return label

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE_8)
        head.addWidget(self.name, 1)
        head.addWidget(self.shape)
        head.addWidget(self.fit)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_8)
        for button in self.buttons:
            foot.addWidget(button)
        foot.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_12, SPACE_12, SPACE_12, SPACE_12)
        column.setSpacing(SPACE_4)
        column.addLayout(head)
        column.addWidget(self.sentence)
        column.addWidget(self.facts)
        column.addSpacing(SPACE_4)
        column.addWidget(self.progress)
        column.addWidget(self.status)
        column.addLayout(foot)
