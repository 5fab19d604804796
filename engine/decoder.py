"""How an answer's tokens are had one after the other.

Two ways with the same outcome: ``EagerDecoder`` runs a token when it is asked for one, with tensors as long as the
context; ``StaticDecoder`` runs fixed work over fixed buffers (``engine/decoding.py``), recorded as a CUDA graph
where it can be, and starts a token before the one before it has been read.

Knows: the order of running, picking and reading, and how a token that was run in vain is taken back.
Does not know: stop ids, text, what stays in the context.

Shapes: S most tokens of an answer, V vocabulary.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import torch

from engine.cache import StreamingCache
from engine.decoding import DecodeBuffers, DecodeOps, TorchOps, choose_token, run_token
from engine.graphs import record
from engine.language import LanguageModel
from engine.memory import upload
from engine.rotary import RotaryTable
from engine.runtime import RuntimeSettings
from engine.sampling import Sampler
from engine.token_parts import TokenParts

_PLACES_A_RECORDING = 2048  # storage that PyTorch's masked attention looks at grows by this many places


class Decoder(Protocol):
    """Hands out the ids of an answer. ``take`` is called with 0, 1, 2 and so on, at most S times."""

    def begin(
        self,
        logits_V: torch.Tensor,
        table: RotaryTable,
        context_ids: Iterable[int],
        forced: Sequence[int] | None,
    ) -> None:
        """Start an answer.

        ``logits_V`` are those of its first token, ``table`` holds the rotations of all it may have, (S, D).
        """

    def take(self, number: int, *, is_last: bool) -> int:
        """The id of token ``number``; ``is_last`` says that none will be taken after it."""

    def scores(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Raw and penalised logits (V,) of the token taken last, if no other was begun since."""

    def end(self) -> None:
        """Close the answer, wherever it is."""

    def close(self) -> None:
        """Give up what was recorded: recordings hold the decoder that they run."""


