"""What each system allows of keys that work everywhere, and which adapter asks it.

Knows systems by Qt's names. Knows no action; an adapter is told keys and says which one was pressed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from typing import Protocol

WAYLAND_WORDS = (
    "This desktop (Wayland) gives keys only to the program that has the keyboard. "
    "Keys everywhere need an X11 session."
)
INSTALL_WORDS = "Keys everywhere need pynput here: pip install pynput, then start Ringside again."
NO_SUCH_THING_WORDS = "This system has no keys that work everywhere."


class Adapter(Protocol):
    """Takes keys from all other programs. Made and ended off the window's thread: both may wait."""

    def start(self, keys: Iterable[str], pressed: Callable[[str], None]) -> str:
        """Take these keys; `pressed` is called with one of them, in any thread.

        Returns what did not work, in words; "" if all of it did.
        """
        ...

    def stop(self) -> None:
        """Give them all back."""
        ...


def find_adapter(platform: str) -> Adapter | str:
    """The adapter for Qt's platform ("xcb", "windows", "cocoa", "wayland"), or in words why there is none."""
    if platform.startswith("wayland"):
        return WAYLAND_WORDS
    if platform == "xcb":
        from app.window.global_keys.x11 import X11Keys

        return X11Keys()
    if platform in ("windows", "cocoa"):
        if importlib.util.find_spec("pynput") is None:
            return INSTALL_WORDS
        from app.window.global_keys.with_pynput import PynputKeys

        return PynputKeys()
    return NO_SUCH_THING_WORDS
