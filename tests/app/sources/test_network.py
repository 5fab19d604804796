"""Streams by address, from loopback servers."""

from __future__ import annotations

import functools
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pytest

from app.sources import Signal
from app.sources.errors import StreamError
from app.sources.network import StreamDevice
from app.sources.spec import StreamSpec
from tests.app.sources.mjpeg import loopback_camera
from tests.app.sources.watching import watching
from tests.app.videos import number_in, picture, write_sound
from tests.ports import lasting_port


def device_for(address: str, *, read_timeout_s: float = 10.0) -> StreamDevice:
    return StreamDevice(StreamSpec(address), open_timeout_s=30, read_timeout_s=read_timeout_s)


def test_a_stream_that_changes_its_size_is_said_and_goes_on() -> None:
    with loopback_camera() as camera, watching(device_for(camera.address), lost_after_s=10) as watch:
        watch.until(lambda: watch.chunks)
        camera.size = (240, 320)
        watch.until(lambda: watch.chunks[-1].frames.shape[1:3] == (240, 320))
        assert watch.words == ["The stream has changed its size to 320x240."]
        numbers = [number_in(frame) for chunk in watch.chunks for frame in chunk.frames]
        assert numbers == sorted(numbers)


def test_a_stream_that_breaks_off_is_said_and_comes_back() -> None:
    with loopback_camera() as camera, watching(device_for(camera.address), lost_after_s=10) as watch:
        watch.until(lambda: watch.chunks)
        camera.is_plugged = False
        watch.until(lambda: Signal.LOST in watch.signals)
        camera.is_plugged = True
        watch.until(lambda: watch.signals[-1] is Signal.GOOD)
        num = len(watch.chunks)
        watch.until(lambda: len(watch.chunks) > num + 1)
    assert watch.words[0] == "The stream stopped sending pictures. Trying again."
    assert watch.words[-1] == "The stream is back."


def test_a_stream_that_falls_silent_is_given_up_and_connected_anew() -> None:
    with loopback_camera() as camera, watching(device_for(camera.address, read_timeout_s=1)) as watch:
        watch.until(lambda: watch.chunks)
        camera.is_silent = True
        watch.until(lambda: Signal.LOST in watch.signals)
        camera.is_silent = False
        watch.until(lambda: watch.signals[-1] is Signal.GOOD)


@contextmanager
def sending(address: str) -> Iterator[None]:
    """MPEG-TS over UDP, twenty pictures a second."""
    is_over = threading.Event()

    def send() -> None:
        with av.open(address, "w", format="mpegts") as container:
            stream: Any = container.add_stream("libx264", rate=20)
            stream.height, stream.width, stream.pix_fmt = 120, 160, "yuv420p"
            stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "10"}
            for number in range(4000):
                frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
                container.mux(stream.encode(frame))
                if is_over.wait(0.05):
                    return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        is_over.set()
        sender.join()


def test_a_udp_stream_is_watched_and_comes_back_after_it_went() -> None:
    port = lasting_port(socket.SOCK_DGRAM)
    address = f"udp://127.0.0.1:{port}"
    with sending(f"{address}?pkt_size=1316"):
        device = device_for(address, read_timeout_s=1)
        watch_context = watching(device)
        watch = watch_context.__enter__()
        watch.until(lambda: len(watch.chunks) >= 4)
    try:
        watch.until(lambda: Signal.LOST in watch.signals)
        with sending(f"{address}?pkt_size=1316"):
            watch.until(lambda: watch.signals[-1] is Signal.GOOD)
            num = len(watch.chunks)
            watch.until(lambda: len(watch.chunks) > num + 1)
    finally:
        watch_context.__exit__(None, None, None)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_video_on_a_server_plays_at_its_own_speed_and_ends(small_video: Path) -> None:
    began_s = time.monotonic()
    with served(small_video.parent) as address:
        device = device_for(f"{address}/small.mp4")
        with watching(device, lost_after_s=10) as watch:
            watch.until(lambda: watch.ended)
            assert watch.ended[0].error is None
            assert not watch.news
    # Six seconds of video at 30 frames a second; what is missing was dropped, by a machine that had other things to do.
    assert time.monotonic() - began_s > 5
    numbers = [number_in(frame) for chunk in watch.chunks for frame in chunk.frames]
    assert numbers == sorted(numbers)
    assert numbers[-1] > 150
    assert len(watch.chunks) <= 31
    assert len(watch.chunks) + watch.source.num_dropped >= 27


def test_what_is_wrong_with_an_address_is_said(tmp_path: Path) -> None:
    write_sound(tmp_path / "song.mp4")
    (tmp_path / "page.html").write_text("<p>No video.</p>" * 400, encoding="utf-8")
    with served(tmp_path) as address:
        with pytest.raises(StreamError, match="is not there"):
            device_for(f"{address}/none.mp4").open()
        with pytest.raises(StreamError, match="has no picture"):
            device_for(f"{address}/song.mp4").open()
        with pytest.raises(StreamError, match=r"has no picture|sends no video"):
            device_for(f"{address}/page.html").open()
    with pytest.raises(StreamError, match="refuses the connection"):
        device_for(f"{address}/small.mp4").open()


def test_opening_a_server_that_never_answers_can_be_stopped() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        device = device_for(f"http://127.0.0.1:{silent.getsockname()[1]}/video.mp4")
        threading.Timer(0.3, device.interrupt).start()
        began_s = time.monotonic()
        with pytest.raises(Exception, match="stopped"):
            device.open()
        assert time.monotonic() - began_s < 25
