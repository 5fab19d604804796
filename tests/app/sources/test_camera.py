"""Cameras through OpenCV: a named pipe and a loopback MJPEG page in place of a device."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from pathlib import Path

import av
import pytest

from app.sources import CapturedChunk, Signal
from app.sources.camera import CameraDevice, CameraInfo, list_cameras
from app.sources.errors import CameraError
from app.sources.spec import CameraSpec, parse_spec
from tests.app.sources.mjpeg import LoopbackCamera, loopback_camera
from tests.app.sources.watching import watching
from tests.app.videos import number_in, picture


class QuickCamera(CameraDevice):
    """As a camera, but called frozen and tried again sooner, so that tests are short."""

    frozen_after_s = 2.0
    longest_wait_s = 1.0


def device_for(camera: LoopbackCamera) -> CameraDevice:
    return QuickCamera(CameraSpec(camera.address), open_timeout_s=30)


def test_a_camera_is_seen_as_it_is_now() -> None:
    with loopback_camera() as camera, watching(device_for(camera), lost_after_s=10) as watch:
        watch.until(lambda: len(watch.chunks) >= 5)
        numbers = [number_in(frame) for chunk in watch.chunks for frame in chunk.frames]
        # Twenty pictures a second, ten looked at: none out of order, and some chunk's last is less than a second old.
        assert numbers == sorted(numbers)
        assert numbers[-1] >= numbers[0] + len(numbers) // 2
        moments_s = [chunk.captured_at_s for chunk in watch.chunks if isinstance(chunk, CapturedChunk)]
        newest = [camera.number_at(moment_s) for moment_s in moments_s]
        assert min(now - seen for now, seen in zip(newest, numbers[1::2], strict=False)) < 20
        assert watch.chunks[0].frames[0][:20, :30].mean(axis=(0, 1)) == pytest.approx((254, 0, 0), abs=12)


def test_an_unplugged_camera_is_said_and_comes_back() -> None:
    with loopback_camera() as camera, watching(device_for(camera), lost_after_s=10) as watch:
        watch.until(lambda: watch.chunks)
        camera.is_plugged = False
        watch.until(lambda: Signal.LOST in watch.signals)
        assert watch.words[0] == "The camera stopped sending pictures. Trying again."
        camera.is_plugged = True
        watch.until(lambda: watch.signals[-1] is Signal.GOOD)
        assert watch.words[-1] == "The camera is back."
        num = len(watch.chunks)
        watch.until(lambda: len(watch.chunks) > num + 1)
        assert camera.num_connections == 2


def test_a_camera_that_falls_silent_is_said_and_comes_back() -> None:
    with loopback_camera() as camera, watching(device_for(camera)) as watch:
        watch.until(lambda: watch.chunks)
        camera.is_silent = True
        watch.until(lambda: Signal.LOST in watch.signals)
        camera.is_silent = False
        watch.until(lambda: watch.signals[-1] is Signal.GOOD)
        num = len(watch.chunks)
        watch.until(lambda: len(watch.chunks) > num + 1)


def test_a_frozen_camera_is_said_and_opened_anew() -> None:
    with loopback_camera() as camera, watching(device_for(camera), lost_after_s=10) as watch:
        watch.until(lambda: watch.chunks)
        camera.is_frozen = True
        watch.until(lambda: Signal.FROZEN in watch.signals)
        assert watch.words[0] == "The camera sends the same picture again and again."
        watch.until(lambda: camera.num_connections == 2)
        camera.is_frozen = False
        watch.until(lambda: watch.signals[-1] is Signal.GOOD)
        assert watch.words[-1] == "The picture of the camera moves again."


def test_a_camera_that_changes_its_size_goes_on_in_the_size_that_opencv_opened() -> None:
    with loopback_camera() as camera, watching(device_for(camera), lost_after_s=10) as watch:
        watch.until(lambda: watch.chunks)
        camera.size = (240, 320)
        num, last = len(watch.chunks), number_in(watch.chunks[-1].frames[-1])
        assert not watch.news
        watch.until(lambda: len(watch.chunks) > num + 5)
        assert watch.chunks[-1].frames.shape[1:3] == (120, 160)
        assert not watch.news
        assert number_in(watch.chunks[-1].frames[-1]) > last


def send_to(pipe: str) -> None:
    """Twenty numbered pictures a second, until nobody watches any more."""
    with (
        contextlib.suppress(BrokenPipeError, av.error.FFmpegError),
        av.open(pipe, "w", format="mpegts") as container,
    ):
        stream = container.add_stream("libx264", rate=20)
        stream.height, stream.width, stream.pix_fmt = 120, 160, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "10"}
        for number in range(2000):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            container.mux(stream.encode(frame))
            time.sleep(0.05)


def test_a_named_pipe_is_a_camera(tmp_path: Path) -> None:
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)
    # A process of its own: PyAV waits for the pipe's other end with the interpreter's lock in its hand, which would keep
    # that other end, in this process, from being opened.
    sender = multiprocessing.get_context("spawn").Process(target=send_to, args=(str(pipe),), daemon=True)
    sender.start()
    try:
        with watching(CameraDevice(parse_camera(f"camera:{pipe}"), open_timeout_s=30.0)) as watch:
            watch.until(lambda: len(watch.chunks) >= 4)
            numbers = [number_in(frame) for chunk in watch.chunks for frame in chunk.frames]
            assert numbers == sorted(numbers)
            assert numbers[-1] > numbers[0]
    finally:
        sender.terminate()
        sender.join()


def parse_camera(text: str) -> CameraSpec:
    spec = parse_spec(text)
    assert isinstance(spec, CameraSpec)
    return spec


def test_a_camera_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(CameraError, match="Camera 7 cannot be opened"):
        CameraDevice(CameraSpec("7")).open()


def test_a_pipe_into_which_nobody_sends_is_given_up(tmp_path: Path) -> None:
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)
    with pytest.raises(CameraError, match="sends no pictures"):
        CameraDevice(CameraSpec(str(pipe)), open_timeout_s=0.3).open()
    # The driver still waits for it; let it go.
    os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))


def test_cameras_are_listed_by_their_makers_names(tmp_path: Path) -> None:
    for number, (name, index) in enumerate([("Webcam C920", 0), ("Webcam C920", 1), ("Capture card", 0)]):
        folder = tmp_path / f"video{number}"
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n", encoding="utf-8")
        (folder / "index").write_text(f"{index}\n", encoding="ascii")
    assert list_cameras(tmp_path) == [CameraInfo("0", "Webcam C920"), CameraInfo("2", "Capture card")]
