"""How much memory a model and its stream will take, told before anything is loaded.

Weights and the cache are exact, from the sizes of the model; what the layers need for themselves while a chunk runs
is estimated from its largest tensors, and what the CUDA context and the libraries take is a constant seen in practice.

Knows: sizes, precisions, windows, frames. Does not know: torch, what is installed, how much memory there is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from engine.config import ModelConfig
from engine.frame_size import smart_resize
from engine.precision import BITS_A_WEIGHT, MOST_WIDENED, precision_named
from engine.settings import StreamSettings

_NUM_STORES = 3  # unrotated keys, rotated keys, values
_TEXT_A_ROUND = 60  # tokens of a round beside its frames and its phrase: headers, times, ends of turns
_TEXT_BEFORE = 128  # system turn, query, room for a question
_CUDA_BYTES = 600_000_000  # context, libraries and their workspaces
_CPU_BYTES = 400_000_000  # Python, PyTorch and its libraries


@dataclasses.dataclass(frozen=True, kw_only=True)
class Footprint:
    """Bytes by what they are for."""

    weights: int
    cache: int
    """Keys, rotated keys and values of the fullest context."""
    work: int
    """What a chunk needs while it runs; an estimate."""
    runtime: int
    """What is taken before any model is there; an estimate."""
    num_context_tokens: int
    """Tokens of the fullest context."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.work + self.runtime


def footprint(
    config: ModelConfig,
    settings: StreamSettings,
    frame_size: tuple[int, int],
    *,
    precision: str = "bf16",
    bytes_a_value: int = 2,
    on_cuda: bool = True,
) -> Footprint:
    """Memory of one stream of frames of ``frame_size`` (height, width).

    ``bytes_a_value``: of what is not rounded, 2 for half precision and 4 for float32. Raises SettingsError for an
    unknown precision, ChunkError for an impossible frame.
    """
    text, vision = config.text, config.vision
    factor = vision.patch_size * vision.merge_size
    height, width = smart_resize(*frame_size, settings.resize, factor)
    num_blocks = -(-settings.window.frames_per_chunk // vision.temporal_patch_size)
    chunk_tokens = num_blocks * (height // factor) * (width // factor)
    window = settings.window
    rounds = max(window.vision_rounds, window.text_rounds)
    num_tokens = (
        _TEXT_BEFORE
        + window.text_sink
        + window.text_window
        + rounds * _TEXT_A_ROUND
        + window.text_rounds * settings.sampling.max_new_tokens
        + window.vision_rounds * chunk_tokens
    )
    place_bytes = text.num_layers * text.num_kv_heads * text.head_dim * _NUM_STORES * bytes_a_value
    new_tokens = chunk_tokens + _TEXT_A_ROUND
    widest = max(2 * text.intermediate_size, 4 * text.hidden_size)
    patches = chunk_tokens * vision.merge_size**2
    widest_vision = max(2 * vision.intermediate_size, 4 * vision.hidden_size)
    pixels = window.frames_per_chunk * frame_size[0] * frame_size[1] * 3
    widened = min(2 * text.intermediate_size * text.hidden_size, MOST_WIDENED) * bytes_a_value
    rounds_weights = precision_named(precision).layers is not None
    work = (
        3 * new_tokens * widest * bytes_a_value
        + 3 * patches * widest_vision * bytes_a_value
        + 8 * pixels
        + (widened if rounds_weights else 0)
        + 16 * text.vocab_size
    )
    return Footprint(
        weights=weight_bytes(config, precision=precision, bytes_a_value=bytes_a_value),
        cache=num_tokens * place_bytes,
        work=work,
        runtime=_CUDA_BYTES if on_cuda else _CPU_BYTES,
        num_context_tokens=num_tokens,
    )


def best_fit(
    config: ModelConfig,
    settings: StreamSettings,
    frame_size: tuple[int, int],
    free_bytes: int,
    *,
    precisions: Sequence[str] = ("bf16", "int8", "int4"),
) -> str | None:
    """The first of ``precisions`` with which a stream fits into ``free_bytes`` of a GPU; None if none does.

    fp8 is left out by default: it saves less than int8, and only GPUs from compute capability 8.9 on have it.
    """
    for name in precisions:
        if footprint(config, settings, frame_size, precision=name).total <= free_bytes:
            return name
    return None


def weight_bytes(config: ModelConfig, *, precision: str = "bf16", bytes_a_value: int = 2) -> int:
    """Bytes of all weights."""
    plan = precision_named(precision)
    counts = num_weights(config)
    formats = {"layers": plan.layers, "embedding": plan.embedding, "vision": plan.vision, "rest": None}
    return round(
        sum(
            count * (BITS_A_WEIGHT[kind] / 8 if (kind := formats[part]) else bytes_a_value)
            for part, count in counts.items()
        )
    )


def num_weights(config: ModelConfig) -> dict[str, int]:
    """Weights by part: the language model's layers, embedding and head, the vision tower, and what is never rounded."""
    text, vision = config.text, config.vision
    heads = (text.num_heads + 2 * text.num_kv_heads) * text.head_dim
    layer = text.hidden_size * (heads + text.num_heads * text.head_dim + 3 * text.intermediate_size)
    size, inner = vision.hidden_size, vision.intermediate_size
    merged = size * vision.merge_size**2
    tower_layer = size * (4 * size + 3 * inner)
    return {
        "layers": text.num_layers * layer,
        "embedding": text.vocab_size * text.hidden_size * (1 if text.tied_embeddings else 2),
        "vision": vision.num_layers * tower_layer + merged * (merged + vision.output_size),
        "rest": text.num_layers * (heads + 2 * text.hidden_size)
        + text.hidden_size
        + vision.num_layers * (6 * size + 2 * inner + size)
        + size * vision.patch_dim
        + size
        + merged
        + vision.output_size,
    }
