"""Settings of a stream: frozen, keyword-only, checked once when they are made.

Knows: the values, what they mean and which of them can work, and the optional ``ringside.json`` beside a
checkpoint. The defaults are those of StreamingVLM (arXiv 2510.09608).
Does not know: torch, the model's sizes, or whether a window fits into memory (the session checks that).
"""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import SettingsError, SettingsFileError

SETTINGS_FILE = "ringside.json"
DEFAULT_QUERY = "Commentate on this match"
_PIXELS_PER_TOKEN = 28 * 28


def _require(ok: bool, name: str, value: object, remedy: str) -> None:
    if not ok:
        raise SettingsError(name, value, remedy)


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and abs(value - round(value)) < 1e-6


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowSettings:
    """What one step shows to the model, and how much of the past stays."""

    chunk_s: float = 1.0
    """Seconds of video in one step."""

    fps: float = 2.0
    """Frames a second shown to the model."""

    vision_window_s: float = 16.0
    """Seconds of video that stay in the context; a whole number of chunks, the present one included."""

    text_rounds: int = 16
    """Rounds of commentary that stay as turns; older commentary moves to the end of "previous text"."""

    text_sink: int = 512
    """First tokens of "previous text" that always stay."""

    text_window: int = 512
    """Last tokens of "previous text" that stay (the protocol keeps text_window - 1 of them)."""

    def __post_init__(self) -> None:
        _require(0.1 <= self.chunk_s <= 60, "chunk_s", self.chunk_s, "use 0.1 to 60 seconds")
        _require(0 < self.fps <= 240, "fps", self.fps, "use more than 0 and at most 240 frames a second")
        _require(
            round(self.chunk_s * self.fps) >= 1,
            "fps",
            self.fps,
            f"a chunk of {self.chunk_s} s would hold no frame; raise it to {1 / self.chunk_s:.3g} or more",
        )
        rounds = self.vision_window_s / self.chunk_s
        _require(
            _is_whole(rounds) and rounds >= 1,
            "vision_window_s",
            self.vision_window_s,
            f"use a whole number of chunks of {self.chunk_s} s, at least one",
        )
        _require(self.text_rounds >= 1, "text_rounds", self.text_rounds, "keep at least one round")
        _require(self.text_sink >= 0, "text_sink", self.text_sink, "use 0 or more tokens")
        _require(self.text_window >= 0, "text_window", self.text_window, "use 0 or more tokens")

    @property
    def vision_rounds(self) -> int:
        """Vision window in steps."""
        return round(self.vision_window_s / self.chunk_s)

    @property
    def frames_per_chunk(self) -> int:
        """Frames that a full chunk holds."""
        return max(1, round(self.chunk_s * self.fps))


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How the next token is picked."""

    max_new_tokens: int = 20
    """Most tokens said in one step."""

    temperature: float = 0.9
    """Divides the logits; towards 0 the choice is the most likely token."""

    top_p: float = 1.0
    """Smallest probability mass from which to sample; 1 keeps every token."""

    repetition_penalty: float = 1.05
    """Divides positive (multiplies negative) logits of every id in the context; 1 is off."""

    name_bias: float = 0.0
    """How much likelier, as a logit, the title's names are than others where a name comes (`engine.names`); 0 is off."""

    seed: int | None = None
    """Seed of the session's own generator; None draws one."""

    greedy: bool = False
    """Take the most likely token after the penalty instead of sampling."""

    def __post_init__(self) -> None:
        _require(1 <= self.max_new_tokens <= 4096, "max_new_tokens", self.max_new_tokens, "use 1 to 4096")
        _require(
            self.greedy or 0 < self.temperature <= 100,
            "temperature",
            self.temperature,
            "use more than 0, or choose greedy for the most likely token",
        )
        _require(0 < self.top_p <= 1, "top_p", self.top_p, "use more than 0 and at most 1")
        _require(
            0 < self.repetition_penalty <= 10,
            "repetition_penalty",
            self.repetition_penalty,
            "use a positive number; 1 is off, 1.05 is usual",
        )
        _require(0 <= self.name_bias <= 20, "name_bias", self.name_bias, "use 0 to 20; 0 is off")
        _require(
            self.seed is None or 0 <= self.seed < 2**63, "seed", self.seed, "use a number from 0 up to 2^63"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResizeSettings:
    """The size to which frames are brought; the aspect ratio stays as near as the patches allow."""

    min_pixels: int = 100 * _PIXELS_PER_TOKEN
    """Fewest pixels a frame may have after resizing."""

    max_pixels: int = 768 * _PIXELS_PER_TOKEN
    """Most pixels a frame may have after resizing."""

    def __post_init__(self) -> None:
        _require(self.min_pixels >= 1, "min_pixels", self.min_pixels, "use a positive number of pixels")
        _require(
            self.max_pixels >= max(self.min_pixels, _PIXELS_PER_TOKEN),
            "max_pixels",
            self.max_pixels,
            f"use at least min_pixels ({self.min_pixels}) and at least {_PIXELS_PER_TOKEN}",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """Everything one stream needs beside its model."""

    window: WindowSettings = dataclasses.field(default_factory=WindowSettings)
    """Chunks, frame rate and what stays in the context."""

    sampling: SamplingSettings = dataclasses.field(default_factory=SamplingSettings)
    """How tokens are picked."""

    resize: ResizeSettings = dataclasses.field(default_factory=ResizeSettings)
    """To what size frames are brought."""

    title: str = ""
    """What was said or is known before the stream starts: the first "previous text"."""

    query: str = DEFAULT_QUERY
    """What the model is asked to do; stands in the first user turn only."""

    @classmethod
    def from_checkpoint(cls, folder: str | Path) -> StreamSettings:
        """Settings that a checkpoint was trained for: those in its ``ringside.json``, else the paper's.

        The file is a JSON object with any of "window", "sampling" and "resize" (objects themselves),
        "title" and "query". Raises SettingsFileError if it cannot be read or names an unknown setting,
        SettingsError if a value cannot work.
        """
        file = Path(folder) / SETTINGS_FILE
        if not file.is_file():
            return cls()
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:  # ValueError: not JSON, or not UTF-8
            raise SettingsFileError(file, f"it is not readable JSON ({error})") from error
        settings = _from_json(cls, values, file, "")
        groups = {"window": WindowSettings, "sampling": SamplingSettings, "resize": ResizeSettings}
        made = {
            name: _from_json(kind, settings[name], file, name)
            for name, kind in groups.items()
            if name in settings
        }
        made = {name: _make(groups[name], fields, file) for name, fields in made.items()}
        return _make(cls, {**settings, **made}, file)


_Settings = TypeVar("_Settings")
_JSON_KINDS: dict[str, tuple[type, ...]] = {
    "float": (int, float),
    "int": (int,),
    "int | None": (int, type(None)),
    "bool": (bool,),
    "str": (str,),
}
"""What JSON may hold for a field, by the field's type as it is written."""


def _from_json(kind: type, values: object, file: Path, group: str) -> dict[str, Any]:
    """The fields of ``kind`` found in a JSON object; refuses names that ``kind`` does not have."""
    if not isinstance(values, dict):
        raise SettingsFileError(file, f"{group or 'it'} must be a JSON object")
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        place = f"{group}." if group else ""
        raise SettingsFileError(
            file, f"it names an unknown setting {place}{unknown[0]}; known are {', '.join(sorted(known))}"
        )
    return values


def _make(kind: type[_Settings], fields: dict[str, Any], file: Path) -> _Settings:
    # mypy cannot see that every kind is one of our dataclasses.
    types: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name, value in fields.items():
        if types[name] in _JSON_KINDS and type(value) not in _JSON_KINDS[types[name]]:
            raise SettingsFileError(
                file, f"{name} is {value!r}, which has the wrong type (use {types[name]})"
            )
    try:
        return kind(**fields)
    except OverflowError as error:
        raise SettingsFileError(file, f"a number is too large ({error})") from error
