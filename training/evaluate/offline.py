"""Questions on a whole video at once, as Qwen2.5-VL was made to be asked: all frames, then the question, full attention.

Knows the chat layout, the positions of a video in it, and greedy or sampled answers, scored options and the likelihood
of a given answer. It runs on the engine's own model, so that what is measured is what is shipped; greedy answers equal
those of transformers' generate. Knows nothing of streams or benchmarks.

Shapes: T frames, N tokens, E hidden size, V vocabulary.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from engine import LoadedModel, ResizeSettings
from engine.cache import StreamingCache
from engine.preprocess import patchify, resize_frames, smart_resize
from engine.prompt import SYSTEM_TEXT
from engine.rotary import RotaryTable, TextRotary

logger = logging.getLogger("ringside.training.evaluate")

Positions = Literal["trained", "transformers"]
"""Where text after a video begins; see `chat_positions`."""

_PREFILL_TOKENS = 1024
"""Tokens that go through the language model together: the attention bias of more would not fit beside a long video."""
_VISION_PATCHES = 16_384
"""Patches that go through the vision tower together, about."""


@dataclass(frozen=True)
class _Asked:
    """A question that has been read: the model's state after it."""

    cache: StreamingCache
    logits_V: torch.Tensor
    """Raw logits of the first token of the answer."""
    ids: list[int]
    next_position: int


