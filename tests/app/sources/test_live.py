"""What all live sources have in common, with a device that draws its own pictures."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np
import pytest

from app.sources import CapturedChunk, LiveSource
from app.sources.device import Device, Shot
from app.sources.errors import CameraError, DeviceLostError
from tests.app.sources.watching import watching
from tests.app.videos import number_in, picture


class Drawing(Device):
    """Shows how many tenths of a second have passed since it was made."""

    noun: ClassVar[str] = "drawing"

    def __init__(self) -> None:
        self.made_at_s = time.monotonic()
        self.size = (60, 80)
        self.is_there = True
        self.num_opened = 0
        self.delay_s = 0.0

    def open(self) -> None:
        if not self.is_there:
            raise CameraError("The drawing", "is not there")
        self.num_opened += 1

    def newest(self) -> Shot | None:
        if not self.is_there:
            raise DeviceLostError("the drawing")
        time.sleep(self.delay_s)
        now_s = time.monotonic()
        return Shot(picture(int(10 * (now_s - self.made_at_s)), self.size), now_s)

    def close(self) -> None:
        pass


def test_chunks_follow_the_clock_and_their_frames_the_moments() -> None:
    with watching(Drawing()) as watch:
        watch.until(lambda: len(watch.chunks) >= 6)
    for index, chunk in enumerate(watch.chunks):
        assert chunk.start_s == pytest.approx(0.2 * index)
        assert chunk.end_s == pytest.approx(0.2 * index + 0.2)
        first, second = (number_in(frame) for frame in chunk.frames)
        # Frames are a tenth of a second apart, give or take the machine's other work.
        assert first in (2 * index, 2 * index + 1)
        assert second in (first, first + 1, first + 2)
    assert watch.previews
    assert not watch.news


def test_a_chunk_says_when_its_last_frame_was_taken() -> None:
    drawing = Drawing()
    with watching(drawing) as watch:
        watch.until(lambda: len(watch.chunks) >= 3)
    for chunk in watch.chunks:
        assert isinstance(chunk, CapturedChunk)
        # The drawing shows the tenth of a second at which it was taken.
        assert number_in(chunk.frames[-1]) == int(10 * (chunk.captured_at_s - drawing.made_at_s))


def test_a_source_with_a_length_ends_there() -> None:
    with watching(Drawing(), duration_s=0.6) as watch:
        watch.until(lambda: watch.ended)
    assert len(watch.chunks) == 3
    assert watch.ended[0].error is None


def test_what_cannot_be_opened_is_told_at_once() -> None:
    device = Drawing()
    device.is_there = False
    with pytest.raises(CameraError, match="is not there"):
        LiveSource(device).open()


def test_a_device_that_goes_is_said_and_got_back_and_time_has_gone_on() -> None:
    device = Drawing()
    with watching(device) as watch:
        watch.until(lambda: len(watch.chunks) >= 2)
        device.is_there = False
        watch.until(lambda: watch.news)
        num_before = len(watch.chunks)
        time.sleep(0.4)
        assert len(watch.chunks) == num_before
        device.is_there = True
        watch.until(lambda: len(watch.chunks) > num_before + 1)
    assert watch.words[0] == "The drawing stopped sending pictures. Trying again."
    assert watch.words[-1] == "The drawing is back."
    gap_s = watch.chunks[num_before].start_s - watch.chunks[num_before - 1].end_s
    assert gap_s >= 0.4
    # Still on the grid, and the picture is the one of that moment.
    after = watch.chunks[num_before]
    assert after.start_s / 0.2 == pytest.approx(round(after.start_s / 0.2))
    assert number_in(after.frames[0]) == pytest.approx(10 * after.start_s, abs=2)
    assert not watch.ended[0].error


def test_another_size_is_said_and_every_chunk_has_one_size() -> None:
    device = Drawing()
    with watching(device) as watch:
        watch.until(lambda: watch.chunks)
        device.size = (120, 200)
        watch.until(lambda: watch.chunks[-1].frames.shape[1:3] == (120, 200))
        watch.until(lambda: len(watch.chunks) > 6)
    assert watch.words == ["The drawing has changed its size to 200x120."]
    assert {chunk.frames.shape for chunk in watch.chunks} == {(2, 60, 80, 3), (2, 120, 200, 3)}


def test_nobody_fetches_chunks_so_whole_ones_are_dropped_and_counted() -> None:
    source = LiveSource(Drawing(), fps=10, chunk_s=0.2)
    source.open()
    chunks = iter(source)
    first = next(chunks)
    time.sleep(1.5)
    later = next(chunks)
    source.stop()
    assert first.start_s == 0
    assert source.num_dropped >= 3
    # The two newest wait, those between were dropped: nothing is counted twice or lost.
    assert later.start_s == pytest.approx(0.2 * (1 + source.num_dropped), abs=0.41)
    assert later.num_frames == 2


def test_a_device_that_is_too_slow_leaves_out_whole_chunks() -> None:
    device = Drawing()
    with watching(device) as watch:
        watch.until(lambda: watch.chunks)
        device.delay_s = 0.7
        watch.until(lambda: watch.source.num_dropped >= 2)
        device.delay_s = 0
        num = len(watch.chunks)
        watch.until(lambda: len(watch.chunks) >= num + 2)
    for chunk in watch.chunks:
        assert chunk.num_frames == 2
        assert chunk.start_s / 0.2 == pytest.approx(round(chunk.start_s / 0.2))


def test_a_pause_stops_time() -> None:
    with watching(Drawing()) as watch:
        watch.until(lambda: len(watch.chunks) >= 2)
        watch.source.pause()
        time.sleep(0.3)
        num, position_s = len(watch.chunks), watch.source.position_s
        time.sleep(0.5)
        assert len(watch.chunks) == num
        assert watch.source.position_s == position_s
        watch.source.resume()
        watch.until(lambda: len(watch.chunks) > num + 1)
    starts = [chunk.start_s for chunk in watch.chunks]
    assert np.allclose(np.diff(starts), 0.2)


def test_stopping_ends_it_while_it_waits_for_a_lost_device() -> None:
    device = Drawing()
    with watching(device) as watch:
        device.is_there = False
        watch.until(lambda: watch.news)
        began_s = time.monotonic()
        watch.source.stop()
        watch.until(lambda: watch.ended)
        assert time.monotonic() - began_s < 5
