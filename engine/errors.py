"""Errors of the engine: one root class, and messages written for the person who reads them.

Knows: what can go wrong, and what the reader can do about it. Each class builds its own message from the
facts it is given, so that the same fault reads the same wherever it is found, and keeps those facts as
attributes.
Does not know: torch, checkpoints' contents, or how an application shows a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class EngineError(Exception):
    """Root of every error that the engine raises on purpose."""


class SettingsError(EngineError):
    """A setting has a value that cannot work."""

    def __init__(self, name: str, value: object, remedy: str) -> None:
        super().__init__(f"The setting {name} is {value!r}: {remedy}.")
        self.name = name
        self.value = value


class SettingsFileError(EngineError):
    """A settings file beside a checkpoint cannot be read, or holds something unknown."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file} cannot be used: {reason}.")
        self.file = file


class WindowError(EngineError):
    """The windows ask for a longer context than the model was trained for."""

    def __init__(self, num_positions: int, limit: int, tokens_per_chunk: int) -> None:
        super().__init__(
            f"The windows do not fit: they need {num_positions} positions, and the model takes at most {limit} "
            f"positions (one chunk of frames is {tokens_per_chunk} tokens). Use a shorter vision window, fewer "
            "rounds, or smaller frames.",
        )
        self.num_positions = num_positions
        self.limit = limit


class ChunkError(EngineError):
    """A chunk of frames that cannot be shown to a model."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"This chunk of frames cannot be used: {reason}.")


class SessionError(EngineError):
    """A session was used in a way its state does not allow."""


class CheckpointError(EngineError):
    """Root of everything that can be wrong with a checkpoint."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class CheckpointNotFoundError(CheckpointError):
    """There is no such folder, and no such model on the hub."""

    def __init__(self, path: str | Path, detail: str = "") -> None:
        super().__init__(
            path,
            "there is no such folder or hub model. Give a folder with config.json, tokenizer.json and "
            ".safetensors files, or a hub id such as Qwen/Qwen2.5-VL-3B-Instruct."
            f"{' ' + detail if detail else ''}",
        )


class NotQwenVLError(CheckpointError):
    """The folder holds some other kind of model, or none at all."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(path, f"this is not a Qwen2.5-VL checkpoint: {reason}.")


class TokenizerError(CheckpointError):
    """The tokenizer lacks something the protocol needs."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(path, f"the tokenizer does not fit: {reason}.")


class WeightsMissingError(CheckpointError):
    """Weight files, or weights in them, are not there."""

    def __init__(self, path: str | Path, missing: Sequence[str], what: str) -> None:
        shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
        super().__init__(path, f"{what} missing: {shown}. Download the checkpoint again.")
        self.missing = tuple(missing)


class WeightsDamagedError(CheckpointError):
    """A weight file cannot be read, or holds something of the wrong shape."""

    def __init__(self, file: str | Path, reason: str) -> None:
        super().__init__(file, f"this weight file is damaged: {reason}. Download it again.")


class OutOfMemoryError(EngineError):
    """The device has not enough memory."""

    def __init__(self, what: str, device: str, needed_bytes: int | None, free_bytes: int | None) -> None:
        facts = [
            f"{number / 1e9:.2f} GB {word}"
            for number, word in ((needed_bytes, "needed"), (free_bytes, "free"))
            if number is not None
        ]
        super().__init__(
            f"Not enough memory on {device} for {what}: {', '.join(facts)}. Close other programs, or use a smaller model, "
            "shorter windows or smaller frames."
        )
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes


class TraceError(EngineError):
    """A recorded run cannot be replayed."""

    def __init__(self, file: str | Path, reason: str) -> None:
        super().__init__(f"{file} cannot be replayed: {reason}.")
