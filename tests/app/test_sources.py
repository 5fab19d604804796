"""Sources: the right frame at the right moment, whatever the file, and in words what is wrong with it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import pytest

from app.errors import (
    NoPictureError,
    NotAVideoError,
    RingsideError,
    SourceDamagedError,
    SourceEmptyError,
    SourceError,
    SourceNotAFileError,
    SourceNotFoundError,
    StartBeyondEndError,
)
from app.sources import Preview, SourceEnded, SourceReader, VideoFileSource, inspect_video
from engine.chunk import FrameChunk
from tests.app.videos import number_in, picture, write_sound, write_video


def numbers(chunks: Iterable[FrameChunk]) -> list[list[int]]:
    """The pictures of every chunk, by the numbers they say."""
    return [[number_in(frame) for frame in chunk.frames] for chunk in chunks]


def expected(seconds: range, fps: int = 30) -> list[list[int]]:
    """Pictures shown at k and k + 0.5 s."""
    return [[k * fps, k * fps + fps // 2] for k in seconds]


CONTAINERS = [
    ("mp4", "libx264"),
    ("mkv", "libx264"),
    ("ts", "libx264"),
    ("mov", "mpeg4"),
    ("avi", "mpeg4"),
    ("webm", "libvpx-vp9"),
    ("flv", "libx264"),
    ("h264", "libx264"),
]


@pytest.mark.parametrize(("ending", "codec"), CONTAINERS)
def test_frame_j_of_second_k_is_what_is_shown_at_k_plus_j_over_fps(
    tmp_path: Path, ending: str, codec: str
) -> None:
    path = write_video(tmp_path / f"a.{ending}", seconds=3, codec=codec)
    source = VideoFileSource(path)
    chunks = list(source)
    assert numbers(chunks) == expected(range(3))
    assert [(chunk.start_s, chunk.end_s) for chunk in chunks] == [(0, 1), (1, 2), (2, 3)]
    assert chunks[0].frames.shape == (2, 120, 160, 3)
    assert chunks[0].frames.dtype == np.uint8
    assert source.problem is None


@pytest.mark.parametrize(("ending", "codec"), CONTAINERS)
def test_starting_in_the_middle_shows_the_same_frames_as_watching_from_the_start(
    tmp_path: Path, ending: str, codec: str
) -> None:
    path = write_video(tmp_path / f"a.{ending}", seconds=6, codec=codec)
    from_the_start = {chunk.start_s: numbers([chunk]) for chunk in VideoFileSource(path)}
    chunks = list(VideoFileSource(path, start_s=3.0, duration_s=2.0))
    assert [chunk.start_s for chunk in chunks] == [3, 4]
    assert [numbers([chunk]) for chunk in chunks] == [from_the_start[3], from_the_start[4]]


def test_a_start_between_seconds_moves_every_moment(small_video: Path) -> None:
    chunks = list(VideoFileSource(small_video, start_s=2.3, duration_s=2))
    assert numbers(chunks) == [[69, 84], [99, 114]]
    assert chunks[0].start_s == pytest.approx(2.3)
    assert chunks[1].end_s == pytest.approx(4.3)


def test_only_one_seek_and_then_in_a_line(small_video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = av.open

    def counting(*args: object, **options: object) -> object:
        opened.append(args)
        return real(*args, **options)  # type: ignore[call-overload] # the test passes on what it gets

    source = VideoFileSource(small_video, start_s=2)
    monkeypatch.setattr(av, "open", counting)
    assert numbers(source) == expected(range(2, 6))
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("fps", "chunk_s", "first", "second"),
    [
        (1, 1.0, [0], [30]),
        (4, 1.0, [0, 7, 15, 22], [30, 37, 45, 52]),
        (8, 1.0, [0, 3, 7, 11, 15, 18, 22, 26], [30, 33, 37, 41, 45, 48, 52, 56]),
        (30, 0.1, [0, 1, 2], [3, 4, 5]),
        (2, 2.0, [0, 15, 30, 45], [60, 75, 90, 105]),
        (3, 1.0, [0, 10, 20], [30, 40, 50]),
        (60, 0.1, [0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]),
    ],
)
def test_any_frame_rate_and_chunk_length(
    small_video: Path, fps: float, chunk_s: float, first: list[int], second: list[int]
) -> None:
    shown = numbers(VideoFileSource(small_video, fps=fps, chunk_s=chunk_s, duration_s=2 * chunk_s))
    assert shown == [first, second]


def test_variable_frame_rate_shows_what_is_on_screen_at_the_moment(tmp_path: Path) -> None:
    # A screen recording: a burst, a still second and a half, then a frame just after a moment and one just before.
    times_ms = [0, 100, 200, 1700, 2020, 2480, 2990, 3000, 3400]
    path = write_video(tmp_path / "a.mkv", times_ms=times_ms)
    assert numbers(VideoFileSource(path, duration_s=3)) == [[0, 2], [2, 2], [3, 5]]


def test_milliseconds_that_a_container_rounds_away_do_not_shift_a_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", seconds=3)
    assert numbers(VideoFileSource(path, fps=3)) == [[0, 10, 20], [30, 40, 50], [60, 70, 80]]


def test_times_count_from_the_files_beginning_when_its_stamps_do_not(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", times_ms=[70_000 + 100 * k for k in range(30)])
    assert numbers(VideoFileSource(path)) == [[0, 5], [10, 15], [20, 25]]
    late = VideoFileSource(path, start_s=2)
    assert numbers(late) == [[20, 25]]


@pytest.mark.parametrize(
    ("turn_degrees", "corner"), [(90, "bottom left"), (-90, "top right"), (180, "bottom right")]
)
def test_a_turned_video_is_shown_upright_as_players_show_it(
    tmp_path: Path, turn_degrees: int, corner: str
) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=1, turn_degrees=turn_degrees)
    source = VideoFileSource(path)
    (chunk,) = source
    size = (160, 120) if abs(turn_degrees) == 90 else (120, 160)
    assert source.size == chunk.size == size
    frame = chunk.frames[0].astype(int)
    red = {
        "top left": frame[5, 5],
        "top right": frame[5, -5],
        "bottom left": frame[-5, 5],
        "bottom right": frame[-5, -5],
    }
    assert max(red, key=lambda where: int(red[where][0] - red[where][1])) == corner


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", seconds=1, pixel_aspect=(4, 3))
    (chunk,) = VideoFileSource(path)
    assert chunk.size == (120, 213)
    assert number_in(chunk.frames[1]) == 15


@pytest.mark.parametrize("size", [(121, 163), (35, 641), (2, 2), (16, 16)])
def test_odd_sizes_come_out_as_they_are(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_video(tmp_path / "a.mkv", seconds=1, size=size, codec="ffv1", pixel_format="yuv444p")
    (chunk,) = VideoFileSource(path)
    assert chunk.size == size
    assert chunk.frames.flags.c_contiguous


def test_colours_are_those_that_were_put_in(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", seconds=1, codec="ffv1", pixel_format="bgr0")
    (chunk,) = VideoFileSource(path)
    assert np.array_equal(chunk.frames[1], picture(15))


def test_very_large_pictures_are_brought_down_in_their_shape(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=0.15, size=(2160, 3840))
    (chunk,) = VideoFileSource(path, fps=10)
    assert chunk.size == (1080, 1920)
    assert number_in(chunk.frames[1]) == 3


def test_sound_beside_the_picture_is_no_matter(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=2, sound_s=4)
    source = VideoFileSource(path)
    assert numbers(source) == expected(range(2))
    assert source.problem is None


@pytest.mark.parametrize(
    ("num_frames", "shown"),
    [
        (60, [[0, 15], [30, 45]]),
        (61, [[0, 15], [30, 45]]),
        (74, [[0, 15], [30, 45]]),
        (75, [[0, 15], [30, 45], [60, 60]]),
        (80, [[0, 15], [30, 45], [60, 75]]),
        (3, [[0, 0]]),
        (1, [[0, 0]]),
    ],
)
def test_a_last_chunk_needs_half_its_time_unless_it_is_the_only_one(
    tmp_path: Path, num_frames: int, shown: list[list[int]]
) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=num_frames / 30)
    assert numbers(VideoFileSource(path)) == shown


def test_a_duration_ends_the_watching(small_video: Path) -> None:
    source = VideoFileSource(small_video, start_s=1, duration_s=2.5)
    assert source.duration_s == pytest.approx(2.5)
    assert numbers(source) == [[30, 45], [60, 75], [90, 90]]
    assert source.problem is None
    assert VideoFileSource(small_video, start_s=4, duration_s=60).duration_s == pytest.approx(2, abs=0.05)


def test_a_source_can_be_watched_again(small_video: Path) -> None:
    source = VideoFileSource(small_video, duration_s=1)
    assert numbers(source) == numbers(source) == [[0, 15]]


def test_what_a_video_is_can_be_asked_beforehand(small_video: Path) -> None:
    info = inspect_video(small_video)
    assert info.size == (120, 160)
    assert info.duration_s == pytest.approx(6, abs=0.01)
    assert info.fps == pytest.approx(30)


# What is no video.


def refused(path: str | Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        VideoFileSource(path)
    assert str(path) in caught.value.line
    assert "\n" not in caught.value.line
    return caught.value


def test_a_missing_file(tmp_path: Path) -> None:
    error = refused(tmp_path / "no.mp4")
    assert isinstance(error, SourceNotFoundError)
    assert error.bad_use


def test_an_address_is_not_taken_for_a_file() -> None:
    error = refused("http://127.0.0.1:9/match.mp4")
    assert isinstance(error, SourceNotFoundError)
    assert "--source" in error.hint


def test_a_folder(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert isinstance(error, SourceNotAFileError)
    assert "is a folder" in error.line


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert isinstance(refused(tmp_path / "pipe.mp4"), SourceNotAFileError)


def test_no_bytes_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    error = refused(tmp_path / "a.mp4")
    assert isinstance(error, SourceEmptyError)
    assert not error.bad_use


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4", "list.m3u8", "subtitles.srt", "page.html"])
def test_text_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    text = "1\n00:00:00,000 --> 00:00:01,000\nhello\n\n" if name.endswith("srt") else "Just words.\n" * 50
    (tmp_path / name).write_text(text)
    assert isinstance(refused(tmp_path / name), NotAVideoError | NoPictureError)


def test_noise(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(np.random.default_rng(1).bytes(100_000))
    refused(tmp_path / "a.mp4")


def test_a_photograph(tmp_path: Path) -> None:
    write_video(tmp_path / "a.png", seconds=1 / 30, codec="png", pixel_format="rgb24", format="image2")
    error = refused(tmp_path / "a.png")
    assert "single picture" in error.line


def test_sound_alone(tmp_path: Path) -> None:
    error = refused(write_sound(tmp_path / "a.m4a"))
    assert isinstance(error, NoPictureError)
    assert "only sound" in error.line


def test_a_name_that_looks_like_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(Path("a.mp4"), seconds=1).rename("concat:b.mp4")
    assert numbers(VideoFileSource("concat:b.mp4")) == [[0, 15]]


def test_a_start_after_the_end(small_video: Path, tmp_path: Path) -> None:
    with pytest.raises(StartBeyondEndError, match=r"ends at 6\.0 s, before the asked-for start at 9\.0 s"):
        VideoFileSource(small_video, start_s=9)
    # A file that does not say how long it is.
    raw = write_video(tmp_path / "a.h264", seconds=2)
    with pytest.raises(StartBeyondEndError):
        list(VideoFileSource(raw, start_s=9))


# What is damaged.


def test_a_file_cut_off_in_the_middle_is_watched_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", seconds=6, options={"movflags": "faststart"}).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    source = VideoFileSource(cut)
    shown = numbers(source)
    assert 2 <= len(shown) < 6
    assert shown[:2] == expected(range(2))
    assert source.problem is not None
    assert source.problem.is_cut_short
    assert "not complete" in source.problem.message
    assert "of 6.0 s" in source.problem.message


def test_a_matroska_file_cut_off_says_so_though_it_has_sound(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mkv", seconds=6, sound_s=6).read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) // 2])
    source = VideoFileSource(cut)
    assert numbers(source)[:1] == expected(range(1))
    assert source.problem is not None
    assert source.problem.is_cut_short


def test_an_index_at_the_end_that_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", seconds=2).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) - 500])
    refused(tmp_path / "cut.mp4")


@pytest.mark.parametrize("ending", ["mp4", "ts", "mkv"])
def test_rubbish_in_the_middle_does_not_end_the_watching(tmp_path: Path, ending: str) -> None:
    path = write_video(
        tmp_path / f"a.{ending}", seconds=6, options={"movflags": "faststart"} if ending == "mp4" else {}
    )
    data = bytearray(path.read_bytes())
    start = len(data) * 45 // 100
    data[start : start + len(data) // 10] = np.random.default_rng(2).bytes(len(data) // 10)
    path.write_bytes(data)
    source = VideoFileSource(path)
    shown = numbers(source)
    assert len(shown) == 6
    assert shown[:2] == expected(range(2))
    assert shown[-1] == expected(range(5, 6))[0]
    assert source.problem is None or not source.problem.is_cut_short


def test_pictures_that_cannot_be_decoded_at_all(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=2, codec="mpeg4", options={"movflags": "faststart"})
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    error = refused(path)
    assert isinstance(error, SourceDamagedError)
    assert "no picture in it can be decoded" in error.line


@pytest.mark.parametrize("offset_s", [0, 3600])
def test_a_clock_set_anew_in_the_middle_makes_no_hours_of_nothing(tmp_path: Path, offset_s: int) -> None:
    """Two recordings in one file: the clock starts again, or is an hour ahead."""
    first = write_video(tmp_path / "a.ts", seconds=2)
    second = write_video(tmp_path / "b.ts", seconds=2, options={"output_ts_offset": str(offset_s)})
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    source = VideoFileSource(both)
    assert numbers(source) == expected(range(2)) * 2
    assert source.problem is None


# Live.


def test_live_chunks_come_when_their_last_frame_is_on_screen(small_video: Path) -> None:
    shown_s: list[float] = []
    source = VideoFileSource(
        small_video, duration_s=2, live=True, on_preview=lambda preview: shown_s.append(preview.time_s)
    )
    begin_s = time.monotonic()
    for chunk in source:
        last_s = chunk.start_s + 0.5
        assert time.monotonic() - begin_s >= last_s
        # Neither a frame's time earlier, nor only when the second is over.
        assert max(shown_s, default=0.0) < last_s + 0.1


def test_live_previews_show_every_frame_in_order_and_fit(small_video: Path) -> None:
    previews: list[Preview] = []
    source = VideoFileSource(
        small_video, duration_s=1, live=True, on_preview=previews.append, preview_size=(60, 999)
    )
    chunks = list(source)
    assert len(chunks) == 1
    seen = [number_in(preview.frame) for preview in previews]
    assert seen == sorted(set(seen))
    assert len(seen) >= 3  # frames that a busy machine is late with are left out
    assert {preview.frame.shape for preview in previews} == {(60, 80, 3)}
    assert all(number == round(preview.time_s * 30) for number, preview in zip(seen, previews, strict=True))


def test_a_chunk_of_a_file_is_complete_when_its_last_frame_is_due(small_video: Path) -> None:
    began_s = time.monotonic()
    moments_s = [chunk.captured_at_s for chunk in VideoFileSource(small_video, duration_s=2, live=True)]
    assert moments_s[0] >= began_s + 0.5
    assert moments_s[1] >= began_s + 1.5
    assert moments_s[1] <= time.monotonic()


def test_a_pause_holds_everything_and_loses_nothing(small_video: Path) -> None:
    source = VideoFileSource(small_video, duration_s=2, live=True)
    chunks: list[FrameChunk] = []
    source.pause()
    reader, ended = in_background(source, chunks)
    reader.start()
    time.sleep(0.8)
    assert chunks == []
    source.resume()
    assert ended.wait(60)
    assert numbers(chunks) == expected(range(2))


def test_stop_ends_a_live_wait_and_leaves_no_thread_and_no_open_file(small_video: Path) -> None:
    before = set(threading.enumerate())
    source = VideoFileSource(small_video, live=True)
    chunks: list[FrameChunk] = []
    reader, ended = in_background(source, chunks)
    reader.start()
    time.sleep(0.1)
    assert reader.stop(timeout_s=60)
    assert ended.is_set()
    assert len(chunks) < 6
    assert set(threading.enumerate()) <= before
    assert str(small_video) not in open_files()


def test_a_reader_tells_how_it_ended(small_video: Path, tmp_path: Path) -> None:
    whole = small_video.read_bytes()
    endings: list[SourceEnded] = []
    reader = SourceReader(VideoFileSource(small_video), lambda chunk: chunk.start_s < 2, endings.append)
    reader.start()
    while reader.stop(0.01) is False:
        pass
    assert endings[0].num_chunks <= 2
    assert endings[0].error is None

    path = tmp_path / "goes.mp4"
    path.write_bytes(whole)
    source = VideoFileSource(path)
    path.unlink()
    done = threading.Event()
    reader = SourceReader(source, lambda chunk: True, lambda end: (endings.append(end), done.set())[0])
    reader.start()
    assert done.wait(60)
    assert isinstance(endings[1].error, RingsideError)


def in_background(source: VideoFileSource, chunks: list[FrameChunk]) -> tuple[SourceReader, threading.Event]:
    ended = threading.Event()

    def on_chunk(chunk: FrameChunk) -> bool:
        chunks.append(chunk)
        return True

    return SourceReader(source, on_chunk, lambda _: ended.set()), ended


def open_files() -> set[str]:
    return {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
