"""The same model and the same tokens by plain transformers: what a ratio is taken to.

Every second, the whole window is run anew: its frames through the vision tower, its tokens into a new DynamicCache,
then the answer token by token. That is how a model is used that has no streaming engine; the contexts are ours, so are
the positions, so both read and say the same.

Knows: transformers' Qwen2.5-VL. Does not know: sessions.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import torch

from engine.model import LoadedModel
from engine.preprocess import patchify, resize_frames, smart_resize
from engine.quantised import QuantisedRows
from engine.rope import positions_3d
from engine.session import StreamingSession
from engine.weights import targets_of

_PREFIXES = {"text.": "model.language_model.", "vision.": "model.visual."}


@dataclasses.dataclass(frozen=True)
class BaselineStep:
    """What one recomputed step took, in milliseconds, and the logits of its first token."""

    vision_ms: float
    prefill_ms: float
    decode_ms: float
    logits_V: torch.Tensor

    @property
    def total_ms(self) -> float:
        """All of it."""
        return self.vision_ms + self.prefill_ms + self.decode_ms


class Baseline:
    """transformers' model with the weights of ``model``, on its device and in its type (rounded weights widened)."""

    def __init__(self, model: LoadedModel) -> None:
        from transformers import Qwen2_5_VLForConditionalGeneration  # imported late: slow

        self._model = model
        before = torch.get_default_dtype()
        torch.set_default_dtype(model.dtype)
        try:
            with torch.device(model.device):
                make: Any = Qwen2_5_VLForConditionalGeneration
                self._theirs = make._from_config(_their_config(model), attn_implementation="sdpa").eval()
        finally:
            torch.set_default_dtype(before)
        _copy_weights(model, self._theirs)

    @torch.inference_mode()
    def step(self, session: StreamingSession, frames_THWC: torch.Tensor, num_tokens: int) -> BaselineStep:
        """Recompute the window that ``session`` has at present and say ``num_tokens``.

        ``frames_THWC``: one chunk's frames, uint8; every block of the window is made of them.
        """
        from transformers import DynamicCache  # imported late: slow

        model, context = self._model, session.context
        frames_THWC = frames_THWC.to(model.device)
        started_s = self._now()
        patches = model.patches
        size = smart_resize(
            frames_THWC.shape[1], frames_THWC.shape[2], session.settings.resize, patches.factor
        )
        chunk_patches, grid = patchify(resize_frames(frames_THWC, *size), patches)
        ids = torch.tensor(context.ids[: context.num_cached], device=model.device)
        pads = ids == model.prompt.special.video_pad
        unit = patches.merge_size**2
        num_blocks = int(pads.sum()) * unit // len(chunk_patches)
        grids = torch.tensor([grid] * num_blocks, device=model.device)
        pixels = chunk_patches.to(model.dtype).repeat(num_blocks, 1)
        seen = self._theirs.model.visual(pixels, grids)
        embedded = getattr(seen, "pooler_output", seen)  # a bare tensor in some versions
        embedded = torch.cat(list(embedded)) if isinstance(embedded, tuple | list) else embedded
        seen_s = self._now()
        x = self._theirs.get_input_embeddings()(ids)
        x[pads] = embedded.to(x.dtype)
        positions = torch.from_numpy(positions_3d(context.spans)).to(model.device)
        cache = DynamicCache()
        state = self._run(x, positions[:, : len(ids)], cache)
        logits_V = self._theirs.lm_head(state[-1:])[0]
        token_1 = logits_V.argmax(dim=-1, keepdim=True)
        filled_s = self._now()
        after = positions[:, : len(ids)].max()
        for number in range(1, num_tokens):
            position = (after + number).expand(3, 1)
            state = self._run(self._theirs.get_input_embeddings()(token_1), position, cache)
            token_1 = self._theirs.lm_head(state[-1:])[0].argmax(dim=-1, keepdim=True)
            int(token_1)  # as a caller does that has to know when the phrase ends
        said_s = self._now()
        return BaselineStep(
            1000 * (seen_s - started_s),
            1000 * (filled_s - seen_s),
            1000 * (said_s - filled_s),
            logits_V.float(),
        )

    def _run(self, x_NE: torch.Tensor, positions_3N: torch.Tensor, cache: Any) -> torch.Tensor:
        out = self._theirs.model.language_model(
            inputs_embeds=x_NE[None],
            position_ids=positions_3N[:, None],
            past_key_values=cache,
            use_cache=True,
        )
        state_NE: torch.Tensor = out.last_hidden_state[0]
        return state_NE

    def _now(self) -> float:
        if self._model.device.type == "cuda":
            torch.cuda.synchronize(self._model.device)
        return time.perf_counter()


def _their_config(model: LoadedModel) -> Any:
    from transformers import Qwen2_5_VLConfig  # imported late: slow

    text, vision = model.config.text, model.config.vision
    tied = model.language.head is None
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": text.vocab_size,
            "hidden_size": text.hidden_size,
            "intermediate_size": text.intermediate_size,
            "num_hidden_layers": text.num_layers,
            "num_attention_heads": text.num_heads,
            "num_key_value_heads": text.num_kv_heads,
            "max_position_embeddings": text.max_positions,
            "rms_norm_eps": text.norm_eps,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": text.rope_theta,
                "mrope_section": list(text.mrope_section),
            },
            "use_sliding_window": False,
            "tie_word_embeddings": tied,
        },
        vision_config={
            "depth": vision.num_layers,
            "hidden_size": vision.hidden_size,
            "intermediate_size": vision.intermediate_size,
            "num_heads": vision.num_heads,
            "out_hidden_size": vision.output_size,
            "patch_size": vision.patch_size,
            "spatial_merge_size": vision.merge_size,
            "temporal_patch_size": vision.temporal_patch_size,
            "window_size": vision.window_size,
            "fullatt_block_indexes": sorted(vision.full_attention_layers),
            "tokens_per_second": round(vision.tokens_per_second),
            "in_channels": vision.in_channels,
            "hidden_act": "silu",
        },
        tie_word_embeddings=tied,
    )


@torch.no_grad()
def _copy_weights(model: LoadedModel, theirs: Any) -> None:
    """Their parameters from ours, row by row, as a checkpoint's files would be read the other way round."""
    parameters = dict(theirs.named_parameters())
    parts = {"language.": model.language, "vision.": model.vision}
    for name, target in targets_of(model.config).items():
        prefix = next((short for short in _PREFIXES if name.startswith(short)), "")
        parameter = parameters.get(_PREFIXES.get(prefix, "") + name.removeprefix(prefix))
        if parameter is None:  # a head that is the embedding
            continue
        part = next(short for short in parts if target.parameter.startswith(short))
        owner, _, kind = target.parameter.removeprefix(part).rpartition(".")
        module = parts[part].get_submodule(owner)
        rounded = module if isinstance(module, QuantisedRows) and kind == "weight" else None
        rows = rounded.widened() if rounded else module.get_parameter(kind)
        num_rows = rows.shape[0] if target.num_rows is None else target.num_rows
        rows = rows[target.first_row : target.first_row + num_rows]
        rows = rows[:, : target.num_columns] if target.num_columns else rows
        parameter.copy_(rows.reshape(parameter.shape))
