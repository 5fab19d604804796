"""The names that a stream's title holds, and a nudge towards them while a phrase is said.

That is shallow-fusion contextual biasing as speech recognition knows it (Zhao et al., Interspeech 2019): the next id of
a name that is known beforehand has its logit raised. A model that is unsure who is meant then says somebody who is there
rather than somebody it has heard of.

Knows: which words are names, the trie of their ids, and the way through it as ids are said. Fixed buffers, and no look at
them from the host, so that a CUDA graph can record it. Does not know: what picks, tokenizers, what else stands in a title.

Shapes: V vocabulary, E edges of the trie.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterable, Sequence

import torch

from engine.memory import upload

_log = logging.getLogger("ringside.engine")

MAX_EDGES = 1024
"""Ids of all names together, those that names have in common at their beginning counted once."""

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_ROOT, _NOWHERE = 0, -1


def names_in(title: str) -> tuple[str, ...]:
    """Words of two letters or more that begin with a capital, each once, in order. None in scripts without capitals."""
    words = (word for word in _WORD.findall(title) if len(word) > 1 and word[0].isupper())
    return tuple(dict.fromkeys(words))


class NameNudge:
    """Raises, by ``bias``, the logits of the ids that begin a name, or that go on with the one that is being said."""

    def __init__(self, bias: float, device: torch.device) -> None:
        self._bias = bias
        self._from_E = torch.full((MAX_EDGES,), _NOWHERE, dtype=torch.int64, device=device)
        self._id_E = torch.zeros(MAX_EDGES, dtype=torch.int64, device=device)
        self._to_E = torch.zeros(MAX_EDGES, dtype=torch.int64, device=device)
        self._at_1 = torch.zeros(1, dtype=torch.int64, device=device)

    def take(self, spellings: Iterable[Sequence[int]]) -> None:
        """Take these sequences of ids for names, in place of those before. Those past ``MAX_EDGES`` are left out."""
        edges: dict[tuple[int, int], int] = {}
        ends, num_left_out = set(), 0
        for ids in spellings:
            at, new = _ROOT, dict[tuple[int, int], int]()
            for token_id in ids:
                if (at, token_id) not in edges:
                    new[at, token_id] = len(edges) + len(new) + 1
                at = edges.get((at, token_id)) or new[at, token_id]
            if len(edges) + len(new) > MAX_EDGES:
                num_left_out += 1
                continue
            edges |= new
            ends.add(at)
        if num_left_out:
            _log.info("the title has too many names; %d ways to write one are left out", num_left_out)
        going_on = {at for at, _ in edges}
        rows = [
            # After a name's last id another name may begin.
            (at, token_id, _ROOT if to in ends and to not in going_on else to)
            for (at, token_id), to in edges.items()
        ]
        rows += [(_NOWHERE, 0, _ROOT)] * (MAX_EDGES - len(rows))
        for buffer_E, values in zip(
            (self._from_E, self._id_E, self._to_E), itertools.zip_longest(*rows), strict=True
        ):
            buffer_E.copy_(upload(list(values), buffer_E.device))

    def begin(self) -> None:
        """A phrase begins."""
        self._at_1.zero_()

    def raised(self, logits_V: torch.Tensor) -> torch.Tensor:
        """A copy of the float32 logits with those of the names' next ids raised."""
        bias_E = self._bias * (self._from_E == self._at_1).to(logits_V.dtype)
        return logits_V.index_add(0, self._id_E, bias_E)

    def note(self, token_1: torch.Tensor) -> None:
        """Take note of the id (1,) int64 that was said."""
        is_it_E = self._id_E == token_1
        on_E = is_it_E & (self._from_E == self._at_1)
        anew_E = is_it_E & (self._from_E == _ROOT)
        to_E = torch.where(on_E.any(), on_E * self._to_E, anew_E * self._to_E)
        self._at_1.copy_(to_E.amax(dim=0, keepdim=True))
