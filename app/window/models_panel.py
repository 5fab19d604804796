"""The panel of the page Models: what the machine can do, which of its cards is used, every model, and how others get there.

Knows which rows there are. Knows nothing of how a model is downloaded or judged.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.models.fit import AUTO, CPU
from app.models.machine import Machine
from app.models.rate import size_words
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12
from app.window.controller import Controller
from app.window.model_row import ModelRowView


class ModelsPanel(QWidget):
    """Every model."""

    def __init__(self, controller: Controller, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models")
        self.setAccessibleName("Models")
        self._controller = controller
        self._manager = controller.models
        self._theme = theme
        self.views: dict[str, ModelRowView] = {}
        self.machine = QLabel(self)
        self.machine.setProperty("role", "title")
        self.machine.setWordWrap(True)
        self.machine.setAccessibleName("This machine")
        self.card_box = QComboBox(self)
        self.card_box.setAccessibleName("Graphics card")
        self.card_box.setToolTip("Where the model runs, and what is said of models below is about.")
        self.card_box.setAccessibleDescription(self.card_box.toolTip())
        self.card_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.card_box.setMinimumContentsLength(16)
        self.card_label = QLabel("Graphics card", self)
        self.card_label.setBuddy(self.card_box)
        self.folder_button = QPushButton("Use a folder…", self)
        self.folder_button.setAccessibleName("Use a folder")
        self.folder_button.setToolTip("A Qwen2.5-VL model that is on this computer already.")
        self.look_button = QPushButton("Look again", self)
        self.look_button.setAccessibleName("Look again")
        self.look_button.setToolTip("Ask graphics card, disk and folders once more.")
        self.name_box = QLineEdit(self)
        self.name_box.setPlaceholderText("Another of the hub: owner/name")
        self.name_box.setAccessibleName("Another model of the hub")
        self.name_box.setAccessibleDescription("Owner and name of a Qwen2.5-VL model, then Enter.")
        self.add_button = QPushButton("Add", self)
        self.add_button.setAccessibleName("Add this model to the list")
        self.add_button.setToolTip("List it above, so that it can be downloaded.")
        self.problem = QLabel(self)
        self.problem.setProperty("role", "quiet")
        self.problem.setWordWrap(True)
        self.problem.setAccessibleName("What is wrong with the name")
        self.problem.hide()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(SPACE_8)
        self._lay_out()
        self.card_box.activated.connect(
            lambda index: controller.remember(device=self.card_box.itemData(index))
        )
        self.folder_button.clicked.connect(controller.state.model_folder_wanted.emit)
        self.look_button.clicked.connect(self._manager.refresh)
        self.add_button.clicked.connect(self._add)
        self.name_box.returnPressed.connect(self._add)
        for button in (self.folder_button, self.look_button, self.add_button):
            button.setProperty("role", "plain")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleDescription(button.toolTip())
        unsubscribe = self._manager.changed.subscribe(self._follow)
        self.destroyed.connect(lambda: unsubscribe())
        self._cards: list[tuple[str, str]] = []
        self._follow("")

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """What is free may be another amount by now."""
        super().showEvent(event)
        self._manager.refresh()

    def _follow(self, repo: str) -> None:
        if repo and repo in self.views:
            self.views[repo].show_row()
            return
        manager = self._manager
        repos = [row.model.repo for row in manager.rows]
        for gone in set(self.views) - set(repos):
            view = self.views.pop(gone)
            self._rows.removeWidget(view)
            view.deleteLater()
        for place, wanted in enumerate(repos):
            if wanted not in self.views:
                view = ModelRowView(wanted, manager, self._controller.choose_model, self._theme, self)
                self.views[wanted] = view
                self._rows.insertWidget(place, view)
            self.views[wanted].show_row()
        machine = manager.machine.words if manager.machine is not None else "Looking at this machine…"
        self._show_cards(manager.machine)
        disk = manager.free_disk_bytes
        room = f" · {size_words(disk)} free on disk" if disk is not None else ""
        self.machine.setText(f"{machine}{room}")

    def _show_cards(self, machine: Machine | None) -> None:
        """The choice of a card, where there is one."""
        gpus = machine.gpus if machine is not None else ()
        usable = [
            (f"cuda:{number}", f"{number}: {gpu.name}") for number, gpu in enumerate(gpus) if gpu.is_usable
        ]
        cards = [(AUTO, "The one with most free memory"), *usable, (CPU, "None: the processor")]
        device = self._controller.settings.device
        if cards != self._cards:  # a list that is open stays as it is
            self._cards = cards
            self.card_box.clear()
            for card, words in cards:
                self.card_box.addItem(words, card)
        self.card_box.setCurrentIndex(max(0, self.card_box.findData(device)))
        for widget in (self.card_box, self.card_label):
            widget.setVisible(len(usable) > 1 or device != AUTO)

    def _add(self) -> None:
        is_name = self._manager.add(self.name_box.text())
        self.problem.setVisible(not is_name)
        self.problem.setText(
            "" if is_name else "Write it as on the hub: owner/name, for example Qwen/Qwen2.5-VL-3B-Instruct."
        )
        if is_name:
            self.name_box.clear()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE_8)
        head.addWidget(self.look_button)
        head.addWidget(self.folder_button)
        head.addStretch(1)
        cards = QHBoxLayout()
        cards.setSpacing(SPACE_8)
        cards.addWidget(self.card_label)
        cards.addWidget(self.card_box, 1)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_8)
        foot.addWidget(self.name_box, 1)
        foot.addWidget(self.add_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_12, 0, SPACE_12)
        column.setSpacing(SPACE_12)
        column.addWidget(self.machine)
        column.addLayout(cards)
        column.addLayout(head)
        column.addLayout(self._rows)
        column.addLayout(foot)
        column.addWidget(self.problem)
