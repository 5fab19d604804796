"""The natural voice on its way to this machine: what is missing, how far its download is, what went wrong.

Knows the download service and the voice's files. Knows no Qt and no way to speak.
"""

from __future__ import annotations

from collections.abc import Callable

from app.models.download import Download, DownloadEvent, Failed, Listed, Progress, Ready, Waiting
from app.models.fetch import Job
from app.models.rate import size_words
from app.speech.natural import DOWNLOAD_BYTES, download_job, find_natural_voice, is_installed
from app.window.live_run import Post
from app.window.state.event import Event


class NaturalVoice:
    """One per window; lives on its loop."""

    def __init__(
        self,
        folder: Callable[[], str],
        post: Post,
        aside: Callable[[Callable[[], bool], Callable[[bool], None]], None],
    ) -> None:
        """`folder` is where models are kept; `aside` does what waits in a thread."""
        self.changed: Event[()] = Event()
        self.is_here = False
        """Whether its files are on this disk; known after `look`."""
        self.fraction: float | None = None
        """Of a download that is under way, 0 to 1."""
        self.problem = ""
        """Why the last download ended, or waits."""
        self._folder = folder
        self._post = post
        self._aside = aside
        self._download: Download | None = None
        self._total_bytes = DOWNLOAD_BYTES
        self._is_closed = False
        self.job: Callable[[str], Job] = download_job
        """From the models folder to what is asked of the download service."""

    @property
    def words(self) -> str:
        """How it stands, in a sentence or two; "" if it can speak."""
        if not is_installed():
            return (
                'The natural voice needs a package that is not installed: pip install "ringside[voice]". '
                "Until then the system's voice speaks."
            )
        if self.fraction is not None:
            reason = f" {self.problem} Trying again." if self.problem else ""
            return f"Downloading the natural voice: {self.fraction:.0%} of {size_words(self._total_bytes)}.{reason}"
        if self.is_here:
            return ""
        size = size_words(DOWNLOAD_BYTES)
        return f"{self.problem} The natural voice is not here yet ({size}). Until then the system's voice speaks.".strip()

    @property
    def can_download(self) -> bool:
        """Whether there is something to download, and use for it."""
        return is_installed() and not self.is_here and self.fraction is None

    def look(self) -> None:
        """Find out whether it is here."""
        self._aside(lambda: bool(find_natural_voice(self._folder())), self._take_found)

    def download(self) -> None:
        """Begin, or go on where it ended."""
        if not self.can_download:
            return
        self.fraction, self.problem = 0.0, ""
        try:
            self._download = Download(
                self.job(self._folder()), lambda event: self._post(self._on_event, event)
            )
        except OSError as error:
            self.fraction, self.problem = None, f"The download cannot be started: {error}."
        self.changed.emit()

    def stop(self) -> None:
        """Stop; what has arrived is kept for the next time."""
        download, self._download = self._download, None
        if download is not None:
            self.fraction = None

            def end() -> bool:
                download.stop()
                return True

            self._aside(end, lambda nothing: None)
            self.changed.emit()

    def close(self) -> None:
        """End the download and wait for its process; not on the loop."""
        self._is_closed = True
        if self._download is not None:
            self._download.stop()

    def _on_event(self, event: DownloadEvent) -> None:
        if self._download is None or self._is_closed:
            return
        match event:
            case Listed():
                self._total_bytes = event.total_bytes
            case Progress():
                self.problem = ""
                self.fraction = min(1.0, event.done_bytes / max(1, self._total_bytes))
            case Waiting():
                self.problem = event.reason
            case Ready():
                self._download, self.fraction, self.problem = None, None, ""
                self.is_here = True
            case Failed():
                self._download, self.fraction = None, None
                self.problem = f"{event.message} {event.hint}".strip()
        self.changed.emit()

    def _take_found(self, is_here: bool) -> None:
        if is_here != self.is_here:
            self.is_here = is_here
            self.changed.emit()
