"""What `ringside narrate` shows in a terminal: how far it is, and at the end what was made.

Knows terminals. Does not know how anything is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from app import narrate
from app.cli.caption_view import clock
from app.narrate import NarrationJob, NarrationResult

_SHARES = {"loading": (0.0, 0.05), "watching": (0.05, 0.8), "encoding": (0.8, 0.8), "writing": (0.8, 1.0)}
_SHARES_OF_TRANSCRIPT = {"encoding": (0.0, 0.5), "writing": (0.5, 1.0)}


class NarrateView:
    """The terminal's side of it; used as a context, so that the terminal is left tidy."""

    def __init__(self, job: NarrationJob, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._notes = Console(stderr=True, highlight=False, soft_wrap=True)
        self._shares = _SHARES_OF_TRANSCRIPT if job.phrases is not None else _SHARES
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            console=self._notes,
            transient=True,
            disable=is_quiet or not self._notes.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        self._task = self._bar.add_task("Starting", total=1.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, progress: narrate.Progress) -> None:
        """How far it is; from any thread."""
        if self._task is not None:
            begin, end = self._shares.get(progress.stage, (0.0, 1.0))
            self._bar.update(
                self._task, completed=begin + (end - begin) * progress.fraction, description=progress.text
            )

    def finished(self, result: NarrationResult, outputs: Sequence[Path]) -> None:
        """It is there."""
        self._bar.stop()
        if self._is_quiet:
            return
        speed = result.duration_s / result.took_s if result.took_s > 0 else 0.0
        phrases = "1 phrase" if len(result.phrases) == 1 else f"{len(result.phrases)} phrases"
        self._note(
            f"{phrases} spoken over {clock(result.duration_s)} of video in {clock(result.took_s)} "
            f"({speed:.1f}x real time), in {', '.join(map(str, outputs))}."
        )
        if result.num_faster:
            lines = "1 phrase is" if result.num_faster == 1 else f"{result.num_faster} phrases are"
            self._note(f"{lines} spoken faster to fit.")
        if result.num_left_out:
            words = "1 word" if result.num_left_out == 1 else f"{result.num_left_out} words"
            self._note(f"{words} did not fit and can only be read in the subtitles.")
        if result.notice:
            self._note(result.notice)

    def _note(self, line: str) -> None:
        self._notes.print(Text(line))
