"""What `ringside caption` shows: captions on standard output, everything else on standard error.

Knows terminals: words grow on one as they are said and are whole lines elsewhere; a bar is drawn only where nobody
else writes. Does not know sources, engines or files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from app.captions import Phrase


class CaptionView:
    """The terminal's side of a run; used as a context, so that the terminal is left tidy."""

    def __init__(self, video_name: str, options: argparse.Namespace, outputs: Sequence[Path]) -> None:
        self._video_name = video_name
        self._live = bool(options.live)
        self._quiet = bool(options.quiet)
        self._outputs = outputs
        self._prints = self._live or not outputs
        self._words = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._notes = Console(stderr=True, highlight=False, soft_wrap=True)
        self._open_line = False
        self._num_phrases = 0
        self._seen_s = 0.0
        # Words that grow and a bar cannot share one terminal.
        shares = self._prints and self._words.is_terminal
        self._shares_terminal = shares
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            _WatchedColumn(),
            TimeRemainingColumn(compact=True),
            console=self._notes,
            transient=True,
            disable=self._quiet or not self._notes.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("Starting", total=1.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_line()
        self._progress.stop()

    def loading(self, fraction: float, text: str) -> None:
        """The model is on its way."""
        if self._task is not None:
            self._progress.update(self._task, completed=fraction, description=f"{text} ...")

    def start(self, model: str, device: str, duration_s: float | None) -> None:
        """The video begins; ``duration_s`` of it will be watched, where that is known."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        if self._shares_terminal:
            self._progress.stop()
        else:
            self._task = self._progress.add_task(self._video_name, total=duration_s, watched=True)
        if not self._quiet and self._live:
            self._note(
                f"{self._video_name}, commented on by {model} on {device}. It may be wrong. Ctrl-C stops it."
            )

    def piece(self, start_s: float, text: str) -> None:
        """Some characters of a phrase."""
        if not (self._prints and self._words.is_terminal):
            return
        if not self._open_line:
            text = text.lstrip()
            if not text:
                return
            self._words.print(Text(f"{clock(start_s)}  ", "dim"), end="")
            self._open_line = True
        self._words.print(Text(text.replace("\n", " ")), end="")
        self._words.file.flush()

    def step_done(self, chunk_s: float, phrase: Phrase | None) -> None:
        """A step has ended, with a phrase or in silence."""
        self._seen_s += chunk_s
        self._num_phrases += phrase is not None
        if self._open_line:
            self._end_line()
        elif phrase is not None and self._prints and not self._words.is_terminal:
            self._words.file.write(f"{clock(phrase.start_s)}  {phrase.text}\n")
            self._words.file.flush()
        if self._task is not None:
            self._progress.advance(self._task, chunk_s)

    def finished(self, took_s: float, num_dropped: int) -> None:
        """Everything is said."""
        self._end_line()
        self._progress.stop()
        if self._quiet:
            return
        phrases = "1 phrase" if self._num_phrases == 1 else f"{self._num_phrases} phrases"
        line = f"{phrases} about {clock(self._seen_s)} of video"
        if not self._live and took_s > 0:
            line += f" in {clock(took_s)} ({self._seen_s / took_s:.1f}x real time)"
        if num_dropped:
            chunks = "1 chunk" if num_dropped == 1 else f"{num_dropped} chunks"
            line += f"; {chunks} more went by unseen because this machine was too slow"
        if self._outputs:
            line += f", in {', '.join(str(path) for path in self._outputs)}"
        self._note(f"{line}.")

    def interrupted(self) -> None:
        """A person ended it."""
        self._end_line()
        self._progress.stop()
        if not self._quiet:
            kept = f" What was said is in {', '.join(map(str, self._outputs))}." if self._outputs else ""
            self._note(f"Stopped after {clock(self._seen_s)} of video.{kept}")

    def problem(self, message: str) -> None:
        """Something was wrong, though it could be worked with."""
        self._progress.stop()
        self._note(f"ringside: {message}")

    def tell(self, sentence: str) -> None:
        """Something happened to what is watched, and it goes on."""
        self._end_line()
        self._note(f"ringside: {sentence}")

    def _note(self, line: str) -> None:
        self._notes.print(Text(line))

    def _end_line(self) -> None:
        if self._open_line:
            self._open_line = False
            self._words.print()


class _WatchedColumn(ProgressColumn):
    """How much of the video has been watched."""

    def render(self, task: Task) -> Text:
        if not task.fields.get("watched"):
            return Text()
        total = f" / {clock(task.total)}" if task.total is not None else ""
        speed = f"  {task.speed:.1f}x" if task.speed else ""
        return Text(f"{clock(task.completed)}{total}{speed}")


def clock(seconds: float) -> str:
    """A time as people read it: 00:41, or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
