"""Whole pictures of covered windows: asking an X server to keep them, for as long as anyone here wants them.

Knows that a desktop with a compositor keeps them anyway, and that otherwise a window's picture is only right when its
program has drawn what was covered, a moment after it was asked. Knows nothing of how pictures are read.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time

from Xlib import error
from Xlib.display import Display
from Xlib.ext import composite

_log = logging.getLogger("ringside.app.sources")

_SETTLE_S = 0.7
"""Until then, the place where one window covers another may still show the upper one."""
_KEEP_S = 10.0
"""After the last one is done, for the next one: asking again would have every covered window drawn again."""


class Redirection:
    """One per X server; any thread may take and release it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._display: Display | None = None
        self._settled_at_s = 0.0
        self._num_users = 0
        self._closing: threading.Timer | None = None

    def take(self) -> bool:
        """Want them, and wait until they are right; False if this server cannot keep any."""
        with self._lock:
            self._num_users += 1
            if self._closing is not None:
                self._closing.cancel()
                self._closing = None
            if not self._is_alive() and not self._ask():
                return False
            wait_s = self._settled_at_s - time.monotonic()
        time.sleep(max(0.0, wait_s))
        return True

    def release(self) -> None:
        """Want them no more; called once for every `take`."""
        with self._lock:
            self._num_users -= 1
            if self._num_users == 0 and self._display is not None:
                self._closing = threading.Timer(_KEEP_S, self._close)
                self._closing.daemon = True
                self._closing.start()

    def _is_alive(self) -> bool:
        if self._display is None:
            return False
        try:
            self._display.sync()
        except (error.ConnectionClosedError, error.DisplayError, OSError):
            self._display = None  # the server has gone; another may have its name
        return self._display is not None

    def _ask(self) -> bool:
        try:
            display = Display(self._name)
            if not display.has_extension("Composite"):
                display.close()
                return False
            compositor = display.intern_atom(f"_NET_WM_CM_S{display.get_default_screen()}")
            has_compositor = bool(display.get_selection_owner(compositor))
            composite.query_version(display)
            composite.redirect_subwindows(display.screen().root, composite.RedirectAutomatic)
            display.sync()
        except (error.XError, error.ConnectionClosedError, error.DisplayError, OSError) as failure:
            _log.info("no picture of what lies behind windows: %s", failure)
            return False
        self._display = display
        self._settled_at_s = 0.0 if has_compositor else time.monotonic() + _SETTLE_S
        return True

    def _close(self) -> None:
        with self._lock:
            display = self._display
            if self._num_users > 0 or display is None:
                return
            self._display = None
            with contextlib.suppress(error.ConnectionClosedError, error.DisplayError, OSError):
                display.close()


_lock = threading.Lock()
_known: dict[str, Redirection] = {}


def redirection(name: str) -> Redirection:
    """The one for a server, by its display's name."""
    with _lock:
        return _known.setdefault(name, Redirection(name))
