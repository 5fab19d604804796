"""The desktop, as far as pictures of it need: which windows there are, where they lie, and what lies behind ours.

`desktop()` gives the adapter for this system. Knows which one that is. Adapters know their system and nothing else.
"""

from __future__ import annotations

import os
import sys

from app.sources.desktop.base import Desktop, PlainDesktop, WindowInfo
from app.sources.errors import NoScreenError, WaylandError

__all__ = ["Desktop", "PlainDesktop", "WindowInfo", "desktop"]


def desktop(display: str | None = None) -> Desktop:
    """An adapter for use in one thread; close it. `display` is X11's, None for the usual one.

    Raises NoScreenError where there is no desktop that could be seen.
    """
    if sys.platform == "win32":
        from app.sources.desktop.windows import WindowsDesktop

        return WindowsDesktop()
    if sys.platform == "darwin":
        return PlainDesktop()
    wants = display or os.environ.get("DISPLAY")
    if not display and os.environ.get("WAYLAND_DISPLAY") and os.environ.get("XDG_SESSION_TYPE") != "x11":
        # An X server for old programs may run beside it, and shows black.
        raise WaylandError
    if not wants:
        raise NoScreenError("no desktop is running (DISPLAY is not set)")
    from app.sources.desktop.x11 import X11Desktop

    return X11Desktop(wants)
