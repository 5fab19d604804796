"""Small pictures of what could be watched, taken while a person chooses.

Knows how screens, windows and cameras are listed and looked at. Knows no widget; not to be called on the window's
thread, where all of it would take too long.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

from app.sources import Preview
from app.sources.camera import CameraDevice, list_cameras
from app.sources.device import Pixels
from app.sources.errors import LiveSourceError
from app.sources.listing import Watchable, named_cameras, named_screens, named_windows
from app.sources.screen import Grabber, to_rgb
from app.sources.spec import CameraSpec, WindowSpec
from app.window.picture import Picture, PictureBox

_MOST_WINDOWS = 24
_CAMERA_TIMEOUT_S = 4.0


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """Something to choose."""

    watchable: Watchable
    picture: Picture | None
    """What it shows now; None if that cannot be seen."""


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """All there is of one kind."""

    found: tuple[Thumbnail, ...] = ()
    limits: str = ""
    """Why there are none, in words."""


def screens(room: tuple[int, int]) -> Thumbnails:
    """Monitors, each picture as large as fits into `room` (height, width)."""
    try:
        grabber = Grabber()
    except LiveSourceError as error:
        return Thumbnails(limits=error.line)
    try:
        monitors = grabber.monitors
        pictures = [scaled(to_rgb(grabber.shoot(monitor)), room) for monitor in monitors]
        named = named_screens(monitors)
        return Thumbnails(tuple(Thumbnail(w, p) for w, p in zip(named, pictures, strict=True)))
    except LiveSourceError as error:
        return Thumbnails(limits=error.line)
    finally:
        grabber.close()


def windows(room: tuple[int, int]) -> Thumbnails:
    """Windows of other programs, the front one first."""
    try:
        grabber = Grabber()
    except LiveSourceError as error:
        return Thumbnails(limits=error.line)
    try:
        found = []
        for watchable in named_windows(grabber.desktop.windows()[:_MOST_WINDOWS]):
            picture = None
            assert isinstance(watchable.spec, WindowSpec)
            # Closed or hidden just now, it is listed without a picture.
            with contextlib.suppress(LiveSourceError):
                picture = scaled(to_rgb(grabber.shoot_window(watchable.spec.window_id)), room)
            found.append(Thumbnail(watchable, picture))
        return Thumbnails(tuple(found), "" if found else "No other window is open.")
    except LiveSourceError as error:
        return Thumbnails(limits=error.line)
    finally:
        grabber.close()


def cameras(room: tuple[int, int]) -> Thumbnails:
    """Cameras; each is opened for one picture."""
    found = []
    for watchable in named_cameras(list_cameras()):
        assert isinstance(watchable.spec, CameraSpec)
        device = CameraDevice(watchable.spec, open_timeout_s=_CAMERA_TIMEOUT_S)
        picture = None
        try:
            device.open()
            shot = device.newest()
            picture = scaled(shot.pixels, room) if shot is not None else None
        except LiveSourceError:
            pass  # in use by another program: it is listed without a picture
        finally:
            device.close()
        found.append(Thumbnail(watchable, picture))
    return Thumbnails(tuple(found), "" if found else "No camera is connected.")


def scaled(pixels: Pixels, room: tuple[int, int]) -> Picture | None:
    """RGB pixels as a picture for the screen."""
    box = PictureBox(lambda: None)
    box.set_room(*room)
    box.put(Preview(pixels, time.monotonic()))
    return box.take()
