"""Narrated videos from the window: what is asked for becomes a process, and what that tells becomes state and messages.

Knows which words and settings go into it, and what is said when it ends. Knows no Qt, no voice and no container.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from app.captions import Phrase, write_captions
from app.errors import RingsideError
from app.narrate.child import (
    ChildCancelled,
    ChildDone,
    ChildEvent,
    ChildFailed,
    ChildProgress,
    NarrationChild,
)
from app.settings import UserSettings
from app.window.commentary import spoken_language
from app.window.live_run import Post
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.narration import NarrationState

_TOPIC = "narration"


@dataclasses.dataclass(frozen=True, kw_only=True)
class NarrationRequest:
    """What a person asked for."""

    video: str
    output: str
    phrases: tuple[Phrase, ...] | None
    """What is to be said; None to watch the video and comment on it now."""
    title: str = ""
    query: str | None = None
    whole_sentences: bool = False


class Aside(Protocol):
    """Does something that waits in a thread and hands what it gives to `then`, on the loop."""

    def __call__(self, work: Callable[[], str], then: Callable[[str], None]) -> None:
        """Start `work`."""
        ...


class Narrating:
    """One per window; lives on its loop."""

    def __init__(
        self,
        state: AppState,
        *,
        settings: Callable[[], UserSettings],
        find_model: Callable[[], str],
        aside: Aside,
        post: Post,
    ) -> None:
        """`find_model` gives the chosen model's folder and may wait; it raises RingsideError."""
        self.state = NarrationState()
        self.folder_wanted: Callable[[Path], None] = lambda folder: None
        """Shows a folder to the person."""
        self._messages = state.messages
        self._settings = settings
        self._find_model = find_model
        self._aside = aside
        self._post = post
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._child: NarrationChild | None = None

    def begin(self, request: NarrationRequest) -> None:
        """Make a video; does nothing while one is being made."""
        if self.state.is_running:
            return
        self._messages.take_back(_TOPIC)
        self.state.begin(request.output)
        arguments: Sequence[str] = ()

        def prepare() -> str:
            nonlocal arguments
            try:
                arguments = self._arguments(request)
            except (RingsideError, OSError) as error:
                return error.line if isinstance(error, RingsideError) else str(error)
            return ""

        def go_on(problem: str) -> None:
            if problem:
                self._end(ChildFailed(problem, ""))
            elif self.state.is_running:
                self._child = NarrationChild(
                    arguments,
                    lambda event: self._post(self._on_event, event),
                    has_transcript=request.phrases is not None,
                )
                self._child.start()

        self._aside(prepare, go_on)

    def cancel(self) -> None:
        """Give it up."""
        if self._child is not None:
            self._child.cancel()
        elif self.state.is_running:
            self._end(ChildCancelled())

    def close(self) -> None:
        """End it and wait for that; not on the loop."""
        if self._child is not None:
            self._child.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _arguments(self, request: NarrationRequest) -> list[str]:
        """The command line. Raises RingsideError and OSError."""
        settings = self._settings()
        folder = self._folder = tempfile.TemporaryDirectory(prefix="ringside-narration-")
        title = Path(folder.name) / "title.txt"
        title.write_text(request.title, encoding="utf-8")
        is_natural = settings.speech_engine == "natural"
        voice = settings.natural_voice if is_natural else settings.speech_voice
        arguments = [f"--title=@{title}", f"--out={request.output}"]
        if request.phrases is not None:
            transcript = Path(folder.name) / "said.jsonl"
            write_captions(transcript, request.phrases)
            arguments += [f"--from={transcript}"]
        else:
            arguments += [f"--model={self._find_model()}"]
            if request.query is not None:
                arguments += [f"--query={request.query}"]
        if is_natural:
            arguments += ["--natural", f"--models-folder={settings.models_folder}"]
        if voice:
            arguments += [f"--voice={voice}"]
        elif language := spoken_language(settings):
            arguments += [f"--language={language}"]
        if request.whole_sentences:
            arguments += ["--whole-sentences"]
        return [
            *arguments,
            f"--rate={settings.speech_rate_percent}",
            f"--volume={settings.speech_volume_percent}",
            f"--duck-db={settings.duck_db}",
            "--",
            request.video,
        ]

    def _on_event(self, event: ChildEvent) -> None:
        if isinstance(event, ChildProgress):
            self.state.progress(event.fraction, event.text)
        else:
            self._end(event)

    def _end(self, event: ChildDone | ChildCancelled | ChildFailed) -> None:
        output = Path(self.state.output)
        self._child = None
        folder, self._folder = self._folder, None
        if folder is not None:

            def remove() -> str:
                folder.cleanup()
                return ""

            self._aside(remove, lambda nothing: None)
        self.state.end()
        match event:
            case ChildDone():
                self._messages.show(
                    Message(
                        text=" ".join([f"{output.name} is ready.", *_remarks(event)]),
                        is_error=False,
                        topic=_TOPIC,
                        action="Open folder",
                        act=lambda: self.folder_wanted(output.parent),
                    )
                )
            case ChildCancelled():
                self._messages.show(
                    Message(
                        text="The narrated video was given up. Nothing was written.",
                        is_error=False,
                        topic=_TOPIC,
                    )
                )
            case ChildFailed():
                self._messages.show(Message(text=f"{event.message} {event.hint}".strip(), topic=_TOPIC))


def _remarks(done: ChildDone) -> list[str]:
    remarks = []
    if done.num_left_out:
        words = "1 word" if done.num_left_out == 1 else f"{done.num_left_out} words"
        remarks.append(f"{words} did not fit and can only be read in the subtitles.")
    if done.notice:
        remarks.append(done.notice)
    return remarks
