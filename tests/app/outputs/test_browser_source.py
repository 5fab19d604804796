"""The page for OBS: who may see it, what it shows in a real browser, and how it comes back."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.outputs.browser_source import HOST, BrowserSource, new_token
from app.outputs.caption_feed import CaptionFeed
from app.settings import UserSettings
from app.theme.caption_style import caption_style
from app.theme.tokens import DARK
from app.window.state.captions import CaptionState
from tests.app.outputs.browser import CHROMIUM, page_at
from tests.ports import lasting_port

WAIT_S = 60.0
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no browser is installed (apt-get install chromium)"
)


class Stream:
    """Captions, and the page that shows them."""

    def __init__(self) -> None:
        self.captions = CaptionState()
        self.settings = UserSettings()
        loop = asyncio.get_running_loop()
        self.feed = CaptionFeed(self.captions, caption_style(self.settings, DARK), loop)
        self.source = BrowserSource(self.page_state)
        self.feed.changed.subscribe(self.source.tell)
        self.token = new_token()
        self._said_s = 0.0

    def page_state(self) -> dict[str, Any]:
        state = self.feed.page_state()
        state["style"] |= {"position": "bottom", "margin_px": 20}
        return state

    def style(self, **changes: object) -> None:
        self.settings = UserSettings(**changes)
        self.feed.restyle(caption_style(self.settings, DARK))

    def say(self, text: str) -> float:
        """A phrase; returns its time."""
        self._said_s += 1
        self.captions.push_piece(self._said_s, text)
        self.captions.end_phrase(self._said_s)
        return self._said_s


@pytest.fixture
async def stream() -> AsyncIterator[Stream]:
    stream = Stream()
    await stream.source.start(lasting_port(), stream.token)
    yield stream
    await stream.source.stop()
    stream.feed.close()


async def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        await asyncio.sleep(0.01)


async def test_only_who_has_the_address_sees_the_page(stream: Stream) -> None:
    address, port = stream.source.address, stream.source.port
    wrong = [
        f"http://{HOST}:{port}/",
        f"http://{HOST}:{port}/{new_token()}/",
        f"http://{HOST}:{port}/{new_token()}/events",
        address.replace(stream.token, stream.token[:-1]),
        f"{address}../../etc/passwd",
        f"{address}%2e%2e/app/main.py",
        f"{address}nothing",
    ]
    async with aiohttp.ClientSession() as client:
        async with client.get(address) as answer:
            assert answer.status == 200
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert answer.headers["Cache-Control"] == "no-store"
        for place in wrong:
            async with client.get(place) as answer:
                assert (answer.status, await answer.text()) == (404, "404: Not Found"), place
        # A site whose name was rebound to this computer asks by its own name.
        async with client.get(address, headers={"Host": f"evil.example:{port}"}) as answer:
            assert answer.status == 404


async def test_other_computers_find_nothing_there(stream: Stream) -> None:
    own = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    for host in {str(name) for name in own} - {HOST}:
        if not host.startswith("127."):
            with pytest.raises(OSError):
                await asyncio.open_connection(host, stream.source.port)
    with pytest.raises(OSError):
        await asyncio.open_connection("::1", stream.source.port)


async def test_if_the_port_is_taken_another_is_found() -> None:
    stream = Stream()
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        await stream.source.start(taken, stream.token)
        assert stream.source.port not in (None, taken)
        async with aiohttp.ClientSession() as client, client.get(stream.source.address) as answer:
            assert answer.status == 200
        await stream.source.stop()
        assert stream.source.address == ""
    stream.feed.close()


async def test_every_message_is_the_whole_state_and_the_latest(stream: Stream) -> None:
    async with aiohttp.ClientSession() as client, client.get(f"{stream.source.address}events") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        await until(lambda: stream.source.num_pages == 1)
        for number in range(200):
            stream.say(f"word{number}")
        state: dict[str, Any] = {"words": []}
        while not state["words"] or state["words"][-1]["text"] != "word199":
            line = (await asyncio.wait_for(answer.content.readline(), WAIT_S)).decode()
            if line.startswith("data: {"):
                state = json.loads(line.removeprefix("data: "))
        assert len(state["words"]) == 120
        assert state["style"]["size_px"] == 28
    await until(lambda: stream.source.num_pages == 0)


async def test_stopping_does_not_wait_for_pages_that_are_open(stream: Stream) -> None:
    async with aiohttp.ClientSession() as client, client.get(f"{stream.source.address}events") as answer:
        await until(lambda: stream.source.num_pages == 1)
        await asyncio.wait_for(stream.source.stop(), 30)
        assert await asyncio.wait_for(answer.content.read(), WAIT_S) is not None


@needs_browser
async def test_in_a_browser_words_appear_roll_and_go_with_nothing_behind_them(
    stream: Stream, tmp_path: Path
) -> None:
    async with page_at(stream.source.address, tmp_path) as page:
        await page.until("document.readyState === 'complete'")
        await until(lambda: stream.source.num_pages == 1)
        assert not (await page.screenshot())[..., 3].any()

        said_s = stream.say("Lions win it back,")
        await page.until("document.querySelectorAll('.word').length === 4")
        assert await page.lines() == ["Lions win it back,"]
        place = await page.value("document.querySelector('.word').getBoundingClientRect().x")
        shot = await page.screenshot()
        assert not shot[:600, :, 3].any()
        # The band hides what the settings say, and letters are white with an outline.
        assert abs(int(shot[640, 1200, 3]) - round(0.72 * 255)) <= 2
        assert ((shot[..., :3] > 240).all(axis=2) & (shot[..., 3] > 250)).sum() > 300

        for _ in range(8):
            stream.say("Okafor shoots - and it is in!")
        stream.captions.mark_spoken([said_s + 8])
        await page.until("document.querySelectorAll('.spoken').length > 0")
        lines = await page.lines()
        assert len(lines) == 2
        assert await page.value("document.querySelector('.word').getBoundingClientRect().x") == place
        spoken = "[...document.querySelectorAll('.spoken')].map((part) => part.textContent).join('')"
        assert (await page.value(spoken)).replace(" ", "") == "Okaforshoots-anditisin!"
        assert " " in await page.value(spoken)
        widths = "[...document.querySelectorAll('.line')].map((l) => l.scrollWidth <= l.clientWidth)"
        assert await page.value(widths) == [True, True]

        stream.style(
            caption_size_px=60, caption_num_lines=3, caption_text_colour="#FFD400", caption_align="centre"
        )
        await page.until("document.querySelectorAll('.line').length === 3")
        newest = "getComputedStyle(document.querySelector('.line:last-child .word')).color"
        assert await page.value(newest) == "rgb(255, 212, 0)"

        stream.captions.clear()
        await page.until("document.querySelector('.band').hidden")
        assert not (await page.screenshot())[..., 3].any()
        assert {url.rsplit("/", 1)[0] + "/" for url in page.requested} == {stream.source.address}
        assert page.complaints == []


@needs_browser
async def test_in_a_browser_markup_shows_as_text(stream: Stream, tmp_path: Path) -> None:
    evil = [
        "<img src=x onerror=window.hacked=1>",
        "<script>window.hacked=1</script>",
        "</p><iframe srcdoc=x></iframe>",
        '"><svg/onload=window.hacked=1>',
        "&lt;b&gt; 100% \u202egnp.exe",
    ]
    async with page_at(stream.source.address, tmp_path) as page:
        await until(lambda: stream.source.num_pages == 1)
        stream.style(caption_num_lines=6, caption_font='x"; } body { background: red } .y { font: "')
        for text in evil:
            stream.say(text)
        await page.until("document.querySelectorAll('.word').length === 10")
        shown = " ".join(await page.lines())
        assert "<img src=x onerror=window.hacked=1>" in shown
        assert "<script>window.hacked=1</script>" in shown
        assert "&lt;b&gt;" in shown
        tags = (
            "[...new Set([...document.body.querySelectorAll('*')].map((node) => node.tagName))].sort().join()"
        )
        assert await page.value(tags) == "MAIN,P,SPAN"
        assert await page.value("window.hacked === undefined")
        assert await page.value("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
        assert {url.rsplit("/", 1)[0] + "/" for url in page.requested} == {stream.source.address}


@needs_browser
async def test_in_a_browser_every_script_fills_its_lines_from_its_own_side_and_nothing_is_cut_off(
    stream: Stream, tmp_path: Path
) -> None:
    cut = "[...document.querySelectorAll('.line')].some((line) => line.scrollWidth > line.clientWidth)"
    xs = "[...document.querySelectorAll('.word')].map((word) => word.getBoundingClientRect().x)"
    async with page_at(stream.source.address, tmp_path, size=(640, 480)) as page:
        await page.until("document.readyState === 'complete'")
        await until(lambda: stream.source.num_pages == 1)
        stream.style(caption_num_lines=6)
        chinese = [
            "狮队夺回球权，",
            "奥卡福一路带球杀入禁区，",
            "射门——球进了！",
            "狮队 1:0 领先，全场沸腾。",
        ]
        for phrase in chinese:
            stream.say(phrase)
        await page.until("document.body.textContent.includes('沸腾。')")
        lines = await page.lines()
        assert len(lines) > 1
        assert "".join(lines) == "".join(chinese)
        assert not await page.value(cut)

        stream.captions.clear()
        stream.say("الأسود يستعيدون الكرة،")
        await page.until("document.querySelectorAll('.word').length === 3")
        before = await page.value(xs)
        assert before == sorted(before, reverse=True)
        assert before[0] > 500
        # A name in other letters turns nothing round.
        stream.say("Okafor يسدد الكرة!")
        await page.until("document.querySelectorAll('.word').length === 6")
        assert (await page.value(xs))[:3] == before
        assert await page.value("document.querySelector('.line').dir") == "rtl"
        # Whatever has an outline is in one piece: it could not lie behind two.
        stream.say("لصالح Real Madrid، الآن")
        await page.until("document.querySelectorAll('.word').length === 10")
        outlined = "[...document.querySelectorAll('[data-text]')].filter((part) => part.dataset.text !== '')"
        pieces = "[...part.getClientRects()].filter((piece) => piece.width > 0)"
        assert await page.value(f"{outlined}.every((part) => {pieces}.length === 1)")

        stream.captions.clear()
        name = "Krungthepmahanakhonamonrattanakosinmahintharayutthayamahadilokphop"
        stream.say(f"In {name} now")
        await page.until("document.body.textContent.includes('now')")
        lines = await page.lines()
        assert len(lines) > 2
        assert "".join(lines) == f"In{name} now"
        assert not await page.value(cut)
        assert page.complaints == []


@needs_browser
async def test_in_a_browser_the_page_comes_back_by_itself(stream: Stream, tmp_path: Path) -> None:
    port = stream.source.port
    assert port is not None
    async with page_at(stream.source.address, tmp_path) as page:
        stream.say("before")
        await page.until("document.querySelectorAll('.word').length === 1")
        await stream.source.stop()
        stream.feed.close()
        await asyncio.sleep(1.2)  # so that the page fails at least once
        again = Stream()
        again.token = stream.token
        await again.source.start(port, stream.token)
        assert again.source.port == port
        again.say("after it")
        await page.until("document.querySelectorAll('.word').length === 2")
        assert await page.lines() == ["after it"]
        await again.source.stop()
        again.feed.close()
