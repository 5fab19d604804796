"""Whether a window can open here, found out without opening one.

Knows how X11 and Wayland are addressed, and the library without which Qt gives up. Knows no Qt: Qt ends the whole
program when it finds no screen, so this has to be asked beforehand.
"""

from __future__ import annotations

import ctypes.util
import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from app.errors import NoDisplayError

_NEEDS_NO_SCREEN = {"offscreen", "minimal", "vnc", "linuxfb", "eglfs", "minimalegl"}
_CONNECT_S = 3.0


def require_display(environment: Mapping[str, str] = os.environ) -> None:
    """Raise NoDisplayError if a Qt window could not open."""
    if sys.platform in {"win32", "darwin"}:
        return
    platform = environment.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if platform in _NEEDS_NO_SCREEN:
        return
    if platform != "xcb" and _wayland_answers(environment):
        return
    display = environment.get("DISPLAY", "")
    if not display:
        raise NoDisplayError("There is no display here (DISPLAY is not set), so no window can open.")
    if not _x11_answers(display):
        raise NoDisplayError(f"The display {display} does not answer, so no window can open.")
    if ctypes.util.find_library("xcb-cursor") is None:
        raise NoDisplayError(
            "A window needs the library libxcb-cursor, which is missing.",
            hint="Install it: sudo apt-get install libxcb-cursor0",
        )


def _wayland_answers(environment: Mapping[str, str]) -> bool:
    name = environment.get("WAYLAND_DISPLAY", "")
    return bool(name) and _connects(str(Path(environment.get("XDG_RUNTIME_DIR", "/"), name)))


def _x11_answers(display: str) -> bool:
    match = re.fullmatch(r"(?:unix:|unix/:)?(.*?):(\d+)(?:\.\d+)?", display)
    if match is None:
        # Some systems give a socket's path; what else there is, Qt may know.
        return True
    host, number = match[1], int(match[2])
    if host in {"", "unix"}:
        path = f"/tmp/.X11-unix/X{number}"
        return _connects(path) or _connects(f"\0{path}")
    try:
        socket.create_connection((host, 6000 + number), timeout=_CONNECT_S).close()
    except OSError:
        return False
    return True


def _connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_S)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True
