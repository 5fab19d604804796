"""The forward pass of chunked fine-tuning over a transformers Qwen2.5-VL.

Knows how to put video features among token embeddings and how to take the loss of assistant tokens only. Knows nothing
of data, optimizers or the streaming cache: inside a chunk attention is full and positions are contiguous.

Shape suffixes: B chunks, L tokens, D hidden, N patches of the batch, P patches of a frame pair, H heads, K head size,
F values of a patch, V vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from engine.preprocess import patchify
from training.errors import RecipeError
from training.sft.conversation import IGNORED_LABEL
from training.sft.loss import token_loss
from training.sft.packing import PACKED, register
from training.sft.settings import LossKind


class ChunkModel(nn.Module):
    """A Qwen2.5-VL that takes whole chunks: uint8 frames, ids, positions and labels in, a loss out.

    Chunks are rows of a batch, or packed into one row. The checkpoint stays an ordinary transformers model (`.hf`).
    """

    def __init__(
        self,
        hf: Any,
        *,
        train_vision: bool,
        compile_layers: bool = False,
        pixel_noise: float = 0.0,
        checkpoint_layers: bool = False,
        loss: LossKind = "chunked",
    ) -> None:
        super().__init__()
        self.loss_kind = loss
        register()
        # Layers share one configuration, and with it the name of their attention; without packed chunks it is torch's own.
        hf.model.language_model.config._attn_implementation = PACKED
        if checkpoint_layers:
            # Of the language model alone: vision is computed once a chunk, without gradients where it is frozen.
            text = hf.model.language_model
            # Its name since transformers 5.23; before, the other.
            enable = getattr(text, "activation_checkpointing_enable", text.gradient_checkpointing_enable)
            enable({"use_reentrant": False})
        self.hf = hf
        self.config = hf.config
        self.train_vision = train_vision
        self.pixel_noise = pixel_noise
        hf.model.visual.requires_grad_(train_vision)
        self._vision_blocks: Sequence[Any] = list(hf.model.visual.blocks)
        self._is_uniform = not set(range(len(hf.model.visual.blocks))) - set(
            hf.model.visual.fullatt_block_indexes
        )
        self._uniform_block = uniform_vision_block
        if compile_layers:
            for layer in hf.model.language_model.layers:
                layer.forward = torch.compile(layer.forward, dynamic=False)
            self._uniform_block = torch.compile(uniform_vision_block, dynamic=False)

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        labels: Tensor,
        frames: Tensor | Sequence[Tensor] | None = None,
        chunk_starts: Tensor | None = None,
        chunk_lengths: Sequence[int] | None = None,
        **_: Any,
    ) -> dict[str, Tensor]:
        """`loss_sum` over the assistant's tokens, how many they are and how many the model has right.

        Args:
            input_ids: (B, L) int64, padded on the right.
            position_ids: (3, B, L) int64 or float.
            labels: (B, L) int64, already aligned with `input_ids` (not shifted); IGNORED_LABEL where nothing is learnt.
            frames: (B, T, height, width, 3) uint8 RGB, at the size the model sees; in pairs; None for text only. Of packed
                chunks a sequence of (T, height, width, 3), which may differ in size.
            chunk_starts, chunk_lengths: of packed chunks, see `packing.packed_attention`; B is 1 then.
        """
        hidden_BLD = self.hidden(
            input_ids, position_ids, frames, chunk_starts=chunk_starts, chunk_lengths=chunk_lengths
        )
        targets_BL = labels[:, 1:]
        learnt_BL = targets_BL != IGNORED_LABEL
        # Only assistant tokens reach the vocabulary: at 7B the logits of the other tokens would be the largest tensor.
        loss_sum, num_correct = token_loss(
            self.hf.lm_head, hidden_BLD[:, :-1][learnt_BL], targets_BL[learnt_BL], kind=self.loss_kind
        )
        return {"loss_sum": loss_sum, "num_correct": num_correct, "num_learnt": learnt_BL.sum()}

    def hidden(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        frames: Tensor | Sequence[Tensor] | None,
        *,
        chunk_starts: Tensor | None = None,
        chunk_lengths: Sequence[int] | None = None,
    ) -> Tensor:
        """(B, L, D) what the last layer makes of each token."""
        text = self.hf.model.language_model
        embeddings_BLD = text.embed_tokens(input_ids)
        if frames is not None:
            vision_ND = (
                self.vision_features(frames)
                if isinstance(frames, Tensor)
                else torch.cat([self.vision_features(chunk.unsqueeze(0)) for chunk in frames])
            )
            is_video_BL = input_ids == self.config.video_token_id
            embeddings_BLD = embeddings_BLD.masked_scatter(
                is_video_BL.unsqueeze(-1), vision_ND.to(embeddings_BLD.dtype)
            )
        packed: dict[str, Any] = {}
        if chunk_starts is not None and chunk_lengths is not None:
            packed = {"chunk_starts": chunk_starts, "chunk_lengths": tuple(chunk_lengths)}
        # Rows are padded on the right, so that what a token must not see is always after it: causal is all there is to
        # say, and a mask would only keep torch from its faster kernels.
        hidden_BLD: Tensor = text(
            inputs_embeds=embeddings_BLD,
            position_ids=position_ids,
            attention_mask={"full_attention": None},
            use_cache=False,
            **packed,
        ).last_hidden_state
        return hidden_BLD

    def logits(self, input_ids: Tensor, position_ids: Tensor, frames: Tensor | None = None) -> Tensor:
        """(B, L, V): for looking at what was learnt; in training only the assistant's tokens reach the vocabulary."""
        logits_BLV: Tensor = self.hf.lm_head(self.hidden(input_ids, position_ids, frames))
        return logits_BLV

    def vision_features(self, frames: Tensor) -> Tensor:
        """(N_merged, D) features of all frame pairs of the batch, in order. Without gradients where vision is frozen."""
        num_chunks, num_frames, height, width, _ = frames.shape
        pictures = frames.reshape(num_chunks * num_frames, height, width, 3)
        if self.training and self.pixel_noise:
            level = self.pixel_noise * torch.rand(num_chunks, device=frames.device).repeat_interleave(
                num_frames
            )
            noise = torch.randn(pictures.shape, device=frames.device) * level.view(-1, 1, 1, 1)
            pictures = (pictures + noise).clamp(0, 255)
        patches_NF, grid = patchify(pictures)
        with torch.set_grad_enabled(self.train_vision and torch.is_grad_enabled()):
            if self._is_uniform:
                return uniform_vision_forward(
                    self.hf.model.visual, patches_NF, grid, block=self._uniform_block
                )
            num_pairs, grid_height, grid_width = grid
            # Pair by pair, as in a stream: a video of many pairs would attend from one second to another nowhere either.
            grid_N3 = torch.tensor([[1, grid_height, grid_width]] * num_pairs, device=frames.device)
            features: Tensor = self.hf.model.visual(patches_NF, grid_N3).pooler_output
            return features


