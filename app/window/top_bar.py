"""The top bar: what is watched, what it is, who comments, and the menu.

Knows how the choices are shown. Knows no source and no model; what is chosen goes to the controller.
"""

from pathlib import Path

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from app.settings import DEMO
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, TEXT_SCALES_PERCENT, ThemeName
from app.window.chooser import Chooser
from app.window.controller import Controller
from app.window.icon_button import IconButton
from app.window.menu import Choice, Menu

_THEME_WORDS: dict[ThemeName, str] = {
    "system": "As the desktop",
    "light": "Light",
    "dark": "Dark",
    "high-contrast": "High contrast",
}


class TopBar(QFrame):
    """Source chooser, title box, model chooser, menu."""

    def __init__(self, controller: Controller, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setProperty("edge", "bottom")
        self.setAccessibleName("Top bar")
        self._controller = controller
        self._theme = theme
        self.source_chooser = Chooser(
            theme,
            "demo-match",
            "Source",
            "Choose what to watch.",
            self._source_entries,
            width_px=240,
            parent=self,
        )
        self.source_chooser.setObjectName("source")
        self.title_box = QLineEdit(self)
        self.title_box.setObjectName("title")
        self.title_box.setPlaceholderText("What is this?")
        self.title_box.setAccessibleName("What is this?")
        self.title_box.setToolTip(
            "Teams, names and occasion: the commentator knows only what stands here. Used from the next start."
        )
        self.title_box.setAccessibleDescription(self.title_box.toolTip())
        self.title_box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.title_box.setMinimumWidth(120)
        self.model_chooser = Chooser(
            theme,
            "model",
            "Model",
            "Choose the model that comments.",
            self._model_entries,
            width_px=220,
            parent=self,
        )
        self.model_chooser.setObjectName("model")
        self.menu_button = IconButton(theme, "menu", "Menu", "Theme, text size and more.")
        self.menu_button.setObjectName("menu")
        self.menu_button.setMenu(self._make_menu())
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_12, SPACE_8, SPACE_12, SPACE_8)
        row.setSpacing(SPACE_12)
        row.addWidget(self.source_chooser)
        row.addWidget(self.title_box, 1)
        row.addWidget(self.model_chooser)
        row.addWidget(self.menu_button)

        self.title_box.textEdited.connect(controller.set_title)
        controller.state.session.changed.subscribe(self._show_session)
        controller.state.title_changed.subscribe(self._show_title)
        self._show_session()
        self._show_title()

    def _show_session(self) -> None:
        source = self._controller.state.session.source
        if source is None:
            self.source_chooser.set_choice("Choose what to watch", "video-file")
        else:
            self.source_chooser.set_choice(source.name, "demo-match" if source.kind == DEMO else "video-file")
            place = f" Now: {source.path or source.name}."
            self.source_chooser.explain(f"Choose what to watch.{place}")
        model = self._controller.state.session.model
        self.model_chooser.set_choice(model.name or "Choose a model", "model")
        place = f" Runs on {model.device}." if model.device else ""
        self.model_chooser.explain(f"Choose the model that comments.{place}")

    def _show_title(self) -> None:
        title = self._controller.state.title
        if title != self.title_box.text():
            self.title_box.setText(title)
            self.title_box.setCursorPosition(0)

    def _source_entries(self) -> list[Choice]:
        controller = self._controller
        source = controller.state.session.source
        chosen = source.kind if source is not None else ""
        entries = [
            Choice(
                text="Demo match",
                act=controller.choose_demo,
                is_chosen=chosen == DEMO,
                sentence="A football match that ships with Ringside.",
            )
        ]
        recent = source.path if source is not None and source.path else controller.recent_file
        if recent:
            entries.append(
                Choice(
                    text=Path(recent).name,
                    act=lambda: controller.choose_file(recent),
                    is_chosen=chosen == "file",
                    sentence=recent,
                )
            )
        entries.append(
            Choice(
                text="Open file…",
                act=controller.state.file_wanted.emit,
                sentence="Choose a video (Ctrl+O).",
                has_line_above=True,
            )
        )
        return entries

    def _model_entries(self) -> list[Choice]:
        controller = self._controller
        chosen = controller.settings.model
        entries = [
            Choice(
                text="Demo model",
                act=lambda: controller.choose_model(DEMO),
                is_chosen=chosen == DEMO,
                sentence="Small, made for the demo match, runs on any computer.",
            )
        ]
        if chosen != DEMO:
            entries.append(
                Choice(
                    text=Path(chosen).name,
                    act=lambda: controller.choose_model(chosen),
                    is_chosen=True,
                    sentence=chosen,
                )
            )
        entries.append(
            Choice(
                text="Choose folder…",
                act=controller.state.model_folder_wanted.emit,
                sentence="A folder with a Qwen2.5-VL model.",
                has_line_above=True,
            )
        )
        return entries

    def _make_menu(self) -> Menu:
        theme = self._theme
        menu = Menu(theme, "Menu", None, self)
        themes = Menu(theme, "Theme", self._theme_entries, menu)
        sizes = Menu(theme, "Text size", self._size_entries, menu)
        menu.addMenu(themes)
        menu.addMenu(sizes)
        menu.addSeparator()
        quit_action = QAction("Quit", menu)
        quit_action.setShortcut(QKeySequence("Ctrl+Q"))
        quit_action.triggered.connect(lambda: self.window().close())
        menu.addAction(quit_action)

        def draw_icons() -> None:
            themes.setIcon(theme.icon("theme"))
            sizes.setIcon(theme.icon("text-size"))
            quit_action.setIcon(theme.icon("close"))

        theme.changed.connect(draw_icons)
        draw_icons()
        return menu

    def _theme_entries(self) -> list[Choice]:
        return [
            Choice(
                text=words,
                act=lambda name=name: self._controller.choose_theme(name),  # type: ignore[misc] # mypy loses the type of a lambda's default
                is_chosen=name == self._theme.name,
            )
            for name, words in _THEME_WORDS.items()
        ]

    def _size_entries(self) -> list[Choice]:
        return [
            Choice(
                text=f"{percent}%",
                act=lambda percent=percent: self._controller.choose_text_scale(percent),  # type: ignore[misc] # as above
                is_chosen=percent == self._theme.scale_percent,
            )
            for percent in TEXT_SCALES_PERCENT
        ]
