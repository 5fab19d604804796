"""The log file: what happened, for bug reports, without saying what was watched.

Knows rotation, what is written, and what is left out: the home folder, passwords in addresses, and every text that was
declared private, such as the names of videos. Knows no window.
"""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import platform
import re
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import IO

LOG_NAME = "ringside.log"
CRASH_NAME = "crash.log"
MAX_BYTES = 1_000_000
NUM_OLD = 3

_ROOT = "ringside"
_SHORTEST_PRIVATE = 4
"""A shorter text would blot out half of every line."""
_NUM_PRIVATE = 64
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(://[^\s?]*)\?\S+")
_TOKENS = re.compile(r"\b(hf_[A-Za-z0-9]{6})[A-Za-z0-9]+")

_log = logging.getLogger("ringside.app.log")


class PrivateFormatter(logging.Formatter):
    """A formatter that keeps private what is private."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._private: dict[str, None] = {}

    def hide(self, texts: Iterable[str]) -> None:
        """Never write these; the latest ones are kept in mind."""
        for text in texts:
            text = text.strip()
            if len(text) >= _SHORTEST_PRIVATE:
                self._private.pop(text, None)
                self._private[text] = None
        while len(self._private) > _NUM_PRIVATE:
            del self._private[next(iter(self._private))]

    def format(self, record: logging.LogRecord) -> str:
        """One record, tracebacks included."""
        text = super().format(record)
        for private in sorted(self._private, key=len, reverse=True):
            text = text.replace(private, "‹private›").replace(repr(private)[1:-1], "‹private›")
        text = _TOKENS.sub(r"\1…", _QUERY.sub(r"\1?…", _LOGIN.sub("", text)))
        return text.replace(str(Path.home()), "~")


class ErrorTeller(logging.Handler):
    """Hands faults on to whoever shows them to the person."""

    def __init__(self, tell: Callable[[str, str], None], formatter: logging.Formatter) -> None:
        """`tell` gets a line and the details, from any thread."""
        super().__init__(logging.ERROR)
        self._tell = tell
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Only what has a traceback is a fault."""
        if record.exc_info and record.exc_info[1] is not None:
            self._tell(f"{type(record.exc_info[1]).__name__} in {record.name}", self.format(record))


class LogFile:
    """The log of this program's run. `close` undoes everything that `open` did."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG_NAME
        self.formatter = PrivateFormatter()
        self._handler: logging.Handler | None = None
        self._teller: ErrorTeller | None = None
        self._crashes: IO[str] | None = None
        self._former = (sys.excepthook, threading.excepthook)

    def open(self, *, is_verbose: bool = False) -> None:
        """Begin to write; without a folder that can be written nothing is logged, and nothing breaks."""
        logger = logging.getLogger(_ROOT)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._handler = logging.handlers.RotatingFileHandler(
                self.path, maxBytes=MAX_BYTES, backupCount=NUM_OLD, encoding="utf-8"
            )
            self._crashes = (self.path.parent / CRASH_NAME).open("w", encoding="utf-8")
        except OSError as error:
            _log.warning("there is no log file: %s", error)
            return
        self._handler.setFormatter(self.formatter)
        logger.addHandler(self._handler)
        logger.setLevel(logging.DEBUG if is_verbose else logging.INFO)
        faulthandler.enable(self._crashes)
        self._former = (sys.excepthook, threading.excepthook)
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_in_thread
        _log.info("begins: Python %s on %s", platform.python_version(), platform.platform())

    def tell_errors(self, tell: Callable[[str, str], None]) -> None:
        """Hand faults on: a line, and the details as they stand in the log. From any thread."""
        self._teller = ErrorTeller(tell, self.formatter)
        logging.getLogger(_ROOT).addHandler(self._teller)

    def close(self) -> None:
        """End it."""
        logger = logging.getLogger(_ROOT)
        if self._teller is not None:
            logger.removeHandler(self._teller)
        if self._handler is None:
            return
        _log.info("ends")
        logger.removeHandler(self._handler)
        self._handler.close()
        self._handler = None
        sys.excepthook, threading.excepthook = self._former
        faulthandler.disable()
        if self._crashes is not None:
            self._crashes.close()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.error("uncaught", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        _log.error("uncaught in a thread", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))
