"""A loopback camera: an MJPEG page whose camera can be unplugged, frozen, silenced and changed in size."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2

from tests.app.videos import picture


class LoopbackCamera:
    """Sends numbered pictures (see tests.app.videos) at 20 frames a second to everyone who asks."""

    def __init__(self) -> None:
        self.is_plugged = True
        self.is_frozen = False
        self.is_silent = False
        """Connected, and sending nothing."""
        self.size = (120, 160)
        self.num_connections = 0
        self._began_at_s = time.monotonic()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.serve(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/live.mjpg"

    def number_at(self, moment_s: float) -> int:
        """Which picture is sent at a moment of `time.monotonic`."""
        return round(20 * (moment_s - self._began_at_s))

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        if not self.is_plugged:
            request.send_error(503)
            return
        self.num_connections += 1
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        number = 0
        try:
            while self.is_plugged:
                if not self.is_frozen:
                    number = self.number_at(time.monotonic())
                if not self.is_silent:
                    pixels = cv2.cvtColor(picture(number, self.size), cv2.COLOR_RGB2BGR)
                    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                    request.wfile.write(head.encode() + data + b"\r\n")
                time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever watched has gone

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.is_plugged = False
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def loopback_camera() -> Iterator[LoopbackCamera]:
    camera = LoopbackCamera()
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()
