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
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from training.errors import TrainingError
from training.evaluate.errors import CourierError, EvaluationError, JudgeRefusedError
from training.evaluate.judge.answers import Answer, AnswerStore, key_of

NUM_ATTEMPTS = 3
"""How often the same is asked while the answers can't be used."""
Found = TypeVar("Found")
Done = TypeVar("Done")


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
    asks_again: bool = False
    """Whether what was answered so that it can't be used is asked again, though its answers are in the store."""
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
    """None: there was none."""
    is_paid_now: bool = False
    """Whether this run has paid for it."""
    reason: str = ""
    """Why there is no answer."""
    is_refused: bool = False
    """Whether the API does not take this question; else the reason may pass."""


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
    num_refused: int = 0
    """Of the unanswered, those that the API does not take."""
    num_retries: int = 0

    def row(self, price_in: float | None, price_out: float | None) -> dict[str, Any]:
        """The bill as plain values, with its cost at prices a million tokens; None where a price is not known."""
        return {
            **dataclasses.asdict(self),
            "cost": _cost(self.num_tokens_in, self.num_tokens_out, price_in, price_out),
            "cost_all": _cost(self.num_tokens_in_all, self.num_tokens_out_all, price_in, price_out),
        }


def _cost(num_in: int, num_out: int, price_in: float | None, price_out: float | None) -> float | None:
    if price_in is None or price_out is None:
        return None
    return round((num_in * price_in + num_out * price_out) / 1e6, 6)


async def all_of(some: Iterable[Coroutine[Any, Any, Done]]) -> list[Done]:
    """What several that ask come to, in their order. The first that raises ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in some]
    except* (TrainingError, OSError) as errors:
        failure: BaseException = errors
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise failure


class Courier:
    """Asks an API. Use it with `async with`."""

    def __init__(self, settings: ApiSettings) -> None:
        self.settings = settings
        self.bill = Bill()
        self.changes: set[str] = set()
        """What was asked otherwise, because the API does not take it as it stands."""
        self._refusal: JudgeRefusedError | None = None
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
            JudgeRefusedError: the API refuses whoever asks.
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

    async def ask_until(
        self, body: Mapping[str, Any], read: Callable[[str], Found | None]
    ) -> tuple[Found | None, list[Reply]]:
        """Ask, and ask again while the answer can't be used.

        Answers that are in the store are looked at first, however many they are. While there are fewer than
        NUM_ATTEMPTS, or where this run asks again, more are asked for, up to NUM_ATTEMPTS in this run.

        Args:
            body: what is sent.
            read: makes something of an answer's text; None if that can't be done.

        Returns:
            What was read, and every reply that was looked at, the last of them without an answer if there was none.

        Raises:
            as `ask`.
        """
        replies: list[Reply] = []
        num_asked = 0
        while True:
            attempt = len(replies)
            if self._store.get(key_of(body, attempt)) is None:
                if num_asked == NUM_ATTEMPTS or (attempt >= NUM_ATTEMPTS and not self.settings.asks_again):
                    return None, replies
                num_asked += 1
            reply = await self.ask(body, attempt=attempt)
            replies.append(reply)
            if reply.answer is None:
                return None, replies
            found = read(reply.answer.content or "")
            if found is not None:
                return found, replies

    def check(self) -> None:
        """Raise JudgeRefusedError if the API took not one of the questions it was asked."""
        bill = self.bill
        if (
            self._refusal is not None
            and not bill.num_paid + bill.num_cached
            and bill.num_unanswered == bill.num_refused
        ):
            raise self._refusal

    def _reply(self, key: str, outcome: dict[str, Any], is_new: bool) -> Reply:
        self.bill.num_retries += int(outcome["num_retries"]) if is_new else 0
        if outcome["status"] != "answered":
            reason = str(outcome["reason"])
            if outcome["status"] not in ("denied", "refused"):
                return Reply(answer=None, reason=reason)
            refusal = JudgeRefusedError(self.settings.url, int(outcome["code"]), reason)
            if outcome["status"] == "denied":
                raise refusal
            self._refusal = self._refusal or refusal
            return Reply(
                answer=None, reason=f"the API does not take it ({outcome['code']}: {reason})", is_refused=True
            )
        answer = self._store.get(key)
        assert answer is not None, "the courier keeps an answer before it tells of it"
        return Reply(answer=answer, is_paid_now=is_new and bool(outcome["is_paid"]))

    def _count(self, reply: Reply) -> Reply:
        bill = self.bill
        if reply.answer is None:
            bill.num_unanswered += 1
            bill.num_refused += reply.is_refused
            return reply
        self.changes.update(reply.answer.changes)
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
