"""A real OBS on a screen of its own: its text source shows what is said, and the stream carries it as captions."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pytest
import simpleobsws

from app.outputs.obs import ObsLink, ObsPhase, ObsPlace, ObsStatus
from tests.app.window.screen import screen
from tests.ports import lasting_port

WAIT_S = 90.0
PASSWORD = "ringside test"
SAID = [f"Okafor shoots {number}" for number in range(4)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("obs") is None or shutil.which("Xvfb") is None or shutil.which("ffmpeg") is None,
        reason="OBS, Xvfb or ffmpeg is not installed (apt-get install obs-studio xvfb ffmpeg)",
    ),
]


@contextmanager
def obs_studio(display: str, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """OBS with a configuration of its own, in which its server is on."""
    config = folder / "obs-studio" / "global.ini"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        "[General]\nFirstRun=true\nEnableAutoUpdates=false\nInfoIncrement=1000\n"
        f"[OBSWebSocket]\nFirstLoad=false\nServerEnabled=true\nServerPort={port}\n"
        f"AuthRequired=true\nServerPassword={PASSWORD}\nAlertsEnabled=false\n"
    )
    own = {
        "DISPLAY": display,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
    }
    with subprocess.Popen(
        ["obs", "--multi"],
        env={**os.environ, **own, "LIBGL_ALWAYS_SOFTWARE": "1", "QT_QPA_PLATFORM": "xcb"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as program:
        try:
            yield program
        finally:
            program.kill()


@contextmanager
def stream_server(port: int, into: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Takes a stream, as YouTube or Twitch would."""
    command = [
        "ffmpeg",
        "-y",
        "-loglevel",
        "error",
        "-listen",
        "1",
        "-i",
        f"rtmp://127.0.0.1:{port}/live/key",
    ]
    with subprocess.Popen([*command, "-c", "copy", str(into)], stderr=subprocess.DEVNULL) as program:
        try:
            yield program
        finally:
            program.kill()


class Asking:
    """A second client, which looks at what the first one did."""

    def __init__(self, port: int) -> None:
        parameters = simpleobsws.IdentificationParameters(eventSubscriptions=0)
        self._client = simpleobsws.WebSocketClient(f"ws://127.0.0.1:{port}", PASSWORD, parameters)

    async def connect(self) -> None:
        end_s = time.monotonic() + WAIT_S
        while True:
            try:
                await self._client.connect()
                break
            except OSError:
                assert time.monotonic() < end_s, "OBS never came"
                await asyncio.sleep(0.5)
        assert await self._client.wait_until_identified()

    async def do(self, kind: str, **data: Any) -> dict[str, Any]:
        answer = await self._client.call(simpleobsws.Request(kind, data or None))
        assert answer.ok(), (kind, answer.requestStatus)
        return dict(answer.responseData or {})

    async def text(self) -> str:
        return str((await self.do("GetInputSettings", inputName="Captions"))["inputSettings"]["text"])

    async def ink(self) -> int:
        """Pixels that the text source paints."""
        shot = await self.do("GetSourceScreenshot", sourceName="Captions", imageFormat="png")
        png = base64.b64decode(shot["imageData"].split(",", 1)[1])
        with av.open(io.BytesIO(png), format="png_pipe") as container:
            pixels = next(container.decode(video=0)).to_ndarray(format="rgba")
        return int((pixels[..., 3] > 128).sum())

    async def close(self) -> None:
        await self._client.disconnect()


async def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        await asyncio.sleep(0.05)


def captions_in(stream: bytes) -> str:
    """The letters of all CEA-608 captions in a stream's H.264 user data (ATSC A/53)."""
    letters, place = "", 0
    while (place := stream.find(b"GA94\x03", place)) >= 0:
        start = place + 7
        for at in range(start, start + 3 * (stream[place + 5] & 31), 3):
            kind, first, second = stream[at : at + 3]
            if kind == 0xFC and first & 127 >= 32:
                letters += "".join(chr(byte & 127) for byte in (first, second) if byte & 127 >= 32)
        place += 5
    return letters


async def test_a_real_obs_shows_and_streams_what_is_said_and_is_found_again(tmp_path: Path) -> None:
    port, told = lasting_port(), list[ObsStatus]()
    link = ObsLink(told.append, first_wait_s=0.5)
    place = ObsPlace(
        host="127.0.0.1", port=port, password=PASSWORD, text_source="Captions", sends_captions=True
    )
    with screen() as display:
        # Ringside is there first.
        link.start(place)
        link.show("Lions win it back")
        await until(lambda: bool(told) and told[-1].phase is ObsPhase.WAITING)
        with obs_studio(display, tmp_path, port):
            asking = Asking(port)
            await asking.connect()
            await until(lambda: told[-1].phase is ObsPhase.CONNECTED and bool(told[-1].problem))
            assert "OBS has no source called “Captions”." in told[-1].problem
            link.make_source()
            await until(lambda: told[-1].problem == "")
            assert await asking.text() == "Lions win it back"
            ink = await asking.ink()
            assert ink > 500
            link.show("Lions win it back\nOkafor shoots - and it is in!")
            while await asking.ink() < 1.5 * ink:
                await asyncio.sleep(0.1)
            await _stream(asking, link, tmp_path)
            await asking.close()
        await until(lambda: told[-1].phase is ObsPhase.WAITING)
        with obs_studio(display, tmp_path, port):
            again = Asking(port)
            await again.connect()
            await until(lambda: told[-1].phase is ObsPhase.CONNECTED)
            await asyncio.to_thread(link.close)
            await again.close()


async def _stream(asking: Asking, link: ObsLink, folder: Path) -> None:
    port = lasting_port()
    size = {"baseWidth": 320, "baseHeight": 180, "outputWidth": 320, "outputHeight": 180}
    await asking.do("SetVideoSettings", **size, fpsNumerator=10, fpsDenominator=1)
    service = {"server": f"rtmp://127.0.0.1:{port}/live", "key": "key"}
    await asking.do(
        "SetStreamServiceSettings", streamServiceType="rtmp_custom", streamServiceSettings=service
    )
    with stream_server(port, folder / "stream.flv") as server:
        await asyncio.sleep(1.0)
        await asking.do("StartStream")
        while (await asking.do("GetStreamStatus"))["outputBytes"] < 1000:
            await asyncio.sleep(0.2)
        for text in SAID:
            link.caption(text)
            await asyncio.sleep(1.0)
        await asyncio.sleep(1.0)
        await asking.do("StopStream")
        await asyncio.to_thread(server.wait, WAIT_S)
    assert captions_in((folder / "stream.flv").read_bytes()) == "".join(SAID)
