"""Narrated videos from the window: what is asked for becomes a process, and what that tells becomes state and messages.

Knows which words and settings go into it, what becomes of the window's own model where a graphics card has no room for
two, and what is said when it ends. Knows no Qt, no voice and no container.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from app.captions import Phrase, write_captions
from app.errors import RingsideError
from app.models.fit import AUTO
from app.models.request import ModelRequest
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
_OPTIONS = {
    "temperature": "--temperature",
    "top_p": "--top-p",
    "repetition_penalty": "--repetition-penalty",
    "max_new_tokens": "--max-tokens",
}
"""How the command line calls what a persona says about sampling."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NarrationRequest:
    """What a person asked for."""

    video: str
    output: str
    phrases: tuple[Phrase, ...] | None
    """What is to be said; None to watch the video and comment on it now."""
    title: str = ""
    query: str | None = None
    sampling: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of `SamplingSettings` that are not as the model has them."""
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
        request_model: Callable[[], ModelRequest],
        lend_model: Callable[[Callable[[], None]], None],
        take_model_back: Callable[[], None],
        aside: Aside,
        post: Post,
    ) -> None:
        """`request_model` finds the chosen model and may wait; it raises RingsideError.

        `lend_model` lets the window's model go and then calls what it is given; `take_model_back` loads it again.
        """
        self.state = NarrationState()
        self.folder_wanted: Callable[[Path], None] = lambda folder: None
        """Shows a folder to the person."""
        self._messages = state.messages
        self._settings = settings
        self._session = state.session
        self._request_model = request_model
        self._lend_model, self._take_model_back = lend_model, take_model_back
        self._aside = aside
        self._post = post
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._child: NarrationChild | None = None
        self._is_closed = False

    def begin(self, request: NarrationRequest) -> None:
        """Make a video; does nothing while one is being made."""
        if self.state.is_running:
            return
        self._messages.take_back(_TOPIC)
        self.state.begin(request.output)
        arguments: Sequence[str] = ()
        has_room = True

        def prepare() -> str:
            nonlocal arguments, has_room
            try:
                model = self._request_model() if request.phrases is None else None
                has_room = model is None or model.has_room_beside
                arguments = self._arguments(request, model)
            except (RingsideError, OSError) as error:
                return error.line if isinstance(error, RingsideError) else str(error)
            return ""

        def go_on(problem: str) -> None:
            if problem:
                self._end(ChildFailed(problem, ""))
            elif self.state.is_running and has_room:
                start()
            elif self.state.is_running and self._session.is_busy:
                self._end(
                    ChildFailed(
                        "The graphics card has no room for a second model while commentary runs.",
                        "Stop the commentary, then make the video.",
                    )
                )
            elif self.state.is_running:
                self.state.progress(0.0, "Making room on the graphics card")
                self._lend_model(start)

        def start() -> None:
            if not self.state.is_running:  # given up meanwhile
                return
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
        self._is_closed = True
        if self._child is not None:
            self._child.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _arguments(self, request: NarrationRequest, model: ModelRequest | None) -> list[str]:
        """The command line. Raises OSError."""
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
        if model is not None:
            # What the window decided by itself is decided once more, when the video's model is loaded.
            precision = AUTO if settings.precision == AUTO else model.load.precision or AUTO
            arguments += [
                f"--model={model.load.path}",
                f"--device={model.load.device}",
                f"--precision={precision}",
            ]
            if request.query is not None:
                arguments += [f"--query={request.query}"]
            arguments += [f"{_OPTIONS[name]}={value}" for name, value in request.sampling.items()]
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
        if not self._is_closed:
            self._take_model_back()
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
