"""The forward pass of chunked fine-tuning over a transformers Qwen2.5-VL.

Knows how to put video features among token embeddings and how to take the loss of assistant tokens only. Knows nothing
of data, optimizers or the streaming cache: inside a chunk attention is full and positions are contiguous.

Shape suffixes: B chunks, L tokens, D hidden, N patches of the batch, F values of a patch, V vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.preprocess import patchify
from training.sft.conversation import IGNORED_LABEL
from training.sft.loss import token_loss
from training.sft.packing import PACKED, register
from training.sft.recompute import checkpoint_options
from training.sft.settings import AttentionKind, LossKind, Recomputed
from training.sft.vision import Block, vision_block, vision_forward


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
        is_packed: bool = False,
        pixel_noise: float = 0.0,
        checkpoint_layers: bool = False,
        recomputed: Recomputed = "all",
        attention: AttentionKind = "auto",
        loss: LossKind = "chunked",
    ) -> None:
        super().__init__()
        self.loss_kind = loss
        self.attention: AttentionKind = attention
        register()
        # Layers share one configuration, and with it the name of their attention; without packed chunks it is torch's own.
        hf.model.language_model.config._attn_implementation = PACKED
        # What a compiler makes of a layer recomputes the cheap parts by itself.
        if checkpoint_layers and not (compile_layers and recomputed == "cheap"):
            # Of the language model alone: vision is computed once a chunk, without gradients where it is frozen.
            text = hf.model.language_model
            # Its name since transformers 5.23; before, the other.
            enable = getattr(text, "activation_checkpointing_enable", text.gradient_checkpointing_enable)
            enable(
                checkpoint_options(
                    recomputed,
                    hidden_size=text.config.hidden_size,
                    inner_size=text.config.intermediate_size,
                )
            )
        self.hf = hf
        self.config = hf.config
        self.train_vision = train_vision
        self.pixel_noise = pixel_noise
        hf.model.visual.requires_grad_(train_vision)
        self._vision_block: Block = vision_block
        if compile_layers:
            # Packed rows have another length each time, padded ones always the same.
            for layer in hf.model.language_model.layers:
                layer.forward = torch.compile(layer.forward, dynamic=is_packed or False)
            self._vision_block = torch.compile(vision_block, dynamic=False)

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
            packed = {
                "chunk_starts": chunk_starts,
                "chunk_lengths": tuple(chunk_lengths),
                "attention_kind": self.attention,
            }
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
            return vision_forward(self.hf.model.visual, patches_NF, grid, block=self._vision_block)


def freeze_vision(hf: Any) -> None:
    """Freeze a model's vision tower; on a GPU it is kept in bfloat16: what never learns needs no more."""
    hf.model.visual.requires_grad_(False)
    if torch.cuda.is_available():
        hf.model.visual.to(torch.bfloat16)
