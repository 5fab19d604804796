"""A page for OBS's browser source: the captions of this moment, on nothing.

Knows how the page is served so that only this computer and only who has the address can see it, and how every page that
is open follows the captions. Knows no Qt; it lives on an asyncio loop.

The address holds a token of 256 random bits. Whoever asks for anything else, by another name for this computer, or
without the token, is told that there is nothing. Captions travel as server-sent events, each the whole state: a page
that was away or is slow shows what is right as soon as it hears the next one.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import importlib
import json
import logging
import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app import resources
from app.errors import PortError

if TYPE_CHECKING:
    from aiohttp import web

_log = logging.getLogger("ringside.app.outputs")

HOST = "127.0.0.1"
_ALIVE_S = 15.0
_CLOSE_S = 0.5
_MAX_PAGES = 32
_KINDS = {
    "": ("index.html", "text/html"),
    "overlay.css": ("overlay.css", "text/css"),
    "overlay.js": ("overlay.js", "text/javascript"),
}
_HEADERS = {
    # OBS puts a person's own styles into the page; nothing else may come from elsewhere, and nobody may frame it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def new_token() -> str:
    """A part of an address that nobody can guess."""
    return secrets.token_urlsafe(32)


def prepare() -> None:
    """Load what serves the page; takes a fifth of a second, in any thread."""
    importlib.import_module("aiohttp.web")


class BrowserSource:
    """Serves one page, between `start` and `stop`."""

    def __init__(self, page_state: Callable[[], dict[str, Any]]) -> None:
        """`page_state` gives what the page shows now."""
        self.port: int | None = None
        """Where it is served; None while it is not."""
        self._page_state = page_state
        self._token = ""
        self._pages: dict[str, bytes] = {}
        self._runner: web.AppRunner | None = None
        self._moment = 0
        self._news = asyncio.Event()
        self._message: bytes | None = None
        self._num_pages = 0

    @property
    def address(self) -> str:
        """For OBS; "" while nothing is served."""
        return f"http://{HOST}:{self.port}/{self._token}/" if self.port is not None else ""

    @property
    def num_pages(self) -> int:
        """How many pages follow."""
        return self._num_pages

    async def start(self, port: int, token: str) -> None:
        """Serve the page; if `port` is taken, at another one. Raises PortError, ResourceMissingError.

        Where a window must not wait, `prepare` comes first.
        """
        from aiohttp import web

        self._pages = {name: resources.overlay_page(file) for name, (file, _) in _KINDS.items()}
        self._token = token
        self._wake()
        application = web.Application()
        application.router.add_get("/{token}/{name:.*}", self._answer)
        runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=_CLOSE_S, handler_cancellation=True
        )
        await runner.setup()
        try:
            connection = _listen(port)
            await web.SockSite(runner, connection).start()
        except OSError as error:
            await runner.cleanup()
            raise PortError(port, error) from error
        self._runner = runner
        self.port = connection.getsockname()[1]

    async def stop(self) -> None:
        """Serve no more; open pages are let go, and come back by themselves."""
        runner, self._runner = self._runner, None
        self.port = None
        self._wake()
        if runner is not None:
            await runner.cleanup()

    def tell(self) -> None:
        """What the page shows has changed."""
        self._wake()

    def _wake(self) -> None:
        self._message = None
        self._moment += 1
        self._news.set()
        self._news = asyncio.Event()

    def _latest(self) -> bytes:
        if self._message is None:
            self._message = f"event: captions\ndata: {json.dumps(self._page_state())}\n\n".encode()
        return self._message

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        # Another name for this computer in the Host line is the mark of a page that was rebound to it.
        is_known = request.host in (f"{HOST}:{self.port}", f"localhost:{self.port}")
        given = request.match_info["token"].encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._token.encode()) or not is_known:
            raise web.HTTPNotFound
        name = request.match_info["name"]
        if name == "events":
            return await self._follow(request)
        if name not in _KINDS:
            raise web.HTTPNotFound
        return web.Response(
            body=self._pages[name], content_type=_KINDS[name][1], charset="utf-8", headers=_HEADERS
        )

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        if self._num_pages >= _MAX_PAGES:
            raise web.HTTPServiceUnavailable
        response = web.StreamResponse(headers=_HEADERS | {"Content-Type": "text/event-stream"})
        self._num_pages += 1
        try:
            await response.prepare(request)
            seen = -1
            while self.port is not None:
                news, moment = self._news, self._moment
                if moment != seen:
                    seen = moment
                    await response.write(self._latest())
                    continue
                try:
                    await asyncio.wait_for(news.wait(), _ALIVE_S)
                except TimeoutError:
                    await response.write(b"event: alive\ndata: \n\n")
        except ConnectionError:
            _log.debug("a page has gone")
        finally:
            self._num_pages -= 1
        return response


def _listen(port: int) -> socket.socket:
    """A socket on this computer only, at `port` or, if that is taken, at any other. Raises OSError."""
    for wanted in (port, 0):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
                # On Windows, two programs could otherwise share a port unknowingly.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind((HOST, wanted))
            connection.listen(16)
            connection.setblocking(False)
            return connection
        except OSError as error:
            connection.close()
            if wanted == 0 or error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                raise
    raise AssertionError
