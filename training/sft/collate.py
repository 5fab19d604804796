"""Put encoded chunks together into a batch. Knows padding; knows nothing of where chunks come from.

Shape suffixes: B chunks, L tokens.
"""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray

from training.errors import RecipeError
from training.sft.conversation import IGNORED_LABEL, EncodedChunk


class Example(TypedDict):
    """One chunk as the data set yields it."""

    encoded: EncodedChunk
    frames: NDArray[np.uint8] | None
    """(T, height, width, 3) RGB at the size the model sees; None where a chunk is text only."""
    num_skipped: NotRequired[int]
    """Chunks that could not be read and in whose place this one stands."""


class ChunkCollator:
    """Pads chunks on the right to one fixed length, so that compiled layers see one shape."""

    def __init__(self, *, num_tokens: int, pad_id: int) -> None:
        self.num_tokens = num_tokens
        self.pad_id = pad_id

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
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
        return _with_skipped(batch, examples)


class PackingCollator:
    """Puts chunks one after the other into one row; each attends to itself only (`packing`)."""

    def __init__(self, *, max_chunk_tokens: int, pad_id: int, multiple: int = 64) -> None:
        """`multiple`: the row is padded to a multiple of this, by a last chunk that nothing is learnt from."""
        self.max_chunk_tokens = max_chunk_tokens
        self.pad_id = pad_id
        self.multiple = multiple

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """input_ids (1, L), labels (1, L), position_ids (3, 1, L), chunk_starts (C + 1), chunk_lengths, and frames, a list
        of (T, height, width, 3).

        Raises RecipeError where a chunk is longer than the greatest length.
        """
        lengths = [len(example["encoded"].input_ids) for example in examples]
        if max(lengths) > self.max_chunk_tokens:
            raise RecipeError(
                f"A chunk has {max(lengths)} tokens; max_tokens is {self.max_chunk_tokens}. Raise max_tokens."
            )
        num_padding = -sum(lengths) % self.multiple
        if num_padding:
            lengths.append(num_padding)
        total = sum(lengths)
        input_ids = torch.full((1, total), self.pad_id, dtype=torch.long)
        labels = torch.full((1, total), IGNORED_LABEL, dtype=torch.long)
        position_ids = torch.zeros((3, 1, total), dtype=torch.float32)
        at = 0
        for example in examples:
            encoded = example["encoded"]
            end = at + len(encoded.input_ids)
            input_ids[0, at:end] = torch.from_numpy(encoded.input_ids)
            labels[0, at:end] = torch.from_numpy(encoded.labels)
            position_ids[:, 0, at:end] = torch.from_numpy(encoded.positions)
            at = end
        starts = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
        batch: dict[str, Any] = {
            "input_ids": input_ids,
            "labels": labels,
            "position_ids": position_ids,
            "chunk_starts": starts,
            "chunk_lengths": lengths,
        }
        frames = [
            torch.from_numpy(example["frames"]) for example in examples if example["frames"] is not None
        ]
        if frames:
            batch["frames"] = frames
        return _with_skipped(batch, examples)


def _with_skipped(batch: dict[str, Any], examples: Sequence[Example]) -> dict[str, Any]:
    if any("num_skipped" in example for example in examples):
        batch["num_skipped"] = torch.tensor(sum(example.get("num_skipped", 0) for example in examples))
        batch["num_chunks"] = torch.tensor(len(examples))
    return batch
