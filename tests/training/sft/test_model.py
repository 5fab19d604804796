"""The training forward pass against transformers' own, on random frames."""

from typing import Any

import numpy as np
import pytest
import torch

from engine.preprocess import patchify
from engine.prompt import PromptBuilder
from training.errors import RecipeError
from training.sft.annotation import Chunk
from training.sft.collate import ChunkCollator, Example
from training.sft.conversation import IGNORED_LABEL, encode
from training.sft.model import ChunkModel, uniform_vision_forward
from training.sft.settings import PromptSettings


def example(tokenizer: Any, seed: int, num_seconds: int = 3) -> Example:
    rng = np.random.default_rng(seed)
    words = tuple(
        (k + 0.2, k + 0.5, word) for k, word in enumerate(["Okafor", "shoots!", "Goal!"][:num_seconds])
    )
    chunk = Chunk(
        video="", start_s=0, end_s=num_seconds, previous="Lions in red: 1 Okafor." * (seed + 1), words=words
    )
    encoded = encode(chunk, PromptBuilder(tokenizer), PromptSettings(), frame_size=(56, 84), query="")
    return {"encoded": encoded, "frames": rng.integers(0, 256, (2 * num_seconds, 56, 84, 3), dtype=np.uint8)}


def test_the_loss_is_that_of_transformers_on_the_same_chunk(hf_model: Any, tokenizer: Any) -> None:
    ours = ChunkModel(hf_model, train_vision=True).eval()
    batch = ChunkCollator(num_tokens=256, pad_id=tokenizer.pad_token_id)(
        [example(tokenizer, 0), example(tokenizer, 1)]
    )
    with torch.no_grad():
        result = ours(**batch)
        losses, counts = [], []
        for row in range(2):
            length = len(example(tokenizer, row)["encoded"].input_ids)
            patches, _ = patchify(batch["frames"][row])
            ids = batch["input_ids"][row : row + 1, :length]
            theirs = hf_model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                pixel_values_videos=patches,
                video_grid_thw=torch.tensor([[1, 4, 6]] * 3),
                second_per_grid_ts=torch.tensor([1.0] * 3),
                mm_token_type_ids=(ids == hf_model.config.video_token_id).int() * 2,
                labels=batch["labels"][row : row + 1, :length],
            )
            losses.append(theirs.loss)
            counts.append((batch["labels"][row, 1:] != IGNORED_LABEL).sum())
    expected = (losses[0] * counts[0] + losses[1] * counts[1]) / (counts[0] + counts[1])
    assert (result["loss_sum"] / result["num_learnt"]).item() == pytest.approx(expected.item(), abs=1e-4)
    assert int(result["num_learnt"]) == int(counts[0] + counts[1])


def test_vision_as_a_batch_agrees_with_transformers_pair_by_pair(hf_model: Any) -> None:
    frames = torch.from_numpy(np.random.default_rng(5).integers(0, 256, (6, 84, 140, 3), dtype=np.uint8))
    patches, grid = patchify(frames)
    with torch.no_grad():
        ours = uniform_vision_forward(hf_model.model.visual, patches, grid)
        theirs = hf_model.model.visual(patches, torch.tensor([grid])).pooler_output
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_padding_does_not_reach_the_loss(hf_model: Any, tokenizer: Any) -> None:
    ours = ChunkModel(hf_model, train_vision=True).eval()
    with torch.no_grad():
        losses = [
            ours(**ChunkCollator(num_tokens=length, pad_id=tokenizer.pad_token_id)([example(tokenizer, 0)]))[
                "loss_sum"
            ].item()
            for length in (180, 320)
        ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_frozen_vision_tower_gets_no_gradient(hf_model: Any, tokenizer: Any) -> None:
    batch = ChunkCollator(num_tokens=256, pad_id=tokenizer.pad_token_id)([example(tokenizer, 0)])
    for train_vision in (False, True):
        hf_model.zero_grad()
        ChunkModel(hf_model, train_vision=train_vision)(**batch)["loss_sum"].backward()
        vision = hf_model.model.visual.blocks[0].attn.qkv.weight.grad
        assert (vision is not None and bool(vision.abs().sum() > 0)) == train_vision
        assert hf_model.model.language_model.layers[0].self_attn.q_proj.weight.grad.abs().sum() > 0


def test_a_chunk_that_is_too_long_says_what_to_do(tokenizer: Any) -> None:
    with pytest.raises(RecipeError, match="Raise max_tokens"):
        ChunkCollator(num_tokens=50, pad_id=0)([example(tokenizer, 0)])
