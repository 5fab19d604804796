"""What a chunk needs: operations and memory, counted from sizes alone.

Counting: a multiplication and an addition are two operations. The backward pass is twice the forward pass, or once where
weights are frozen and only what flows through them is differentiated. What is computed again to save memory does not
count: the share of the ceiling is of useful work. Attention is causal: half of a full square. Elementwise work is left
out.

Knows sizes. Knows nothing of clocks.
"""

from dataclasses import dataclass

from engine.bench.ceilings import needs_of
from engine.config import ModelConfig, TextConfig
from engine.footprint import num_weights
from training.sft.settings import LoraSettings, Recomputed

BF16, FLOAT32 = 2, 4
STATE_BYTES = 16
"""Of a weight that learns: itself, its gradient and Adam's two moments, each float32."""


@dataclass(frozen=True, kw_only=True)
class ChunkSize:
    """How large a chunk is."""

    num_tokens: int
    num_learnt: int
    """Tokens that reach the vocabulary."""
    num_pairs: int
    """Frame pairs."""
    pair_patches: int
    """Patches of a frame pair, before merging."""


def chunk_flops(config: ModelConfig, chunk: ChunkSize, *, lora: LoraSettings | None) -> dict[str, float]:
    """Useful operations of a chunk, forward and backward: "vision", "layers", "attention", "head", "additions"."""
    text, counts = config.text, num_weights(config)
    vision = needs_of(
        config,
        patches=chunk.pair_patches * chunk.num_pairs,
        frames=chunk.num_pairs,
        new_tokens=1,
        context_tokens=1,
    )["vision"].flops
    passes = 3 if lora is None else 2
    # With frozen weights nothing is differentiated below the first layer.
    size, rank = text.hidden_size, 0 if lora is None else lora.rank
    below = size * (text.num_heads + 2 * text.num_kv_heads) * text.head_dim if lora is not None else 0
    attention = 2 * text.num_layers * text.num_heads * text.head_dim * chunk.num_tokens**2
    return {
        "vision": vision,
        "layers": 2 * (passes * counts["layers"] - below) * chunk.num_tokens,
        # Frozen weights or not, every factor of attention is differentiated.
        "attention": 3 * attention,
        "head": 2 * passes * text.vocab_size * text.hidden_size * chunk.num_learnt,
        "additions": 0.0
        if lora is None
        else 2 * (3.0 * lora_values(text, lora) - 3 * rank * size) * chunk.num_tokens,
    }


def lora_values(text: TextConfig, lora: LoraSettings) -> int:
    """How many values low-rank additions have."""
    size, inner = text.hidden_size, text.intermediate_size
    queries, keys = text.num_heads * text.head_dim, text.num_kv_heads * text.head_dim
    sides = 2 * (size + queries) + 2 * (size + keys) + 3 * (size + inner)
    return text.num_layers * lora.rank * sides


def gpu_bytes(
    config: ModelConfig,
    *,
    num_tokens: int,
    gpus: int,
    recomputed: Recomputed,
    lora: LoraSettings | None,
) -> float:
    """About what one GPU must hold while it trains on rows of `num_tokens`.

    States are sharded over the GPUs; with low-rank additions every GPU holds a whole copy. The working space of one layer
    and of the vocabulary is counted generously.
    """
    text, counts = config.text, num_weights(config)
    tied = config.text.tied_embeddings
    table = text.vocab_size * text.hidden_size
    outside = table if tied else 2 * table
    if lora is None:
        # Weights outside the layers are gathered whole, and so are their gradients before they are summed.
        states = STATE_BYTES * (counts["layers"] + outside) / gpus
        gathered = (2 * BF16 + FLOAT32) * (outside + 2 * counts["layers"] / text.num_layers)
    else:
        states = BF16 * (counts["layers"] + outside) + STATE_BYTES * lora_values(text, lora)
        gathered = 0.0
    keys = text.num_kv_heads * text.head_dim
    kept = {
        "all": text.hidden_size,
        "mlp": 4 * text.hidden_size + 2 * keys,
        "cheap": 4 * text.hidden_size + 2 * keys + 2 * text.intermediate_size,
    }[recomputed]
    working = 8 * text.intermediate_size + 24 * text.hidden_size
    activations = BF16 * num_tokens * (text.num_layers * kept + working)
    return states + gathered + activations + BF16 * counts["vision"]


def least_recomputed(
    config: ModelConfig, *, num_tokens: int, gpus: int, lora: LoraSettings | None, memory_bytes: float
) -> Recomputed:
    """The least recomputation for which memory should suffice."""
    choices: tuple[Recomputed, ...] = ("cheap", "mlp")
    for recomputed in choices:
        needed = gpu_bytes(config, num_tokens=num_tokens, gpus=gpus, recomputed=recomputed, lora=lora)
        if needed <= 0.92 * memory_bytes:
            return recomputed
    return "all"
