"""Picking tokens, against transformers' own processors and plain arithmetic."""

from collections import Counter

import pytest
import torch
from transformers import RepetitionPenaltyLogitsProcessor, TopPLogitsWarper

from engine import SamplingSettings
from engine.sampling import Sampler

CPU = torch.device("cpu")
CONTEXT = [3, 1, 3, 7, 11, 1]


def logits(seed: int = 0) -> torch.Tensor:
    return torch.randn(16, generator=torch.Generator().manual_seed(seed)) * 3


def sampler(**settings: object) -> Sampler:
    made = Sampler(SamplingSettings(**settings), 16, CPU)  # type: ignore[arg-type]  # any setting may be given
    made.begin(CONTEXT)
    return made


@pytest.mark.parametrize("penalty", [1.0, 1.05, 2.0, 0.5])
def test_the_penalty_equals_transformers(penalty: float) -> None:
    ours = sampler(repetition_penalty=penalty)
    ours.note(torch.tensor([5]))
    theirs = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([[*CONTEXT, 5]]), logits()[None].clone())[
        0
    ]
    assert torch.allclose(ours.penalise(logits()), theirs)


def test_the_penalty_leaves_the_raw_logits_alone() -> None:
    raw = logits()
    sampler(repetition_penalty=1.5).penalise(raw)
    assert torch.equal(raw, logits())


def test_greedy_takes_the_best_after_the_penalty() -> None:
    raw = torch.zeros(16)
    raw[3], raw[4] = 2.0, 1.9
    ours = sampler(greedy=True, repetition_penalty=1.1)
    assert ours.pick(ours.penalise(raw)) == 4


@pytest.mark.parametrize(
    ("temperature", "top_p"), [(1.0, 1.0), (0.5, 1.0), (1.0, 0.7), (2.0, 0.3), (1.0, 1e-6)]
)
def test_ids_are_drawn_with_the_right_probabilities(temperature: float, top_p: float) -> None:
    ours = sampler(temperature=temperature, top_p=top_p, seed=5)
    scaled = logits()[None] / temperature
    expected = torch.softmax(TopPLogitsWarper(top_p)(torch.zeros(1, 1, dtype=torch.long), scaled), dim=-1)[0]
    count = 4000
    drawn = Counter(ours.pick(logits()) for _ in range(count))
    for token_id, p in enumerate(expected.tolist()):
        assert abs(drawn[token_id] / count - p) < 4 * (p * (1 - p) / count) ** 0.5 + 1e-9


def test_a_seed_repeats_itself_and_disregards_other_randomness() -> None:
    first, second = sampler(seed=9), sampler(seed=9)
    a = [first.pick(logits(i)) for i in range(50)]
    torch.manual_seed(1)
    torch.rand(3)
    assert a == [second.pick(logits(i)) for i in range(50)]
    first.reset()
    assert a == [first.pick(logits(i)) for i in range(50)]


def test_without_a_seed_streams_differ() -> None:
    first, second = sampler(temperature=10.0), sampler(temperature=10.0)
    assert [first.pick(logits(i)) for i in range(50)] != [second.pick(logits(i)) for i in range(50)]
