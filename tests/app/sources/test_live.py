"""What all live sources have in common, with a device that draws its own pictures."""

from __future__ import annotations

import itertools
import time
from typing import ClassVar

import pytest

from app.sources import CapturedChunk, LiveSource
from app.sources.device import Device, Shot
from app.sources.errors import CameraError, DeviceLostError
from tests.app.sources.watching import WAIT_S, watching
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
    late = []
    for chunk in watch.chunks:
        index = round(chunk.start_s / 0.2)
        assert chunk.start_s == pytest.approx(0.2 * index)
        assert chunk.end_s == pytest.approx(0.2 * index + 0.2)
        # The first moment's picture is a little older than the stream, whose clock begins with it.
        late += [number_in(frame) - (2 * index + place) for place, frame in enumerate(chunk.frames)]
    assert all(before.end_s <= after.start_s + 1e-6 for before, after in itertools.pairwise(watch.chunks))
    # Frames are those of their moments, a tenth of a second apart. The machine's other work may make some late, and leave
    # chunks out; never is one early, and not all are late.
    assert min(late) in (0, 1)
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
    # However busy the machine is, nothing comes from after the end.
    assert all(chunk.end_s <= 0.6 + 1e-6 for chunk in watch.chunks)
    assert len(watch.chunks) + watch.source.num_dropped == 3
    assert watch.ended[0].error is None


def test_a_machine_that_sleeps_beyond_the_end_wakes_to_nothing_more() -> None:
    drawing = Drawing()
    with watching(drawing, duration_s=0.8) as watch:
        watch.until(lambda: watch.chunks)
        drawing.delay_s = 1.5
        watch.until(lambda: watch.ended)
    assert all(chunk.end_s <= 0.8 + 1e-6 for chunk in watch.chunks)
    assert len(watch.chunks) + watch.source.num_dropped == 4


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
        watch.until_still(lambda: len(watch.chunks))
        num_before = len(watch.chunks)
        device.is_there = True
        watch.until(lambda: len(watch.chunks) > num_before + 1)
    assert watch.words[0] == "The drawing stopped sending pictures. Trying again."
    assert watch.words[-1] == "The drawing is back."
    gap_s = watch.chunks[num_before].start_s - watch.chunks[num_before - 1].end_s
    assert gap_s >= 0.4
    # Still on the grid, and the picture is the one of that moment.
    after = watch.chunks[num_before]
    assert after.start_s / 0.2 == pytest.approx(round(after.start_s / 0.2))
    assert number_in(after.frames[0]) >= 10 * after.start_s - 1
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
    end_s = time.monotonic() + WAIT_S
    while source.num_dropped < 4:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    # The two newest wait, and another comes; those between were dropped: nothing is counted twice or lost.
    num_before = source.num_dropped
    got = [first, *(next(chunks) for _ in range(3))]
    num_after = source.num_dropped
    source.stop()
    num_chunks = round(got[-1].end_s / 0.2)
    assert len(got) + num_before <= num_chunks <= len(got) + num_after
    assert all(chunk.num_frames == 2 for chunk in got)


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
        position_s = watch.source.position_s
        watch.until_still(lambda: len(watch.chunks), 0.5)
        num = len(watch.chunks)
        assert watch.source.position_s == position_s
        watch.source.resume()
        watch.until(lambda: len(watch.chunks) > num + 1)
    # No second of the pause is in the stream: what is missing was dropped, by a machine that had other things to do.
    gap_s = watch.chunks[-1].start_s - watch.chunks[0].start_s - 0.2 * (len(watch.chunks) - 1)
    assert gap_s <= 0.2 * watch.source.num_dropped + 1e-6


def test_stopping_ends_it_while_it_waits_for_a_lost_device() -> None:
    device = Drawing()
    with watching(device) as watch:
        device.is_there = False
        watch.until(lambda: watch.news)
        began_s = time.monotonic()
        watch.source.stop()
        watch.until(lambda: watch.ended)
        assert time.monotonic() - began_s < 30
