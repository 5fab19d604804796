"""Picking the next token.

Knows: the repetition penalty over every id in the context (CTRL, arXiv 1909.05858), the nudge towards names
(``engine/names.py``), temperature, nucleus sampling (arXiv 1904.09751), and a generator of its own, so that no other
code's randomness changes what is said. Every step is a function of tensors with fixed shapes, so that the same code
can be recorded in a CUDA graph.
Does not know: tokens' meaning, stop ids, forced ids.

Shapes: V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from engine.memory import upload
from engine.names import NameNudge
from engine.settings import SamplingSettings

_SMALLEST = torch.finfo(torch.float32).tiny


def penalise(logits_V: torch.Tensor, seen_V: torch.Tensor, penalty: float) -> torch.Tensor:
    """A copy of the float32 logits with the repetition penalty applied where ``seen_V`` (bool) says so."""
    if penalty == 1:
        return logits_V.clone()
    damped_V = torch.where(logits_V < 0, logits_V * penalty, logits_V / penalty)
    return torch.where(seen_V, damped_V, logits_V)


def pick(penalised_V: torch.Tensor, noise_V: torch.Tensor | None, settings: SamplingSettings) -> torch.Tensor:
    """The id (1,) int64 that is picked: the likeliest if greedy, else one drawn from the nucleus.

    ``noise_V`` holds draws of the exponential distribution; None will do if greedy. The largest p / noise is
    distributed as p is (the exponential race, which is the Gumbel-max trick without its logarithms).
    """
    if settings.greedy:
        return penalised_V.argmax(dim=-1, keepdim=True)
    assert noise_V is not None, "sampling needs noise"
    p_V = torch.softmax(penalised_V / settings.temperature, dim=-1)
    if settings.top_p < 1:
        p_V = _nucleus(p_V, settings.top_p)
    return (p_V / noise_V).argmax(dim=-1, keepdim=True)


class Sampler:
    """Picks ids for one stream. The same seed, settings and logits give the same ids."""

    def __init__(self, settings: SamplingSettings, vocab_size: int, device: torch.device) -> None:
        self.settings = settings
        self.seen_V = torch.zeros(vocab_size, dtype=torch.bool, device=device)
        """Which ids stand in the context."""
        self._names: NameNudge | None = None
        self._generator = torch.Generator(device=device)
        self.reset()

    def lean(self, begin_names: Sequence[int]) -> None:
        """From now on lean towards the names of `favour`; before anything is recorded. For ``begin_names`` see NameNudge."""
        self._names = NameNudge(self.settings.name_bias, begin_names, len(self.seen_V), self.seen_V.device)

    def favour(self, names: Iterable[Sequence[int]]) -> None:
        """Take these sequences of ids for the names to lean towards, in place of those before."""
        if self._names:
            self._names.take(names)

    def reset(self) -> None:
        """Start the generator anew: from the seed, or from a fresh one where there is none."""
        if self.settings.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(self.settings.seed)

    @property
    def state(self) -> torch.Tensor:
        """The generator's state, to return to."""
        return self._generator.get_state()

    @state.setter
    def state(self, state: torch.Tensor) -> None:
        self._generator.set_state(state)

    def begin(self, context_ids: Iterable[int]) -> None:
        """Take note of every id in the context before a phrase begins."""
        self.seen_V.zero_()
        self.seen_V.index_fill_(0, upload(sorted(set(context_ids)), self.seen_V.device), True)
        if self._names:
            self._names.begin()

    def note(self, token_1: torch.Tensor) -> None:
        """Take note of the id (1,) int64 that was said."""
        self.seen_V.index_fill_(0, token_1, True)
        if self._names:
            self._names.note(token_1)

    def draw_into(self, noise_V: torch.Tensor) -> None:
        """Fill float32 ``noise_V`` with the noise of one pick; nothing is drawn if greedy."""
        if not self.settings.greedy:
            noise_V.exponential_(generator=self._generator).clamp_min_(_SMALLEST)

    def penalise(self, logits_V: torch.Tensor) -> torch.Tensor:
        """A copy of the float32 logits (V,) with the repetition penalty and the nudge towards names applied."""
        penalised_V = penalise(logits_V, self.seen_V, self.settings.repetition_penalty)
        return self._names.raised(penalised_V) if self._names else penalised_V

    def pick(self, penalised_V: torch.Tensor) -> int:
        """Pick an id by penalised logits, with noise drawn for it."""
        noise_V = torch.empty_like(penalised_V)
        self.draw_into(noise_V)
        return int(pick(penalised_V, noise_V, self.settings))


def _nucleus(p_V: torch.Tensor, top_p: float) -> torch.Tensor:
    """Zero all but the fewest likeliest ids whose probabilities add up to ``top_p``; at least one stays."""
    sorted_V, order_V = p_V.sort(descending=True, stable=True)
    before_V = sorted_V.cumsum(0) - sorted_V
    return torch.zeros_like(p_V).scatter(0, order_V, sorted_V.masked_fill(before_V >= top_p, 0.0))
