"""Which process does which videos, when a run is spread over several GPUs of one machine or of many.

Knows the environment that accelerate and torchrun set for their processes (RANK, WORLD_SIZE, LOCAL_RANK), read when a
run starts. The processes never talk to each other: every video has files of its own, so a process that dies takes
nobody along, and a later run with any number of processes goes on where this one was.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from training.evaluate.errors import EvaluationError


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One of the processes of a run."""

    rank: int = 0
    """Which one, from 0."""
    world_size: int = 1
    """How many there are."""
    local_rank: int = 0
    """Which one of this machine."""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world_size or self.local_rank < 0:
            raise EvaluationError(
                f"RANK ({self.rank}) must be from 0 to WORLD_SIZE - 1 ({self.world_size - 1}), and LOCAL_RANK "
                f"({self.local_rank}) not negative; accelerate launch and torchrun set them."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Shard":
        """The shard that accelerate or torchrun made this process; the only one where neither did."""
        values = os.environ if environment is None else environment
        try:
            rank = int(values.get("RANK", "0"))
            return cls(
                rank=rank,
                world_size=int(values.get("WORLD_SIZE", "1")),
                local_rank=int(values.get("LOCAL_RANK", "0")),
            )
        except ValueError as error:
            raise EvaluationError(
                f"RANK, WORLD_SIZE and LOCAL_RANK must be whole numbers ({error})."
            ) from error

    def device(self, asked: str) -> str:
        """The device for this process: with "auto" or "cuda", every process of a machine takes a GPU of its own."""
        if asked not in ("auto", "cuda"):
            return asked
        import torch

        if not torch.cuda.is_available():
            return "cpu" if asked == "auto" else asked  # loading the model then says that there is no GPU
        return f"cuda:{self.local_rank % torch.cuda.device_count()}"

    def share_of(self, costs: Mapping[str, float]) -> list[str]:
        """The videos that fall to this process: the dearest first, each to whoever has least to do.

        Args:
            costs: what each video costs, in any unit; the same for every process.
        """
        loads = [0.0] * self.world_size
        mine: list[str] = []
        for video in sorted(costs, key=lambda name: (-costs[name], name)):
            rank = min(range(self.world_size), key=lambda index: (loads[index], index))
            loads[rank] += costs[video]
            if rank == self.rank:
                mine.append(video)
        return mine
