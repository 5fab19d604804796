"""What one step gives back: pieces of text while it runs, and a result when it has ended.

Knows: the shape of a step's output, and that a step ends once, however it ends.
Does not know: torch, or how a step is run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator

from engine.errors import SessionError


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepTimings:
    """Where a step's time went, in milliseconds; what its caller did between two pieces is not in it."""

    preprocess_ms: float
    """Resizing, normalising and cutting the frames into patches."""

    vision_ms: float
    """The vision tower."""

    evict_ms: float
    """Deciding what leaves, and compacting the cache."""

    rotate_ms: float
    """Positions, and the rotation of every kept key."""

    prefill_ms: float
    """Running the step's own tokens through the language model."""

    decode_ms: float
    """Picking tokens and running them."""

    total_ms: float
    """The whole step."""

    first_token_ms: float
    """From the start of the step until its first token was picked; 0 if there was none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepResult:
    """What was said in one step."""

    text: str
    """The phrase, stripped, without its closing " ..."; "" for silence."""

    token_ids: tuple[int, ...]
    """Ids generated, the closing <|im_end|> included."""

    start_s: float
    """Start of the chunk, in seconds."""

    end_s: float
    """End of the chunk, in seconds."""

    num_context_tokens: int
    """Tokens in the context when the phrase had ended."""

    timings: StepTimings


class StepStream:
    """One step in progress. Iterate it for pieces of text; then, or instead, take ``result``.

    Nothing happens before the first piece or the result is asked for. Closing it early, or starting the
    session's next step, ends the phrase where it is.
    """

    def __init__(self, pieces: Generator[str, None, None], results: list[StepResult]) -> None:
        self._pieces = pieces
        self._results = results

    def __iter__(self) -> Iterator[str]:
        return self._pieces

    def __next__(self) -> str:
        return next(self._pieces)

    @property
    def result(self) -> StepResult:
        """The result; runs the step to its end if that has not happened.

        Raises SessionError if the step failed, or was closed before it began.
        """
        for _ in self._pieces:
            pass
        if not self._results:
            raise SessionError("This step has no result: it failed, or was closed before it began.")
        return self._results[0]

    def close(self) -> None:
        """End the phrase where it is. The result then holds what was said until then."""
        self._pieces.close()
