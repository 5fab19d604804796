"""Put encoded chunks together into a batch. Knows padding; knows nothing of where chunks come from.

Shape suffixes: B chunks, L tokens.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.errors import RecipeError
from training.sft.conversation import IGNORED_LABEL, EncodedChunk


class Example(TypedDict):
    """One chunk as the data set yields it."""

    encoded: EncodedChunk
    frames: NDArray[np.uint8] | None
    """(T, height, width, 3) RGB at the size the model sees; None where a chunk is text only."""


class ChunkCollator:
    """Pads chunks on the right to one fixed length, so that compiled layers see one shape."""

    def __init__(self, *, num_tokens: int, pad_id: int) -> None:
        self.num_tokens = num_tokens
        self.pad_id = pad_id

    def __call__(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """input_ids (B, L), labels (B, L), position_ids (3, B, L) and frames (B, T, height, width, 3).

        A batch that is text only has no frames.

        Raises RecipeError where a chunk is longer than the fixed length.
        """
        shape = (len(examples), self.num_tokens)
        input_ids = torch.full(shape, self.pad_id, dtype=torch.long)
        labels = torch.full(shape, IGNORED_LABEL, dtype=torch.long)
        position_ids = torch.zeros((3, *shape), dtype=torch.float32)
        for row, example in enumerate(examples):
            encoded = example["encoded"]
            length = len(encoded.input_ids)
            if length > self.num_tokens:
                raise RecipeError(
                    f"A chunk has {length} tokens; max_tokens is {self.num_tokens}. Raise max_tokens."
                )
            input_ids[row, :length] = torch.from_numpy(encoded.input_ids)
            labels[row, :length] = torch.from_numpy(encoded.labels)
            position_ids[:, row, :length] = torch.from_numpy(encoded.positions)
        batch = {"input_ids": input_ids, "labels": labels, "position_ids": position_ids}
        frames = [example["frames"] for example in examples if example["frames"] is not None]
        if frames:
            batch["frames"] = torch.from_numpy(np.stack(frames))
        return batch
