"""A phrase: words, and the seconds of the video in which they were said.

Knows no file format.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Self

_JOINERS = "\u200c\u200d"
"""They are not seen, but letters and pictures beside them are drawn otherwise."""


@dataclasses.dataclass(frozen=True)
class Phrase:
    """What was said in one step. Text is kept in one line; a phrase without words is refused (ValueError)."""

    start_s: float
    """When the step starts, in seconds of the video."""

    end_s: float
    """When the step ends, in seconds of the video."""

    text: str
    """The words, in one line."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s < self.end_s):
            raise ValueError(f"a phrase cannot last from {self.start_s} to {self.end_s} s")
        # Control characters would break every format; a line break would end a cue early.
        line = " ".join("".join(c if c.isprintable() or c in _JOINERS else " " for c in self.text).split())
        if not line:
            raise ValueError("a phrase has words")
        object.__setattr__(self, "text", line)

    @classmethod
    def said(cls, start_s: float, end_s: float, text: str) -> Self | None:
        """The phrase of a step, or None if that was silent: nothing, or dots and no word."""
        return cls(start_s, end_s, text) if any(character.isalnum() for character in text) else None
