"""The captions of this moment: what is to be seen outside the window, and when it goes."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable

import pytest

from app.outputs.caption_feed import CaptionFeed
from app.settings import UserSettings
from app.theme.caption_style import caption_style
from app.theme.tokens import DARK
from app.window.state.captions import CaptionState

STYLE = caption_style(UserSettings(), DARK)
HIDES_SOON = dataclasses.replace(STYLE, stays=False, hides_after_s=0.1)


@pytest.fixture
async def captions() -> CaptionState:
    return CaptionState()


@pytest.fixture
async def feed(captions: CaptionState) -> AsyncIterator[CaptionFeed]:
    feed = CaptionFeed(captions, STYLE, asyncio.get_running_loop())
    yield feed
    feed.close()


async def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        await asyncio.sleep(0.01)


def say(captions: CaptionState, phrase_s: float, text: str) -> None:
    captions.push_piece(phrase_s, text)
    captions.end_phrase(phrase_s)


def words(feed: CaptionFeed) -> list[str]:
    return [word["text"] for word in feed.page_state()["words"]]


async def test_a_burst_of_words_is_told_once(captions: CaptionState, feed: CaptionFeed) -> None:
    told: list[str] = []
    feed.changed.subscribe(lambda: told.append(feed.text))
    say(captions, 1.0, "Lions win it back, Okafor shoots")
    await until(lambda: bool(told))
    await asyncio.sleep(0.1)
    assert told == ["Lions win it back, Okafor shoots"]


async def test_the_last_caption_stays_or_goes_as_it_is_chosen(
    captions: CaptionState, feed: CaptionFeed
) -> None:
    say(captions, 1.0, "It stays")
    await asyncio.sleep(0.3)
    assert (feed.text, feed.page_state()["hidden"]) == ("It stays", False)
    feed.restyle(HIDES_SOON)
    await until(lambda: feed.is_hidden)
    assert (feed.text, feed.page_state()["hidden"]) == ("", True)
    say(captions, 2.0, "New words")
    assert (feed.text, words(feed)) == ("New words", ["New", "words"])
    await until(lambda: feed.is_hidden)
    feed.restyle(STYLE)
    assert feed.text == "New words"


async def test_words_that_are_cleared_are_gone_for_pages_that_come_later(
    captions: CaptionState, feed: CaptionFeed
) -> None:
    say(captions, 1.0, "Before")
    epoch = feed.page_state()["epoch"]
    captions.clear()
    assert (words(feed), feed.text) == ([], "")
    assert feed.page_state()["epoch"] != epoch
    other = CaptionFeed(captions, STYLE, asyncio.get_running_loop())
    assert other.page_state()["epoch"] != feed.page_state()["epoch"]
    other.close()


async def test_what_is_spoken_and_silent_is_told(captions: CaptionState, feed: CaptionFeed) -> None:
    say(captions, 1.0, "Spoken")
    captions.mark_spoken([1.0])
    assert feed.page_state()["spoken"] == [1.0]
    captions.end_phrase(2.0)
    assert feed.page_state()["silent"] is True


async def test_another_shape_of_text_takes_the_words_that_are_there(
    captions: CaptionState, feed: CaptionFeed
) -> None:
    say(captions, 1.0, "one two three four five")
    feed.reshape(2, 16)
    assert feed.text == "one two three\nfour five"
    feed.reshape(1, 60)
    assert feed.text == "one two three four five"
