"""The main window: bars, stage and transcript in their places, keys, and dialogs.

Knows how the parts share the window and which key does what. Knows no source, model or voice: the controller does.
"""

from __future__ import annotations

import base64
import itertools
from pathlib import Path

from PySide6.QtCore import QByteArray, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.theme.focus_ring import FocusRing
from app.theme.theme import Theme
from app.theme.tokens import SPACE_8
from app.window.announcer import Announcer
from app.window.caption_look import CaptionLook
from app.window.controller import Controller
from app.window.exporting import Exporting
from app.window.first_start import FirstStart
from app.window.global_keys import GlobalKeys
from app.window.hotkeys import Hotkeys
from app.window.hud import Hud
from app.window.message_bar import MessageBar
from app.window.overlay import UNLOCKED_SENTENCE, Overlay
from app.window.own_windows import OwnWindowsKeeper
from app.window.picture import Picture
from app.window.say_parts import SayParts
from app.window.settings_page import SettingsPage
from app.window.shortcuts import KeysPanel, ShortcutsWindow
from app.window.source_picker import SourcePicker
from app.window.source_ways import SourceWays
from app.window.speaking import Speaking
from app.window.stage import Stage
from app.window.state.session import Phase
from app.window.top_bar import TopBar
from app.window.transcript_panel import TranscriptPanel
from app.window.transport_bar import TransportBar
from app.window.window_actions import window_actions

USUAL_SIZE = (1280, 720)
SMALLEST_SIZE = (960, 600)

_VIDEO_ENDINGS = "*.mp4 *.mkv *.mov *.webm *.avi *.ts *.m4v *.mpg *.mpeg *.flv *.wmv *.ogv"


