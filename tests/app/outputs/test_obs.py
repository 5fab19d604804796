"""OBS over its protocol: what it gets, and how the connection is kept whatever OBS does."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable

import pytest

from app.outputs.obs import ObsLink, ObsPhase, ObsPlace, ObsStatus
from tests.app.outputs.obs_server import ObsServer

WAIT_S = 60.0


class Link:
    """A link, and all that it told."""

    def __init__(self) -> None:
        self.told: list[ObsStatus] = []
        self.link = ObsLink(self.told.append, first_wait_s=0.05)

    @property
    def phase(self) -> ObsPhase:
        return self.told[-1].phase if self.told else ObsPhase.OFF

    def start(
        self, port: int, *, password: str = "", source: str = "Captions", captions: bool = False
    ) -> None:
        self.link.start(
            ObsPlace(
                host="127.0.0.1", port=port, password=password, text_source=source, sends_captions=captions
            )
        )

    async def close(self) -> None:
        await asyncio.to_thread(self.link.close)


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    link = Link()
    yield link
    await link.close()


async def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        await asyncio.sleep(0.01)


async def test_the_text_source_shows_the_newest_text_and_is_emptied_at_the_end() -> None:
    link = Link()
    async with ObsServer(password="se cret", sources={"Captions", "Other"}) as obs:
        link.link.show("said before OBS was there")
        link.start(obs.port, password="se cret")
        link.link.show("said before OBS was there")
        await until(lambda: obs.texts["Captions"] == "said before OBS was there")
        for number in range(500):
            link.link.show(f"line {number} with <markup> & 日本")
        await until(lambda: obs.texts["Captions"] == "line 499 with <markup> & 日本")
        assert obs.requests.count("SetInputSettings") < 300
        assert obs.texts["Other"] == ""
        assert link.told[-1].sentence == "Connected to OBS 30.1.2."
        await link.close()
        assert obs.texts["Captions"] == ""
        assert link.phase is ObsPhase.OFF


async def test_captions_go_with_the_stream_in_order_and_only_then(link: Link) -> None:
    async with ObsServer() as obs:
        link.start(obs.port, source="", captions=True)
        await until(lambda: link.phase is ObsPhase.CONNECTED)
        link.link.caption("nobody streams yet")
        await until(lambda: "SendStreamCaption" in obs.requests)
        assert link.told[-1].problem == ""
        obs.is_streaming = True
        for number in range(5):
            link.link.caption(f"phrase {number}")
        await until(lambda: len(obs.captions) == 5)
        assert obs.captions == [f"phrase {number}" for number in range(5)]
        assert "SetInputSettings" not in obs.requests


async def test_a_wrong_password_is_said_and_not_tried_again(link: Link) -> None:
    async with ObsServer(password="right") as obs:
        link.start(obs.port, password="wrong")
        await until(lambda: link.phase is ObsPhase.REFUSED)
        assert "does not take this password" in link.told[-1].problem
        await asyncio.sleep(0.3)
        assert obs.num_connections == 1
        link.start(obs.port, password="right")
        await until(lambda: link.phase is ObsPhase.CONNECTED)


async def test_obs_that_is_closed_and_opened_again_is_found_again(link: Link) -> None:
    async with ObsServer(sources={"Captions"}) as obs:
        link.start(obs.port)
        link.link.show("one")
        await until(lambda: obs.texts["Captions"] == "one")
        for text in ("two", "three"):
            await obs.stop()
            await until(lambda: link.phase is ObsPhase.WAITING)
            assert "does not answer at 127.0.0.1" in link.told[-1].sentence
            link.link.show(text)
            await asyncio.sleep(0.2)
            obs.texts["Captions"] = ""
            await obs.start()
            await until(lambda text=text: obs.texts["Captions"] == text)
            assert link.phase is ObsPhase.CONNECTED
        # It is one problem to a person, however often it is tried.
        phases = [phase for phase, _ in itertools.groupby(status.phase for status in link.told)]
        assert phases[1:] == [ObsPhase.CONNECTED, *2 * [ObsPhase.WAITING, ObsPhase.CONNECTED]]
        assert all(status.problem == "" for status in link.told)


async def test_obs_that_is_not_there_is_tried_less_and_less_often() -> None:
    tries: list[float] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.append(time.monotonic())
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    link = Link()
    link.start(server.sockets[0].getsockname()[1])
    await until(lambda: len(tries) == 5)
    waits = [after - before for before, after in itertools.pairwise(tries)]
    assert all(wait >= 0.05 * 2**number * 0.9 for number, wait in enumerate(waits)), waits
    assert link.phase is ObsPhase.WAITING
    await link.close()
    server.close()


async def test_something_else_at_the_port_is_said_and_waited_out(link: Link) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    link.start(server.sockets[0].getsockname()[1])
    await until(lambda: link.phase is ObsPhase.WAITING)
    assert "that is not OBS" in link.told[-1].sentence
    server.close()


async def test_a_source_that_is_missing_is_said_and_made(link: Link) -> None:
    async with ObsServer(sources={"Other"}) as obs:
        link.start(obs.port, source="My captions")
        link.link.show("hello")
        await until(lambda: link.phase is ObsPhase.CONNECTED and bool(link.told[-1].problem))
        assert link.told[-1].problem == "OBS has no source called “My captions”."
        link.link.make_source()
        await until(lambda: obs.texts.get("My captions") == "hello")
        assert obs.kinds == {"My captions": "text_ft2_source_v2"}
        await until(lambda: link.told[-1].problem == "")


async def test_who_is_sent_away_in_obs_stays_away(link: Link) -> None:
    async with ObsServer(sources={"Captions"}) as obs:
        link.start(obs.port)
        await until(lambda: link.phase is ObsPhase.CONNECTED)
        await obs.kick()
        await until(lambda: link.phase is ObsPhase.REFUSED)
        assert obs.num_connections == 1


async def test_another_source_takes_over_and_the_former_is_emptied(link: Link) -> None:
    async with ObsServer(sources={"One", "Two"}) as obs:
        link.start(obs.port, source="One")
        link.link.show("text")
        await until(lambda: obs.texts["One"] == "text")
        link.start(obs.port, source="Two")
        await until(lambda: obs.texts["Two"] == "text")
        assert obs.texts["One"] == ""


async def test_the_end_does_not_wait_for_an_obs_that_hangs() -> None:
    link = Link()
    async with ObsServer(sources={"Captions"}) as obs:
        link.start(obs.port)
        await until(lambda: link.phase is ObsPhase.CONNECTED)
        obs.is_mute = True
        link.link.show("never answered")
        await asyncio.sleep(0.1)
        began_s = time.monotonic()
        await link.close()
        assert time.monotonic() - began_s < 30
    nobody = Link()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        nobody.start(deaf.getsockname()[1])
        await asyncio.sleep(0.1)
        await nobody.close()
    never = Link()
    await never.close()
