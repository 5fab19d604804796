"""A judge on the loopback: a real HTTP server whose preference is known, with the faults that APIs have.

It counts what it was paid for: every chat completion, by the content that was asked.
"""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Answer = Callable[[Body, int], "str | tuple[int, str]"]
"""What to answer to a body that comes for the n-th time: words, or a status and raw text."""


@dataclass
class JudgeServer:
    """Runs while it is used as a context."""

    answer: Answer
    delay_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    paid: Counter[str] = field(default_factory=Counter)
    bodies: list[Body] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    num_requests: int = 0
    on_request: Callable[[int], None] | None = None

    def __enter__(self) -> "JudgeServer":
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                owner._serve(self)

            def log_message(self, *args: object) -> None:
                """Be quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def num_paid(self) -> int:
        return self.paid.total()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers["Content-Length"]))
        body = json.loads(raw)
        # Attempts at the same content after an unreadable answer are questions of their own.
        key = request.headers["Idempotency-Key"]
        with self._lock:
            self.num_requests += 1
            number = self.num_requests
            seen = self._seen[key]
            self._seen[key] += 1
            self.bodies.append(body)
            self.authorizations.add(request.headers.get("Authorization", ""))
        if self.on_request is not None:
            self.on_request(number)
        time.sleep(self.delay_s)
        found = self.answer(body, seen)
        if isinstance(found, str):
            status = 200
            text = json.dumps(
                {
                    "choices": [{"message": {"role": "assistant", "content": found}}],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 2},
                }
            )
        else:
            status, text = found
        if status == 200 and '"message"' in text:
            with self._lock:
                self.paid[key] += 1
        data = text.encode()
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(data)))
            for name, value in self.headers.items() if status != 200 else ():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            request.close_connection = True


def places(body: Body) -> tuple[str, str]:
    """What stands first and second in a question of the form inf-streams."""
    found = re.search(
        r"Commentary A:\n(.*?)\n\nCommentary B:\n(.*?)\n*$", body["messages"][-1]["content"], re.DOTALL
    )
    assert found is not None, body
    return found.group(1), found.group(2)


def prefers(word: str) -> Answer:
    """A judge who always prefers the commentary with this word in it."""

    def answer(body: Body, seen: int) -> str:
        first, _ = places(body)
        return "A" if word in first else "B"

    return answer
