"""A hub on this machine: it lists and gives files as the real one does, and misbehaves where a test asks for it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_SLOW_BLOCK = 16 * 1024


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer."""

    kind: str
    """"status", "stall", "cut", "corrupt", "no-range"."""
    after_bytes: int = 0
    """For "stall" and "cut": so much is sent first."""
    status: int = 500


class HubServer:
    """Serves one model."""

    def __init__(self, repo: str, files: dict[str, bytes], *, bytes_per_s: float = 0) -> None:
        self.repo = repo
        self.files = files
        self.bytes_per_s = bytes_per_s
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        """By file name, or "tree" and "info": what goes wrong next, first come first served."""
        self.ranges: list[tuple[str, str]] = []
        """Each file that was asked for, with its Range."""
        self.num_sent: dict[str, int] = defaultdict(int)
        self.stalled = threading.Event()
        self._released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with contextlib.suppress(OSError):
                    server.answer(self)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Whoever asked was killed: that is what these tests do."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def release(self) -> None:
        """Let stalled answers end."""
        self._released.set()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        if re.fullmatch(rf"/api/models/{self.repo}(/revision/[^/]+)?", path):
            siblings = [{"rfilename": name} for name in self.files]
            self._json(request, "info", {"id": self.repo, "sha": COMMIT, "siblings": siblings})
        elif path.startswith(f"/api/models/{self.repo}/tree/"):
            self._json(request, "tree", [_entry(name, data) for name, data in self.files.items()])
        elif (found := re.fullmatch(rf"/{self.repo}/resolve/([^/]+)/(.+)", path)) and found[2] in self.files:
            self._file(request, found[2], found[1])
        else:
            self._status(request, 404)

    def _json(self, request: BaseHTTPRequestHandler, what: str, values: Any) -> None:
        fault = self._fault(what)
        if fault is not None:
            self._status(request, fault.status)
            return
        body = json.dumps(values).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _file(self, request: BaseHTTPRequestHandler, name: str, commit: str) -> None:
        self.ranges.append((name, request.headers.get("Range", "")))
        data, fault = self.files[name], self._fault(name)
        if fault is not None and fault.kind == "status":
            self._status(request, fault.status)
            return
        start = 0
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if found and not (fault is not None and fault.kind == "no-range"):
            start = int(found[1])
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            request.send_response(200)
        request.send_header("X-Repo-Commit", commit)
        request.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        if request.command == "HEAD":
            return
        if fault is not None and fault.kind == "corrupt":
            data = data[:start] + bytes(255 - byte for byte in data[start:])
        end = len(data)
        if fault is not None and fault.kind in ("stall", "cut"):
            end = min(end, start + fault.after_bytes)
        self._send(request, name, data[start:end])
        if fault is not None and fault.kind == "stall":
            self.stalled.set()
            self._released.wait(120)
        if fault is not None and fault.kind in ("stall", "cut"):
            request.close_connection = True
            with contextlib.suppress(OSError):
                request.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, request: BaseHTTPRequestHandler, name: str, data: bytes) -> None:
        block = _SLOW_BLOCK if self.bytes_per_s else len(data) or 1
        for start in range(0, len(data), block):
            part = data[start : start + block]
            request.wfile.write(part)
            self.num_sent[name] += len(part)
            if self.bytes_per_s:
                time.sleep(len(part) / self.bytes_per_s)

    def _status(self, request: BaseHTTPRequestHandler, status: int) -> None:
        body = b'{"error": "as the test asked"}'
        request.send_response(status)
        if status == 404:
            request.send_header("X-Error-Code", "RepoNotFound")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _fault(self, what: str) -> Fault | None:
        waiting = self.faults[what]
        return waiting.popleft() if waiting else None


def _entry(name: str, data: bytes) -> dict[str, Any]:
    git = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": git}
    if name.endswith((".safetensors", ".bin")):
        sha256 = hashlib.sha256(data).hexdigest()
        entry["lfs"] = {"oid": sha256, "size": len(data), "pointerSize": 134}
    return entry
