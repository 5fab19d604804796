"""A stream once more, slowly: transformers' own layers, keys kept unrotated one by one, all of them rotated again for
every single token, as the published code does. Shares no code with the engine's model, cache, ledger or
positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from engine.chunk import FrameChunk
from engine.model import LoadedModel
from engine.preprocess import patchify
from engine.settings import StreamSettings
from tests.engine.slow_protocol import SlowContext, Token


class SlowStream:
    """Streams with a transformers model; phrases are given from outside, their logits come back."""

    def __init__(self, oracle: Any, model: LoadedModel, settings: StreamSettings) -> None:
        self._oracle, self._model, self._settings = oracle, model, settings
        window = settings.window
        self.context = SlowContext(
            model.prompt,
            settings.title,
            vision_rounds=window.vision_rounds,
            text_rounds=window.text_rounds,
            sink=window.text_sink,
            window=window.text_window,
        )
        self._grids: dict[int, tuple[int, int, int]] = {}
        self._embedded: dict[int, torch.Tensor] = {}
        self._keys: dict[int, list[torch.Tensor]] = {}
        self._values: dict[int, list[torch.Tensor]] = {}
        self._num_steps = 0

    @torch.no_grad()
    def step(self, chunk: FrameChunk, said: Sequence[int], question: str = "") -> list[torch.Tensor]:
        """Show a chunk that needs no resizing, say the given ids; the logits before each of them."""
        self.context.evict(self._num_steps)
        patches, grid = patchify(torch.from_numpy(chunk.frames), self._model.patches)
        embedded = self._oracle.model.visual(patches, torch.tensor([grid])).pooler_output
        texts = [self._settings.query] if self._num_steps == 0 else []
        text = " ".join([*texts, *([question] if question else [])])
        turn = self._model.prompt.user_turn(chunk.start_s, chunk.end_s, len(embedded), text)
        new = self.context.begin_step(self._num_steps, turn)
        pads = [token for token in new if token.id == self._model.prompt.special.video_pad]
        self._grids[pads[0].serial] = grid
        self._embedded |= {token.serial: vector for token, vector in zip(pads, embedded, strict=True)}
        logits = []
        for index, token_id in enumerate(said):
            if index == self._settings.sampling.max_new_tokens:
                self.context.add([token_id])
                break
            logits.append(self._forward())
            self.context.add([token_id])
            if token_id in self._model.stop_ids and index == len(said) - 2:
                self.context.add([said[-1]])
                break
        self._num_steps += 1
        return logits

    def positions(self) -> np.ndarray:
        """Positions of the present context, token by token, (3, L)."""
        merge, fps = self._model.patches.merge_size, self._settings.window.fps
        step = 2 / fps * self._model.config.vision.tokens_per_second
        places: list[tuple[float, float, float]] = []
        tokens, highest, i = self.context.tokens, -1.0, 0
        while i < len(tokens):
            start = highest + 1
            if tokens[i].serial in self._grids:
                num_t, rows, columns = self._grids[tokens[i].serial]
                block = [
                    (start + t * step, start + h, start + w)
                    for t in range(num_t)
                    for h in range(rows // merge)
                    for w in range(columns // merge)
                ]
            else:
                block = [(start, start, start)]
            places += block
            highest = max(max(place) for place in block)
            i += len(block)
        return np.array(places, dtype=np.float64).T

    def _forward(self) -> torch.Tensor:
        """Logits after the last token; runs every token that has no keys yet."""
        text = self._oracle.model.language_model
        tokens = self.context.tokens
        fresh = [i for i, token in enumerate(tokens) if token.serial not in self._keys]
        x = torch.stack([self._embed(tokens[i]) for i in fresh])
        angles = self._angles()
        visible = torch.arange(len(tokens))[None] <= torch.tensor(fresh)[:, None]
        for index, layer in enumerate(text.layers):
            attention = layer.self_attn
            h = layer.input_layernorm(x)
            q, k, v = attention.q_proj(h), attention.k_proj(h), attention.v_proj(h)
            for row, i in enumerate(fresh):
                self._keys.setdefault(tokens[i].serial, []).append(k[row])
                self._values.setdefault(tokens[i].serial, []).append(v[row])
            keys = torch.stack([self._keys[token.serial][index] for token in tokens])
            values = torch.stack([self._values[token.serial][index] for token in tokens])
            mixed = self._attend(q, angles[fresh], keys, values, angles, visible)
            x = x + attention.o_proj(mixed)
            x = x + layer.mlp(layer.post_attention_layernorm(x))
        logits: torch.Tensor = self._oracle.lm_head(text.norm(x[-1]))
        return logits

    def _embed(self, token: Token) -> torch.Tensor:
        if token.serial in self._embedded:
            return self._embedded[token.serial]
        vector: torch.Tensor = self._oracle.get_input_embeddings()(torch.tensor(token.id))
        return vector

    def _angles(self) -> torch.Tensor:
        config = self._model.config.text
        half = config.head_dim // 2
        frequency = config.rope_theta ** (-np.arange(half) / half)
        axis = np.repeat([0, 1, 2], config.mrope_section)
        return torch.from_numpy(self.positions()[axis].T * frequency)

    def _attend(
        self,
        q: torch.Tensor,
        q_angles: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        k_angles: torch.Tensor,
        visible: torch.Tensor,
    ) -> torch.Tensor:
        config = self._model.config.text
        group = config.num_heads // config.num_kv_heads
        outputs = []
        for head in range(config.num_heads):
            mine = slice(head * config.head_dim, (head + 1) * config.head_dim)
            theirs = slice(head // group * config.head_dim, (head // group + 1) * config.head_dim)
            scores = _turn(q[:, mine], q_angles) @ _turn(keys[:, theirs], k_angles).T
            weights = torch.softmax((scores / config.head_dim**0.5).masked_fill(~visible, -torch.inf), dim=-1)
            outputs.append(weights.float() @ values[:, theirs])
        return torch.cat(outputs, dim=-1)


def _turn(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Rotate pairs (first half, second half) as complex numbers, in float64."""
    first, second = x.double().chunk(2, dim=-1)
    turned = torch.complex(first, second) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], dim=-1)
