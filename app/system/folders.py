"""Where a person's data, logs and settings belong on this system.

Knows the conventions of Linux (XDG), Windows and macOS. Knows no Qt, so that the command line finds the same places as
the window. Creates nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_NAME = "ringside"


def data_dir(system: str = sys.platform, environment: Mapping[str, str] = os.environ) -> Path:
    """For what is large and can be had again, such as models."""
    if system == "win32":
        return _windows(environment)
    if system == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    return _xdg(environment, "XDG_DATA_HOME", ".local/share")


def log_dir(system: str = sys.platform, environment: Mapping[str, str] = os.environ) -> Path:
    """For log files."""
    if system == "win32":
        return _windows(environment) / "logs"
    if system == "darwin":
        return Path.home() / "Library" / "Logs" / _NAME
    return _xdg(environment, "XDG_STATE_HOME", ".local/state")


def config_dir(system: str = sys.platform, environment: Mapping[str, str] = os.environ) -> Path:
    """For settings."""
    if system == "win32":
        return _windows(environment)
    if system == "darwin":
        return Path.home() / "Library" / "Preferences" / _NAME
    return _xdg(environment, "XDG_CONFIG_HOME", ".config")


def _windows(environment: Mapping[str, str]) -> Path:
    local = environment.get("LOCALAPPDATA")
    return Path(local) / _NAME if local else Path.home() / "AppData" / "Local" / _NAME


def _xdg(environment: Mapping[str, str], variable: str, usual: str) -> Path:
    given = environment.get(variable, "")
    # The specification asks to ignore what is not absolute.
    return (Path(given) if Path(given).is_absolute() else Path.home() / usual) / _NAME
