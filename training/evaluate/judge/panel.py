"""A judge behind an API, and the hearing of many pairs in both orders.

Knows what a judge is sent, and the order of results. Knows nothing of HTTP, and nothing of what votes add up to.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from training.evaluate.judge.courier import Courier, all_of
from training.evaluate.judge.forms import JudgeForm
from training.evaluate.judge.pairs import Ballot, Judge, Lack, Pair, Place, Verdict


class ApiJudge:
    """A judge behind an OpenAI-compatible address."""

    def __init__(
        self, courier: Courier, model: str, form: JudgeForm, extra: Mapping[str, Any] | None = None
    ) -> None:
        """`extra`: entries of the request's body that are added or replaced; None as a value removes one."""
        self._courier = courier
        self._model = model
        self._form = form
        self._extra = dict(extra or {})

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model

    async def compare(self, pair: Pair, *, a_first: bool) -> Ballot:
        """Ask, and ask again while the answer can't be read."""
        place: Place | None
        place, replies = await self._courier.ask_until(self._body(pair, a_first), self._form.read)
        answers = [reply.answer.content or "" for reply in replies if reply.answer is not None]
        first = answers[0] if answers else None
        if place is not None:
            return Ballot(place=place, reply=first, num_malformed=len(answers) - 1)
        last = replies[-1]
        lack: Lack = "refused" if last.is_refused else "unanswered"
        reason = last.reason
        if last.answer is not None:
            lack = "unreadable"
            reason = f"the answer can't be read as A or B: {(answers[-1] or 'nothing')[:60]!r}"
        return Ballot(place=None, lack=lack, reason=reason, reply=first, num_malformed=len(answers))

    def _body(self, pair: Pair, a_first: bool) -> dict[str, Any]:
        first, second = (pair.text_a, pair.text_b) if a_first else (pair.text_b, pair.text_a)
        body: dict[str, Any] = {
            "model": self._model,
            "messages": self._form.messages(
                title=pair.title, reference=pair.reference, first=first, second=second
            ),
            "temperature": self._form.temperature,
        }
        if self._form.seed is not None:
            body["seed"] = self._form.seed
        body.update(self._extra)
        return {name: value for name, value in body.items() if value is not None}


async def hear(
    pairs: Sequence[Pair], judge: Judge, on_verdict: Callable[[Verdict], None] | None = None
) -> list[Verdict]:
    """Have every pair judged in both orders. Results are in the order of `pairs`, whatever came first."""

    async def one(pair: Pair) -> Verdict:
        ab, ba = await asyncio.gather(judge.compare(pair, a_first=True), judge.compare(pair, a_first=False))
        verdict = Verdict(pair=pair, ab=ab, ba=ba)
        if on_verdict is not None:
            on_verdict(verdict)
        return verdict

    return await all_of(one(pair) for pair in pairs)
