"""What a desktop needs to show the program: valid, complete, and in the wheel."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from app.cli import parser as parsers
from app.window.start import DESKTOP_ID

ROOT = Path(__file__).resolve().parents[3]
DESKTOP = ROOT / "assets" / "desktop" / f"{DESKTOP_ID}.desktop"
METAINFO = ROOT / "assets" / "desktop" / f"{DESKTOP_ID}.metainfo.xml"


def test_the_desktop_entry_starts_what_there_is() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign] # keys are told apart by case, as the module's manual does it
    entry.read(DESKTOP, encoding="utf-8")
    assert entry["Desktop Entry"]["Exec"] == "ringside %f"
    assert entry["Desktop Entry"]["Icon"] == DESKTOP_ID
    action = entry["Desktop Action safe-mode"]["Exec"].split()
    assert action[0] == "ringside"
    assert parsers.main_parser("1").parse_args(action[1:]).safe_mode


def test_a_video_that_is_opened_with_the_program_is_no_unknown_command(small_video: Path) -> None:
    environment = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    command = [sys.executable, "-m", "app", str(small_video)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert result.returncode == 1
    assert "no window can open" in result.stderr


def test_the_description_fits_the_program() -> None:
    root = ElementTree.parse(METAINFO).getroot()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert root.findtext("id") == DESKTOP_ID
    assert root.findtext("launchable") == DESKTOP.name
    assert root.findtext("project_license") == project["project"]["license"]
    release = root.find("releases/release")
    assert release is not None
    assert release.get("version") == project["project"]["version"]


def test_the_wheel_puts_them_where_a_desktop_looks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert all((ROOT / source).is_file() for source in shared)
    assert set(shared.values()) == {
        f"share/applications/{DESKTOP_ID}.desktop",
        f"share/metainfo/{DESKTOP_ID}.metainfo.xml",
        f"share/icons/hicolor/scalable/apps/{DESKTOP_ID}.svg",
    }


def test_the_desktops_own_checkers_find_no_fault() -> None:
    commands = (
        ["desktop-file-validate", str(DESKTOP)],
        ["appstreamcli", "validate", "--no-net", str(METAINFO)],
    )
    for command in commands:
        if shutil.which(command[0]):
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stdout + result.stderr
