"""The voice, seen from the program: text in, PCM out, made by a process that can be killed.

Knows how that process is started, asked, timed and ended. Knows no sound output and not what is worth saying.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from app.speech.errors import NoVoiceError
from app.speech.options import VoiceInfo

_log = logging.getLogger("ringside.app.speech")

VOICE_COMMAND = [sys.executable, "-m", "app.speech.voice_process"]

_START_TIMEOUT_S = 30.0
_TIMEOUT_S = 20.0


class _VoiceEndedError(NoVoiceError):
    """The process is not there any more."""

    def __init__(self) -> None:
        super().__init__("the speech process has ended")


@dataclass(frozen=True, eq=False)
class Pcm:
    """Sound."""

    samples: npt.NDArray[np.int16]
    """Mono, shape (num_samples,)."""
    rate_hz: int


class Voice:
    """Makes speech. Used from one thread; `kill` may come from any."""

    def __init__(self, model: Sequence[Path] = ()) -> None:
        """`model`: the natural voice's two files, its network and its voices; without them the system's voice."""
        self._model = tuple(model)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._changing = threading.Lock()
        self._is_closed = False
        self._was_killed = False

    @property
    def pid(self) -> int | None:
        """The process's number while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def was_killed(self) -> bool:
        """Whether it was ended on purpose, and not started since."""
        return self._was_killed or self._is_closed

    def start(self) -> None:
        """Start the process, or do nothing if it runs. Raises NoVoiceError."""
        if self.pid is not None:
            return
        self._end_process()
        with self._changing:
            if self._is_closed:
                raise _VoiceEndedError
            self._was_killed = False
            self._folder = tempfile.TemporaryDirectory(prefix="ringside-speech-")
            self._process = subprocess.Popen(
                [*VOICE_COMMAND, self._folder.name, *map(str, self._model)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        self._read_answer(self._process, _START_TIMEOUT_S)

    def synthesise(self, text: str, *, voice: str = "", rate: float = 1.0) -> Pcm:
        """Speech for a text; the system's voice takes some ten milliseconds.

        An unknown `voice` is the usual one; `rate` 2 is twice as fast as usual. Raises NoVoiceError, also when killed
        meanwhile.
        """
        header, stream = self._ask({"text": text, "voice": voice, "rate": rate})
        pcm = stream.read(int(header["num_bytes"]))
        return Pcm(np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype=np.int16), int(header["rate_hz"]))

    def voices(self) -> tuple[VoiceInfo, ...]:
        """Every voice there is. Raises NoVoiceError."""
        header, _ = self._ask({"list": True})
        return tuple(VoiceInfo(one["id"], one["name"], one["language"]) for one in header["voices"])

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], IO[bytes]]:
        try:
            return self._ask_once(request)
        except _VoiceEndedError:
            if self._was_killed:
                raise
            _log.info("the voice ended by itself; trying once more")
            return self._ask_once(request)

    def _ask_once(self, request: dict[str, Any]) -> tuple[dict[str, Any], IO[bytes]]:
        self.start()
        process = self._process
        if process is None or process.stdin is None:
            raise _VoiceEndedError
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except OSError as error:
            process.wait()
            raise _VoiceEndedError from error
        return self._read_answer(process, _TIMEOUT_S)

    def kill(self) -> None:
        """End what it is making, now; the next text starts a new process."""
        with self._changing:
            process = self._process
            self._was_killed = True
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process and forget its files."""
        with self._changing:
            self._is_closed = True
        self._end_process()

    def _read_answer(
        self, process: subprocess.Popen[bytes], timeout_s: float
    ) -> tuple[dict[str, Any], IO[bytes]]:
        stream = process.stdout
        if stream is None:
            raise NoVoiceError("it cannot be heard")
        watchdog = threading.Timer(timeout_s, process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            line = stream.readline()
        finally:
            watchdog.cancel()
            watchdog.join()
        if not line:
            process.wait()
            raise _VoiceEndedError
        header = json.loads(line)
        if "error" in header:
            raise NoVoiceError(header["error"])
        return header, stream

    def _end_process(self) -> None:
        with self._changing:
            process, self._process = self._process, None
            folder, self._folder = self._folder, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what was still to be written has no reader
                        pipe.close()
        if folder is not None:
            folder.cleanup()
