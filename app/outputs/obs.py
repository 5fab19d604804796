"""Captions in OBS by obs-websocket 5: the text of a source, and closed captions in the stream.

Knows how a connection is made, kept and made again, and what OBS may answer. Runs on a loop of its own in a thread of
its own, so that no network holds up the window. Knows no Qt. The protocol itself is simpleobsws's.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import enum
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_log = logging.getLogger("ringside.app.outputs.obs")

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
_CONNECT_S = 5.0
_ANSWER_S = 5.0
_MAX_WAITING_CAPTIONS = 8

_CLOSE_WRONG_PASSWORD = 4009
_CLOSE_OTHER_VERSION = 4010
_CLOSE_KICKED = 4011
_REFUSALS = {
    _CLOSE_WRONG_PASSWORD: "OBS does not take this password. Copy it from OBS: Tools, WebSocket Server Settings.",
    _CLOSE_OTHER_VERSION: "This OBS speaks another version of its protocol. OBS 28 or later is needed.",
    _CLOSE_KICKED: "OBS ended the connection: somebody chose so there.",
}
_CODE_NOT_STREAMING = 501
_CODE_NO_SUCH_SOURCE = 600
_TEXT_KINDS = ("text_gdiplus", "text_ft2_source")


class ObsPhase(enum.Enum):
    """How it stands with OBS."""

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """It could not be reached; it is tried again by itself."""
    REFUSED = "refused"
    """It will not have us until something is changed."""


@dataclass(frozen=True, kw_only=True)
class ObsStatus:
    """The same in words."""

    phase: ObsPhase = ObsPhase.OFF
    sentence: str = "OBS is not connected."
    problem: str = ""
    """What a person has to do something about; "" while there is nothing."""


@dataclass(frozen=True, kw_only=True)
class ObsPlace:
    """Where OBS is and what it is to get."""

    host: str
    port: int
    password: str
    text_source: str
    """"" for none."""
    sends_captions: bool

    @property
    def url(self) -> str:
        """For the WebSocket."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}"


