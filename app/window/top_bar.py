"""The top bar: what is watched, what it is, who comments, and the menu.

Knows how the choices are shown. Knows no source and no model; what is chosen goes to the controller.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from app.models.manager import Stage
from app.settings import DEMO
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8, SPACE_12, TEXT_SCALES_PERCENT, ThemeName
from app.window.chooser import Chooser
from app.window.controller import Controller
from app.window.icon_button import IconButton
from app.window.menu import Choice, Menu

_TITLE_PX = 180
"""At usual text size: with less for "What is this?", the bar has two rows."""

_THEME_WORDS: dict[ThemeName, str] = {
    "system": "As the desktop",
    "light": "Light",
    "dark": "Dark",
    "high-contrast": "High contrast",
}


_ICONS = {
    DEMO: "demo-match",
    "screen": "screen",
    "region": "region",
    "window": "window",
    "camera": "camera",
    "stream": "network",
}


class TopBar(QFrame):
    """Source chooser, title box, model chooser, menu."""

    arranged = Signal()
    """It has another number of rows."""

    def __init__(
        self,
        controller: Controller,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        more_sources: Callable[[], list[Choice]] = list,
    ) -> None:
        """`more_sources` are those that need a dialog or the screen."""
        super().__init__(parent)
        self._more_sources = more_sources
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
            width_px=260,
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
        self.details_button = IconButton(
            theme, "chevron-down", "Tell more", "Teams and people, each in a line of its own.", parent=self
        )
        self.details_button.setObjectName("details")
        self.details_button.setCheckable(True)
        self.preset_chooser = Chooser(
            theme,
            "preset",
            "Persona",
            "Choose who comments.",
            self._preset_entries,
            width_px=215,
            parent=self,
        )
        self.preset_chooser.setObjectName("preset")
        self.model_chooser = Chooser(
            theme,
            "model",
            "Model",
            "Choose the model that comments.",
            self._model_entries,
            width_px=215,
            parent=self,
        )
        self.model_chooser.setObjectName("model")
        self.menu_button = IconButton(theme, "menu", "Menu", "Theme, text size and more.")
        self.menu_button.setObjectName("menu")
        self.menu_button.setMenu(self._make_menu())
        self._first, self._second = QHBoxLayout(), QHBoxLayout()
        self._first.addWidget(self.source_chooser)
        self._first.addWidget(self.title_box, 1)
        self._first.addWidget(self.details_button)
        self._has_two_rows = False
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(SPACE_12, SPACE_8, SPACE_12, SPACE_8)
        self._rows.setSpacing(SPACE_8)
        for row in (self._first, self._second):
            row.setSpacing(SPACE_12)
            self._rows.addLayout(row)
        self._movable = (self.preset_chooser, self.model_chooser, self.menu_button)
        for widget in self._movable:
            self._first.addWidget(widget)

        self.title_box.textEdited.connect(controller.set_title)
        controller.state.session.changed.subscribe(self._show_session)
        controller.state.title_changed.subscribe(self._show_title)
        controller.saying.changed.subscribe(self._show_preset)
        self.details_button.toggled.connect(
            lambda is_open: self.details_button.set_icon("chevron-up" if is_open else "chevron-down")
        )
        self._show_preset()
        self._show_session()
        self._show_title()

    @property
    def second_row_px(self) -> int:
        """What the second row takes of the window's height, 0 without one."""
        return self._second.sizeHint().height() + SPACE_8 if self._has_two_rows else 0

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The bar makes do with any width: who comments goes into a second row."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """One row if there is room, else two."""
        super().resizeEvent(event)
        self._arrange()

    def event(self, event: QEvent) -> bool:
        """Other names or another text size want other widths."""
        if event.type() is QEvent.Type.LayoutRequest:
            self._arrange()
        return super().event(event)

    def _arrange(self) -> None:
        margins = self._rows.contentsMargins()
        beside = (self.source_chooser, self.details_button, *self._movable)
        needed = margins.left() + margins.right() + self._theme.px(_TITLE_PX)
        needed += sum(widget.sizeHint().width() + SPACE_12 for widget in beside)
        has_two_rows = needed > self.width()
        if has_two_rows == self._has_two_rows:
            return
        self._has_two_rows = has_two_rows
        while self._second.count():
            self._second.takeAt(0)
        for widget in self._movable:
            self._first.removeWidget(widget)
            if has_two_rows and widget is self.menu_button:
                self._second.addStretch(1)
            (self._second if has_two_rows else self._first).addWidget(widget)
        self.updateGeometry()
        self.arranged.emit()

    def _show_session(self) -> None:
        source = self._controller.state.session.source
        if source is None:
            self.source_chooser.set_choice("Choose what to watch", "video-file")
        else:
            self.source_chooser.set_choice(source.name, _ICONS.get(source.kind, "video-file"))
            place = f" Now: {source.path or source.name}."
            self.source_chooser.explain(f"Choose what to watch.{place}")
        model = self._controller.state.session.model
        self.model_chooser.set_choice(model.name or "Choose a model", "model")
        place = f" Runs on {model.device}." if model.device else ""
        self.model_chooser.explain(f"Choose the model that comments.{place}")

    def _show_preset(self) -> None:
        preset, note = self._controller.saying.preset, self._controller.saying.note
        self.preset_chooser.set_choice(preset.name, "preset")
        self.preset_chooser.explain(f"Choose who comments. {preset.sentence} {note}".strip())

    def _preset_entries(self) -> list[Choice]:
        saying, chosen = self._controller.saying, self._controller.saying.preset.key
        entries = [
            Choice(
                text=preset.name,
                act=lambda key=preset.key: saying.choose_preset(key),  # type: ignore[misc] # mypy loses the type of a lambda's default
                is_chosen=preset.key == chosen,
                sentence=preset.sentence,
            )
            for preset in saying.book.presets
        ]
        entries.append(
            Choice(
                text="Personas and language…",
                act=lambda: self._controller.state.page_wanted.emit("say"),
                sentence="Look at them, change them, make your own.",
                has_line_above=True,
            )
        )
        return entries

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
                act=controller.choosing.demo,
                is_chosen=chosen == DEMO,
                sentence="A football match that ships with Ringside.",
            )
        ]
        recent = source.path if source is not None and source.path else controller.recent_file
        if recent:
            entries.append(
                Choice(
                    text=Path(recent).name,
                    act=lambda: controller.choosing.file(recent),
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
        return entries + self._more_sources()

    def _model_entries(self) -> list[Choice]:
        controller = self._controller
        here = [row for row in controller.models.rows if row.is_chosen or row.stage is Stage.HERE]
        entries = [
            Choice(
                text=row.model.name,
                act=lambda repo=row.model.repo: controller.choose_model(repo),  # type: ignore[misc] # as above
                is_chosen=row.is_chosen,
                sentence=row.model.sentence,
            )
            for row in here
        ]
        entries.append(
            Choice(
                text="Models…",
                act=lambda: controller.state.page_wanted.emit("models"),
                sentence="What fits this computer, and downloads.",
                has_line_above=True,
            )
        )
        entries.append(
            Choice(
                text="Choose folder…",
                act=controller.state.model_folder_wanted.emit,
                sentence="A folder with a Qwen2.5-VL model.",
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
        settings_action = self._action(menu, "Settings…", "settings")
        shortcuts_action = self._action(menu, "Shortcuts", "shortcuts")
        menu.addSeparator()
        quit_action = self._action(menu, "Quit", "quit")

        def draw_icons() -> None:
            themes.setIcon(theme.icon("theme"))
            sizes.setIcon(theme.icon("text-size"))
            quit_action.setIcon(theme.icon("close"))
            settings_action.setIcon(theme.icon("settings"))
            shortcuts_action.setIcon(theme.icon("keyboard"))

        theme.changed.connect(draw_icons)
        draw_icons()
        return menu

    def _action(self, menu: Menu, words: str, name: str) -> QAction:
        """An entry of the menu that does the action of this name, and shows its key."""
        actions = self._controller.actions
        entry = QAction(words, menu)
        entry.triggered.connect(lambda: actions.trigger(name))
        menu.addAction(entry)

        def show_key() -> None:
            keys = actions.keys(name) if name in actions else ()
            # As words only: the key itself is the window's.
            entry.setText(f"{words}\t{keys[0]}" if keys else words)

        actions.changed.subscribe(show_key)
        show_key()
        return entry

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
