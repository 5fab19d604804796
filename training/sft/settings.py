"""What a fine-tuning run is made of. Knows numbers and names; loads nothing.

A recipe is a function that returns a whole `SftSettings`; the protocol's values are the defaults.
"""

from dataclasses import dataclass, field

from engine.settings import ResizeSettings
from training.errors import RecipeError
from training.sft.annotation import CutSettings


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
class SftSettings:
    """A whole recipe."""

    cut: CutSettings = field(default_factory=CutSettings)
    prompt: PromptSettings = field(default_factory=PromptSettings)
    resize: ResizeSettings = field(default_factory=ResizeSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
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
    seed: int = 1

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.device_batch_chunks < 1 or self.num_workers < 0:
            raise RecipeError(
                "max_tokens and device_batch_chunks must be above 0 and num_workers not negative."
            )
        if self.optimizer.batch_chunks % self.device_batch_chunks:
            raise RecipeError(
                f"batch_chunks ({self.optimizer.batch_chunks}) must be a multiple of device_batch_chunks "
                f"({self.device_batch_chunks})."
            )


def stage_1() -> SftSettings:
    """The paper's first stage at 7B (arXiv 2510.09608, section 3.3): 1,051 K chunks once, global batch 512."""
    return SftSettings()


def stage_2() -> SftSettings:
    """The paper's annealing stage: 14,786 chunks picked for what is on the screen."""
    return SftSettings(optimizer=OptimizerSettings(num_steps=29))