class EagerDecoder:
    """Runs and picks a token when it is taken."""

    def __init__(self, language: LanguageModel, cache: StreamingCache, sampler: Sampler) -> None:
        self._language, self._cache, self._sampler = language, cache, sampler

    def begin(
        self,
        logits_V: torch.Tensor,
        table: RotaryTable,
        context_ids: Iterable[int],
        forced: Sequence[int] | None,
    ) -> None:
        self._table, self._forced = table, forced
        self._raw_V, self._token_id = logits_V, 0
        self._sampler.begin(context_ids)

    def take(self, number: int, *, is_last: bool) -> int:
        if number:
            language = self._language
            token_1 = torch.tensor([self._token_id], device=self._raw_V.device)
            self._sampler.note(token_1)
            x_1E = language(language.embed(token_1), self._table[number - 1 : number], self._cache)
            self._raw_V = language.logits(x_1E)[0]
        if self._forced is not None:
            self._token_id = self._forced[number]
        else:
            self._token_id = self._sampler.pick(self._sampler.penalise(self._raw_V))
        return self._token_id

    def scores(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._raw_V, self._sampler.penalise(self._raw_V)

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass


class StaticDecoder:
    """Runs recorded work; while token n is read, token n + 1 is already under way.

    If n turns out to end the phrase, the work for n + 1 was in vain: its key lies behind the filled places, where
    the next prefill overwrites it, and the noise drawn for it is given back. ``reads_behind`` False makes every
    token wait for the one before it, so that its scores can be looked at.
    """

    def __init__(
        self,
        language: LanguageModel,
        cache: StreamingCache,
        sampler: Sampler,
        num_most: int,
        runtime: RuntimeSettings,
        between: Callable[[], None] | None = None,
    ) -> None:
        """``between``, where given, is called between the parts of a token (``engine/token_parts.py``)."""
        self._language, self._cache, self._sampler = language, cache, sampler
        self._between = between
        self._num_most, self._runtime = max(num_most, 2), runtime  # 2: a recording always has room to run in
        self._device = cache.device
        self._buffers = DecodeBuffers.of(language.config, self._num_most, self._device)
        self._read_S = torch.zeros(self._num_most, dtype=torch.int64, pin_memory=self._device.type == "cuda")
        self._events: list[torch.cuda.Event] = []
        self._steps: dict[int, Callable[[], None]] = {}
        self._where = 0
        self._step: Callable[[], None] | None = None
        self._is_forced = False
        self._num_started = self._num_taken = 0
        self._state_before: torch.Tensor | None = None
        self.reads_behind = True
        if self._device.type == "cuda":
            self._events = [
                torch.cuda.Event()  # type: ignore[no-untyped-call]  # PyTorch has no types here
                for _ in range(self._num_most)
            ]

    def warm_up(self) -> None:
        """Record, compile and tune what the next answer needs. Changes nothing that is said."""
        self._recorded(self._cache.length + self._num_most)

    def begin(
        self,
        logits_V: torch.Tensor,
        table: RotaryTable,
        context_ids: Iterable[int],
        forced: Sequence[int] | None,
    ) -> None:
        buffers, base = self._buffers, self._cache.length
        self._step = self._recorded(base + self._num_most)  # first: recording runs the work on these buffers
        self._sampler.begin(context_ids)
        buffers.logits_V.copy_(logits_V)
        buffers.number_1.zero_()
        buffers.base_1.fill_(base)
        buffers.table.cos[: len(table.cos)].copy_(table.cos)
        buffers.table.sin[: len(table.sin)].copy_(table.sin)
        ids = list(forced or [])[: self._num_most]
        buffers.forced_S.copy_(upload([*ids, *[-1] * (self._num_most - len(ids))], self._device))
        self._is_forced = forced is not None
        self._num_started = self._num_taken = 0
        self._start()

    def take(self, number: int, *, is_last: bool) -> int:
        if number == self._num_started:
            self._start()
        if self.reads_behind and not is_last and number + 1 == self._num_started < self._num_most:
            self._start()
        if self._events:
            self._events[number].synchronize()
        self._num_taken = number + 1
        if number:
            self._cache.commit(1)
        return int(self._read_S[number])

    def scores(self) -> tuple[torch.Tensor, torch.Tensor]:
        assert self._num_taken == self._num_started, "the next token has replaced these scores"
        return self._buffers.logits_V.clone(), self._buffers.penalised_V.clone()

    def end(self) -> None:
        if self._num_started > self._num_taken and self._state_before is not None:
            self._sampler.state = self._state_before
        self._num_started = self._num_taken

    def close(self) -> None:
        self._forget()
        self._step = None

    def _start(self) -> None:
        """Begin the next token: run the one before it, if any, and pick."""
        number, buffers = self._num_started, self._buffers
        self._state_before = None
        if not self._is_forced and not self._sampler.settings.greedy:
            self._state_before = self._sampler.state
            self._sampler.draw_into(buffers.noise_V)
        if number == 0:
            choose_token(buffers, self._sampler)
        else:
            assert self._step is not None, "a token before begin"
            self._step()
        self._read_S[number : number + 1].copy_(buffers.said_S[number : number + 1], non_blocking=True)
        if self._events:
            self._events[number].record()
        self._num_started += 1

    def _recorded(self, num_places: int) -> Callable[[], None]:
        """The work of one token over at least ``num_places`` places."""
        capacity = self._cache.capacity
        if self._runtime.attention == "torch":
            num_places = min(-(-num_places // _PLACES_A_RECORDING) * _PLACES_A_RECORDING, capacity)
        else:
            num_places = capacity  # these kernels read no further than the cache is filled
        where = self._cache.stores(0)[0].data_ptr()
        if where != self._where:  # the storage has grown and moved: recordings of the old one are worthless
            self._forget()
            self._where = where
        if num_places not in self._steps:
            self._tune(num_places)
            ops = make_ops(self._language, self._cache, self._runtime, num_places)
            self._buffers.number_1.fill_(1)
            self._buffers.base_1.fill_(self._cache.length)
            self._steps[num_places] = self._record(ops)
        return self._steps[num_places]

    def _tune(self, num_places: int) -> None:
        runtime = self._runtime
        if (
            not runtime.tune
            or self._device.type != "cuda"
            or "triton" not in (runtime.kernels, runtime.attention)
        ):
            return
        from engine.kernels import tuning  # imported late: Triton is there with CUDA only

        if runtime.kernels == "triton":
            tuning.tune_products(self._language, overlap=bool(runtime.overlap))
        if runtime.attention == "triton":
            num_heads = self._language.config.num_heads
            tuning.tune_attention(self._cache, num_heads, num_places, overlap=bool(runtime.overlap))

    def _forget(self) -> None:
        for step in self._steps.values():
            if isinstance(step, TokenParts):
                step.close()
        self._steps.clear()

    def _record(self, ops: DecodeOps) -> Callable[[], None]:
        if self._between is None:
            work = functools.partial(self._work, ops)
            return record(work, self._device, use="decode", recorded=self._runtime.graphs)
        return TokenParts(
            self._language,
            ops,
            self._buffers,
            self._sampler,
            slice_ms=self._runtime.politeness.slice_ms,
            recorded=self._runtime.graphs,
            between=self._between,
        )

    def _work(self, ops: DecodeOps) -> None:
        self._buffers.number_1.clamp_(1, self._num_most - 1)  # warming up runs past an answer's end
        run_token(self._language, ops, self._buffers)
        choose_token(self._buffers, self._sampler)


def make_ops(
    language: LanguageModel, cache: StreamingCache, runtime: RuntimeSettings, num_places: int
) -> DecodeOps:
    """The kernels that a resolved ``runtime`` names."""
    reference = TorchOps(language.config, cache, num_places, flash=runtime.attention == "flash")
    if "triton" not in (runtime.kernels, runtime.attention):
        return reference
    from engine.kernels.ops import TritonOps  # imported late: Triton is there with CUDA only

    return TritonOps(
        language.config,
        cache,
        reference,
        attention=runtime.attention == "triton",
        products=runtime.kernels == "triton",
        overlap=bool(runtime.overlap),
    )
