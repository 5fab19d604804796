"""What a fine-tuning run is made of. Knows numbers and names; loads nothing.

A recipe is a function that returns a whole `SftSettings`; the protocol's values are the defaults.
"""

from dataclasses import dataclass, field
from typing import Literal

from engine.settings import ResizeSettings
from training.errors import RecipeError
from training.sft.annotation import CutSettings

LossKind = Literal["chunked", "liger"]
Recomputed = Literal["all", "mlp", "cheap"]
AttentionKind = Literal["auto", "varlen", "chunkwise"]


@dataclass(frozen=True, kw_only=True)
class PromptSettings:
    """What stands in a training conversation."""

    fps: float = 2.0
    """Frames shown a second."""
    turn_s: float = 1.0
    """Seconds of video to a user turn."""
    text_sink: int = 512
    """Tokens of "previous text" kept from its start."""
    text_window: int = 512
    """Tokens of "previous text" kept from its end (one fewer, as in streaming)."""
    query: str = "Commentate on this match"
    """Stands in the first user turn."""
    query_share: float = 1.0
    """Share of chunks that carry the query. Below 1 the model also learns streams whose first turn has left."""

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.turn_s <= 0:
            raise RecipeError(f"fps ({self.fps}) and turn_s ({self.turn_s}) must be above 0.")
        if self.text_sink < 0 or self.text_window < 1:
            raise RecipeError(
                f"text_sink ({self.text_sink}) must be >= 0 and text_window ({self.text_window}) >= 1."
            )
        if not 0 <= self.query_share <= 1:
            raise RecipeError(f"query_share is a share between 0 and 1, not {self.query_share}.")


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """AdamW and its schedule. The defaults are the paper's."""

    learning_rate: float = 1e-5
    weight_decay: float = 0.0
    beta2: float = 0.999
    warmup_share: float = 0.03
    """Share of all steps over which the rate rises from 0."""
    schedule: str = "cosine"
    """A transformers scheduler name: "cosine", or "warmup_stable_decay" where the end is not known ahead."""
    decay_share: float = 0.0
    """Share of all steps over which "warmup_stable_decay" falls to 0."""
    max_grad_norm: float = 1.0
    batch_chunks: int = 512
    """Chunks to one optimizer step, over all devices."""
    num_steps: int = 2050
    """Optimizer steps in the whole run."""

    def __post_init__(self) -> None:
        if self.learning_rate <= 0 or self.batch_chunks < 1 or self.num_steps < 1:
            raise RecipeError("learning_rate, batch_chunks and num_steps must all be above 0.")
        if not 0 <= self.warmup_share + self.decay_share <= 1:
            raise RecipeError("warmup_share and decay_share together must lie between 0 and 1.")


@dataclass(frozen=True, kw_only=True)
class LoraSettings:
    """Low-rank adaptation (arXiv 2106.09685) of all linear layers of the language model."""

    rank: int = 64
    """Of each addition."""
    alpha: int = 128
    """Additions are scaled by alpha / rank."""
    dropout: float = 0.0
    """Share of an addition's inputs that are left out in training."""

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha <= 0 or not 0 <= self.dropout < 1:
            raise RecipeError(
                f"LoRA's rank ({self.rank}) and alpha ({self.alpha}) must be above 0, dropout ({self.dropout}) in [0, 1)."
            )


@dataclass(frozen=True, kw_only=True)
class SftSettings:
    """A whole recipe."""

    cut: CutSettings = field(default_factory=CutSettings)
    prompt: PromptSettings = field(default_factory=PromptSettings)
    resize: ResizeSettings = field(default_factory=ResizeSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    max_chunk_pixels: int | None = None
    """Pixels of all frame pairs of a chunk together: the longer it is, the smaller its pictures; None: as `resize` says."""
    max_tokens: int = 32768
    """Length to which a chunk's tokens are padded; a longer chunk is an error."""
    train_vision: bool = False
    """Whether the vision tower learns too. The paper freezes it; a model trained from scratch cannot."""
    pixel_noise: float = 0.0
    """Up to this many grey levels (standard deviation) of noise are put on each chunk's pictures."""
    device_batch_chunks: int = 1
    """Chunks on one device at a time; the rest of the batch is accumulated."""
    compile_layers: bool = False
    """Compile each layer (torch.compile): worth it where a run lasts minutes."""
    num_workers: int = 8
    """Processes that prepare chunks."""
    pack: bool = False
    """Put the chunks of a device batch into one row without padding between them (`packing`)."""
    checkpoint_layers: bool = False
    """Keep only each layer's input for the backward pass and compute the rest again: a third more work, far less memory."""
    recomputed: Recomputed = "all"
    """What `checkpoint_layers` computes again: "all" of a layer; "mlp", its two wide products and what costs little; or
    "cheap", only what costs little. A 24 s chunk of 19,000 tokens keeps about 4, 20 and 60 GB at 7B."""
    attention: AttentionKind = "auto"
    """How a packed row is attended to on a GPU: all chunks in one variable-length kernel, or chunk by chunk through cuDNN's
    where it can be had; "auto": chunk by chunk where they are long (`packing.LONG_CHUNK_TOKENS`)."""
    loss: LossKind = "chunked"
    """How cross-entropy is computed: "chunked" by our own code, or "liger" by its fused kernel."""
    lora: LoraSettings | None = None
    """Train low-rank additions to the language model's layers instead of the layers; None: the layers."""
    max_skipped_share: float = 0.02
    """Training stops where more chunks than this share could not be read."""
    save_every: int | None = None
    """Steps from one checkpoint to the next; None: a quarter of all."""
    tensorboard: bool = False
    """Write the log for TensorBoard too."""
    seed: int = 1

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.device_batch_chunks < 1 or self.num_workers < 0:
            raise RecipeError(
                "max_tokens and device_batch_chunks must be above 0 and num_workers not negative."
            )
        if not 0 <= self.max_skipped_share <= 1 or (self.save_every is not None and self.save_every < 1):
            raise RecipeError("max_skipped_share must be a share from 0 to 1, and save_every at least 1.")
        if self.optimizer.batch_chunks % self.device_batch_chunks:
            raise RecipeError(
                f"batch_chunks ({self.optimizer.batch_chunks}) must be a multiple of device_batch_chunks "
                f"({self.device_batch_chunks})."
            )
