"""One Ringside for one person: a second start brings the first one's window to the front instead.

Knows the lock, and the socket by which starts talk to each other. Knows no window.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile, QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.errors import RingsideError

_log = logging.getLogger("ringside.app.window")

_ANSWER_MS = 8000
"""The first window may be loading its model on a busy machine."""
_MAX_REQUEST_BYTES = 64 * 1024
_HEARD = b"heard\n"


class NotAnsweringError(RingsideError):
    """The first window lives, but does not answer."""

    def __init__(self) -> None:
        super().__init__(
            "Ringside is open already, but does not answer.",
            hint="End it, then start again; or use: ringside --safe-mode",
        )


class SingleInstance(QObject):
    """The right to be the one Ringside with these settings."""

    def __init__(self, settings_file: Path, *, is_safe_mode: bool = False) -> None:
        super().__init__()
        mode = "-safe" if is_safe_mode else ""
        folder = settings_file.expanduser().absolute().parent
        mark = hashlib.sha256(str(settings_file.expanduser().absolute()).encode()).hexdigest()[:16]
        self._name = f"ringside-{mark}{mode}"
        self._lock = QLockFile(str(folder / f"{settings_file.name}{mode}.lock"))
        # Never stale by age: a window may be open for days. One whose process has died is taken over at once.
        self._lock.setStaleLockTime(0)
        self._folder = folder
        self._server: QLocalServer | None = None
        self._on_request: Callable[[dict[str, Any]], None] | None = None

    def claim(self) -> bool:
        """Become the first; False if another one is. True as well where a lock cannot be kept."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _log.info("no lock is kept: %s", error)
            return True
        if self._lock.tryLock(0):
            return True
        if self._lock.error() == QLockFile.LockError.LockFailedError:
            return False
        _log.info("no lock is kept: %s", self._lock.error())
        return True

    def listen(self, on_request: Callable[[dict[str, Any]], None]) -> None:
        """As the first: hear what later starts ask for."""
        self._on_request = on_request
        # Whoever held the lock before may have died and left its socket.
        QLocalServer.removeServer(self._name)
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        if not server.listen(self._name):
            _log.warning("later starts will not be heard: %s", server.errorString())
            return
        server.newConnection.connect(self._greet)
        self._server = server

    def call(self, request: dict[str, Any]) -> None:
        """As a later start: hand the request to the first. Raises NotAnsweringError."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        try:
            if not socket.waitForConnected(_ANSWER_MS):
                raise NotAnsweringError
            socket.write(json.dumps(request).encode() + b"\n")
            socket.flush()
            if not socket.waitForReadyRead(_ANSWER_MS) or bytes(socket.readAll().data()) != _HEARD:
                raise NotAnsweringError
        finally:
            socket.abort()

    def close(self) -> None:
        """Let the next one be the first."""
        if self._server is not None:
            self._server.close()
        self._lock.unlock()

    def _greet(self) -> None:
        server = self._server
        while server is not None and (socket := server.nextPendingConnection()) is not None:
            socket.readyRead.connect(lambda socket=socket: self._hear(socket))
            socket.disconnected.connect(socket.deleteLater)
            if socket.bytesAvailable():
                self._hear(socket)

    def _hear(self, socket: QLocalSocket) -> None:
        if socket.bytesAvailable() > _MAX_REQUEST_BYTES:
            socket.abort()
            return
        if not socket.canReadLine():
            return
        try:
            request = json.loads(bytes(socket.readLine().data()))
        except ValueError:
            request = None
        if not isinstance(request, dict):
            socket.abort()
            return
        socket.write(_HEARD)
        socket.flush()
        if self._on_request is not None:
            self._on_request(request)


def may_come_to_front() -> None:
    """Windows lets only the program in front give its place away: give it to whoever asks."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.AllowSetForegroundWindow(-1)
