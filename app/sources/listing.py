"""What there is to watch on this machine just now.

Knows screens, windows and cameras as lists with names. Takes no picture; asking may take a moment, so not on the
window's thread.
"""

from __future__ import annotations

import dataclasses

from app.sources.camera import CameraInfo, list_cameras
from app.sources.desktop import WindowInfo
from app.sources.errors import LiveSourceError
from app.sources.rect import Rect
from app.sources.screen import Grabber
from app.sources.spec import CameraSpec, ScreenSpec, SourceSpec, WindowSpec


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watchable:
    """Something that can be watched."""

    spec: SourceSpec
    name: str
    """As a person would call it."""
    detail: str
    """Size or program, in a word or two; may be empty."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
    """All of it."""

    screens: tuple[Watchable, ...] = ()
    windows: tuple[Watchable, ...] = ()
    cameras: tuple[Watchable, ...] = ()
    limits: str = ""
    """Why screens or windows cannot be watched here; "" if they can."""


def list_watchable(*, display: str | None = None) -> Listing:
    """Look around."""
    limits = ""
    screens: tuple[Watchable, ...] = ()
    windows: tuple[Watchable, ...] = ()
    try:
        grabber = Grabber(display=display)
    except LiveSourceError as error:
        limits = error.line
    else:
        try:
            screens = named_screens(grabber.monitors)
            windows = named_windows(grabber.desktop.windows())
        except LiveSourceError as error:
            limits = error.line
        finally:
            grabber.close()
    return Listing(screens=screens, windows=windows, cameras=named_cameras(list_cameras()), limits=limits)


def named_screens(monitors: list[Rect]) -> tuple[Watchable, ...]:
    """Monitors by their number."""
    is_only_one = len(monitors) == 1
    return tuple(
        Watchable(
            spec=ScreenSpec(number),
            name="Screen" if is_only_one else f"Screen {number}",
            detail=f"{rect.width}x{rect.height}",
        )
        for number, rect in enumerate(monitors, 1)
    )


def named_windows(windows: list[WindowInfo]) -> tuple[Watchable, ...]:
    """Windows by their title."""
    return tuple(
        Watchable(
            spec=WindowSpec(window.title, window.window_id), name=window.title, detail=window.application
        )
        for window in windows
    )


def named_cameras(cameras: list[CameraInfo]) -> tuple[Watchable, ...]:
    """Cameras by their maker's name."""
    return tuple(
        Watchable(spec=CameraSpec(camera.device), name=camera.name, detail=f"camera {camera.device}")
        for camera in cameras
    )
