"""A language model on the loopback address: OpenAI's chat completions, with faults that are planted.

It answers what a careful editor would about the matches that tests make: a segment with "sponsor" in it is deleted, a
misheard "kids" becomes "kicks", the rest is kept. The share of visible words is 0.9 where "kick" is said, else 0.3.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Plan = Callable[[int], tuple[int, str] | None]
"""For the number of a request: a status and a body to answer with instead, or None."""


class LlmServer:
    """Use it with `with`; `url` is its address."""

    def __init__(self, plan: Plan = lambda number: None, *, delay_s: float = 0.0) -> None:
        self.plan = plan
        self.delay_s = delay_s
        self.num_requests = 0
        self.statuses: Counter[int] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.answered: list[dict[str, Any]] = []
        """Those that got an opinion, not a planted fault."""
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = server.answer(body)
                content = answer.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._httpd.serve_forever, daemon=True)

    def __enter__(self) -> "LlmServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()

    def answer(self, body: dict[str, Any]) -> tuple[int, str]:
        with self._lock:
            self.num_requests += 1
            number = self.num_requests
            self.bodies.append(body)
        time.sleep(self.delay_s)
        planned = self.plan(number)
        status, text = planned if planned is not None else (200, completion(opinion(body)))
        with self._lock:
            self.statuses[status] += 1
            if planned is None:
                self.answered.append(body)
        return status, text


def completion(content: str) -> str:
    """A reply of chat completions."""
    return json.dumps(
        {
            "choices": [{"message": {"role": "assistant", "content": content}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
        }
    )


def opinion(body: dict[str, Any]) -> str:
    """What the editor, or the judge of chunks, answers."""
    asked = json.loads(body["messages"][-1]["content"])
    if "chunks" in asked:
        return json.dumps(
            {
                "chunks": [
                    {"id": chunk["id"], "share_visible": 0.9 if "kick" in chunk["text"] else 0.3}
                    for chunk in asked["chunks"]
                ]
            }
        )
    rulings = []
    for segment in asked["segments"]:
        text = segment["text"]
        if "sponsor" in text:
            rulings.append({"id": segment["id"], "verdict": "delete", "text": ""})
        elif "kid" in text:
            rulings.append({"id": segment["id"], "verdict": "edit", "text": text.replace("kid", "kick")})
        else:
            rulings.append({"id": segment["id"], "verdict": "keep", "text": ""})
    return json.dumps({"segments": rulings})
