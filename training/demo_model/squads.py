"""Squad drills: no picture, only a title and then number, name and team of its players, over and over.

Knows titles and tokens. Knows nothing of pictures.

Looking a name up in the title is what a small model learns last: in the first run it read every number and every event
right after 1,900 steps and still made up all names. Without pictures a step costs a fiftieth, so the look-up is learnt
here first, in a minute or two, and used afterwards.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from engine.prompt import PromptBuilder
from engine.rope import TextSpan, positions_3d
from training.demo_league.names import make_teams
from training.demo_league.records import Team, squads_title
from training.sft.collate import Example
from training.sft.conversation import IGNORED_LABEL, EncodedChunk

SQUAD_QUERY = "Read the squads"
MAX_GAP = 1200
"""Largest jump in positions between title and drill: in a stream the title is a whole window away."""
NUM_ASKED = 20
SQUAD_SIZES = (1, 1, 2, 3, 5, 5)
MAX_TOKENS = 176


class SquadDrills(IterableDataset[Example]):
    """Endless text-only chunks, seeded by (seed, worker, index)."""

    def __init__(self, tokenizer: Any, *, seed: int) -> None:
        self.prompt = PromptBuilder(tokenizer)
        self.seed = seed

    def __iter__(self) -> Iterator[Example]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, 0x59AD, 0 if worker is None else worker.id])
        while True:
            yield {"encoded": self.encode(rng), "frames": None}

    def encode(self, rng: np.random.Generator) -> EncodedChunk:
        """One drill: two random teams of one to five players, asked for over and over in random order.

        Small squads are asked more often, so that a drill keeps its length. They come first in learning: with ten
        names to choose from and each said twice, 2,500 steps of 512 drills taught nothing; a team's name, one of two
        and said ten times, was looked up after 300.
        """
        size = int(rng.choice(SQUAD_SIZES))
        teams = [_reduced(team, size, rng) for team in make_teams(rng)]
        context = self.prompt.prefix(squads_title(teams[0], teams[1]))
        parts = self.prompt.user_turn_parts(0, 0, 0, SQUAD_QUERY)
        ids = [*context, *parts.head, *parts.tail, *self.prompt.assistant_header()]
        labels = [IGNORED_LABEL] * len(ids)
        members = [(team, player) for team in teams for player in team.players]
        for _ in range(NUM_ASKED // len(members)):
            for index in rng.permutation(len(members)):
                team, player = members[index]
                number = self.prompt.encode(f" {player.number}")
                answer = self.prompt.encode(f" {player.name} {team.name}")
                ids += [*number, *answer]
                # Who is asked for next is chance: there is nothing to learn.
                labels += [*[IGNORED_LABEL] * len(number), *answer]
        positions = positions_3d([TextSpan(len(ids))])
        positions[:, len(context) :] += float(rng.integers(0, MAX_GAP))
        return EncodedChunk(
            input_ids=np.array(ids, np.int64), labels=np.array(labels, np.int64), positions=positions
        )


def _reduced(team: Team, size: int, rng: np.random.Generator) -> Team:
    kept = sorted(rng.choice(len(team.players), size, replace=False))
    return dataclasses.replace(team, players=tuple(team.players[index] for index in kept))
