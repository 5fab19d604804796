"""The ledger: which tokens make up the present context, and what leaves it before a step.

This is StreamingVLM's cache policy (arXiv 2510.09608) in integers: an attention sink and a text window in
"previous text", a vision window, and a number of rounds of commentary.

Knows: token ids, how turns are cut, in what order things leave, and that the first ``num_cached`` tokens
have keys and values in the cache while the rest, generated last, are pending until the next prefill.
Does not know: torch, or where the cache keeps its tensors. It says which cached places stay, in their new
order.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import SessionError
from engine.prompt import PrefixParts, UserTurnParts
from engine.rope import Span, TextSpan, VisionSpan

_NUM_CLOSING = 2  # " ..." and <|im_end|>: what a retired phrase does not take along


def _as_array(places: Sequence[int]) -> npt.NDArray[np.int64]:
    """A range without going through its members: a context has ten thousand of them and more."""
    if isinstance(places, range):
        return np.arange(places.start, places.stop, dtype=np.int64)
    return np.asarray(places, dtype=np.int64)


@dataclasses.dataclass(slots=True)
class _Piece:
    """Tokens that stay or leave together."""

    ids: list[int]
    vision: VisionSpan | None = None
    places: Sequence[int] = ()
    """Where these tokens are in the context; set while an eviction is worked out."""


@dataclasses.dataclass(slots=True)
class _Round:
    """A user turn and, until its phrase is retired, the assistant turn that answers it."""

    head: _Piece
    time: _Piece | None
    vision: tuple[_Piece, ...]
    tail: _Piece
    header: _Piece | None
    phrase: _Piece
    separator: _Piece

    def pieces(self) -> Iterator[_Piece]:
        yield self.head
        if self.time:
            yield self.time
        yield from self.vision
        yield self.tail
        if self.header:
            yield self.header
            yield self.phrase
            yield self.separator


def _round_state(each: _Round) -> list[Any]:
    """Its fields in order: ids, None where there are none any more, and the vision block's shape after its ids."""
    state: list[Any] = []
    for field in dataclasses.fields(each):
        value = getattr(each, field.name)
        if isinstance(value, tuple):
            state.append(
                [
                    [list(piece.ids), piece.vision and list(dataclasses.astuple(piece.vision))]
                    for piece in value
                ]
            )
        else:
            state.append(None if value is None else list(value.ids))
    return state


def _restored_round(state: list[Any]) -> _Round:
    head, time, vision, tail, header, phrase, separator = state
    return _Round(
        head=_Piece(list(head)),
        time=None if time is None else _Piece(list(time)),
        vision=tuple(_Piece(list(ids), span and VisionSpan(*span)) for ids, span in vision),
        tail=_Piece(list(tail)),
        header=None if header is None else _Piece(list(header)),
        phrase=_Piece(list(phrase)),
        separator=_Piece(list(separator)),
    )


