"""Keys everywhere on Windows and macOS, by pynput.

Knows how pynput writes keys. It is only imported where pynput is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

_MODIFIERS = {"Ctrl": "<ctrl>", "Alt": "<alt>", "Shift": "<shift>", "Meta": "<cmd>"}
_NAMES = {
    "Esc": "<esc>",
    "Return": "<enter>",
    "PgUp": "<page_up>",
    "PgDown": "<page_down>",
    "Del": "<delete>",
    "Ins": "<insert>",
}


def as_pynput(key: str) -> str:
    """ "Ctrl+Shift+D" as pynput writes it: "<ctrl>+<shift>+d"."""
    head, last = (key[:-2], "+") if key.endswith("++") else key.rpartition("+")[::2]
    parts = [_MODIFIERS[part] for part in head.split("+") if part]
    return "+".join([*parts, _NAMES.get(last, last.lower() if len(last) == 1 else f"<{last.lower()}>")])


class PynputKeys:
    """See `Adapter`."""

    def __init__(self) -> None:
        self._listener: Any = None

    def start(self, keys: Iterable[str], pressed: Callable[[str], None]) -> str:
        """See `Adapter`."""
        from pynput.keyboard import GlobalHotKeys

        def telling(key: str) -> Callable[[], None]:
            return lambda: pressed(key)

        self.stop()
        try:
            self._listener = GlobalHotKeys({as_pynput(key): telling(key) for key in keys})
        except ValueError as error:
            return f"A key cannot work everywhere here: {error}."
        self._listener.start()
        return ""

    def stop(self) -> None:
        """See `Adapter`."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
