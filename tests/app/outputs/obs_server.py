"""A server that speaks obs-websocket 5 as its public protocol document says, for tests without OBS.

It knows the handshake with its password, the MessagePack encoding that clients may ask for, the requests that Ringside
makes and the codes with which OBS refuses them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from types import TracebackType
from typing import Any, Self

import msgpack
from aiohttp import WSCloseCode, WSMsgType, web

from tests.ports import lasting_port

_HELLO, _IDENTIFY, _IDENTIFIED, _REQUEST, _RESPONSE = 0, 1, 2, 6, 7


class ObsServer:
    """Serves between entering and leaving; `stop` and `start` are OBS being closed and opened again."""

    def __init__(self, *, password: str = "", sources: set[str] | None = None) -> None:
        self.port = lasting_port()
        self.texts: dict[str, str] = dict.fromkeys(sources or set(), "")
        self.kinds: dict[str, str] = {}
        self.captions: list[str] = []
        self.requests: list[str] = []
        self.is_streaming = False
        self.is_mute = False
        """Takes requests and never answers, like a program that hangs."""
        self.num_connections = 0
        self._password = password
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        for socket in tuple(self._sockets):
            await socket.close(code=code)
        if self._runner is not None:
            await self._runner.cleanup()

    async def kick(self) -> None:
        """As the button in OBS does."""
        for socket in tuple(self._sockets):
            await socket.close(code=4011)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["obswebsocket.msgpack", "obswebsocket.json"])
        await socket.prepare(request)
        self.num_connections += 1
        self._sockets.add(socket)
        try:
            await self._talk(socket)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _talk(self, socket: web.WebSocketResponse) -> None:
        hello: dict[str, Any] = {"obsWebSocketVersion": "5.1.0", "rpcVersion": 1}
        challenge, salt = secrets.token_hex(16), secrets.token_hex(16)
        if self._password:
            hello["authentication"] = {"challenge": challenge, "salt": salt}
        await self._send(socket, _HELLO, hello)
        is_identified = False
        async for message in socket:
            packed = message.data
            told = msgpack.unpackb(packed) if message.type is WSMsgType.BINARY else json.loads(packed)
            if told["op"] == _IDENTIFY:
                if self._password and told["d"].get("authentication") != self._proof(challenge, salt):
                    await socket.close(code=4009, message=b"Authentication failed.")
                    return
                is_identified = True
                await self._send(socket, _IDENTIFIED, {"negotiatedRpcVersion": 1})
            elif told["op"] == _REQUEST:
                if not is_identified:
                    await socket.close(code=4007, message=b"Not identified.")
                    return
                if not self.is_mute:
                    await self._send(socket, _RESPONSE, self._answer(told["d"]))

    def _proof(self, challenge: str, salt: str) -> str:
        def digest(text: str) -> str:
            return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

        return digest(digest(self._password + salt) + challenge)

    async def _send(self, socket: web.WebSocketResponse, operation: int, data: dict[str, Any]) -> None:
        told = {"op": operation, "d": data}
        if socket.ws_protocol == "obswebsocket.msgpack":
            await socket.send_bytes(msgpack.packb(told))
        else:
            await socket.send_str(json.dumps(told))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        kind, data = request["requestType"], request.get("requestData") or {}
        self.requests.append(kind)
        code, given = self._do(kind, data)
        status: dict[str, Any] = {"result": code == 100, "code": code}
        return {
            "requestType": kind,
            "requestId": request["requestId"],
            "requestStatus": status,
            "responseData": given,
        }

    def _do(self, kind: str, data: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        match kind:
            case "GetVersion":
                return 100, {"obsVersion": "30.1.2", "obsWebSocketVersion": "5.4.2", "rpcVersion": 1}
            case "SetInputSettings":
                if data["inputName"] not in self.texts:
                    return 600, None
                self.texts[data["inputName"]] = data["inputSettings"]["text"]
                return 100, None
            case "SendStreamCaption":
                if not self.is_streaming:
                    return 501, None
                self.captions.append(data["captionText"])
                return 100, None
            case "GetInputKindList":
                return 100, {
                    "inputKinds": ["image_source", "text_ft2_source_v2", "text_ft2_source", "vlc_source"]
                }
            case "GetCurrentProgramScene":
                return 100, {"currentProgramSceneName": "Scene"}
            case "CreateInput":
                if data["inputName"] in self.texts:
                    return 601, None
                self.texts[data["inputName"]] = data["inputSettings"]["text"]
                self.kinds[data["inputName"]] = data["inputKind"]
                return 100, {"sceneItemId": 1}
        return 204, None
