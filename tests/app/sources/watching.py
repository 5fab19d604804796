"""Watches a source in a thread, as the program does, and keeps what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.sources import LiveSource, Preview, Signal, SourceEnded, SourceNews, SourceReader
from app.sources.device import Device
from engine.chunk import FrameChunk

WAIT_S = 60.0


class Watch:
    def __init__(self) -> None:
        self.chunks: list[FrameChunk] = []
        self.previews: list[Preview] = []
        self.news: list[SourceNews] = []
        self.ended: list[SourceEnded] = []
        self.source: LiveSource

    @property
    def words(self) -> list[str]:
        return [news.words for news in self.news]

    @property
    def signals(self) -> list[Signal]:
        return [news.signal for news in self.news]

    def until_still(self, value: Callable[[], object], for_s: float = 0.4) -> None:
        """Wait until something has stayed the same for a while: what was on its way has come."""
        end_s = time.monotonic() + WAIT_S
        last, since_s = value(), time.monotonic()
        while time.monotonic() - since_s < for_s:
            assert time.monotonic() < end_s, "it never came to rest"
            time.sleep(0.01)
            if (now := value()) != last:
                last, since_s = now, time.monotonic()

    def take(self, chunk: FrameChunk) -> bool:
        self.chunks.append(chunk)
        return True

    def until(self, condition: Callable[[], object]) -> None:
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, f"it never came true; said so far: {self.words}"
            time.sleep(0.01)


@contextmanager
def watching(
    device: Device,
    *,
    fps: float = 10.0,
    chunk_s: float = 0.2,
    duration_s: float | None = None,
    lost_after_s: float = 1.0,
) -> Iterator[Watch]:
    """Opens the device and watches it; ten frames a second and short chunks, so that tests are short."""
    watch = Watch()
    watch.source = LiveSource(
        device,
        fps=fps,
        chunk_s=chunk_s,
        duration_s=duration_s,
        on_preview=watch.previews.append,
        on_news=watch.news.append,
        lost_after_s=lost_after_s,
    )
    watch.source.open()
    reader = SourceReader(watch.source, watch.take, watch.ended.append)
    reader.start()
    try:
        yield watch
    finally:
        assert reader.stop(WAIT_S)
