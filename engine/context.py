"""The context of one stream: the ledger's integers and the cache's tensors, kept in agreement.

Knows: how an eviction, a prefill and one more token change both together, and that after a failure in
between they must not be trusted.
Does not know: frames, sampling, text.

Shapes: N new tokens, L cached ones, E hidden size, V vocabulary, M tokens of a vision block.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.budget import ContextBudget
from engine.cache import StreamingCache
from engine.errors import SessionError, WindowError
from engine.ledger import Ledger
from engine.memory import upload
from engine.model import LoadedModel
from engine.prompt import UserTurnParts
from engine.rope import Span, TextSpan, VisionSpan, positions_3d
from engine.rotary import RotaryTable, TextRotary
from engine.settings import StreamSettings


@dataclasses.dataclass(frozen=True)
class KeptContext:
    """What an eviction left."""

    ids: list[int]
    """Every id, those pending included."""

    num_cached: int
    """How many of them have keys and values."""


class StreamContext:
    """What the language model sees of one stream. Storage is made when the size of a chunk is first known.

    Experiments replace one of its parts (``keep``, ``positions``, ``rotate``) and hand it to a session.
    """

    def __init__(self, model: LoadedModel, settings: StreamSettings) -> None:
        self._model = model
        self._settings = settings
        self._rotary = TextRotary(model.config.text, model.device)
        self._cache: StreamingCache | None = None
        self._roomy_for: VisionSpan | None = None
        self._torn = False
        self.coming: RotaryTable | None = None
        """Rotations of the tokens that the present answer may have."""
        self._answer: list[int] = []
        self._start_over()

    @property
    def ids(self) -> list[int]:
        """Every id, those pending included."""
        return self._ledger.token_ids

    @property
    def distinct_ids(self) -> set[int]:
        """Every id that stands in the context."""
        return self._ledger.distinct_ids

    @property
    def num_cached(self) -> int:
        """How many of them, from the first on, have keys and values."""
        return self._ledger.num_cached

    @property
    def spans(self) -> list[Span]:
        """The context as spans, from which its positions follow."""
        return self._ledger.spans()

    @property
    def num_rounds(self) -> int:
        """User turns in the context."""
        return self._ledger.num_rounds

    @property
    def num_tokens(self) -> int:
        """How many ids there are."""
        return self._ledger.num_tokens

    @property
    def is_new(self) -> bool:
        """Whether no round has begun yet."""
        return self._ledger.num_begun == 0

    @property
    def cache(self) -> StreamingCache:
        """The tensors. Raises SessionError before ``make_room``."""
        if self._cache is None:
            raise SessionError("The stream has not begun: there is no cache yet.")
        return self._cache

    def restart(self, settings: StreamSettings) -> None:
        """Empty the context for a new stream; storage is kept."""
        self._settings = settings
        self._roomy_for = None
        if self._cache:
            self._cache.clear()
        self._start_over()

    def state(self) -> dict[str, Any]:
        """What the coming steps depend on: plain values, and copies of the tensors in the CPU's memory.

        Raises SessionError after a step that failed in the middle.
        """
        self._refuse_torn()
        cache = self._cache
        return {
            "ledger": self._ledger.state(),
            "capacity": cache.capacity if cache else 0,
            "keys": cache.keys.to("cpu", copy=True) if cache else None,
            "values": cache.values.to("cpu", copy=True) if cache else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of a context of the same model and settings. Raises OutOfMemoryError."""
        self.restart(self._settings)
        if state["keys"] is not None:
            if self._cache is None:
                model = self._model
                self._cache = StreamingCache(model.config.text, state["capacity"], model.device, model.dtype)
            self._cache.fill(state["keys"], state["values"])
        self._ledger.restore(state["ledger"])
        self.kept = KeptContext(self.ids, self.num_cached)

    def make_room(self, vision: VisionSpan) -> None:
        """Make storage for a stream of such blocks, if there is not enough.

        Raises WindowError if the windows do not fit the model, OutOfMemoryError if they do not fit the
        device.
        """
        if vision == self._roomy_for:
            return
        budget = ContextBudget.of(self._model.prompt, self._prefix, self._settings, vision)
        limit = self._model.config.text.max_positions
        if budget.num_positions > limit:
            raise WindowError(budget.num_positions, limit, vision.length)
        if self._cache is None:
            model = self._model
            self._cache = StreamingCache(model.config.text, budget.num_tokens, model.device, model.dtype)
        self._cache.reserve(budget.num_tokens - self._cache.length)
        self._roomy_for = vision

    def evict(self, between: Callable[[], None] | None = None) -> None:
        """Let go of what the windows no longer hold. ``between`` is called after each piece of the work."""
        self._refuse_torn()
        self._torn = True
        self.keep(self._ledger.evict(), between)
        self._torn = False
        self.is_answering = False
        """Whether an answer has begun and not ended."""
        self.kept = KeptContext(self.ids, self.num_cached)

    def keep(self, places: npt.NDArray[np.int64], between: Callable[[], None] | None = None) -> None:
        """Compact the cache to these places, in this order; ``evict`` calls it."""
        self.cache.keep(places, between)

    def positions(self, spans: Sequence[Span]) -> npt.NDArray[np.float32]:
        """Positions (3, N) of the whole context as ``spans``: contiguous ones, counted from 0."""
        return positions_3d(spans)

    def rotate(self) -> None:
        """Rotate every cached key for its position in the present context."""
        table = self._table(self._ledger.spans())
        self.cache.rotate(table[: self.num_cached])

    def prefill(
        self,
        user: UserTurnParts,
        vision: VisionSpan,
        embedded_ME: torch.Tensor,
        between: Callable[[], None] | None = None,
        *,
        in_parts: bool = False,
    ) -> torch.Tensor:
        """Add a user turn and the header of its answer, and run them with what was pending.

        ``between`` is called after each half of a layer; ``embedded_ME`` has been read when it is called first. Returns the
        raw logits (V,) of the answer's first token. If it fails, the round is taken back.
        """
        model, ledger = self._model, self._ledger
        header = model.prompt.assistant_header()
        ledger.begin_round(user, vision, header, model.prompt.turn_separator)
        try:
            ids = ledger.token_ids
            new_ids = ids[self.num_cached :]
            num_most = self._settings.sampling.max_new_tokens
            self.cache.reserve(len(new_ids) + num_most)
            room = TextSpan(num_most)
            table = self._table([*ledger.spans(), room])
            x_NE = model.language.embed(upload(new_ids, model.device))
            end = len(new_ids) - len(header) - len(user.tail) - 1  # before vision_end
            x_NE[end - vision.length : end] = embedded_ME
            new_table = table[self.num_cached : len(ids)]
            x_NE = model.language(x_NE, new_table, self.cache, between, in_parts=in_parts)
            logits_V = model.language.logits(x_NE[-1:])[0]
        except BaseException:
            ledger.cancel_round()
            self.cache.length = ledger.num_cached
            raise
        ledger.num_cached = len(ids)
        # A copy: a part of the table would keep all of it, 13 MB at 12.8 K tokens of 7B, and as much more as that varies.
        self.coming = table[len(ids) :].copy()
        self._answer = []
        self.is_answering = True
        return logits_V

    def say(self, token_id: int) -> None:
        """Add an id to the answer; it is pending until ``count_cached``."""
        self._ledger.say(token_id)
        self._answer.append(token_id)

    def count_cached(self) -> None:
        """Take note that the answer's last token but one, the only one pending, now has its key and value."""
        self._ledger.num_cached += 1

    def end_answer(self) -> tuple[int, ...]:
        """Close the answer, with <|im_end|> where it did not end in one. Returns its ids."""
        im_end = self._model.prompt.special.im_end
        if self._answer[-1:] != [im_end]:
            self.say(im_end)
        self.is_answering = False
        return tuple(self._answer)

    def _refuse_torn(self) -> None:
        if self._torn:
            raise SessionError("An earlier step failed in the middle. Reset the session to go on.")

    def _start_over(self) -> None:
        window = self._settings.window
        self._prefix = self._model.prompt.prefix_parts(self._settings.title)
        self._ledger = Ledger(
            self._prefix,
            vision_rounds=window.vision_rounds,
            text_rounds=window.text_rounds,
            text_sink=window.text_sink,
            text_window=window.text_window,
        )
        self._torn = False
        self.is_answering = False
        """Whether an answer has begun and not ended."""
        self.kept = KeptContext(self.ids, 0)
        """What the last eviction left."""

    def _table(self, spans: list[Span]) -> RotaryTable:
        return self._rotary.table(upload(self.positions(spans), self._model.device))
