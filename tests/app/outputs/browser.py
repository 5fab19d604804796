"""A real browser without a screen, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy as np
import numpy.typing as npt

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_WAIT_S = 60.0


class Page:
    """One page in the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self.requested: list[str] = []
        """Addresses of everything that the page asked for."""
        self.complaints: list[str] = []
        """What the browser logged about the page."""
        self._socket = socket
        self._session = session
        self._numbers = itertools.count(1000)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def listen(self) -> None:
        """Take what the browser says, for as long as it runs."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said and said["id"] in self._answers:
                self._answers.pop(said["id"]).set_result(said)
            elif said.get("method") == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])
            elif said.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(json.dumps(said["params"]))

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have the browser do something."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(
            {"id": number, "method": method, "params": parameters, "sessionId": self._session}
        )
        answer = await asyncio.wait_for(self._answers[number], _WAIT_S)
        assert "error" not in answer, answer
        return dict(answer["result"])

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page."""
        result = await self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true in the page."""
        end_s = time.monotonic() + _WAIT_S
        while not await self.value(expression):
            assert time.monotonic() < end_s, f"{expression} never came true"
            await asyncio.sleep(0.05)

    async def lines(self) -> list[str]:
        """The lines of captions that can be seen."""
        words = "[...document.querySelectorAll('.line')].map((line) => line.innerText)"
        return list(await self.value(f"document.querySelector('.band').hidden ? [] : {words}"))

    async def screenshot(self, save_as: Path | None = None) -> npt.NDArray[np.uint8]:
        """What is seen, as RGBA of shape (height, width, 4), with nothing behind the page."""
        nothing = {"r": 0, "g": 0, "b": 0, "a": 0}
        await self.do("Emulation.setDefaultBackgroundColorOverride", color=nothing)
        png = base64.b64decode((await self.do("Page.captureScreenshot", format="png"))["data"])
        if save_as is not None:
            save_as.write_bytes(png)
        with av.open(io.BytesIO(png), format="png_pipe") as container:
            return next(container.decode(video=0)).to_ndarray(format="rgba")


@asynccontextmanager
async def page_at(address: str, folder: Path, size: tuple[int, int] = (1280, 720)) -> AsyncIterator[Page]:
    """A browser with a page of `size` (width, height); `folder` is its profile's."""
    assert CHROMIUM is not None
    program = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder / 'chromium'}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    listening: asyncio.Task[None] | None = None
    try:
        assert program.stderr is not None
        where = ""
        while not where:
            line = (await asyncio.wait_for(program.stderr.readline(), _WAIT_S)).decode()
            assert line, "the browser ended"
            if "DevTools listening on" in line:
                where = line.split()[-1]
        draining = asyncio.create_task(program.stderr.read())
        async with aiohttp.ClientSession() as client, client.ws_connect(where, max_msg_size=0) as socket:
            await socket.send_json(
                {"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}
            )
            target = await _answer(socket, 1)
            attach = {"targetId": target["targetId"], "flatten": True}
            await socket.send_json({"id": 2, "method": "Target.attachToTarget", "params": attach})
            page = Page(socket, (await _answer(socket, 2))["sessionId"])
            listening = asyncio.create_task(page.listen())
            for domain in ("Page", "Network", "Runtime", "Log"):
                await page.do(f"{domain}.enable")
            width, height = size
            await page.do(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height,
                deviceScaleFactor=1,
                mobile=False,
            )
            await page.do("Page.navigate", url=address)
            yield page
        draining.cancel()
    finally:
        if listening is not None:
            listening.cancel()
        if program.returncode is None:
            program.kill()
        await program.wait()


async def _answer(socket: aiohttp.ClientWebSocketResponse, number: int) -> dict[str, Any]:
    while True:
        said = await asyncio.wait_for(socket.receive_json(), _WAIT_S)
        if said.get("id") == number:
            return dict(said["result"])
