"""The process that carries questions to an API and answers into the store.

    python -m training.evaluate.judge.courier_process '{"url": ..., ...}'

Reads a line `{"key", "body"}` for each question from its input and writes a line `{"key", "status", ...}` for each that
is settled. When its input ends, because whoever asked has ended or was killed, it gives up what it has not yet sent,
waits for what is on its way, keeps that, and ends. A lock for each question, taken before it is sent, keeps any other
courier of the same store (the next run's, another shard's) from asking the same meanwhile.

Knows HTTP, what may be tried again, and how long to wait. Knows nothing of judges.
"""

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import random
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2

from training.evaluate.judge.answers import Answer, AnswerStore
from training.evaluate.judge.courier import ApiSettings

_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""Statuses that may be another after a while: busy, rate limit, outage. Nothing is billed for them."""
_MESSAGE_CHARS = 300
_LOCK_POLL_S = 0.05


class Office:
    """Settles questions, many at a time."""

    def __init__(self, settings: ApiSettings, client: httpx2.AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._store = AnswerStore(Path(settings.cache))
        self._locks = _Locks(Path(settings.cache))
        self._slots = asyncio.Semaphore(settings.num_parallel)
        self._jitter = random.Random()
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
                while True:
                    if self.closing.is_set():
                        return _outcome(key, "dropped", retries, reason="the run has ended")
                    code, message, wait_s = await self._send(key, body)
                    if code == 200:
                        return _outcome(key, "answered", retries, is_paid=True)
                    if code and code not in _RETRIED:
                        return _outcome(key, "refused", retries, code=code, reason=message)
                    retries += 1
                    if retries >= self._settings.num_tries:
                        return _outcome(key, "unanswered", retries, code=code, reason=message)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self.closing.wait(), self._wait_s(retries, wait_s))
            finally:
                self._locks.release(key)

    async def _send(self, key: str, body: dict[str, Any]) -> tuple[int, str, float | None]:
        """One try: the status (0 where there was none), a message, and how long the API asks to wait."""
        try:
            response = await self._client.post(
                f"{self._settings.url.rstrip('/')}/chat/completions",
                json=body,
                headers={"Idempotency-Key": key},
            )
        except httpx2.HTTPError as error:
            return 0, f"{type(error).__name__}: {error}", None
        if response.status_code == 200:
            self._store.put(key, _answer(response))
            return 200, "", None
        return response.status_code, response.text[:_MESSAGE_CHARS], _retry_after_s(response)

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


def _answer(response: httpx2.Response) -> Answer:
    """What a reply of status 200 holds; something that is no chat completion holds no text."""
    try:
        value = response.json()
        content = value["choices"][0]["message"]["content"]
        usage = value.get("usage") or {}
        return Answer(
            content=content if isinstance(content, str) else None,
            num_tokens_in=int(usage.get("prompt_tokens") or 0),
            num_tokens_out=int(usage.get("completion_tokens") or 0),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return Answer(content=None, num_tokens_in=0, num_tokens_out=0)


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
