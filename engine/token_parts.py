"""One token's work cut into parts, so that a device can be left to others between them.

On CUDA each part is a graph of its own: a recorded token of 7B is one piece of four milliseconds otherwise, and another
program's frame that comes meanwhile waits for its end.

Knows: which layers make a part, how long they take, and that parts run in order. Does not know: when a token runs, or what
happens between two parts.

Shapes: V vocabulary, E hidden size.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from engine.decoding import DecodeBuffers, DecodeOps, begin_token, choose_token
from engine.graphs import record
from engine.language import LanguageModel
from engine.sampling import Sampler

_NUM_TIMED = 3
_SHARE_OF_SLICE = 0.5
"""Of a slice, at most in one part: a part that waits for another program's turn to end is a stretch by itself."""


class TokenParts:
    """Runs the last token picked and picks the next, as ``run_token`` and ``choose_token`` do, a few layers at a time.

    ``slice_ms``: how long a stretch may take; on CUDA a part takes half of it at most, or is one layer, as it is elsewhere.
    ``between`` is called after each part but the last. ``buffers`` must hold a token that may be run any number of times:
    recording does.
    """

    def __init__(
        self,
        language: LanguageModel,
        ops: DecodeOps,
        buffers: DecodeBuffers,
        sampler: Sampler,
        *,
        slice_ms: float,
        recorded: bool,
        between: Callable[[], None],
    ) -> None:
        self._language, self._ops, self._buffers, self._sampler = language, ops, buffers, sampler
        self._between = between
        self._device = buffers.logits_V.device
        self._recorded = recorded and self._device.type == "cuda"
        # What each part hands to the next. A recorded part leaves the same tensor every time, and reads that of the part
        # before it: they must not share a place, for recording runs a part several times.
        self._states: list[torch.Tensor] = [buffers.logits_V]
        self._parts = [self._record(self._begin)]
        num_layers = self._layers_a_part(slice_ms)
        for first in range(0, len(language.layers), num_layers):
            self._states.append(self._states[-1])
            part = functools.partial(self._run_layers, len(self._states) - 1, first, first + num_layers)
            self._parts.append(self._record(part))
        self._parts.append(self._record(self._pick))

    @property
    def num_parts(self) -> int:
        """How many parts a token has."""
        return len(self._parts)

    def __call__(self) -> None:
        """Run all parts in order."""
        for number, part in enumerate(self._parts):
            if number > 1:  # the first part is some microseconds long
                self._between()
            part()

    def close(self) -> None:
        """Give up the recordings: they hold this object, and it holds them."""
        self._parts.clear()

    def _record(self, part: Callable[[], None]) -> Callable[[], None]:
        step = record(part, self._device, use="decode", recorded=self._recorded)
        if self._recorded:
            step()  # what the next part reads is there from now on
        return step

    def _begin(self) -> None:
        self._stay_inside()
        begin_token(self._ops, self._buffers)
        self._states[0] = self._language.embed(self._buffers.token_1)

    def _run_layers(self, number: int, first: int, end: int) -> None:
        layers = self._language.layers[first:end]
        self._states[number] = self._language.decode_layers(self._states[number - 1], self._ops, layers)

    def _pick(self) -> None:
        self._stay_inside()
        self._buffers.logits_V.copy_(self._language.decode_logits(self._states[-1], self._ops)[0])
        choose_token(self._buffers, self._sampler)

    def _stay_inside(self) -> None:
        """Recording and timing would run past an answer's end."""
        self._buffers.number_1.clamp_(1, len(self._buffers.said_S) - 1)

    def _layers_a_part(self, slice_ms: float) -> int:
        """As many layers as fit into a slice, by the time that the first of them takes."""
        if not self._recorded:
            return 1
        self._states.append(self._states[0])
        first_layer = functools.partial(self._run_layers, 1, 0, 1)
        probe = record(first_layer, self._device, use="decode", recorded=True)
        times_ms: list[float] = []
        for _ in range(_NUM_TIMED):
            start, end = _event(), _event()
            start.record()
            probe()
            end.record()
            end.synchronize()
            times_ms.append(float(start.elapsed_time(end)))
        self._states.pop()
        return max(1, int(_SHARE_OF_SLICE * slice_ms / max(min(times_ms), 1e-3)))


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # PyTorch has no types here
