"""The names that a stream's title holds, and a nudge towards them while a phrase is said.

That is shallow-fusion contextual biasing as speech recognition knows it (Zhao et al., Interspeech 2019): the next id of
a name that is known beforehand has its logit raised. Ours takes from other names what it gives to these: whether a name
comes, and where in the sentence, is the model's business. One that is unsure who is meant then says somebody who is there
rather than somebody it has heard of.

Knows: which words are names, which ids begin nothing else, the trie of the names' ids, and the way through it as ids are
said. Fixed buffers, and no look at them from the host, so that a CUDA graph can record it. Does not know: what picks, what
else stands in a title.

Shapes: V vocabulary, E edges of the trie.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any

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


def name_ids(tokenizer: Any, vocab_size: int) -> list[int]:
    """The ids that begin names and nothing else: words with a capital that the vocabulary does not have without one.

    " Okafor" is one; " Goal" is none where there is a " goal", for it begins a sentence.
    """
    tokens = tokenizer.convert_ids_to_tokens(list(range(min(vocab_size, len(tokenizer)))))
    texts = [tokenizer.convert_tokens_to_string([token]) if token else "" for token in tokens]
    known = {text.strip() for text in texts}
    return [
        index
        for index, text in enumerate(text.strip() for text in texts)
        if len(text) > 1 and text[0].isupper() and _WORD.fullmatch(text) and text.lower() not in known
    ]


class NameNudge:
    """Raises, by ``bias``, the logits of the ids that begin a name, or that go on with the one that is being said.

    A name's first id is raised only if it is one of ``begin_names`` (`name_ids`), and these together stay as likely as they
    were: what some gain the others lose.
    """

    def __init__(
        self, bias: float, begin_names: Sequence[int], vocab_size: int, device: torch.device
    ) -> None:
        self._bias = bias
        self._begin_names = frozenset(begin_names)
        self._is_name_V = torch.zeros(vocab_size, dtype=torch.bool, device=device)
        self._is_name_V[upload(sorted(self._begin_names), device)] = True
        self._from_E = torch.full((MAX_EDGES,), _NOWHERE, dtype=torch.int64, device=device)
        self._id_E = torch.zeros(MAX_EDGES, dtype=torch.int64, device=device)
        self._to_E = torch.zeros(MAX_EDGES, dtype=torch.int64, device=device)
        self._is_raised_E = torch.zeros(MAX_EDGES, dtype=torch.int64, device=device)
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
            (
                *(at, token_id, _ROOT if to in ends and to not in going_on else to),
                int(at != _ROOT or token_id in self._begin_names),
            )
            for (at, token_id), to in edges.items()
        ]
        rows += [(_NOWHERE, 0, _ROOT, 0)] * (MAX_EDGES - len(rows))
        buffers = (self._from_E, self._id_E, self._to_E, self._is_raised_E)
        for buffer_E, values in zip(buffers, itertools.zip_longest(*rows), strict=True):
            buffer_E.copy_(upload(list(values), buffer_E.device))

    def begin(self) -> None:
        """A phrase begins."""
        self._at_1.zero_()

    def raised(self, logits_V: torch.Tensor) -> torch.Tensor:
        """A copy of the float32 logits with those of the names' next ids raised."""
        bias_E = self._bias * (self._is_raised_E * (self._from_E == self._at_1)).to(logits_V.dtype)
        raised_V = logits_V.index_add(0, self._id_E, bias_E)
        if not self._begin_names:
            return raised_V
        before, after = (
            torch.where(self._is_name_V, values_V, -torch.inf).logsumexp(dim=0, keepdim=True)
            for values_V in (logits_V, raised_V)
        )
        # Within a name it goes on as it is spelt, whatever that takes.
        owed_1 = torch.where(self._at_1 == _ROOT, after - before, 0.0)
        return torch.where(self._is_name_V, raised_V - owed_1, raised_V)

    def note(self, token_1: torch.Tensor) -> None:
        """Take note of the id (1,) int64 that was said."""
        is_it_E = self._id_E == token_1
        on_E = is_it_E & (self._from_E == self._at_1)
        anew_E = is_it_E & (self._from_E == _ROOT)
        to_E = torch.where(on_E.any(), on_E * self._to_E, anew_E * self._to_E)
        self._at_1.copy_(to_E.amax(dim=0, keepdim=True))
