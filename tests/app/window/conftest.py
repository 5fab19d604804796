"""A real window on a real loop, with real parts behind it: a small video and a tiny model in place of the demo's."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from app import resources
from app.settings import SettingsStore
from app.theme.theme import Theme
from app.window.controller import Controller
from app.window.main_window import MainWindow

WAIT_S = 60.0
"""For one thing to become true."""
LONGEST_S = 220.0
"""For all of a test's coroutine, on a machine that has other things to do; pytest's own limit is a little more."""
ICONS = Path(__file__).resolve().parents[3] / "assets" / "icons"


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """The name under which Qt runs."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return ["ringside"]


@pytest.fixture
def assets(tmp_path: Path, tiny_model: Path, long_video: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of assets with our icons, a small model that is quick, and a match that is not over while a test looks."""
    folder = tmp_path / "assets"
    (folder / "demo").mkdir(parents=True)
    (folder / "icons").symlink_to(ICONS)
    (folder / "overlay").symlink_to(ICONS.parent / "overlay")
    (folder / "demo_model").symlink_to(tiny_model)
    (folder / "demo" / "match.mp4").symlink_to(long_video)
    title = {"title": "Lions in red: 7 Okafor, 9 Lind. Bears in blue."}
    (folder / "demo" / "match.json").write_text(json.dumps(title), encoding="utf-8")
    monkeypatch.setattr(resources, "assets_dir", lambda: folder)
    return folder


@pytest.fixture
def short_match(assets: Path, small_video: Path) -> None:
    """A demo match of six seconds, for tests that see its end."""
    match = assets / "demo" / "match.mp4"
    match.unlink()
    match.symlink_to(small_video)


class Desk:
    """A window and what it stands on."""

    def __init__(self, application: QApplication, settings_file: Path) -> None:
        application.setQuitOnLastWindowClosed(False)
        self.loop = qasync.QEventLoop(application)
        asyncio.set_event_loop(self.loop)
        self.store = SettingsStore(settings_file)
        settings = self.store.settings
        self.theme = Theme(application, name=settings.theme, scale_percent=settings.text_scale_percent)
        self.controller = Controller(self.store, self.loop)
        self.state = self.controller.state
        self.window = MainWindow(self.controller, self.theme)
        self.is_open = False

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a test's coroutine on the window's loop."""
        self.loop.run_until_complete(asyncio.wait_for(work, LONGEST_S))

    async def open(self) -> None:
        """Show the window and start what is behind it."""
        self.window.show()
        self.window.activateWindow()
        self.controller.open()
        self.is_open = True
        await self.until(lambda: self.window.isActiveWindow())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, "it never came true"
            await asyncio.sleep(0.01)

    async def until_none(self, faults: Callable[[], list[str]]) -> None:
        """Wait until there are no faults left; those that stay are told."""
        end_s = time.monotonic() + WAIT_S
        while found := faults():
            assert time.monotonic() < end_s, found
            await asyncio.sleep(0.01)

    async def until_still(self, value: Callable[[], object], for_s: float = 0.5) -> None:
        """Wait until something has stayed the same for a while: what was on its way has come."""
        end_s = time.monotonic() + WAIT_S
        last, since_s = value(), time.monotonic()
        while time.monotonic() - since_s < for_s:
            assert time.monotonic() < end_s, "it never came to rest"
            await asyncio.sleep(0.01)
            if (now := value()) != last:
                last, since_s = now, time.monotonic()

    async def close(self) -> None:
        """End everything, as the program does."""
        self.is_open = False
        self.window.close()
        await self.controller.close()


async def watch(desk: Desk) -> None:
    """Open, start, and wait until something was said."""
    await desk.open()
    desk.controller.start()
    await desk.until(lambda: bool(desk.state.transcript.rows))


@pytest.fixture
def make_desk(qapp: QApplication, assets: Path, tmp_path: Path) -> Iterator[Callable[[], Desk]]:
    """Makes a window; the next one finds the settings of the one before."""
    desks: list[Desk] = []

    def make() -> Desk:
        desks.append(Desk(qapp, tmp_path / "settings.json"))
        return desks[-1]

    yield make
    for desk in desks:
        if desk.is_open:
            desk.run(desk.close())
        desk.window.deleteLater()
        desk.theme.deleteLater()
        desk.loop.close()
    asyncio.set_event_loop(None)
    # A style sheet remembers every widget it painted; the widgets go first, and now, not with the next test's loop.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.setStyleSheet("")


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    """One window."""
    return make_desk()