class MainWindow(QWidget):
    """The one window."""

    shown = Signal()
    """It is on the screen for the first time, and painted."""
    closed = Signal()
    """A person closed it."""

    def __init__(self, controller: Controller, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("ringside")
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Ringside")
        self.setAccessibleName("Ringside")
        self.setMinimumSize(*SMALLEST_SIZE)
        self.resize(*USUAL_SIZE)
        self.controller = controller
        self.theme = theme
        state = controller.state
        self.source_ways = SourceWays(controller, theme, self)
        self.top_bar = TopBar(controller, theme, self, more_sources=self.source_ways.entries)
        self.message_bar = MessageBar(state.messages, theme, self)
        self.look = CaptionLook(theme, lambda: controller.settings, self)
        self.stage = Stage(state.captions, theme, self, look=self.look)
        self.transcript = TranscriptPanel(state.transcript, theme, self)
        self.transport = TransportBar(controller, theme, self)
        self.picker = SourcePicker(controller, theme, self.source_ways, self.stage)
        self.picker.hide()
        self.announcer = Announcer(state, self, message_key=self._message_key)
        self.first_start = FirstStart(
            controller,
            theme,
            self.announcer,
            choose_source=self.choose_source,
            choose_model=lambda: state.page_wanted.emit("models"),
            choose_preset=self.top_bar.preset_chooser.showMenu,
            parent=self,
        )
        self._was_shown = False
        self._has_chosen = bool(controller.settings.source)
        self._lay_out()
        self.focus_ring = FocusRing(self, theme)
        self.overlay = Overlay(controller, self.look, theme, self.stage.band, self)
        self.hud = Hud(controller, theme, self.stage)
        self.stage.room_changed.connect(self._place_hud)
        self._place_hud()
        self.own_windows = OwnWindowsKeeper(self)
        self.global_keys = GlobalKeys(controller, self)
        self.settings_page = SettingsPage(controller, theme, self.announcer, self)
        self.settings_page.add_panel("keys", self._make_keys_panel)
        self.shortcuts: ShortcutsWindow | None = None
        self.say = SayParts(self, self._column)
        self._connect()
        controller.actions.add(*window_actions(self))
        self.exporting = Exporting(controller, theme, self)
        self.transport.export_button.setMenu(self.exporting.menu)
        self.speaking = Speaking(self)
        self.hotkeys = Hotkeys(self, controller.actions)
        self._set_tab_order()
        self._restore()
        self._show_session()
        self._follow_settings(frozenset())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Space reaches the window where nothing else wants it."""
        if not self.hotkeys.handle(event):
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Tell when the first picture of the window itself is on the screen."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            self.transport.start_button.setFocus(Qt.FocusReason.OtherFocusReason)
            QTimer.singleShot(0, self.shown.emit)
            QTimer.singleShot(0, self.overlay.follow)
            QTimer.singleShot(0, self.global_keys.open)
            QTimer.singleShot(0, self.first_start.open)
            QTimer.singleShot(0, self.exporting.look_for_earlier)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The transcript takes its share of the width."""
        super().resizeEvent(event)
        self._make_room()
        self._share_width()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Gone from the screen at once; what runs is ended by whoever listens."""
        geometry = base64.b64encode(self.saveGeometry().data()).decode("ascii")
        self.controller.remember(geometry=geometry)
        if self.transcript.has_note:
            self.controller.remember(has_seen_warning=True)
        self.transcript.view.hand_over_copied()
        self.overlay.close()
        self.own_windows.forget_all()
        self.global_keys.close()
        self.settings_page.close()
        if self.shortcuts is not None:
            self.shortcuts.close()
        event.accept()
        self.closed.emit()

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.stage, 1)
        middle.addWidget(self.transcript)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addWidget(self.message_bar)
        column.addWidget(self.first_start)
        column.addLayout(middle, 1)
        column.addWidget(self.transport)

    def _connect(self) -> None:
        controller, state = self.controller, self.controller.state
        state.session.changed.subscribe(self._show_session)
        state.look_changed.subscribe(self._follow_look)
        state.file_wanted.subscribe(self.ask_for_file)
        state.model_folder_wanted.subscribe(self.ask_for_model_folder)
        controller.picture_came.subscribe(self._take_picture)
        controller.posters.came.subscribe(self._show_poster)
        self.stage.room_changed.connect(controller.pictures.set_room)
        self.transcript.view.lead(lambda row: state.moment_of_row(row) is not None)
        self.transcript.view.row_chosen.connect(self._go_to_row)
        self.transcript.note_closed.connect(lambda: controller.remember(has_seen_warning=True))
        controller.settings_changed.subscribe(self._follow_settings)
        self.theme.changed.connect(self._share_width)
        self.theme.changed.connect(self._make_room)
        self.first_start.room_wanted.connect(self._make_room)
        self.top_bar.arranged.connect(self._make_room)
        self.theme.changed.connect(lambda: controller.outputs.set_palette(self.theme.palette))
        controller.outputs.set_palette(self.theme.palette)

    def _set_tab_order(self) -> None:
        order: list[QWidget] = [
            self.transport.start_button,
            self.transport.pause_button,
            self.transport.speech_button,
            self.transport.overlay_button,
            self.transport.export_button,
            self.transport.ask_button,
            self.say.question.box,
            self.say.question.ask_button,
            self.say.question.close_button,
            self.top_bar.source_chooser,
            self.top_bar.title_box,
            self.top_bar.details_button,
            *self.say.form.boxes.values(),
            self.top_bar.preset_chooser,
            self.top_bar.model_chooser,
            self.top_bar.menu_button,
            self.message_bar.details_button,
            self.message_bar.action_button,
            self.message_bar.close_button,
            self.message_bar.details,
            self.message_bar.copy_button,
            *self.first_start.buttons,
            self.first_start.fold_button,
            self.first_start.close_button,
            *self.picker.cards,
            *self.picker.buttons,
            self.transcript.find_box,
            self.transcript.view,
            self.transcript.newest_button,
        ]
        for before, after in itertools.pairwise(order):
            QWidget.setTabOrder(before, after)

    def choose_source(self) -> None:
        """Let the person choose what to watch."""
        self.top_bar.source_chooser.setFocus(Qt.FocusReason.OtherFocusReason)
        self.top_bar.source_chooser.showMenu()

    def ask_for_file(self) -> None:
        """Let the person choose a video."""
        dialog = QFileDialog(self, "Choose a video")
        dialog.setNameFilters([f"Videos ({_VIDEO_ENDINGS})", "All files (*)"])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        if self.controller.recent_file:
            dialog.setDirectory(str(Path(self.controller.recent_file).parent))
        dialog.fileSelected.connect(self.controller.choosing.file)
        self._open_dialog(dialog)

    def ask_for_model_folder(self) -> None:
        """Let the person choose a checkpoint's folder."""
        dialog = QFileDialog(self, "Choose a model's folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.controller.choose_model)
        self._open_dialog(dialog)

    def _open_dialog(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def escape(self) -> None:
        """Be silent, and leave a text field."""
        self.controller.silence()
        focus = self.focusWidget()
        if self.say.escape(focus):
            return
        if focus in (self.top_bar.title_box, self.transcript.find_box):
            if focus is self.transcript.find_box:
                self.transcript.find_box.clear()
            self.transport.start_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def go_to_title(self) -> None:
        """Let the person write what is watched."""
        self.top_bar.title_box.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.top_bar.title_box.selectAll()

    def open_settings(self) -> None:
        """Show the settings."""
        self.settings_page.open()

    def open_shortcuts(self) -> None:
        """Show the list of all keys."""
        if self.shortcuts is None:
            self.shortcuts = ShortcutsWindow(
                self.controller.actions,
                self.theme,
                self.announcer,
                lambda: self.settings_page.open("keys"),
                self,
            )
        self.shortcuts.open()

    def _make_keys_panel(self, parent: QWidget) -> QWidget:
        actions, everywhere = self.controller.actions, self.controller.global_actions
        return KeysPanel(actions, everywhere, self.theme, self.announcer, parent)

    def unlock_overlay(self) -> None:
        """Let the person move the overlay, or lock it again."""
        if self.controller.settings.is_overlay_on:
            self.controller.toggle("is_overlay_locked")
        else:
            self.controller.remember(is_overlay_on=True, is_overlay_locked=False)

    def go_to_message(self) -> None:
        """Put the keyboard on the message's button, or say that there is no message."""
        if not self.message_bar.go():
            self.announcer.announce("There is no message.")

    def _message_key(self) -> str:
        return next(iter(self.controller.actions.keys("message")), "")

    def tell_state(self) -> None:
        """Have a screen reader say how it goes and what was said last."""
        status = self.controller.state.session.status
        words = [f"{status.words}. {status.sentence}", self.transport.status.figures_in_words]
        if self.stage.band.text:
            words.append(f"Last: {self.stage.band.text}")
        self.announcer.announce(" ".join(part for part in words if part), is_urgent=True)

    def _go_to_row(self, row: int) -> None:
        moment_s = self.controller.state.moment_of_row(row)
        if moment_s is not None:
            self.controller.seek(moment_s)
            # What is said there comes at the end.
            self.transcript.view.follow()

    def find_words(self) -> None:
        """Let the person look for words in the transcript."""
        self.transcript.find_box.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.transcript.find_box.selectAll()

    def _show_session(self) -> None:
        session = self.controller.state.session
        if session.phase in (Phase.STARTING, Phase.RUNNING):
            self._has_chosen = True
            if not self.controller.settings.has_seen_warning and not self.transcript.has_note:
                self.transcript.show_note(is_shown=True)
                self.announcer.announce("Commentary may be wrong.")
        is_choosing = not self._has_chosen or session.source is None
        self.stage.set_front(self.picker if is_choosing else None)
        self._make_room()
        name = session.source.name if session.source is not None else ""
        self.setWindowTitle(f"{name} · Ringside" if name else "Ringside")

    def _place_hud(self) -> None:
        # Captions are never covered: in a small picture there are fewer figures.
        self.hud.move(self.stage.screen_rect.topLeft() + QPoint(SPACE_8, SPACE_8))
        self.hud.fit_within(self.stage.band.y() - self.hud.y() - SPACE_8)

    def _make_room(self) -> None:
        height = self.height() - self.top_bar.second_row_px
        self.first_start.make_room(height, is_choosing=not self.picker.isHidden())

    def _show_poster(self, kind: str, picture: Picture) -> None:
        self.picker.show_picture(kind, picture)
        source = self.controller.state.session.source
        if source is not None and source.kind == kind and not self.controller.state.session.is_busy:
            self.stage.show_picture(picture)

    def _take_picture(self) -> None:
        picture = self.controller.pictures.take()
        if picture is not None:
            self.stage.show_picture(picture)

    def _follow_look(self) -> None:
        settings = self.controller.settings
        self.theme.choose(name=settings.theme, scale_percent=settings.text_scale_percent)

    def _follow_settings(self, changed: frozenset[str]) -> None:
        self.look.refresh()
        settings = self.controller.settings
        self.announcer.reads_captions = settings.announces_captions
        if "is_overlay_on" in changed:
            self.announcer.announce("Overlay on" if settings.is_overlay_on else "Overlay off")
        elif "is_overlay_locked" in changed and settings.is_overlay_on:
            self.announcer.announce("Overlay locked" if settings.is_overlay_locked else UNLOCKED_SENTENCE)

    def _share_width(self) -> None:
        wanted = round(self.width() * 0.27)
        self.transcript.setFixedWidth(min(max(wanted, 272), round(420 * self.theme.scale)))

    def _restore(self) -> None:
        geometry = self.controller.settings.geometry
        if geometry:
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii")))
