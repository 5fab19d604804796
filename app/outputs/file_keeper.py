"""Everything that is written while a session runs: its journal, live transcripts, the text of this moment.

Knows the order of writing and when to speak up about a disk. Knows no Qt and no state of the window.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from app.captions import Phrase
from app.errors import JournalError, RingsideError
from app.outputs.file_thread import FileThread
from app.outputs.live_files import LiveFiles
from app.outputs.text_file import write_text_file
from app.session import Journal, SessionHead
from app.session.journal import SYNC_S, How

Tell = Callable[[str, RingsideError | None], None]
"""A topic, and what went wrong with it; None: it is well again. Called in the thread of the files."""


class FileKeeper:
    """All calls return at once, from the window's loop; files are written in a thread."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._thread = FileThread(self._sync, SYNC_S)
        self._journal: Journal | None = None
        self._live = LiveFiles()
        self._text_lock = threading.Lock()
        self._text: tuple[Path, str] | None = None
        self._has_journal_problem = False
        self._has_text_problem = False

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Write all that was said, and end; waits for that."""
        self._thread.close()

    def begin(self, folder: Path, head: SessionHead, live_files: Sequence[str], *, has_times: bool) -> None:
        """A session begins; its journal lies in `folder`."""
        self._thread.put(lambda: self._begin(Journal(folder, head), live_files, has_times))

    def say(self, phrase: Phrase) -> None:
        """A phrase was said."""
        self._thread.put(lambda: self._say(phrase))

    def end(self, how: How) -> None:
        """The session is over."""
        self._thread.put(lambda: self._end(how))

    def follow(self, live_files: Sequence[str], said: Sequence[Phrase], *, has_times: bool) -> None:
        """Other live files from now on, in the middle of a session in which this was said."""
        said = tuple(said)
        self._thread.put(
            lambda: self._tell_all(self._live.follow(live_files, has_times=has_times, said=said))
        )

    def show(self, path: Path, text: str) -> None:
        """The captions of this moment; of those that wait to be written only the newest is."""
        with self._text_lock:
            is_waiting = self._text is not None
            self._text = (path, text)
        if not is_waiting:
            self._thread.put(self._show)

    def _begin(self, journal: Journal, live_files: Sequence[str], has_times: bool) -> None:
        self._journal = journal
        self._has_journal_problem = False
        self._try(journal.open)
        self._tell_all(self._live.begin(live_files, has_times=has_times))

    def _say(self, phrase: Phrase) -> None:
        journal = self._journal
        if journal is not None:
            self._try(lambda: journal.write(phrase))
        self._tell_all(self._live.write(phrase))

    def _end(self, how: How) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            self._try(lambda: journal.close(how))
        self._live.close()

    def _sync(self) -> None:
        if self._journal is not None:
            self._try(self._journal.sync)

    def _show(self) -> None:
        with self._text_lock:
            wanted, self._text = self._text, None
        assert wanted is not None
        try:
            write_text_file(*wanted)
        except RingsideError as error:
            # Said once, not with every word.
            if not self._has_text_problem:
                self._has_text_problem = True
                self._tell("text-file", error)
            return
        if self._has_text_problem:
            self._has_text_problem = False
            self._tell("text-file", None)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except JournalError as error:
            if not self._has_journal_problem:
                self._has_journal_problem = True
                self._tell("journal", error)
            return
        if self._has_journal_problem:
            self._has_journal_problem = False
            self._tell("journal", None)

    def _tell_all(self, problems: Sequence[RingsideError]) -> None:
        for problem in problems:
            self._tell("live-files", problem)