class Ledger:
    """The present context as token ids, cut into the parts that eviction treats differently.

    ``vision_rounds`` (V) and ``text_rounds`` (R) count steps, the coming one included; ``text_sink`` and
    ``text_window`` count tokens of "previous text".
    """

    def __init__(
        self, prefix: PrefixParts, *, vision_rounds: int, text_rounds: int, text_sink: int, text_window: int
    ) -> None:
        self._vision_rounds = vision_rounds
        self._text_rounds = text_rounds
        self._text_sink = text_sink
        self._text_window = text_window
        self._head = _Piece(list(prefix.head))
        self._previous = _Piece(list(prefix.previous))
        self._tail = _Piece(list(prefix.tail))
        self._rounds: deque[_Round] = deque()
        self.num_begun = 0
        """Rounds that have begun since the stream started."""

        self.num_cached = 0
        """Tokens at the start of the context whose keys and values are in the cache."""

    @property
    def token_ids(self) -> list[int]:
        """Every id in the context, in order, pending ones included."""
        return list(itertools.chain.from_iterable(piece.ids for piece in self._pieces()))

    @property
    def distinct_ids(self) -> set[int]:
        """Every id that stands in the context, without going through all the tokens of every vision block."""
        found: set[int] = set()
        for piece in self._pieces():
            found.update(piece.ids[:1] if piece.vision else piece.ids)
        return found

    @property
    def num_tokens(self) -> int:
        """Length of the context, pending tokens included."""
        return sum(len(piece.ids) for piece in self._pieces())

    @property
    def num_rounds(self) -> int:
        """User turns in the context."""
        return len(self._rounds)

    def spans(self) -> list[Span]:
        """The context as spans, from which its positions follow."""
        return [piece.vision or TextSpan(len(piece.ids)) for piece in self._pieces()]

    def state(self) -> dict[str, Any]:
        """All that changes as the stream goes on, as plain values; `restore` takes it."""
        return {
            "previous": list(self._previous.ids),
            "rounds": [_round_state(each) for each in self._rounds],
            "num_begun": self.num_begun,
            "num_cached": self.num_cached,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of a ledger that was made with the same prefix and windows."""
        self._previous.ids = list(state["previous"])
        self._rounds = deque(_restored_round(each) for each in state["rounds"])
        self.num_begun = state["num_begun"]
        self.num_cached = state["num_cached"]

    def evict(self) -> npt.NDArray[np.int64]:
        """Let go of what the windows no longer hold; call it before a round begins.

        Returns the places of the cached tokens that stay, in their new order. The order differs from the
        old one where a phrase has moved into "previous text".
        """
        place = 0
        for piece in self._pieces():
            piece.places = range(place, place + len(piece.ids))
            place += len(piece.ids)
        self._previous.places = list(self._previous.places)
        self._retire_phrase()
        self._drop_vision()
        self._drop_user_turn()
        self._cut_previous_text()
        places = np.concatenate([_as_array(piece.places) for piece in self._pieces()])
        kept = places[places < self.num_cached]
        self.num_cached = len(kept)
        return kept

    def begin_round(
        self,
        user: UserTurnParts,
        vision: VisionSpan,
        assistant_header: Sequence[int],
        separator: Sequence[int],
    ) -> None:
        """Add a user turn and the header of the turn that will answer it.

        ``vision`` describes the pads inside ``user.vision``, which are all of it but the first and the last
        id.
        """
        if self._rounds and self._rounds[-1].header:
            self._rounds[-1].separator.ids.extend(separator)
        start, *pads, end = user.vision
        if len(pads) != vision.length:
            raise SessionError(f"{len(pads)} video tokens do not fill a block of {vision.length}.")
        self._rounds.append(
            _Round(
                head=_Piece(list(user.head)),
                time=_Piece(list(user.time)),
                vision=(_Piece([start]), _Piece(pads, vision), _Piece([end])),
                tail=_Piece(list(user.tail)),
                header=_Piece(list(assistant_header)),
                phrase=_Piece([]),
                separator=_Piece([]),
            )
        )
        self.num_begun += 1

    def cancel_round(self) -> None:
        """Take back the round that has just begun; nothing of it may be cached."""
        self._rounds.pop()
        self.num_begun -= 1
        if self._rounds:
            self._rounds[-1].separator.ids.clear()

    def say(self, token_id: int) -> None:
        """Add one id to the last round's phrase."""
        self._rounds[-1].phrase.ids.append(token_id)

    def _pieces(self) -> Iterator[_Piece]:
        yield self._head
        yield self._previous
        yield self._tail
        for each in self._rounds:
            yield from each.pieces()

    def _retire_phrase(self) -> None:
        """The oldest phrase moves to the end of "previous text"; the rest of its turn goes."""
        speaking = [each for each in self._rounds if each.header]
        if len(speaking) < self._text_rounds:
            return
        oldest = speaking[0]
        self._previous.ids.extend(oldest.phrase.ids[:-_NUM_CLOSING])
        self._previous.places = [*self._previous.places, *oldest.phrase.places[:-_NUM_CLOSING]]
        oldest.header = None
        if self._vision_rounds > self._text_rounds:
            oldest.time = None

    def _drop_vision(self) -> None:
        """Where the vision window is the shorter one, the oldest vision block goes; its turn's text stays."""
        seeing = [each for each in self._rounds if each.vision]
        if self._vision_rounds < self._text_rounds and len(seeing) >= self._vision_rounds:
            seeing[0].vision = ()

    def _drop_user_turn(self) -> None:
        if len(self._rounds) >= max(self._vision_rounds, self._text_rounds):
            self._rounds.popleft()

    def _cut_previous_text(self) -> None:
        """The sink's tokens and the last ``text_window - 1`` stay, from the second step on."""
        num_last = max(self._text_window - 1, 0)
        cut_start, cut_end = self._text_sink, len(self._previous.ids) - num_last
        if self.num_begun and cut_start < cut_end:
            places = list(self._previous.places)
            del self._previous.ids[cut_start:cut_end], places[cut_start:cut_end]
            self._previous.places = places
