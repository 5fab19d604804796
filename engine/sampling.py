"""Picking the next token.

Knows: the repetition penalty over every id in the context (CTRL, arXiv 1909.05858), temperature, nucleus
sampling (arXiv 1904.09751), and a generator of its own, so that no other code's randomness changes what is
said.
Does not know: tokens' meaning, stop ids, forced ids.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from engine.settings import SamplingSettings


class Sampler:
    """Picks ids for one stream. The same seed, settings and logits give the same ids."""

    def __init__(self, settings: SamplingSettings, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        self._generator = torch.Generator(device=device)
        self._context_ids = torch.empty(0, dtype=torch.int64, device=device)
        self.reset()

    def reset(self) -> None:
        """Start the generator anew: from the seed, or from a fresh one where there is none."""
        if self._settings.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(self._settings.seed)

    def begin(self, context_ids: Iterable[int]) -> None:
        """Take note of every id in the context before a phrase begins."""
        unique = sorted(set(context_ids))
        self._context_ids = torch.tensor(unique, dtype=torch.int64, device=self._device)

    def note(self, token_id: int) -> None:
        """Take note of an id that joined the context."""
        self._context_ids = torch.cat([self._context_ids, self._context_ids.new_tensor([token_id])])

    def penalise(self, logits_V: torch.Tensor) -> torch.Tensor:
        """A copy of the float32 logits (V,) with the repetition penalty applied."""
        penalty = self._settings.repetition_penalty
        if penalty == 1:
            return logits_V.clone()
        seen = logits_V[self._context_ids]
        return logits_V.index_copy(
            0, self._context_ids, torch.where(seen < 0, seen * penalty, seen / penalty)
        )

    def pick(self, penalised_V: torch.Tensor) -> int:
        """Pick an id by penalised logits: the likeliest if greedy, else one drawn from the nucleus."""
        settings = self._settings
        if settings.greedy:
            return int(penalised_V.argmax())
        p_V = torch.softmax(penalised_V / settings.temperature, dim=-1)
        if settings.top_p < 1:
            p_V = _nucleus(p_V, settings.top_p)
        return int(torch.multinomial(p_V, 1, generator=self._generator))


def _nucleus(p_V: torch.Tensor, top_p: float) -> torch.Tensor:
    """Zero all but the fewest likeliest ids whose probabilities add up to ``top_p``; at least one stays."""
    sorted_V, order_V = p_V.sort(descending=True, stable=True)
    before_V = sorted_V.cumsum(0) - sorted_V
    return torch.zeros_like(p_V).scatter(0, order_V, sorted_V.masked_fill(before_V >= top_p, 0.0))
