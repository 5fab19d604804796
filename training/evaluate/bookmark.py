"""How far a stream has come, on disk: a killed run goes on from there, and says what an undisturbed one says.

Knows how to write a large state whole or not at all, how often that may be done, and that it is of use to the very same
stream only. Knows nothing of what a state holds.
"""

import logging
import os
import pickle
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger("ringside.training.evaluate")

MOST_SHARE = 0.02
"""Writing takes no more than this share of a run's time, whatever a state weighs and however slow the disk is."""


class Bookmark:
    """The place of one stream in one file."""

    def __init__(self, path: Path, stream: Mapping[str, Any]) -> None:
        """`stream`: plain values that have to be the same when it goes on."""
        self._path = path
        self._stream = dict(stream)
        self._due = time.monotonic()

    def read(self) -> dict[str, Any] | None:
        """The last state that was written for this stream; None where there is none, or it can't be read."""
        import torch

        try:
            found = torch.load(self._path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            logger.warning("%s can't be read (%s): the stream begins anew", self._path, error)
            return None
        if not isinstance(found, dict) or found.get("stream") != self._stream:
            return None
        state: dict[str, Any] = found["state"]
        return state

    def offer(self, make: Callable[[], Mapping[str, Any]]) -> None:
        """Write what `make` gives, if writing it is due again."""
        if time.monotonic() < self._due:
            return
        started = time.monotonic()
        self._write(make())
        ended = time.monotonic()
        self._due = ended + (ended - started) / MOST_SHARE

    def _write(self, state: Mapping[str, Any]) -> None:
        import torch

        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                torch.save({"stream": self._stream, "state": dict(state)}, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)
