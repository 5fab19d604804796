"""The window's parts for what is said and which model says it: the form, the question bar, and panels of the settings.

Knows where they go and which keys open them. Knows nothing of what they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.manager import ModelRow
from app.settings import PAGES
from app.window.actions import Action
from app.window.brief_form import BriefForm
from app.window.models_panel import ModelsPanel
from app.window.preset_panel import PresetPanel
from app.window.question_bar import QuestionBar
from app.window.state.messages import Message

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

_TOPIC = "download"


class SayParts:
    """One per window."""

    def __init__(self, window: MainWindow, column: QVBoxLayout) -> None:
        """`column` holds the bars of the window, the top bar first and the transport bar last."""
        controller, theme = window.controller, window.theme
        self._window = window
        self._controller = controller
        self.form = BriefForm(controller, window)
        self.question = QuestionBar(controller.saying, controller.state.question, theme, window)
        column.insertWidget(1, self.form)
        column.insertWidget(column.count() - 1, self.question)
        window.settings_page.add_panel("say", lambda parent: PresetPanel(controller, theme, parent))
        window.settings_page.add_panel("models", lambda parent: ModelsPanel(controller, theme, parent))
        button = window.top_bar.details_button
        button.toggled.connect(lambda is_open: self.form.toggle(is_open=is_open))
        self.form.closed.connect(lambda: button.setChecked(False))
        window.transport.ask_button.clicked.connect(self.question.open)
        controller.state.page_wanted.subscribe(self._open_page)
        controller.models.ended.subscribe(self._tell_end)
        controller.actions.add(
            Action(
                name="ask",
                label="Ask a question",
                description="Asks the commentator something; the answer comes in the captions.",
                default_keys=("A",),
                act=self.question.open,
                group="Say",
            ),
            Action(
                name="details",
                label="Tell more",
                description="Opens or closes the form for teams and people.",
                default_keys=("Ctrl+Shift+T",),
                act=button.toggle,
                group="Say",
            ),
            Action(
                name="preset",
                label="Choose a persona",
                description="Opens the menu of personas.",
                default_keys=("Ctrl+P",),
                act=window.top_bar.preset_chooser.showMenu,
                group="Say",
            ),
            Action(
                name="models",
                label="Models",
                description="Opens the page of models: what fits, downloads, which one comments.",
                default_keys=("Ctrl+M",),
                act=lambda: self._open_page("models"),
                group="Window",
            ),
        )

    def escape(self, focus: QWidget | None) -> bool:
        """Esc, with the keyboard in `focus`: close the part that has it; False if none of them does."""
        if focus is not None and self.question.isAncestorOf(focus):
            self.question.shut()
        elif focus is not None and self.form.isAncestorOf(focus):
            self._window.top_bar.details_button.setChecked(False)
        else:
            return False
        return True

    def _open_page(self, name: str) -> None:
        for page in PAGES:
            if page == name:
                self._window.settings_page.open(page)

    def _tell_end(self, row: ModelRow) -> None:
        """A download has ended while a person may have been looking elsewhere."""
        repo, name = row.model.repo, row.model.name
        topic = f"{_TOPIC}/{repo}"  # of several downloads each has its own end
        self._controller.state.messages.take_back(topic)
        if row.problem:
            message = Message(
                text=f"{name}: {row.problem}",
                details=row.details,
                topic=topic,
                action="Models…",
                act=lambda: self._open_page("models"),
            )
        else:
            message = Message(
                text=f"{name} is here and checked.",
                is_error=False,
                topic=topic,
                action="Use it",
                act=lambda: self._controller.choose_model(repo),
            )
        self._controller.state.messages.show(message)
