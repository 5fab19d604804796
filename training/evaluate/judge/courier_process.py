"""The process that carries questions to an API and answers into the store.

    python -m training.evaluate.judge.courier_process '{"url": ..., ...}'

Reads a line `{"key", "body"}` for each question from its input and writes a line `{"key", "status", ...}` for each that
is settled. When its input ends, because whoever asked has ended or was killed, it gives up what it has not yet sent,
waits for what is on its way, keeps that, and ends. A lock for each question, taken before it is sent, keeps any other
courier of the same store (the next run's, another shard's) from asking the same meanwhile.

A question that is refused does not stop the others; an API that refuses whoever asks does. A parameter that the model
does not take is left out and the question asked again (parameters.py).

Knows HTTP, what may be tried again, and how long to wait. Knows nothing of judges.
"""

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import random
import re
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from training.evaluate.judge.answers import Answer, AnswerStore
from training.evaluate.judge.courier import ApiSettings
from training.evaluate.judge.parameters import refused_parameters, without

_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""Statuses that may be another after a while: busy, rate limit, outage. Nothing is billed for them."""
_DENIED = frozenset({401, 403, 404})
"""Statuses that are about the key, the address or the model: every question would be answered so."""
_MODERATED = re.compile(r"moderation|flagged|content[ _-]?(?:filter|policy)", re.IGNORECASE)
"""How gateways that answer 403 to a text, not to a key, say so."""
_BAD_REQUEST = frozenset({400, 422})
_MESSAGE_CHARS = 300
_LOCK_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class _Try:
    """What came of one request."""

    code: int
    """The status; 0 where there was none, or none that says anything."""
    error: Any = None
    """The error's JSON, or its text."""
    message: str = ""
    wait_s: float | None = None
    """How long the API asks to wait."""

    @property
    def is_denied(self) -> bool:
        return self.code in _DENIED and not (self.code == 403 and _MODERATED.search(str(self.error)))


