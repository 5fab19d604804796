"""What a live source has to tell while it is watched: its signal, in words.

Knows the states of a signal and what is said about each. Knows no device.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable


class Signal(enum.Enum):
    """Whether pictures come."""

    GOOD = "good"
    LOST = "lost"
    """None come; Ringside tries again by itself."""
    FROZEN = "frozen"
    """They come, and are all the same."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceNews:
    """Something changed."""

    signal: Signal
    words: str
    """What, in a sentence or two for people; never empty."""


NewsSink = Callable[[SourceNews], None]
"""Called from a source's thread; has to return quickly."""


def lost(reason: str) -> SourceNews:
    """No more pictures come. `reason` is a sentence."""
    return SourceNews(signal=Signal.LOST, words=f"{reason} Trying again.")


def back(noun: str) -> SourceNews:
    """They come again."""
    return SourceNews(signal=Signal.GOOD, words=f"The {noun} is back.")


def frozen(noun: str) -> SourceNews:
    """They are all the same."""
    return SourceNews(signal=Signal.FROZEN, words=f"The {noun} sends the same picture again and again.")


def thawed(noun: str) -> SourceNews:
    """They differ again."""
    return SourceNews(signal=Signal.GOOD, words=f"The picture of the {noun} moves again.")


def resized(noun: str, size: tuple[int, int]) -> SourceNews:
    """They have another (height, width)."""
    return SourceNews(signal=Signal.GOOD, words=f"The {noun} has changed its size to {size[1]}x{size[0]}.")
