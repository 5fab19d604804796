"""What the machine can do, and what a step needs: the two numbers behind every figure.

Knows: operations and bytes of each phase, counted from the sizes alone, and how to measure the two ceilings (a large
copy, a large matrix product) on the device. Does not know: sessions.

Counting: a multiplication and an addition are two operations; weights are read once a phase, or once a token of the
answer; the cache's keys and values are read once a token. Elementwise work is left out.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable

import torch

from engine.config import ModelConfig
from engine.footprint import num_weights, weight_bytes
from engine.memory import free_bytes

_NUM_TIMED = 7


@dataclasses.dataclass(frozen=True)
class Ceilings:
    """Measured on random data."""

    copy_bytes_per_s: float
    """Bytes read plus bytes written."""
    matrix_flops_per_s: float


@dataclasses.dataclass(frozen=True)
class Needs:
    """Operations and bytes of a phase."""

    flops: float
    bytes: float

    def floor_ms(self, ceilings: Ceilings) -> float:
        """No version runs much faster."""
        by_bytes, by_flops = self.bytes / ceilings.copy_bytes_per_s, self.flops / ceilings.matrix_flops_per_s
        return 1000 * max(by_bytes, by_flops)


def measure_ceilings(device: torch.device, dtype: torch.dtype) -> Ceilings:
    """Copy and multiply something far larger than any cache, several times; the median of each."""
    large = device.type == "cuda"
    # A quarter of what is free at most: a model may be there already.
    most = (free_bytes(device) or 0) // (4 * dtype.itemsize) if large else 1 << 25
    source = torch.rand(
        min(1 << 30, max(most, 1 << 20)), device=device, dtype=dtype if large else torch.float32
    )
    target = torch.empty_like(source)
    copy_s = median_s(lambda: target.copy_(source), device)
    # Some processors multiply bfloat16 number by number, a billion a second.
    side = 8192 if large else 384
    a, b = (torch.randn((side, side), device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    multiply_s = median_s(lambda: torch.mm(a, b, out=out), device)
    return Ceilings(2 * source.nbytes / copy_s, 2 * side**3 / multiply_s)


def median_s(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that ``work`` takes, after a warm-up."""
    times = []
    for _ in range(_NUM_TIMED + 2):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        start_s = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start_s)
    return statistics.median(times[2:])


def needs_of(
    config: ModelConfig,
    *,
    patches: int,
    frames: int,
    new_tokens: int,
    context_tokens: int,
    precision: str = "bf16",
    bytes_a_value: int = 2,
) -> dict[str, Needs]:
    """Needs of "vision", "prefill", "decode" (one token) and "rotate" of a step.

    ``patches`` before merging and ``frames`` (temporal patches) of the chunk; ``new_tokens`` run over a context that
    then holds ``context_tokens``.
    """
    text, vision = config.text, config.vision
    counts = num_weights(config)
    all_bytes = weight_bytes(config, precision=precision, bytes_a_value=bytes_a_value)
    vision_bytes = counts["vision"] * (1 if precision in ("int8", "int4") else bytes_a_value)
    layers_bytes = (
        all_bytes
        - vision_bytes
        - counts["embedding"] * (1 if precision in ("int8", "int4") else bytes_a_value)
    )
    head_weights = text.vocab_size * text.hidden_size
    head_bytes = head_weights * (1 if precision in ("int8", "int4") else bytes_a_value)
    place_values = text.num_layers * text.num_kv_heads * text.head_dim
    seen = context_tokens - new_tokens / 2  # keys that a new token attends to, on the average
    a_frame = patches / max(frames, 1)
    side = vision.window_size / vision.patch_size
    num_full = len(vision.full_attention_layers)
    keys = num_full * a_frame + (vision.num_layers - num_full) * min(side * side, a_frame)
    attention = 4 * text.num_layers * text.num_heads * text.head_dim
    merging = (vision.hidden_size * vision.merge_size**2) * (
        vision.hidden_size * vision.merge_size**2 + vision.output_size
    )
    tower = counts["vision"] - merging
    return {
        "vision": Needs(
            2 * patches * (tower + vision.hidden_size * vision.patch_dim)
            + 2 * patches / vision.merge_size**2 * merging
            + 4 * patches * vision.hidden_size * keys,
            vision_bytes,
        ),
        "prefill": Needs(
            2 * new_tokens * counts["layers"] + attention * new_tokens * seen + 2 * head_weights,
            layers_bytes + head_bytes + 2 * place_values * context_tokens * bytes_a_value,
        ),
        "decode": Needs(
            2 * (counts["layers"] + head_weights) + attention * context_tokens,
            layers_bytes + head_bytes + 2 * place_values * context_tokens * bytes_a_value,
        ),
        "rotate": Needs(0.0, 2 * place_values * (context_tokens - new_tokens) * bytes_a_value),
    }
