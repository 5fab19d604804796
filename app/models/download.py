"""A download, seen from the program: a process that is started, heard, and ended at once.

Knows the process's life and its messages. Knows no hub and no Qt; `on_event` is called from a thread of its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import app
from app.models.fetch import Job

_log = logging.getLogger("ringside.app.models")

FETCH_COMMAND = (sys.executable, "-P", "-m", "app.models.fetch")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """So much is here."""

    done_bytes: int
    is_checking: bool = False
    """A whole file is being compared with its hash."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listed:
    """The hub has told which files there are."""

    commit: str
    total_bytes: int
    present_bytes: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Waiting:
    """Something failed and is tried again after a while."""

    wait_s: float
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ready:
    """The model is whole and checked."""

    folder: Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failed:
    """The download has ended without the model; what has arrived is kept."""

    kind: str
    message: str
    hint: str
    details: str = ""


DownloadEvent = Progress | Listed | Waiting | Ready | Failed


class Download:
    """One download at work. `stop` may come from any thread."""

    def __init__(
        self,
        job: Job,
        on_event: Callable[[DownloadEvent], None],
        *,
        command: Sequence[str] = FETCH_COMMAND,
    ) -> None:
        """Starts it. Nothing is told after `stop`."""
        self._job = job
        self._on_event = on_event
        self._is_stopped = False
        home = str(Path(app.__file__ or "").resolve().parent.parent)
        path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path, "HF_HUB_DISABLE_TELEMETRY": "1"},
        )
        self._errors: list[str] = []
        self._error_reader = threading.Thread(target=self._read_errors, daemon=True)
        self._error_reader.start()
        self._reader = threading.Thread(target=self._read, name="ringside-download", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def stop(self) -> None:
        """End it now, whatever it waits for; what has arrived stays. Waits for the process's end."""
        self._is_stopped = True
        self._process.kill()
        self._process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def join(self) -> None:
        """Wait until it has ended by itself."""
        self._reader.join()

    def _read(self) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # it has ended already: its output says why
            process.stdin.write(json.dumps(dataclasses.asdict(self._job)).encode() + b"\n")
            process.stdin.flush()
        has_ended = False
        for line in process.stdout:
            event = _event(line)
            if event is not None and not self._is_stopped:
                has_ended |= isinstance(event, Ready | Failed)
                self._on_event(event)
        code = process.wait()
        self._error_reader.join()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was still to be written has no reader
                pipe.close()
        if not has_ended and not self._is_stopped:
            details = "".join(self._errors)[-8000:]
            _log.warning("a download ended by itself with %d", code)
            self._on_event(
                Failed(
                    kind="crashed",
                    message="The download ended unexpectedly.",
                    hint="What has arrived is kept: resume it.",
                    details=details or f"exit code {code}",
                )
            )

    def _read_errors(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None
        with pipe:
            for line in pipe:
                self._errors.append(line.decode("utf-8", "replace"))
                del self._errors[:-200]


def _event(line: bytes) -> DownloadEvent | None:
    try:
        facts: dict[str, Any] = json.loads(line)
        match facts["event"]:
            case "progress" | "checking" as kind:
                return Progress(done_bytes=facts["done_bytes"], is_checking=kind == "checking")
            case "listed":
                return Listed(
                    commit=facts["commit"],
                    total_bytes=facts["total_bytes"],
                    present_bytes=facts["present_bytes"],
                )
            case "waiting":
                return Waiting(wait_s=facts["wait_s"], reason=facts["reason"])
            case "ready":
                return Ready(folder=Path(facts["folder"]))
            case "failed":
                return Failed(kind=facts["kind"], message=facts["message"], hint=facts["hint"])
    except (ValueError, KeyError, TypeError):
        pass
    _log.debug("not understood: %r", line[:200])
    return None
