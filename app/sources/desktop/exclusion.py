"""Windows that a system leaves out of every picture of the screen, for as long as anyone here takes any.

Knows that whoever takes pictures says so and says when it is done, and that the last one's leaving is felt a while later.
Knows no system: how a window is left out is handed in.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from app.sources.own_windows import OwnWindows
from app.sources.rect import Rect

_log = logging.getLogger("ringside.app.sources")

_KEEP_S = 10.0
"""After the last one is done, for the next one: a window that comes and goes from pictures would be in some of them."""


class Exclusion:
    """One per process; any thread may use it."""

    def __init__(
        self, leave_out: Callable[[int, bool], bool], own: OwnWindows, *, keep_s: float = _KEEP_S
    ) -> None:
        """`leave_out` is given a window's number and whether it is to be left out, and tells whether that was done."""
        self._leave_out = leave_out
        self._own = own
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._num_users = 0
        self._left_out: set[int] = set()
        self._closing: threading.Timer | None = None

    def take(self) -> None:
        """Pictures will be taken."""
        with self._lock:
            self._num_users += 1
            if self._closing is not None:
                self._closing.cancel()
                self._closing = None

    def release(self) -> None:
        """No more of them; called once for every `take`."""
        with self._lock:
            self._num_users -= 1
            if self._num_users == 0 and self._left_out:
                self._closing = threading.Timer(self._keep_s, self._close)
                self._closing.daemon = True
                self._closing.start()

    def places_to_hide(self) -> tuple[Rect, ...]:
        """Leave out all windows that there are now; where those are that may be in a picture all the same.

        That is one which the system cannot leave out, and one that it was told of just now.
        """
        places = []
        with self._lock:
            windows = self._own.windows
            # The system gives the number of a window that is no more to another one.
            self._left_out &= {window.window_id for window in windows}
            for window in windows:
                if window.window_id in self._left_out:
                    continue
                if self._leave_out(window.window_id, True):
                    self._left_out.add(window.window_id)
                elif window.place is not None:
                    _log.info("window %#x cannot be left out of pictures", window.window_id)
                if window.place is not None:
                    places.append(window.place)
        return tuple(places)

    def _close(self) -> None:
        """They can be seen again."""
        with self._lock:
            if self._num_users > 0:
                return
            for window_id in self._left_out:
                self._leave_out(window_id, False)
            self._left_out.clear()
            self._closing = None
