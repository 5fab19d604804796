"""Asking an OpenAI-compatible API, from the side of whoever wants an answer.

The requests themselves are made by a process of their own (courier_process.py). It is not killed along with this one:
what is on its way when this process dies is still received and kept, so that the next run finds it instead of paying
for it again.

Knows that process and the store of answers. Knows nothing of what is asked.
"""

import asyncio
import dataclasses
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from training.evaluate.errors import CourierError, EvaluationError, JudgeRefusedError
from training.evaluate.judge.answers import Answer, AnswerStore, key_of


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """Where an API is, and how patient to be with it."""

    url: str
    """Its base address, such as https://api.example.com/v1."""
    cache: str
    """Folder of the answers, one for each provider."""
    key_variable: str = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key, read by the courier's process when it starts."""
    num_parallel: int = 8
    """Requests on their way at the same time."""
    timeout_s: float = 300.0
    """How long one request may take. What is given up may still be billed, so this is long."""
    num_tries: int = 10
    """Tries of one request while the API is down, busy or out of reach."""
    first_wait_s: float = 1.0
    """Wait before the second try; it doubles from try to try, and an API's own Retry-After is heeded."""
    longest_wait_s: float = 60.0
    """Longest wait between two tries."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise EvaluationError(
                f"The API's address must begin with http:// or https://, and is {self.url!r}."
            )
        if min(self.num_parallel, self.num_tries) < 1 or min(self.timeout_s, self.longest_wait_s) <= 0:
            raise EvaluationError(
                "num_parallel and num_tries must be at least 1, timeout_s and longest_wait_s above 0."
            )
        if self.first_wait_s < 0:
            raise EvaluationError(f"first_wait_s must not be negative, and is {self.first_wait_s}.")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What became of a question."""

    answer: Answer | None
    """None: there was none, for a reason that may pass."""
    is_paid_now: bool = False
    """Whether this run has paid for it."""
    reason: str = ""
    """Why there is no answer."""


@dataclass
class Bill:
    """What the answers of a run cost, in requests and tokens."""

    num_paid: int = 0
    num_cached: int = 0
    num_tokens_in: int = 0
    """Of the answers that this run paid for."""
    num_tokens_out: int = 0
    num_tokens_in_all: int = 0
    """Of all answers used, whichever run paid for them."""
    num_tokens_out_all: int = 0
    num_unanswered: int = 0
    num_retries: int = 0

    def row(self, price_in: float, price_out: float) -> dict[str, Any]:
        """The bill as plain values, with its cost at prices a million tokens."""
        return {
            **dataclasses.asdict(self),
            "cost": _cost(self.num_tokens_in, self.num_tokens_out, price_in, price_out),
            "cost_all": _cost(self.num_tokens_in_all, self.num_tokens_out_all, price_in, price_out),
        }


def _cost(num_in: int, num_out: int, price_in: float, price_out: float) -> float:
    return round((num_in * price_in + num_out * price_out) / 1e6, 6)


class Courier:
    """Asks an API. Use it with `async with`."""

    def __init__(self, settings: ApiSettings) -> None:
        self.settings = settings
        self.bill = Bill()
        self._store = AnswerStore(Path(settings.cache))
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._places = asyncio.Semaphore(2 * settings.num_parallel)
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> "Courier":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._listener is None:
            return
        assert self._process.stdin is not None, "the courier was started with a pipe"
        self._process.stdin.close()
        await self._listener
        await self._process.wait()

    async def ask(self, body: Mapping[str, Any], *, attempt: int = 0) -> Reply:
        """The API's answer to a body for /chat/completions; from the store where it is there.

        Args:
            body: what is sent.
            attempt: asks the same once more, beside an answer that could not be used.

        Raises:
            JudgeRefusedError: the API refuses it for good.
            CourierError: the courier's process came to an end.
        """
        key = key_of(body, attempt)
        async with self._places:
            found = self._store.get(key)
            if found is not None:
                return self._count(Reply(answer=found))
            waiting = self._waiting.get(key)
            is_new = waiting is None
            if waiting is None:
                # Noted before anything is awaited, so that whoever asks the same meanwhile waits for this answer.
                waiting = asyncio.get_running_loop().create_future()
                self._waiting[key] = waiting
                await self._send({"key": key, "body": body}, waiting)
            outcome = await asyncio.shield(waiting)
            self._waiting.pop(key, None)
        return self._count(self._reply(key, outcome, is_new))

    def _reply(self, key: str, outcome: dict[str, Any], is_new: bool) -> Reply:
        self.bill.num_retries += int(outcome["num_retries"]) if is_new else 0
        if outcome["status"] != "answered":
            if outcome["status"] == "refused":
                raise JudgeRefusedError(self.settings.url, int(outcome["code"]), str(outcome["reason"]))
            return Reply(answer=None, reason=str(outcome["reason"]))
        answer = self._store.get(key)
        assert answer is not None, "the courier keeps an answer before it tells of it"
        return Reply(answer=answer, is_paid_now=is_new and bool(outcome["is_paid"]))

    def _count(self, reply: Reply) -> Reply:
        bill = self.bill
        if reply.answer is None:
            bill.num_unanswered += 1
            return reply
        bill.num_tokens_in_all += reply.answer.num_tokens_in
        bill.num_tokens_out_all += reply.answer.num_tokens_out
        if reply.is_paid_now:
            bill.num_paid += 1
            bill.num_tokens_in += reply.answer.num_tokens_in
            bill.num_tokens_out += reply.answer.num_tokens_out
        else:
            bill.num_cached += 1
        return reply

    async def _send(self, question: Mapping[str, Any], waiting: asyncio.Future[dict[str, Any]]) -> None:
        try:
            process = await self._running()
            assert process.stdin is not None, "the courier was started with a pipe"
            process.stdin.write(json.dumps(question).encode() + b"\n")
            await process.stdin.drain()
        except (OSError, CourierError) as error:
            if not waiting.done():  # else the listener has told that the process has ended
                code = None if self._process is None else self._process.returncode
                waiting.set_exception(error if isinstance(error, CourierError) else CourierError(code))

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is not None and self._process.returncode is not None:
                raise CourierError(self._process.returncode)
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "training.evaluate.judge.courier_process",
                    json.dumps(dataclasses.asdict(self.settings)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )
                self._listener = asyncio.create_task(self._listen(self._process))
            return self._process

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "the courier was started with a pipe"
        async for line in process.stdout:
            outcome = json.loads(line)
            waiting = self._waiting.get(outcome["key"])
            if waiting is not None and not waiting.done():
                waiting.set_result(outcome)
        code = await process.wait()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(CourierError(code))
