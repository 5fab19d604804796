"""The export button's menu: saving what was said, files that follow it live, and what OBS gets.

Knows words, dialogs and which setting an entry switches. Knows nothing of how files are written or OBS is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.captions import Phrase
from app.errors import RingsideError
from app.outputs.export import FORMS, Form, save_transcript
from app.outputs.obs import ObsPhase
from app.session import SessionHead, earlier_sessions, read_session
from app.theme.icons import blank_icon
from app.theme.theme import Theme
from app.theme.tokens import ICON_PX
from app.window.actions import Action
from app.window.controller import Controller
from app.window.menu import Choice, Menu
from app.window.state.messages import Message

_NUM_EARLIER = 12
_LIVE_FORMS = tuple(form for form in FORMS if form.name != "Text with times")
_DELETE_ON_CLOSE = Qt.WidgetAttribute.WA_DeleteOnClose
_OBS_WORDS = {
    ObsPhase.OFF: "Connect to OBS",
    ObsPhase.CONNECTING: "OBS: connecting",
    ObsPhase.CONNECTED: "OBS: connected",
    ObsPhase.WAITING: "OBS: not reached, trying again",
    ObsPhase.REFUSED: "OBS: refused",
}


class Exporting:
    """One per window."""

    def __init__(self, controller: Controller, theme: Theme, window: QWidget) -> None:
        self._controller = controller
        self._window = window
        self._others: list[Callable[[], Sequence[Choice]]] = []
        self._earlier: Sequence[tuple[Path, SessionHead]] = ()
        self._shows_address = False
        self.menu = _ExportMenu(theme, self._entries, self._earlier_entries, window)
        self.menu.setToolTip("Save what was said, and send it to files and to OBS.")
        controller.state.record.changed.subscribe(self.look_for_earlier)
        controller.settings_changed.subscribe(self._follow_settings)
        controller.state.outputs.copy_wanted.subscribe(self.copy_address)
        controller.state.outputs.changed.subscribe(self._show_address)
        controller.actions.add(
            Action(
                name="save-transcript",
                label="Save the transcript",
                description="Asks where to save what was said, as subtitles, text or JSON.",
                default_keys=("Ctrl+S",),
                act=self.save,
                group="Files",
            ),
            Action(
                name="copy-address",
                label="Copy the address for OBS",
                description="Switches the browser source on and copies its address to the clipboard.",
                default_keys=("Ctrl+Shift+C",),
                act=self.copy_address,
                group="Files",
            ),
        )

    def add(self, entries: Callable[[], Sequence[Choice]]) -> None:
        """Show more entries after those that save; `entries` is asked whenever the menu opens."""
        self._others.append(entries)

    def save(self) -> None:
        """Ask where the latest session is to be saved."""
        latest = self._controller.state.record.latest
        if latest is None:
            self._tell("Nothing was said yet, so there is nothing to save.")
            return
        self._ask_where_to_save(latest.head, latest.phrases)

    def copy_address(self) -> None:
        """Put the browser source's address on the clipboard; switches it on if it is not."""
        address = self._controller.state.outputs.browser_address
        if not address:
            self._shows_address = True
            self._controller.remember(is_browser_source_on=True)
            return
        QGuiApplication.clipboard().setText(address)
        self._tell("The address is on the clipboard. In OBS: Sources, +, Browser, and paste it under URL.")

    def look_for_earlier(self) -> None:
        """Find out which sessions the folder holds."""
        folder = self._controller.outputs.session_folder
        self._controller.aside(lambda: earlier_sessions(folder, _NUM_EARLIER), self._take_earlier)

    def _entries(self) -> list[Choice]:
        controller, settings = self._controller, self._controller.settings
        outputs, latest = controller.state.outputs, controller.state.record.latest
        entries = [
            Choice(
                text="Save the transcript…",
                act=self.save,
                sentence=f"Subtitles, text or JSON of “{latest.head.heading}”."
                if latest
                else "Nothing was said yet.",
            ),
            *(entry for others in self._others for entry in others()),
            Choice(
                text="Open the session folder",
                act=self._open_folder,
                sentence=f"Every session is kept in {controller.outputs.session_folder}.",
            ),
            Choice(
                text="Choose the session folder…",
                act=self._ask_for_session_folder,
                sentence="Where sessions are kept from the next one on.",
            ),
        ]
        entries += [
            Choice(
                text=f"Live transcript: {Path(path).name}",
                act=lambda path=path: self._stop_live_file(path),  # type: ignore[misc] # mypy loses the type of a lambda's default
                is_chosen=True,
                sentence=f"{path} grows with every phrase. Choose this to stop.",
                has_line_above=number == 0,
            )
            for number, path in enumerate(settings.live_files)
        ]
        entries += [
            Choice(
                text="Live transcript to a file…",
                act=self._ask_for_live_file,
                sentence="A file that grows with every phrase, in any of the forms.",
                has_line_above=not settings.live_files,
            ),
            Choice(
                text=f"Captions of the moment: {Path(settings.text_file).name}"
                if settings.text_file
                else "Captions of the moment to a file…",
                act=self._switch_text_file,
                is_chosen=bool(settings.text_file),
                sentence=f"{settings.text_file} always holds the newest lines. Choose this to stop."
                if settings.text_file
                else "A text file that always holds the newest lines, for OBS's text source.",
            ),
            Choice(
                text="Browser source for OBS",
                act=self._switch_browser_source,
                is_chosen=settings.is_browser_source_on,
                sentence="Captions as a page with nothing behind them, for this computer only.",
                has_line_above=True,
            ),
            Choice(
                text="Copy the address for OBS",
                act=self.copy_address,
                sentence="For a browser source: Sources, +, Browser, URL.",
            ),
            Choice(
                text=_OBS_WORDS[outputs.obs.phase],
                act=lambda: controller.toggle("is_obs_on"),
                is_chosen=settings.is_obs_on,
                sentence=f"{outputs.obs.sentence} Password and text source are under Settings, Stream.",
            ),
        ]
        return entries

    def _earlier_entries(self) -> list[Choice]:
        return [
            Choice(
                text=f"{head.name}, {head.moment:%d.%m. %H:%M}",
                act=lambda path=path: self._save_earlier(path),  # type: ignore[misc] # as above
                sentence=head.path or head.name,
            )
            for path, head in self._earlier
        ]

    def _follow_settings(self, changed: frozenset[str]) -> None:
        if "session_folder" in changed:
            self.look_for_earlier()

    def _take_earlier(self, earlier: Sequence[tuple[Path, SessionHead]]) -> None:
        self._earlier = earlier

    def _save_earlier(self, path: Path) -> None:
        def read() -> tuple[SessionHead, Sequence[Phrase]] | str:
            try:
                session = read_session(path)
            except OSError as error:
                return f"{path} cannot be read: {(error.strerror or str(error)).lower()}."
            if session is None or not session.phrases:
                return "Nothing was said in that session."
            return session.head, session.phrases

        def take(found: tuple[SessionHead, Sequence[Phrase]] | str) -> None:
            if isinstance(found, str):
                self._tell(found, is_error=True)
            else:
                self._ask_where_to_save(*found)

        self._controller.aside(read, take)

    def _ask_where_to_save(self, head: SessionHead, phrases: Sequence[Phrase]) -> None:
        form = next((form for form in FORMS if form.name == self._controller.settings.export_form), FORMS[0])
        dialog, chosen = self._save_dialog("Save the transcript", head.file_stem, FORMS, form)

        def save(name: str) -> None:
            wanted = chosen()
            self._controller.remember(export_folder=str(Path(name).parent), export_form=wanted.name)
            # A session that is under way goes on growing; what is saved is what was said when it was asked for.
            said = tuple(phrases)
            self._controller.aside(lambda: _save(Path(name), said, wanted), self._tell_saved)

        dialog.fileSelected.connect(save)
        dialog.open()

    def _ask_for_live_file(self) -> None:
        dialog, _ = self._save_dialog("Live transcript", "live", _LIVE_FORMS, _LIVE_FORMS[0])
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Write here")

        def follow(name: str) -> None:
            files = (*self._controller.settings.live_files, name)
            self._controller.remember(
                live_files=tuple(dict.fromkeys(files)), export_folder=str(Path(name).parent)
            )

        dialog.fileSelected.connect(follow)
        dialog.open()

    def _stop_live_file(self, path: str) -> None:
        files = tuple(file for file in self._controller.settings.live_files if file != path)
        self._controller.remember(live_files=files)

    def _switch_text_file(self) -> None:
        if self._controller.settings.text_file:
            self._controller.remember(text_file="")
            return
        text = Form(name="Text", ending=".txt")
        dialog, _ = self._save_dialog("Captions of the moment", "captions", (text,), text)
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Write here")
        dialog.fileSelected.connect(lambda name: self._controller.remember(text_file=name))
        dialog.open()

    def _switch_browser_source(self) -> None:
        is_on = not self._controller.settings.is_browser_source_on
        self._shows_address = is_on
        self._controller.remember(is_browser_source_on=is_on)

    def _show_address(self) -> None:
        if self._shows_address and self._controller.state.outputs.browser_address:
            self._shows_address = False
            self.copy_address()

    def _ask_for_session_folder(self) -> None:
        dialog = QFileDialog(self._window, "Choose where sessions are kept")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setDirectory(str(self._controller.outputs.session_folder))
        dialog.fileSelected.connect(lambda folder: self._controller.remember(session_folder=folder))
        dialog.setAttribute(_DELETE_ON_CLOSE)
        dialog.open()

    def _open_folder(self) -> None:
        folder = self._controller.outputs.session_folder

        def make() -> str:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                return f"{folder} cannot be made: {(error.strerror or str(error)).lower()}."
            return ""

        def show(problem: str) -> None:
            if problem or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
                self._tell(problem or f"Sessions are kept in {folder}.", is_error=bool(problem))

        self._controller.aside(make, show)

    def _save_dialog(
        self, title: str, name: str, forms: Sequence[Form], form: Form
    ) -> tuple[QFileDialog, Callable[[], Form]]:
        dialog = QFileDialog(self._window, title)
        dialog.setAttribute(_DELETE_ON_CLOSE)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        words = {f"{form.name} (*{form.ending})": form for form in forms}
        dialog.setNameFilters(list(words))
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(words[chosen].ending))
        dialog.selectNameFilter(next(text for text, one in words.items() if one is form))
        dialog.setDefaultSuffix(form.ending)
        folder = Path(self._controller.settings.export_folder or Path.home())
        dialog.setDirectory(str(folder if folder.is_dir() else Path.home()))
        dialog.selectFile(f"{name}{form.ending}")
        return dialog, lambda: words[dialog.selectedNameFilter()]

    def _tell_saved(self, result: Path | RingsideError) -> None:
        if isinstance(result, RingsideError):
            self._tell(result.line, is_error=True)
            return
        self._controller.state.messages.take_back("export")
        folder = QUrl.fromLocalFile(str(result.parent))

        def show_folder() -> None:
            QDesktopServices.openUrl(folder)

        self._tell(f"Saved as {result.name}.", action="Open folder", act=show_folder)

    def _tell(
        self, text: str, *, is_error: bool = False, action: str = "", act: Callable[[], None] | None = None
    ) -> None:
        self._controller.state.messages.show(
            Message(text=text, is_error=is_error, action=action, act=act, topic="export")
        )


class _ExportMenu(Menu):
    """The menu, with one of earlier sessions in it."""

    def __init__(
        self,
        theme: Theme,
        entries: Callable[[], list[Choice]],
        earlier: Callable[[], list[Choice]],
        parent: QWidget,
    ) -> None:
        super().__init__(theme, "Export", entries, parent)
        self._has_earlier = earlier
        self._earlier = Menu(theme, "Save an earlier session", earlier, self)

    def fill(self) -> None:
        """The entries of this moment."""
        super().fill()
        second = self.actions()[1] if len(self.actions()) > 1 else None
        self._earlier.setEnabled(bool(self._has_earlier()))
        self._earlier.setIcon(blank_icon(self._theme.px(ICON_PX)))
        if second is not None:
            self.insertMenu(second, self._earlier)


def _save(path: Path, phrases: Sequence[Phrase], form: Form) -> Path | RingsideError:
    try:
        return save_transcript(path, phrases, form)
    except RingsideError as error:
        return error
