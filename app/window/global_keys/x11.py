"""Keys everywhere on X11: each is taken by itself, so that no other keystroke is ever seen.

Knows the X server's words for keys. Knows no action.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterable

from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import BadAccess, CatchError, ConnectionClosedError, DisplayError

_MODIFIERS = {"Ctrl": X.ControlMask, "Alt": X.Mod1Mask, "Shift": X.ShiftMask, "Meta": X.Mod4Mask}
_LOCKS = (0, X.LockMask, X.Mod2Mask, X.LockMask | X.Mod2Mask)
"""Caps Lock and Num Lock change nothing."""
_OURS = X.ControlMask | X.Mod1Mask | X.ShiftMask | X.Mod4Mask
_NAMES = {
    "Esc": "Escape",
    "Space": "space",
    "PgUp": "Prior",
    "PgDown": "Next",
    "Del": "Delete",
    "Ins": "Insert",
    "Backspace": "BackSpace",
}
_REPEAT_MS = 5
"""A press that comes so soon after a release is the keyboard's repetition."""


class X11Keys:
    """See `Adapter`."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._wake = -1

    def start(self, keys: Iterable[str], pressed: Callable[[str], None]) -> str:
        """See `Adapter`."""
        self.stop()
        try:
            display = Display()
        except DisplayError as error:
            return f"The X server does not answer: {error}."
        taken, held = [], {}
        for key in keys:
            place = _place(display, key)
            if place is None or not _grab(display, *place):
                taken.append(key)
            else:
                held[place] = key
        reading, self._wake = os.pipe()
        self._thread = threading.Thread(
            target=_listen, args=(display, reading, held, pressed), name="ringside-keys", daemon=True
        )
        self._thread.start()
        if not taken:
            return ""
        return f"{' and '.join(taken)} cannot be taken: another program has it, or this keyboard lacks it."

    def stop(self) -> None:
        """See `Adapter`."""
        if self._thread is not None:
            os.close(self._wake)
            self._thread.join()
            self._thread = None


def _place(display: Display, key: str) -> tuple[int, int] | None:
    """Keycode and modifiers; None for a key that this keyboard does not have."""
    head, last = (key[:-2], "+") if key.endswith("++") else key.rpartition("+")[::2]
    name = _NAMES.get(last, last.lower() if len(last) == 1 else last)
    keysym = ord(name) if len(name) == 1 else XK.string_to_keysym(name)
    keycode = display.keysym_to_keycode(keysym)
    if not keycode:
        return None
    modifiers = 0
    for part in head.split("+"):
        modifiers |= _MODIFIERS.get(part, 0)
    return keycode, modifiers


def _grab(display: Display, keycode: int, modifiers: int) -> bool:
    root, refused = display.screen().root, CatchError(BadAccess)
    for locks in _LOCKS:
        root.grab_key(keycode, modifiers | locks, True, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
    display.sync()
    return refused.get_error() is None


def _listen(
    display: Display, wake: int, held: dict[tuple[int, int], str], pressed: Callable[[str], None]
) -> None:
    released_ms = -_REPEAT_MS
    try:
        while True:
            while display.pending_events():
                event = display.next_event()
                if event.type == X.KeyRelease:
                    released_ms = event.time
                elif event.type == X.KeyPress and event.time - released_ms >= _REPEAT_MS:
                    key = held.get((event.detail, event.state & _OURS))
                    if key is not None:
                        pressed(key)
            ready, _, _ = select.select([display.fileno(), wake], [], [])
            if wake in ready:
                return
    except ConnectionClosedError:
        return  # the desktop has ended, and the program does, too
    finally:
        os.close(wake)
        with contextlib.suppress(ConnectionClosedError):
            display.close()  # gives every key back
