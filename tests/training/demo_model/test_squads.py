"""Squad drills: what is asked can be looked up in the title, and nothing else is learnt."""

import re
from typing import Any

import numpy as np
import pytest

from training.demo_model.architecture import train_tokenizer
from training.demo_model.match_chunks import sample_texts
from training.demo_model.squads import MAX_GAP, MAX_TOKENS, SquadDrills
from training.sft.collate import ChunkCollator
from training.sft.conversation import IGNORED_LABEL


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return train_tokenizer(sample_texts(30, seed=2))


def test_every_answer_is_the_titles(tokenizer: Any) -> None:
    drills = SquadDrills(tokenizer, seed=1)
    for seed in range(20):
        encoded = drills.encode(np.random.default_rng(seed))
        text = tokenizer.decode(encoded.input_ids)
        title, said = text.split("previous text\n")[1].split("<|im_start|>assistant\n")
        teams = re.findall(r"(\w+) in \w+: ([^.]*)\.", title)
        squad = {
            number: (name, team)
            for team, players in teams
            for number, name in re.findall(r"(\d+) (\w+)", players)
        }
        asked = re.findall(r"(\d+) (\w+) (\w+)", said)
        assert len(asked) >= 18
        assert all(squad[number] == (name, team) for number, name, team in asked)
        assert {number for number, _, _ in asked} == set(squad)


def test_only_names_and_teams_are_learnt(tokenizer: Any) -> None:
    encoded = SquadDrills(tokenizer, seed=1).encode(np.random.default_rng(3))
    learnt = tokenizer.decode(encoded.input_ids[encoded.labels != IGNORED_LABEL])
    assert re.fullmatch(r"( [A-Z]\w+)+", learnt)


def test_drills_fit_and_their_positions_jump_once_after_the_title(tokenizer: Any) -> None:
    stream = iter(SquadDrills(tokenizer, seed=1))
    examples = [next(stream) for _ in range(12)]
    batch = ChunkCollator(num_tokens=2 * MAX_TOKENS, pad_id=0)(examples)
    assert "frames" not in batch
    for example in examples:
        steps = np.diff(example["encoded"].positions[0])
        assert (steps == 1).sum() >= len(steps) - 1
        assert steps.max() <= MAX_GAP
