"""The protocol's evictions once more, slowly: one flat list of tokens that is searched for its turns at every step.

Written from the protocol's text alone and on purpose unlike ``engine/ledger.py``: no turn is remembered,
everything is found again by the ids that mark it, as the published code does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from engine.prompt import PromptBuilder


@dataclasses.dataclass(frozen=True)
class Token:
    """An id, and a serial number by which its keys and values are known."""

    id: int
    serial: int


class SlowContext:
    """A context as a flat list."""

    def __init__(
        self,
        prompt: PromptBuilder,
        title: str,
        *,
        vision_rounds: int,
        text_rounds: int,
        sink: int,
        window: int,
    ) -> None:
        self.prompt = prompt
        self.vision_rounds, self.text_rounds = vision_rounds, text_rounds
        self.sink, self.window = sink, window
        self.tokens: list[Token] = []
        self._num_made = 0
        self.add(prompt.prefix(title))

    @property
    def ids(self) -> list[int]:
        return [token.id for token in self.tokens]

    def add(self, ids: Sequence[int]) -> list[Token]:
        new = [Token(token_id, self._num_made + i) for i, token_id in enumerate(ids)]
        self._num_made += len(new)
        self.tokens += new
        return new

    def begin_step(self, step: int, user_turn: Sequence[int]) -> list[Token]:
        """Everything up to the answer; the tokens added."""
        newline = self.prompt.turn_separator
        joint = [] if self.ids[-1:] == newline else newline
        return self.add([*joint, *user_turn, *self.prompt.assistant_header()])

    def evict(self, step: int) -> None:
        special, rounds_v, rounds_r = self.prompt.special, self.vision_rounds, self.text_rounds
        if step >= rounds_r:
            start, end = self._turns("assistant")[0]
            header = len(self.prompt.assistant_header())
            phrase_end = end - (
                2 if self.ids[end - 1] != special.im_end else 1
            )  # past the line break, if any
            phrase = self.tokens[start + header : max(phrase_end - 1, start + header)]
            close = self._find([special.im_end], self._turns("previous text")[0][0])
            self.tokens = [*self.tokens[:close], *phrase, *self.tokens[close:start], *self.tokens[end:]]
            if rounds_v > rounds_r:
                time_start = self._turns("user")[-rounds_r][0] + len(self.prompt._header("user"))
                del self.tokens[time_start : self._find([special.vision_start], time_start)]
        if step >= rounds_v and rounds_v < rounds_r:
            block = self._find([special.vision_start], 0)
            del self.tokens[block : self._find([special.vision_end], block) + 1]
        if step >= max(rounds_v, rounds_r):
            start, end = self._turns("user")[0]
            del self.tokens[start:end]
        if step > 0:
            start = self._turns("previous text")[0][0] + len(self.prompt._header("previous text"))
            close = self._find([special.im_end], start)
            content = self.tokens[start:close]
            last = max(self.window - 1, 0)
            if len(content) > self.sink + last:
                content = content[: self.sink] + content[len(content) - last :]
            self.tokens[start:close] = content

    def _turns(self, role: str) -> list[tuple[int, int]]:
        """Start and end of every turn of a role, the line break after it included."""
        header = list(self.prompt._header(role))
        ids, found = self.ids, []
        for start in range(len(ids)):
            if ids[start : start + len(header)] == header:
                end = self._find([self.prompt.special.im_end], start) + 1
                found.append((start, end + (ids[end : end + 1] == self.prompt.turn_separator)))
        return found

    def _find(self, ids: list[int], start: int) -> int:
        return self.ids.index(ids[0], start)
