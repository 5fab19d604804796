"""What the main window offers of speech: its keys, its panel on the settings page, and narrated videos.

Knows where those belong. Knows nothing of how anything is spoken or made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app.window.actions import Action
from app.window.menu import Choice
from app.window.narrate_dialog import NarrateDialog
from app.window.speak_panel import SpeakPanel

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class Speaking:
    """One per main window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.dialog: NarrateDialog | None = None
        """While it is open."""
        controller = window.controller
        controller.narrating.folder_wanted = _open_folder
        window.settings_page.add_panel("speak", self._make_panel)
        window.exporting.add(self._entries)
        controller.actions.add(
            Action(
                name="repeat",
                label="Repeat",
                description="Says the last sentence again.",
                default_keys=("R",),
                default_global_keys=("Ctrl+Alt+Shift+R",),
                act=controller.repeat,
                group="Speak",
            ),
            Action(
                name="describe-now",
                label="Describe now",
                description="Asks the commentator what can be seen right now, and speaks the answer.",
                default_keys=("D",),
                default_global_keys=("Ctrl+Alt+Shift+D",),
                act=controller.describe_now,
                group="Speak",
            ),
            Action(
                name="narrated-video",
                label="Narrated video",
                description="Makes a video in which the commentary is spoken, with subtitles.",
                default_keys=("Ctrl+Shift+N",),
                act=self.open_dialog,
                group="Files",
            ),
        )

    def open_dialog(self) -> None:
        """Ask what the narrated video is to be, or show how far it is."""
        if self.dialog is None:
            self.dialog = NarrateDialog(self._window.controller, self._window.theme, self._window)
            self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.dialog.finished.connect(self._forget)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _make_panel(self, parent: QWidget) -> QWidget:
        return SpeakPanel(self._window.controller, parent)

    def _entries(self) -> Sequence[Choice]:
        state = self._window.controller.narrating.state
        words = f"Narrated video: {state.fraction:.0%}…" if state.is_running else "Narrated video…"
        return [
            Choice(
                text=words,
                act=self.open_dialog,
                sentence="A video in which the commentary is spoken over its own, quieter sound, with subtitles.",
            )
        ]

    def _forget(self) -> None:
        self.dialog = None


def _open_folder(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
