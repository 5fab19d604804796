"""The training forward pass against transformers' own, on random frames."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from engine.preprocess import patchify
from engine.prompt import PromptBuilder
from tests.training.sft.small_run import small_model
from training.errors import RecipeError
from training.sft.annotation import Chunk
from training.sft.collate import ChunkCollator, Example, PackingCollator
from training.sft.conversation import IGNORED_LABEL, encode
from training.sft.model import ChunkModel
from training.sft.settings import PromptSettings, Recomputed
from training.sft.vision import vision_forward


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
        ours = vision_forward(hf_model.model.visual, patches, grid)
        theirs = hf_model.model.visual(patches, torch.tensor([grid])).pooler_output
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [(112, 112), (252, 392), (56, 420), (224, 448)])
def test_windows_of_every_size_agree_with_transformers(tokenizer: Any, size: tuple[int, int]) -> None:
    hf = small_model(tokenizer, full_attention_blocks=(1,))
    frames = torch.from_numpy(np.random.default_rng(6).integers(0, 256, (4, *size, 3), dtype=np.uint8))
    patches, (num_pairs, height, width) = patchify(frames)
    with torch.no_grad():
        ours = vision_forward(hf.model.visual, patches, (num_pairs, height, width))
        theirs = hf.model.visual(patches, torch.tensor([[1, height, width]] * num_pairs)).pooler_output
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


Mode: Any = TorchDispatchMode  # untyped in torch


class Products(Mode):
    """Counts matrix products and attentions while it is on."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = {"products": 0, "attention": 0}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts["products"] += "mm" in str(func)
        self.counts["attention"] += "scaled_dot_product" in str(func) and "backward" not in str(func)
        return func(*args, **(kwargs or {}))


def test_what_is_kept_is_not_computed_again_and_gradients_stay(tokenizer: Any) -> None:
    batch = PackingCollator(max_chunk_tokens=256, pad_id=0)([example(tokenizer, 0), example(tokenizer, 1)])
    kinds: tuple[Recomputed | None, ...] = (None, "cheap", "mlp", "all")
    counts: dict[Recomputed | None, dict[str, int]] = {}
    grads = {}
    for kind in kinds:
        hf = small_model(tokenizer)
        # The vocabulary's slices are made again whatever layers keep.
        model = ChunkModel(
            hf, train_vision=False, checkpoint_layers=kind is not None, recomputed=kind or "all"
        ).train()
        inputs = {name: batch[name] for name in batch if name != "labels"}
        hidden: Any = model.hidden(**inputs)
        with Products() as products:
            hidden.square().sum().backward()
        counts[kind] = products.counts
        grads[kind] = hf.model.language_model.layers[0].mlp.up_proj.weight.grad
    num_layers = 2
    for kind, again in (("cheap", 0), ("mlp", 2), ("all", 6)):
        more = counts[kind]["products"] - counts[None]["products"]
        # Torch stops before a layer's last product, which nothing in it needs.
        assert more == again * num_layers, (kind, counts)
        torch.testing.assert_close(grads[kind], grads[None])
    assert [counts[kind]["attention"] > 0 for kind in kinds] == [False, False, False, True]


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