class Office:
    """Settles questions, many at a time."""

    def __init__(self, settings: ApiSettings, client: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._store = AnswerStore(Path(settings.cache))
        self._locks = _Locks(Path(settings.cache))
        self._slots = asyncio.Semaphore(settings.num_parallel)
        self._jitter = random.Random()
        self._refused: dict[str, tuple[str, ...]] = {}
        """Parameters that a model does not take, known once leaving them out has helped."""
        self.closing = asyncio.Event()

    async def settle(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Get a question answered, unless it has been meanwhile. Returns what became of it."""
        retries = 0
        async with self._slots:
            if not await self._locked(key):
                return _outcome(key, "dropped", retries, reason="the run has ended")
            try:
                if self._store.get(key) is not None:  # another courier was quicker
                    return _outcome(key, "answered", retries, is_paid=False)
                names = self._refused.get(str(body.get("model")), ())
                while True:
                    if self.closing.is_set():
                        return _outcome(key, "dropped", retries, reason="the run has ended")
                    sent, changes = without(body, names)
                    tried = await self._send(key, sent, changes)
                    if tried.code == 200:
                        if names:
                            self._refused[str(body.get("model"))] = names
                        return _outcome(key, "answered", retries, is_paid=True)
                    if tried.code in _BAD_REQUEST:
                        more = [name for name in refused_parameters(tried.error, sent) if name in body]
                        if not set(more) <= set(names):
                            names = (*names, *more)
                            continue
                    if tried.code and tried.code not in _RETRIED:
                        status = "denied" if tried.is_denied else "refused"
                        return _outcome(key, status, retries, code=tried.code, reason=tried.message)
                    retries += 1
                    if retries >= self._settings.num_tries:
                        return _outcome(key, "unanswered", retries, code=tried.code, reason=tried.message)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self.closing.wait(), self._wait_s(retries, tried.wait_s))
            finally:
                self._locks.release(key)

    async def _send(self, key: str, body: dict[str, Any], changes: tuple[str, ...]) -> _Try:
        try:
            response = await self._client.post(
                f"{self._settings.url.rstrip('/')}/chat/completions",
                json=body,
                # Another body is another request, and told apart.
                headers={"Idempotency-Key": "-".join((key, *(change.split()[0] for change in changes)))},
            )
        except httpx2.HTTPError as error:
            return _Try(code=0, message=f"{type(error).__name__}: {error}")
        said, wait_s = _json_or_text(response), _retry_after_s(response)
        if response.status_code != 200:
            return _Try(code=response.status_code, error=said, message=_message(said), wait_s=wait_s)
        answer = _answer(said, changes)
        if answer is None:  # some gateways tell of an outage so
            return _Try(code=0, message=f"no chat completion came: {_message(said)}", wait_s=wait_s)
        self._store.put(key, answer)
        return _Try(code=200)

    def _wait_s(self, retries: int, asked_s: float | None) -> float:
        settings = self._settings
        backoff_s = min(settings.first_wait_s * 2.0 ** (retries - 1), settings.longest_wait_s)
        backoff_s *= self._jitter.uniform(0.5, 1.0)  # so that many requests do not come back together
        return min(max(backoff_s, asked_s or 0.0), settings.longest_wait_s)

    async def _locked(self, key: str) -> bool:
        while not self._locks.take(key):
            if self.closing.is_set():
                return False
            await asyncio.sleep(_LOCK_POLL_S)
        return not self.closing.is_set()


class _Locks:
    """A lock for each question, shared by all processes of a store and let go of by the system when one dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # One handle for good: closing any handle of the file would let go of every lock of this process.
        self._handle = os.open(folder / "locks", os.O_RDWR | os.O_CREAT, 0o644)

    def take(self, key: str) -> bool:
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except OSError as error:
            # Where a disk knows no locks, going on is better than waiting for ever.
            return error.errno not in (errno.EACCES, errno.EAGAIN)
        return True

    def release(self, key: str) -> None:
        with contextlib.suppress(OSError):  # as above
            fcntl.lockf(self._handle, fcntl.LOCK_UN, 1, _place(key))


def _place(key: str) -> int:
    """The byte of the lock file that stands for a question."""
    return int(key[:15], 16)


def _answer(value: Any, changes: tuple[str, ...]) -> Answer | None:
    """What a reply of status 200 holds; None if it is no chat completion."""
    try:
        choice = value["choices"][0]
        if value.get("error") or choice.get("error"):
            return None
        content = choice["message"].get("content")
        usage = value.get("usage") or {}
        return Answer(
            # Half an emoji, where an answer was cut off inside one, is no text that could be kept.
            content=content.encode(errors="replace").decode() if isinstance(content, str) else None,
            num_tokens_in=int(usage.get("prompt_tokens") or 0),
            num_tokens_out=int(usage.get("completion_tokens") or 0),
            changes=changes,
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None


def _json_or_text(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _message(error: Any) -> str:
    """What an error says, in its own words where they are found."""
    if isinstance(error, str):
        return error[:_MESSAGE_CHARS]
    inner = error.get("error", error) if isinstance(error, dict) else error
    words = inner.get("message") if isinstance(inner, dict) else inner
    said = words if isinstance(words, str) else json.dumps(error, ensure_ascii=False)
    return said.encode(errors="replace").decode()[:_MESSAGE_CHARS]


def _retry_after_s(response: httpx2.Response) -> float | None:
    try:
        return float(response.headers["retry-after"])
    except (KeyError, ValueError):
        return None


def _outcome(key: str, status: str, num_retries: int, **more: Any) -> dict[str, Any]:
    return {"key": key, "status": status, "num_retries": num_retries, "reason": "", **more}


async def _serve(settings: ApiSettings) -> None:
    secret = os.environ.get(settings.key_variable, "")
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    limits = httpx2.Limits(max_connections=settings.num_parallel)
    async with httpx2.AsyncClient(headers=headers, timeout=settings.timeout_s, limits=limits) as client:
        office = Office(settings, client)
        questions: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        threading.Thread(target=_read, args=(loop, questions), daemon=True).start()
        tasks: set[asyncio.Task[None]] = set()
        while (question := await questions.get()) is not None:
            task = asyncio.create_task(_settle(office, question["key"], question["body"]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        office.closing.set()
        await asyncio.gather(*tasks)


async def _settle(office: Office, key: str, body: dict[str, Any]) -> None:
    try:
        outcome = await office.settle(key, body)
    except OSError as error:  # the store's disk is full, or not to be written to
        outcome = _outcome(key, "unanswered", 0, reason=f"the answer can't be kept ({error})")
    except (ValueError, httpx2.InvalidURL) as error:  # who asked would wait for ever
        outcome = _outcome(key, "unanswered", 0, reason=f"the question can't be sent ({error})")
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more; the answer is in the store
        os.write(sys.stdout.fileno(), json.dumps(outcome).encode() + b"\n")


def _read(loop: asyncio.AbstractEventLoop, questions: "asyncio.Queue[dict[str, Any] | None]") -> None:
    for line in sys.stdin.buffer:
        with contextlib.suppress(ValueError):  # the last line of an asker that was killed while writing it
            loop.call_soon_threadsafe(questions.put_nowait, json.loads(line))
    loop.call_soon_threadsafe(questions.put_nowait, None)


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve(ApiSettings(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
