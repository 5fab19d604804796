"""The protocol's text: which token ids stand where. The engine and the training code both build with this.

Knows: roles, separators and special ids, read from the checkpoint's tokenizer.
Does not know: torch, what stays in the context (``engine/ledger.py``), or what a frame looks like.

A context is laid out as::

    <|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n
    <|im_start|>previous text\\n{previous text}<|im_end|>\\n
    <|im_start|>user\\nTime=0.0-1.0s<|vision_start|><|video_pad|>*n<|vision_end|>{query}<|im_end|>\\n
    <|im_start|>assistant\\n{phrase} ...<|im_end|>\\n   (and so on, a user and an assistant turn a chunk)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from engine.errors import TokenizerError

SYSTEM_TEXT = "You are a helpful assistant."
ELLIPSIS_TEXT = " ..."


@dataclasses.dataclass(frozen=True)
class SpecialIds:
    """Token ids with a meaning of their own."""

    im_start: int
    im_end: int
    vision_start: int
    vision_end: int
    video_pad: int
    end_of_text: int
    ellipsis: int
    """The single token " ..." that closes every phrase."""


@dataclasses.dataclass(frozen=True)
class PrefixParts:
    """The context's start, cut where eviction has to cut it."""

    head: tuple[int, ...]
    """System turn and the header of the "previous text" turn."""

    previous: tuple[int, ...]
    """Content of "previous text"."""

    tail: tuple[int, ...]
    """What closes the "previous text" turn."""


@dataclasses.dataclass(frozen=True)
class UserTurnParts:
    """A user turn, cut where eviction has to cut it."""

    head: tuple[int, ...]
    """Header of the turn."""

    time: tuple[int, ...]
    """"Time=..s"."""

    vision: tuple[int, ...]
    """vision_start, the video pads, vision_end."""

    tail: tuple[int, ...]
    """Query or question, if any, and what closes the turn."""

    @property
    def ids(self) -> list[int]:
        """The whole turn."""
        return [*self.head, *self.time, *self.vision, *self.tail]


class PromptBuilder:
    """Builds the protocol's token ids with a checkpoint's tokenizer.

    ``tokenizer`` is a transformers tokenizer. Raises TokenizerError if it lacks a special token, or if "
    ..." or a line break is not a single token, on which the protocol's evictions rest.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.special = SpecialIds(
            im_start=self._special_id("<|im_start|>"),
            im_end=self._special_id("<|im_end|>"),
            vision_start=self._special_id("<|vision_start|>"),
            vision_end=self._special_id("<|vision_end|>"),
            video_pad=self._special_id("<|video_pad|>"),
            end_of_text=self._special_id("<|endoftext|>"),
            ellipsis=self._single_id(ELLIPSIS_TEXT),
        )
        self._newline = self._single_id("\n")
        self._turn_end = (self.special.im_end, self._newline)
        self._system = (*self._header("system"), *self.encode(SYSTEM_TEXT), *self._turn_end)
        self._previous_header = self._header("previous text")
        self._user_header = self._header("user")
        self._assistant_header = self._header("assistant")

    def encode(self, text: str) -> list[int]:
        """Ids of plain text. Text that spells a special token stays text: nobody's title can end a turn."""
        if not text:
            return []
        return list(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))

    def prefix_parts(self, previous_text: str | Sequence[int]) -> PrefixParts:
        """System turn and "previous text" turn; ``previous_text`` as text or as ids."""
        previous = self.encode(previous_text) if isinstance(previous_text, str) else previous_text
        return PrefixParts(
            head=(*self._system, *self._previous_header), previous=tuple(previous), tail=self._turn_end
        )

    def prefix(self, previous_text: str | Sequence[int]) -> list[int]:
        """System turn and "previous text" turn, the closing line break included."""
        parts = self.prefix_parts(previous_text)
        return [*parts.head, *parts.previous, *parts.tail]

    def user_turn_parts(
        self, start_s: float, end_s: float, num_video_tokens: int, text: str = ""
    ) -> UserTurnParts:
        """A user turn about the frames from ``start_s`` to ``end_s``, with query or question as ``text``."""
        special = self.special
        return UserTurnParts(
            head=self._user_header,
            time=tuple(self.encode(f"Time={start_s:.1f}-{end_s:.1f}s")),
            vision=(special.vision_start, *[special.video_pad] * num_video_tokens, special.vision_end),
            tail=(*self.encode(text), *self._turn_end),
        )

    def user_turn(self, start_s: float, end_s: float, num_video_tokens: int, text: str = "") -> list[int]:
        """As ``user_turn_parts``, in one list; the closing line break included."""
        return self.user_turn_parts(start_s, end_s, num_video_tokens, text).ids

    def assistant_header(self) -> list[int]:
        """What stands before a phrase."""
        return list(self._assistant_header)

    def assistant_content(self, phrase: str) -> list[int]:
        """A phrase, which starts with a space, and what closes it; for "" the " ..." of a silent second."""
        return [*self.encode(phrase.rstrip()), self.special.ellipsis, self.special.im_end]

    @property
    def turn_separator(self) -> list[int]:
        """What stands between an assistant turn's <|im_end|> and the next turn."""
        return [self._newline]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ``ids`` without special tokens."""
        return str(
            self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def _header(self, role: str) -> tuple[int, ...]:
        return (self.special.im_start, *self.encode(role), self._newline)

    def _special_id(self, token: str) -> int:
        index = self._tokenizer.convert_tokens_to_ids(token)
        if not isinstance(index, int) or self._tokenizer.convert_ids_to_tokens(index) != token:
            raise TokenizerError(self._name, f"it has no token {token}")
        return index

    def _single_id(self, text: str) -> int:
        ids = self.encode(text)
        if len(ids) != 1:
            raise TokenizerError(self._name, f"{text!r} must be one token, not {len(ids)}")
        return ids[0]

    @property
    def _name(self) -> str:
        return str(getattr(self._tokenizer, "name_or_path", "") or "tokenizer")
