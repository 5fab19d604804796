"""Asking a language model for JSON of a given schema, and asking again where what comes back is not that.

Retries, back-off, parallel requests and the store of answers are the courier's (`training.evaluate.judge.courier`): an
answer that is there is never paid again, whenever the run was killed. Knows nothing of what is asked.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from training.data.errors import UnavailableError
from training.evaluate.judge.courier import Courier

NUM_ATTEMPTS = 3
"""How often the same is asked in a run while the answers can't be used."""
_GIVEN_UP_AFTER = 2 * NUM_ATTEMPTS
"""So many answers that can't be used, of this and earlier runs, are enough: the question is let be."""
_TEMPERATURES = (0.0, 0.4, 0.8)
"""Of the first, second and every later time of asking: at the same one, most models say the same again."""
Parsed = TypeVar("Parsed")


class MalformedError(Exception):
    """An answer can't be used; the message says why."""


@dataclass(kw_only=True)
class Spent:
    """What the answers about one video cost, whichever run paid for them."""

    num_requests: int = 0
    num_malformed: int = 0
    num_tokens_in: int = 0
    num_tokens_out: int = 0

    def row(self) -> dict[str, int]:
        """As plain values."""
        return dataclasses.asdict(self)


class Asker:
    """A language model behind an OpenAI-compatible address."""

    def __init__(self, courier: Courier, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """`extra`: entries of the request's body that are added or replaced; None as a value removes one."""
        self._courier = courier
        self._extra = dict(extra or {})
        self.model = model

    @property
    def basis(self) -> list[Any]:
        """What answers rest on besides the question, as plain values."""
        return [self.model, self._extra]

    async def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any],
        parse: Callable[[Any], Parsed],
        spent: Spent,
    ) -> Parsed | None:
        """The parsed answer. `parse` raises MalformedError, KeyError, TypeError or ValueError for one that it can't use.

        Answers of earlier runs are looked at first, and paid for once; then there are as many attempts as in any run.
        None: of two runs' attempts none can be used, and there is no point in more.

        Raises:
            UnavailableError: there is no usable answer this time.
            JudgeRefusedError: the API refuses whoever asks.
        """
        body: dict[str, Any] = {
            "model": self.model,
            "messages": list(messages),
            "temperature": _TEMPERATURES[0],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            },
            **self._extra,
        }
        body = {name: value for name, value in body.items() if value is not None}
        why = ""
        attempt = num_asked = 0
        while num_asked < NUM_ATTEMPTS:
            if "temperature" in body and "temperature" not in self._extra:
                body["temperature"] = _TEMPERATURES[min(attempt, len(_TEMPERATURES) - 1)]
            reply = await self._courier.ask(body, attempt=attempt)
            attempt += 1
            num_asked += reply.is_paid_now
            if reply.answer is None:
                raise UnavailableError(
                    f"the language model gave no answer ({reply.reason or 'no reason given'})"
                )
            spent.num_requests += 1
            spent.num_tokens_in += reply.answer.num_tokens_in
            spent.num_tokens_out += reply.answer.num_tokens_out
            try:
                return parse(_json_of(reply.answer.content or ""))
            except (MalformedError, KeyError, TypeError, ValueError) as error:
                spent.num_malformed += 1
                why = str(error) or type(error).__name__
        if attempt >= _GIVEN_UP_AFTER:
            return None
        raise UnavailableError(
            f"the language model's answer could not be used in {attempt} attempts ({why}). The next run asks again; "
            "another model, or request settings, may do better."
        )


def _json_of(content: str) -> Any:
    """Models without enforced schemas like to put JSON in a fence."""
    fenced = re.search(r"```(?:json)?\s*(.*?)```", content, flags=re.DOTALL)
    return json.loads(fenced.group(1) if fenced else content)
