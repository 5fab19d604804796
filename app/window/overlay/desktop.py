"""What the desktop does with windows that want to lie above all others and to be seen through.

Knows how to ask an X server, and what Wayland does not allow. Knows no window of ours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Desktop:
    """What the overlay has to reckon with."""

    blends: bool = True
    """Half-transparent windows are seen through; otherwise a window can only be cut to shape."""
    stacks: bool = True
    """Someone keeps windows above all others that ask for it; otherwise they have to see to that themselves."""
    limits: str = ""
    """What cannot be had here and what helps, in words; "" if everything can."""


WAYLAND_LIMITS = (
    "This desktop (Wayland) lets no program keep a window on top or choose its place. Use its own "
    "“Always on Top” (Alt+Space), or start Ringside with QT_QPA_PLATFORM=xcb."
)


def find_out(platform: str) -> Desktop:
    """Ask the desktop; waits for it, so not on the window's thread. `platform` is Qt's name: "xcb", "wayland"."""
    if platform.startswith("wayland"):
        return Desktop(limits=WAYLAND_LIMITS)
    if platform != "xcb":
        return Desktop()
    try:
        from Xlib.display import Display
        from Xlib.error import DisplayError
    except ImportError:
        return Desktop()
    try:
        display = Display()
    except DisplayError:
        return Desktop()
    try:
        root = display.screen().root
        compositor = display.intern_atom(f"_NET_WM_CM_S{display.get_default_screen()}")
        manager = root.get_full_property(display.intern_atom("_NET_SUPPORTING_WM_CHECK"), 0)
        return Desktop(blends=bool(display.get_selection_owner(compositor)), stacks=manager is not None)
    finally:
        display.close()