class _GoneError(Exception):
    """The connection has ended, or never came about; `code` is that of the WebSocket."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.code = code


class ObsLink:
    """Keeps one connection between `start` and `close`. Calls return at once, from the window's loop."""

    def __init__(self, tell: Callable[[ObsStatus], None], *, first_wait_s: float = FIRST_WAIT_S) -> None:
        """`tell` is called in the link's thread whenever the status is another."""
        self._tell = tell
        self._first_wait_s = first_wait_s
        self._status = ObsStatus()
        self._place: ObsPlace | None = None
        self._text = ""
        self._wants_source = False
        self._captions: collections.deque[str] = collections.deque(maxlen=_MAX_WAITING_CAPTIONS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, place: ObsPlace) -> None:
        """Connect, or connect anew if the place is another one."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._run, args=(self._loop,), name="ringside-obs", daemon=True
            )
            self._thread.start()
        self._post(self._go_to, place)

    def show(self, text: str) -> None:
        """The text of the source from now on; of those that wait only the newest is sent."""
        self._post(self._set_text, text)

    def caption(self, text: str) -> None:
        """A phrase for the stream's closed captions."""
        self._post(self._add_caption, text)

    def make_source(self) -> None:
        """Make the text source in the scene that OBS shows."""
        self._post(self._ask_for_source)

    def close(self) -> None:
        """Empty the text source, go, and wait for the thread."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(self._leave)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _post(self, function: Callable[..., None], *arguments: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function, *arguments)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def _leave(self) -> None:
        task, self._place = self._task, None
        if task is None or task.done():
            asyncio.get_running_loop().stop()
        else:
            task.add_done_callback(lambda _: asyncio.get_running_loop().stop())
            task.cancel()

    def _go_to(self, place: ObsPlace) -> None:
        if place == self._place and self._task is not None and not self._task.done():
            return
        former, self._place = self._task, place
        self._task = asyncio.get_running_loop().create_task(self._live(former, place))

    def _set_text(self, text: str) -> None:
        self._text = text
        self._news.set()

    def _add_caption(self, text: str) -> None:
        self._captions.append(text)
        self._news.set()

    def _ask_for_source(self) -> None:
        self._wants_source = True
        self._news.set()

    def _say(self, phase: ObsPhase, sentence: str, problem: str = "") -> None:
        status = ObsStatus(phase=phase, sentence=sentence, problem=problem)
        if status != self._status:
            self._status = status
            _log.info("%s", sentence)
            self._tell(status)

    async def _live(self, former: asyncio.Task[None] | None, place: ObsPlace) -> None:
        if former is not None:
            former.cancel()
            await asyncio.gather(former, return_exceptions=True)
        wait_s = self._first_wait_s
        try:
            while True:
                if self._status.phase is not ObsPhase.WAITING:
                    self._say(ObsPhase.CONNECTING, "Connecting to OBS.")
                try:
                    async with _Connection(place) as connection:
                        wait_s = self._first_wait_s
                        await self._serve(connection, place)
                except _GoneError as error:
                    if error.code in _REFUSALS:
                        self._say(ObsPhase.REFUSED, _REFUSALS[error.code], _REFUSALS[error.code])
                        return
                    self._say(
                        ObsPhase.WAITING,
                        f"OBS does not answer at {place.host}:{place.port} ({error}). It is tried again by itself.",
                    )
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        finally:
            if self._place is None:
                self._say(ObsPhase.OFF, "OBS is not connected.")

    async def _serve(self, connection: _Connection, place: ObsPlace) -> None:
        version = (await connection.ask("GetVersion")).get("obsVersion", "")
        connected = f"Connected to OBS {version}."
        self._say(ObsPhase.CONNECTED, connected)
        shown: str | None = None
        self._captions.clear()
        try:
            while True:
                self._news.clear()
                if self._wants_source and place.text_source:
                    self._wants_source = False
                    await _make_source(connection, place.text_source)
                    shown = None
                if place.text_source and self._text != shown:
                    shown = self._text
                    code = await connection.try_to("SetInputSettings", _text_settings(place, shown))
                    problem = ""
                    if code == _CODE_NO_SUCH_SOURCE:
                        problem = f"OBS has no source called “{place.text_source}”."
                        # Somebody may make it; the next words find out.
                        shown = None
                    elif code:
                        problem = f"OBS cannot set the text of “{place.text_source}” (code {code})."
                    self._say(ObsPhase.CONNECTED, connected, problem)
                while self._captions:
                    text = self._captions.popleft()
                    if place.sends_captions:
                        code = await connection.try_to("SendStreamCaption", {"captionText": text})
                        if code and code != _CODE_NOT_STREAMING:
                            _log.warning("OBS takes no stream caption: code %d", code)
                await connection.until(self._news.wait())
        except asyncio.CancelledError:
            # We go; what was said must not stand in the stream for ever.
            if place.text_source:
                with contextlib.suppress(_GoneError, TimeoutError):
                    await asyncio.wait_for(
                        connection.try_to("SetInputSettings", _text_settings(place, "")), timeout=1.0
                    )
            raise


class _Connection:
    """One connection, in which every wait ends when the connection does. Raises _GoneError."""

    def __init__(self, place: ObsPlace) -> None:
        import simpleobsws

        self._library = simpleobsws
        # No events: we only ever ask.
        parameters = simpleobsws.IdentificationParameters(eventSubscriptions=0)
        self._client = simpleobsws.WebSocketClient(place.url, place.password, parameters)

    async def __aenter__(self) -> _Connection:
        try:
            await asyncio.wait_for(self._client.connect(), _CONNECT_S)
        except TimeoutError:
            raise _GoneError("no answer") from None
        except OSError as error:
            raise _GoneError(_reason(error)) from error
        except Exception as error:
            # Something else than OBS listens there; the library lets its own library's errors through.
            raise _GoneError("that is not OBS") from error
        try:
            if not await self.until(self._client.wait_until_identified(int(_ANSWER_S))):
                raise _GoneError("no answer")
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def ask(self, kind: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
        """OBS's answer to a request; {} if it says no."""
        response = await self._call(kind, data)
        return dict(response.responseData or {})

    async def try_to(self, kind: str, data: dict[str, Any]) -> int:
        """Have OBS do something; returns 0, or the code of what was wrong."""
        response = await self._call(kind, data)
        return 0 if response.ok() else int(response.requestStatus.code)

    async def until(self, work: Any) -> Any:
        """The result of something that waits."""
        task = asyncio.ensure_future(work)
        receiving = self._client.recv_task
        try:
            await asyncio.wait({task, receiving}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if not receiving.cancelled() and (error := receiving.exception()) is not None:
                _log.warning("OBS sent something strange: %r", error)
            raise _GoneError("the connection ended", self._client.ws.close_code or 0)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _call(self, kind: str, data: dict[str, Any] | None) -> Any:
        request = self._library.Request(kind, data)
        try:
            return await self.until(self._client.call(request, timeout=int(_ANSWER_S)))
        except self._library.MessageTimeout:
            raise _GoneError("no answer") from None
        except self._library.NotIdentifiedError:
            raise _GoneError("the connection ended") from None

    async def _close(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._client.disconnect(), 1.0)


async def _make_source(connection: _Connection, name: str) -> None:
    kinds = (await connection.ask("GetInputKindList")).get("inputKinds", [])
    # Windows has one kind of text source, Linux and macOS another, each in several versions; the last is the newest.
    kind = next((kind for kind in sorted(kinds, reverse=True) if kind.startswith(_TEXT_KINDS)), None)
    scene = (await connection.ask("GetCurrentProgramScene")).get("currentProgramSceneName")
    if kind is None or scene is None:
        _log.warning("OBS has no text source to make, or no scene")
        return
    data = {"sceneName": scene, "inputName": name, "inputKind": kind, "inputSettings": {"text": ""}}
    code = await connection.try_to("CreateInput", data)
    if code:
        _log.warning("OBS cannot make the text source: code %d", code)


def _text_settings(place: ObsPlace, text: str) -> dict[str, Any]:
    return {"inputName": place.text_source, "inputSettings": {"text": text}, "overlay": True}


def _reason(error: OSError) -> str:
    # asyncio's own words name a Python call.
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