class OfflineAnswerer:
    """Answers questions on videos with a loaded model. Holds no state between questions."""

    def __init__(
        self,
        model: LoadedModel,
        resize: ResizeSettings,
        *,
        positions: Positions = "trained",
        repetition_penalty: float | None = None,
    ) -> None:
        """`positions`: see chat_positions. `repetition_penalty`: None takes the checkpoint's own, as transformers does."""
        self._model = model
        self._resize = resize
        self._positions = positions
        self._rotary = TextRotary(model.config.text, model.device)
        self._penalty = generation_penalty(model.name) if repetition_penalty is None else repetition_penalty

    @torch.inference_mode()
    def answer(
        self,
        frames: NDArray[np.uint8] | None,
        fps: float,
        question: str,
        *,
        max_new_tokens: int = 64,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        system: str = SYSTEM_TEXT,
        answer_prefix: str = "",
    ) -> str:
        """The answer to a question.

        Args:
            frames: (T, height, width, 3) uint8 RGB, or None for a question without a video.
            fps: how many of the frames there are to a second.
            question: what is asked.
            max_new_tokens: most tokens of the answer.
            temperature: 0 takes the likeliest token.
            top_p: smallest probability mass from which to sample.
            seed: of the sampling.
            system: the system message; "" for none.
            answer_prefix: what the answer begins with.
        """
        model = self._model
        asked = self._ask(frames, fps, question, system, answer_prefix, max_new_tokens)
        generator = torch.Generator(device=model.device).manual_seed(seed)
        seen_V = torch.zeros_like(asked.logits_V, dtype=torch.bool)
        seen_V[torch.tensor(asked.ids, device=model.device)] = True
        said: list[int] = []
        logits_V = asked.logits_V
        while len(said) < max_new_tokens:
            token_id = _pick(_penalised(logits_V, seen_V, self._penalty), temperature, top_p, generator)
            if token_id in model.stop_ids:
                break
            said.append(token_id)
            seen_V[token_id] = True
            if len(said) < max_new_tokens:
                logits_V = self._extend(asked, [token_id], asked.next_position + len(said) - 1)[-1]
        return model.prompt.decode(said)

    @torch.inference_mode()
    def scores(
        self,
        frames: NDArray[np.uint8] | None,
        fps: float,
        question: str,
        token_ids: Sequence[int],
        *,
        system: str = SYSTEM_TEXT,
        answer_prefix: str = "",
    ) -> list[float]:
        """The raw logits of some tokens as the next after `answer_prefix`."""
        asked = self._ask(frames, fps, question, system, answer_prefix, 0)
        return [float(value) for value in asked.logits_V[list(token_ids)]]

    @torch.inference_mode()
    def likelihood(
        self,
        frames: NDArray[np.uint8] | None,
        fps: float,
        question: str,
        continuation: str,
        *,
        system: str = SYSTEM_TEXT,
    ) -> tuple[float, bool]:
        """The log-likelihood of an answer, and whether greedy decoding would give it."""
        ids = self._model.prompt.encode(continuation)
        if not ids:
            return 0.0, True
        asked = self._ask(frames, fps, question, system, "", len(ids))
        logits_NV = asked.logits_V[None]
        if len(ids) > 1:
            logits_NV = torch.cat([logits_NV, self._extend(asked, ids[:-1], asked.next_position)])
        wanted_N = torch.tensor(ids, device=logits_NV.device)
        chosen_N = logits_NV.log_softmax(-1).gather(1, wanted_N[:, None])[:, 0]
        return float(chosen_N.sum()), bool((logits_NV.argmax(-1) == wanted_N).all())

    def option_ids(self, options: Sequence[str], lead: str = "\n") -> list[int]:
        """The last token of each option after `lead`, by which the published scripts know options."""
        return [self._model.prompt.encode(lead + option)[-1] for option in options]

    def _ask(
        self,
        frames: NDArray[np.uint8] | None,
        fps: float,
        question: str,
        system: str,
        answer_prefix: str,
        num_more: int,
    ) -> _Asked:
        model = self._model
        prompt, special = model.prompt, model.prompt.special
        newline = prompt.turn_separator

        def turn(role: str) -> list[int]:
            return [special.im_start, *prompt.encode(role), *newline]

        closing = [special.im_end, *newline]
        before = [*turn("system"), *prompt.encode(system), *closing] if system else []
        before += turn("user")
        grid: tuple[int, int, int] | None = None
        video: list[int] = []
        if frames is not None:
            embedded_ME, grid = self._see(frames)
            video = [special.video_pad] * embedded_ME.shape[0]
            before.append(special.vision_start)
        after = [special.vision_end] if frames is not None else []
        after += [*prompt.encode(question), *closing, *turn("assistant"), *prompt.encode(answer_prefix)]
        ids = [*before, *video, *after]
        positions_3N = chat_positions(
            len(before),
            None if grid is None else (grid[0], grid[1], grid[2]),
            len(after),
            model.patches.temporal_patch_size / fps * model.config.vision.tokens_per_second,
            self._positions,
        )
        cache = StreamingCache(model.config.text, len(ids) + num_more + 1, model.device, model.dtype)
        x_NE = model.language.embed(torch.tensor(ids, device=model.device))
        if frames is not None:
            x_NE[len(before) : len(before) + len(video)] = embedded_ME
        table = self._table(positions_3N)
        for start in range(0, len(ids), _PREFILL_TOKENS):
            part = slice(start, min(start + _PREFILL_TOKENS, len(ids)))
            hidden_NE = model.language(x_NE[part], table[part], cache)
        logits_V = model.language.logits(hidden_NE[-1:])[0]
        return _Asked(cache, logits_V, ids, int(positions_3N[0, -1]) + 1)

    def _see(self, frames: NDArray[np.uint8]) -> tuple[torch.Tensor, tuple[int, int, int]]:
        """Embedded frames, (merged tokens, E), and their merged grid (temporal, rows, columns)."""
        model = self._model
        depth = model.patches.temporal_patch_size
        height, width = smart_resize(frames.shape[1], frames.shape[2], self._resize, model.patches.factor)
        per_pair = (height // model.patches.patch_size) * (width // model.patches.patch_size)
        step = depth * max(1, _VISION_PATCHES // per_pair)
        parts, num_t = [], 0
        for start in range(0, len(frames), step):
            some = torch.from_numpy(np.ascontiguousarray(frames[start : start + step])).to(model.device)
            patches, grid = patchify(resize_frames(some, height, width), model.patches)
            parts.append(model.vision(patches, grid))
            num_t += grid[0]
        merge = model.patches.merge_size
        return torch.cat(parts), (num_t, grid[1] // merge, grid[2] // merge)

    def _extend(self, asked: _Asked, ids: Sequence[int], position: int) -> torch.Tensor:
        """Logits (N, V) after each of some more text tokens."""
        model = self._model
        positions_3N = np.broadcast_to(np.arange(position, position + len(ids)), (3, len(ids)))
        x_NE = model.language.embed(torch.tensor(list(ids), device=model.device))
        hidden_NE = model.language(x_NE, self._table(positions_3N), asked.cache)
        return model.language.logits(hidden_NE)

    def _table(self, positions_3N: NDArray[Any]) -> RotaryTable:
        positions = torch.from_numpy(np.ascontiguousarray(positions_3N, dtype=np.float32))
        return self._rotary.table(positions.to(self._model.device))


def _penalised(logits_V: torch.Tensor, seen_V: torch.Tensor, penalty: float) -> torch.Tensor:
    """The repetition penalty over every id so far (CTRL, arXiv 1909.05858), as transformers applies it."""
    if penalty == 1:
        return logits_V
    return torch.where(seen_V, torch.where(logits_V < 0, logits_V * penalty, logits_V / penalty), logits_V)


def _pick(logits_V: torch.Tensor, temperature: float, top_p: float, generator: torch.Generator) -> int:
    """The likeliest id at temperature 0, else one drawn from the smallest set of ids that has `top_p` of the mass."""
    if temperature == 0:
        return int(logits_V.argmax())
    p_V, order_V = (logits_V / temperature).softmax(-1).sort(descending=True, stable=True)
    kept_V = p_V.masked_fill(p_V.cumsum(0) - p_V >= top_p, 0.0) if top_p < 1 else p_V
    return int(order_V[torch.multinomial(kept_V, 1, generator=generator)])


def chat_positions(
    num_before: int,
    grid: tuple[int, int, int] | None,
    num_after: int,
    t_step: float,
    rule: Positions = "trained",
) -> NDArray[np.int64]:
    """Positions (3, N) of text, a video and text: in whole numbers, the fractions of a video's time dropped.

    The streaming engine keeps those fractions; transformers, with which this has to agree, drops them.

    Args:
        num_before: tokens of text before the video.
        grid: the video's merged grid (temporal, rows, columns), None where there is no video.
        num_after: tokens of text after it.
        t_step: positions from one temporal patch to the next.
        rule: where the text after a video begins. "trained": after the largest position of the video, as Qwen2.5-VL was
            made and trained. "transformers": after its rows or columns, whichever are more, as transformers 5 has it (up
            to 5.23 at least); a video that is longer than it is wide then shares positions with the text after it.
    """
    pieces = [np.broadcast_to(np.arange(num_before), (3, num_before))]
    position = num_before
    if grid is not None:
        place = np.indices(grid).reshape(3, -1).astype(np.int64)
        place[0] = (place[0].astype(np.float32) * np.float32(t_step)).astype(np.int64)
        pieces.append(place + position)
        position += max(grid[1:]) if rule == "transformers" else int(place.max()) + 1
    pieces.append(np.broadcast_to(np.arange(position, position + num_after), (3, num_after)))
    return np.concatenate(pieces, axis=1)


def generation_penalty(folder: str) -> float:
    """The repetition penalty of a checkpoint's generation settings, which transformers' generate obeys; 1 if none."""
    file = Path(folder) / "generation_config.json"
    if not file.is_file():
        from transformers import GenerationConfig

        try:
            found: Any = GenerationConfig.from_pretrained(folder)
        except OSError:
            logger.info("%s has no generation settings: no repetition penalty", folder)
            return 1.0
        return float(found.repetition_penalty or 1.0)
    return float(json.loads(file.read_text(encoding="utf-8")).get("repetition_penalty") or 1.0)