def uniform_vision_forward(
    visual: Any, patches_NF: Tensor, grid: tuple[int, int, int], *, block: Any = None
) -> Tensor:
    """Run a transformers Qwen2.5-VL vision tower over frame pairs of one size, as one batch.

    transformers attends pair by pair in a loop where no flash-attn is installed; with one size and full attention the
    pairs are simply the batch. Agrees with `visual(patches, grid_thw)`.

    Raises:
        RecipeError: a block uses window attention, whose windows are not of one size.
    """
    num_pairs, height, width = grid
    if set(range(len(visual.blocks))) - set(visual.fullatt_block_indexes):
        raise RecipeError(
            "This vision tower has window attention. Train it with flash-attn installed, or freeze it "
            "(train_vision=False) and use features from the engine."
        )
    block = block or uniform_vision_block
    cos_PK, sin_PK = _vision_rope(visual, height, width, patches_NF.device)
    # A convolution whose stride is its kernel is a matrix product, and bf16 Conv3d is far slower on CUDA.
    hidden = linear(patches_NF, visual.patch_embed.proj.weight.flatten(1)).view(num_pairs, height * width, -1)
    for layer in visual.blocks:
        hidden = block(layer, hidden, cos_PK, sin_PK)
    merged: Tensor = visual.merger(hidden.reshape(num_pairs * height * width, -1))
    return merged


def uniform_vision_block(layer: Any, hidden_NPD: Tensor, cos_PK: Tensor, sin_PK: Tensor) -> Tensor:
    """One vision block with full attention inside each frame pair."""
    attention = layer.attn
    num_pairs, num_patches, size = hidden_NPD.shape
    qkv = attention.qkv(layer.norm1(hidden_NPD)).view(num_pairs, num_patches, 3, attention.num_heads, -1)
    query_NHPK, key_NHPK, value_NHPK = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    query_NHPK, key_NHPK = _rotate(query_NHPK, cos_PK, sin_PK), _rotate(key_NHPK, cos_PK, sin_PK)
    mixed_NHPK = scaled_dot_product_attention(query_NHPK, key_NHPK, value_NHPK)
    hidden_NPD = hidden_NPD + attention.proj(mixed_NHPK.transpose(1, 2).reshape(num_pairs, num_patches, size))
    result: Tensor = hidden_NPD + layer.mlp(layer.norm2(hidden_NPD))
    return result


def _rotate(x: Tensor, cos_PK: Tensor, sin_PK: Tensor) -> Tensor:
    first, second = x.float().chunk(2, dim=-1)
    return (x.float() * cos_PK + torch.cat((-second, first), dim=-1) * sin_PK).to(x.dtype)


def _vision_rope(visual: Any, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(P, K) cosines and sines of one frame pair's patches, in the tower's order: 2x2 merge groups, row by row."""
    merge = visual.spatial_merge_size
    rows = (
        torch.arange(height, device=device)
        .view(height // merge, merge, 1, 1)
        .expand(-1, -1, width // merge, merge)
    )
    columns = (
        torch.arange(width, device=device)
        .view(1, 1, width // merge, merge)
        .expand(height // merge, merge, -1, -1)
    )
    place_P2 = torch.stack(
        (rows.permute(0, 2, 1, 3).reshape(-1), columns.permute(0, 2, 1, 3).reshape(-1)), dim=-1
    )
    head_size = visual.blocks[0].attn.head_dim
    inverse = 1.0 / (
        10000.0 ** (torch.arange(0, head_size // 2, 2, device=device).float() / (head_size // 2))
    )
    angles_PK = (place_P2.unsqueeze(-1).float() * inverse).flatten(1).repeat(1, 2)
    return angles_PK.cos(), angles_PK.sin()
