"""`ringside narrate` as a process of its own, seen from the program that started it.

Knows how it is started, heard and ended: it shares neither the window's thread nor its interpreter, and it ends when the
window does. Knows no window.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_log = logging.getLogger("ringside.app.narrate")

_PATIENCE_S = 5.0
_STAGES = {"loading": (0.0, 0.05), "watching": (0.05, 0.8), "encoding": (0.8, 0.8), "writing": (0.8, 1.0)}
_STAGES_OF_TRANSCRIPT = {"encoding": (0.0, 0.5), "writing": (0.5, 1.0)}


@dataclass(frozen=True)
class ChildProgress:
    """How far it is."""

    fraction: float
    """Of everything, 0 to 1; never less than before."""
    text: str
    """What is being done."""


@dataclass(frozen=True, kw_only=True)
class ChildDone:
    """The video is there."""

    num_phrases: int
    num_faster: int
    num_left_out: int
    notice: str


@dataclass(frozen=True)
class ChildCancelled:
    """It was ended; nothing was written."""


@dataclass(frozen=True)
class ChildFailed:
    """It could not be made."""

    message: str
    hint: str


ChildEvent = ChildProgress | ChildDone | ChildCancelled | ChildFailed


class NarrationChild:
    """Runs once. `on_event` is called from a thread of its own; anything but ChildProgress comes last, and once."""

    def __init__(
        self, arguments: Sequence[str], on_event: Callable[[ChildEvent], None], *, has_transcript: bool
    ) -> None:
        """`arguments`: those of `ringside narrate`."""
        self._arguments = tuple(arguments)
        self._on_event = on_event
        self._stages = _STAGES_OF_TRANSCRIPT if has_transcript else _STAGES
        self._fraction = 0.0
        self._was_cancelled = False
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ringside-narration", daemon=True)

    def start(self) -> None:
        """Start it; once."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to end; returns at once."""
        with self._starting:
            self._was_cancelled = True
            process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):  # it has ended by itself
                process.stdin.close()

    def close(self) -> None:
        """Cancel it and wait for its end; one that does not end is killed."""
        self.cancel()
        if self._thread.ident is None:
            return
        self._thread.join(_PATIENCE_S)
        process = self._process
        if self._thread.is_alive() and process is not None:
            process.kill()
            self._thread.join()

    def _run(self) -> None:
        last: ChildEvent = ChildFailed("The narrated video could not be made.", "")
        try:
            with self._starting:
                if self._was_cancelled:
                    self._on_event(ChildCancelled())
                    return
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "app", "narrate", "--json", *self._arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            process = self._process
            errors = _Drain(process)
            assert process.stdout is not None
            for line in process.stdout:
                event = self._read(line)
                if isinstance(event, ChildProgress):
                    self._on_event(event)
                elif event is not None:
                    last = event
            process.wait()
            said = errors.join()
            if isinstance(last, ChildFailed) and not last.message.strip():
                last = ChildFailed(said, "")
            elif isinstance(last, ChildFailed) and said and not last.hint:
                last = ChildFailed(said.removeprefix("ringside: "), "")
            if isinstance(last, ChildFailed) and self._was_cancelled:
                last = ChildCancelled()
        except OSError as error:
            last = ChildFailed(f"Another process cannot be started: {error.strerror or error}.", "")
        self._on_event(last)

    def _read(self, line: bytes) -> ChildEvent | None:
        try:
            told: dict[str, Any] = json.loads(line)
            match told.pop("event"):
                case "progress":
                    begin, end = self._stages.get(told["stage"], (self._fraction, self._fraction))
                    self._fraction = max(self._fraction, begin + (end - begin) * float(told["fraction"]))
                    return ChildProgress(self._fraction, str(told["text"]))
                case "done":
                    return ChildDone(
                        num_phrases=int(told["num_phrases"]),
                        num_faster=int(told["num_faster"]),
                        num_left_out=int(told["num_left_out"]),
                        notice=str(told["notice"]),
                    )
                case "cancelled":
                    return ChildCancelled()
                case "failed":
                    return ChildFailed(str(told["message"]), str(told["hint"]))
        except (ValueError, KeyError, TypeError) as error:
            _log.info("a line of the narrating process is not understood: %s", error)
        return None


class _Drain:
    """Reads what a process writes to its standard error, so that it never waits for that; keeps the last line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._last = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def join(self) -> str:
        """The last line, when everything was read."""
        self._thread.join()
        return self._last.decode("utf-8", "replace").strip()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._last = line.strip() or self._last
        self._process.stderr.close()
