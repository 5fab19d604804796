"""The start of the window as one list of named steps, and its end in the reverse order.

Knows what each step needs from those before it, and that nothing heavy may happen before the window is on the screen.
Knows no widget but the window itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths, QtMsgType, QUrl, qInstallMessageHandler
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from app.settings import SettingsStore
from app.sources import parse_spec
from app.sources.spec import FileSpec
from app.system.folders import data_dir, log_dir
from app.system.log import LogFile
from app.theme.icons import application_icon
from app.theme.theme import Theme
from app.window.actions import Action
from app.window.controller import Controller
from app.window.garbage import GarbageCollector
from app.window.main_window import MainWindow
from app.window.metrics import Metrics
from app.window.single import SingleInstance, may_come_to_front
from app.window.state.messages import Message

_log = logging.getLogger("ringside.app.window")
_qt_log = logging.getLogger("ringside.qt")

DESKTOP_ID = "dev.ringside.Ringside"
"""Names the .desktop file, so that the desktop shows our icon and name for the window."""

_SWITCH_INTERVAL_S = 0.001
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.WARNING,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class AlreadyOpenError(Exception):
    """Another window was brought to the front; this start is done."""


@dataclass
class Start:
    """What the steps make, in the order in which they make it."""

    options: argparse.Namespace
    began_at_s: float
    settings_file: Path = field(init=False)
    log_file: LogFile = field(init=False)
    application: QApplication = field(init=False)
    instance: SingleInstance = field(init=False)
    store: SettingsStore = field(init=False)
    theme: Theme = field(init=False)
    loop: asyncio.AbstractEventLoop = field(init=False)
    controller: Controller = field(init=False)
    window: MainWindow = field(init=False)
    metrics: Metrics = field(init=False)
    garbage: GarbageCollector = field(init=False)
    ends: list[Callable[[], object]] = field(default_factory=list)
    """What has to be undone, the last first."""


@dataclass(frozen=True)
class Step:
    """One step of the start."""

    name: str
    do: Callable[[Start], None]


def take(steps: tuple[Step, ...], start: Start) -> None:
    """Take steps one after the other. Raises what a step raises; what was made before is undone by `undo`."""
    for step in steps:
        began_at_s = time.perf_counter()
        step.do(start)
        _log.debug("start: %s, %.0f ms", step.name, 1000 * (time.perf_counter() - began_at_s))


def undo(start: Start) -> None:
    """Undo what the steps did, the last first."""
    while start.ends:
        start.ends.pop()()


def _patience(_: Start) -> None:
    # A thread that wants Python's lock waits this long before it may ask for it: the window is one of half a dozen.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)


def _settings_place(start: Start) -> None:
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericConfigLocation)
    start.settings_file = start.options.settings or Path(folder) / "ringside" / "settings.json"


def _log_file(start: Start) -> None:
    # Settings of one's own are a life of one's own: their log lies beside them.
    given = start.options.settings
    start.log_file = LogFile(given.absolute().parent / "logs" if given is not None else log_dir())
    start.log_file.open(is_verbose=start.options.verbose)
    start.ends.append(start.log_file.close)
    if start.options.source is not None:
        start.log_file.formatter.hide(_private(start.options.source))


def _application(start: Start) -> None:
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName("ringside")
    application.setApplicationDisplayName("Ringside")
    application.setDesktopFileName(DESKTOP_ID)
    application.setWindowIcon(application_icon())
    # The end has an order of its own; the last window is not the last thing.
    application.setQuitOnLastWindowClosed(False)
    start.application = application
    qInstallMessageHandler(
        lambda kind, _, text: _qt_log.log(_QT_LEVELS.get(kind, logging.WARNING), "%s", text)
    )
    start.ends.append(lambda: qInstallMessageHandler(None))


def _single_instance(start: Start) -> None:
    options = start.options
    start.instance = SingleInstance(start.settings_file, is_safe_mode=options.safe_mode)
    if not start.instance.claim():
        may_come_to_front()
        start.instance.call(
            {
                "source": _full(options.source) if options.source is not None else "",
                "title": options.title or "",
                "token": os.environ.get("XDG_ACTIVATION_TOKEN", ""),
            }
        )
        raise AlreadyOpenError
    start.ends.append(start.instance.close)


def _settings(start: Start) -> None:
    start.store = SettingsStore(start.settings_file, is_kept=not start.options.safe_mode)


def _look(start: Start) -> None:
    settings = start.store.settings
    start.theme = Theme(start.application, name=settings.theme, scale_percent=settings.text_scale_percent)


def _loop(start: Start) -> None:
    import qasync

    start.loop = qasync.QEventLoop(start.application)
    asyncio.set_event_loop(start.loop)
    start.ends += [start.loop.close, lambda: asyncio.set_event_loop(None)]


def _controller(start: Start) -> None:
    # Settings of one's own have sessions of their own, beside them.
    sessions = None if start.options.settings is not None else data_dir() / "sessions"
    start.controller = controller = Controller(start.store, start.loop, sessions)
    session, formatter = controller.state.session, start.log_file.formatter

    def hide() -> None:
        if session.source is not None:
            formatter.hide(filter(None, (*_private(session.source.path), *_private(session.source.name))))
        formatter.hide(filter(None, (controller.state.title, controller.recent_file)))

    session.changed.subscribe(hide)
    controller.state.title_changed.subscribe(hide)
    hide()

    def tell(line: str, details: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: the log has it
            start.loop.call_soon_threadsafe(_tell_fault, controller, line, details)

    start.log_file.tell_errors(tell)


def _window(start: Start) -> None:
    start.window = MainWindow(start.controller, start.theme)
    start.garbage = GarbageCollector(start.controller.state.session, start.window)
    start.metrics = Metrics(start.window, start.began_at_s, start.options.metrics)
    start.instance.listen(lambda request: _come_to_front(start, request))
    start.controller.actions.add(
        Action(
            name="log-folder",
            label="Open the log folder",
            description="Shows the folder with the log, for a bug report. Names of videos are left out of it.",
            act=lambda: _open_log(start),
        )
    )


def _full(source: str) -> str:
    """What names a source, in every working directory: a file by its whole path. Raises SourceSpecError."""
    spec = parse_spec(source)
    return str(Path(spec.path).absolute()) if isinstance(spec, FileSpec) else source


def _choices(start: Start) -> None:
    options, controller = start.options, start.controller
    if options.source is not None:
        controller.choosing.source(parse_spec(_full(options.source)))
    if options.model is not None:
        controller.remember(model=options.model)
    if options.device is not None:
        controller.remember(device=options.device)
    if options.title is not None:
        controller.set_title(options.title)
    if options.safe_mode:
        controller.state.messages.show(
            Message(
                text="Safe mode: the usual settings and the demo model; nothing is spoken or sent. Your own settings "
                "are untouched.",
                is_error=False,
                topic="safe-mode",
            )
        )
    if options.autostart:
        controller.start()


BEFORE_THE_LOOP = (
    Step("patience", _patience),
    Step("place of the settings", _settings_place),
    Step("log file", _log_file),
    Step("application", _application),
    Step("single instance", _single_instance),
    Step("settings", _settings),
    Step("look", _look),
    Step("loop", _loop),
)
ON_THE_LOOP = (
    Step("controller", _controller),
    Step("window", _window),
    Step("choices", _choices),
)


async def live(start: Start, signals_close: Callable[[MainWindow, asyncio.AbstractEventLoop], Any]) -> None:
    """Show the window, then start what takes time, and stay until it is closed."""
    take(ON_THE_LOOP, start)
    window, controller, metrics = start.window, start.controller, start.metrics
    closed, is_on_screen = asyncio.Event(), asyncio.Event()
    window.closed.connect(closed.set)
    window.shown.connect(is_on_screen.set)
    with signals_close(window, start.loop):
        window.show()
        await is_on_screen.wait()
        metrics.window_is_shown()
        _log.info("window is up")
        start.garbage.start()
        controller.open()
        await closed.wait()
        metrics.stop()
        await controller.close()
    start.garbage.stop()
    window.deleteLater()


def _open_log(start: Start) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(start.log_file.path.parent)))


def _private(path: str) -> tuple[str, ...]:
    """What must not stand in the log of a path or an address."""
    return (path, Path(path).name, Path(path).stem)


def _come_to_front(start: Start, request: dict[str, Any]) -> None:
    """A later start was asked for: show this window, and what that start would have shown."""
    window = start.window
    token = request.get("token")
    if isinstance(token, str) and token:
        os.environ["XDG_ACTIVATION_TOKEN"] = token  # Qt hands it to the desktop with the next activation
    window.setWindowState(window.windowState() & ~window.windowState().WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()
    source, title = request.get("source"), request.get("title")
    if isinstance(source, str) and source:
        start.controller.choosing.source(parse_spec(source))
        if isinstance(title, str) and title:
            start.controller.set_title(title)


def _tell_fault(controller: Controller, line: str, details: str) -> None:
    controller.state.messages.show(
        Message(
            text=f"Something went wrong inside Ringside ({line}). It goes on; the details help to mend it.",
            details=details,
            topic="fault",
            action="Open the log folder",
            act=lambda: controller.actions.trigger("log-folder"),
        )
    )


@contextlib.contextmanager
def undone(start: Start) -> Iterator[None]:
    """Whatever happens inside, what the steps did is undone."""
    try:
        yield
    finally:
        undo(start)
