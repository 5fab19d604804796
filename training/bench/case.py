"""One row of the benchmark: what is trained, how, and on how many GPUs. Knows numbers and names; loads nothing."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from training.errors import RecipeError
from training.sft.recipes import recipe
from training.sft.settings import AttentionKind, LossKind, Recomputed, SftSettings

Method = Literal["full", "lora"]
Sharding = Literal["fsdp2", "zero3", "ddp"]
MORE_RECOMPUTED: dict[Recomputed, Recomputed | None] = {"cheap": "mlp", "mlp": "all", "all": None}
"""What to turn to where memory does not suffice."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row."""

    size: str = "7b"
    """A size of `engine.sizes`."""
    method: Method = "full"
    """All but vision, or low-rank additions."""
    gpus: int = 1
    """Processes, each with a GPU of its own (or, where there is none, with a share of the cores)."""
    pack: bool = True
    """Chunks in one row without padding; else each is padded to the longest."""
    device_chunks: int = 1
    """Chunks on one GPU at a time."""
    accumulate: int = 2
    """Device batches to an optimizer step. The paper's batch of 512 is 128 on 4 GPUs."""
    steps: int = 3
    """Optimizer steps that are measured."""
    warmup: int = 1
    """Optimizer steps before them."""
    tokens_per_second: int = 720
    """Vision tokens for a second of video."""
    chunk_s: int = 24
    """Seconds of video to a chunk."""
    recomputed: Recomputed | None = None
    """See `SftSettings.recomputed`; None: the least for which memory suffices."""
    compile_layers: bool = False
    """Compile each layer."""
    attention: AttentionKind = "auto"
    """See `SftSettings.attention`."""
    loss: LossKind = "chunked"
    """See `SftSettings.loss`."""
    sharding: Sharding = "fsdp2"
    """How full fine-tuning is spread; low-rank additions always train whole copies."""
    num_workers: int = 4
    """Processes that decode ahead, for each GPU."""

    def __post_init__(self) -> None:
        counts = {
            "gpus": self.gpus,
            "device_chunks": self.device_chunks,
            "accumulate": self.accumulate,
            "steps": self.steps,
            "warmup": self.warmup,
            "tokens_per_second": self.tokens_per_second,
            "chunk_s": self.chunk_s,
        }
        for name, value in counts.items():
            if value < 1:
                raise RecipeError(f"{name} must be at least 1, not {value}.")

    @property
    def chunks_a_step(self) -> int:
        """Over all GPUs."""
        return self.gpus * self.device_chunks * self.accumulate

    def as_dict(self) -> dict[str, Any]:
        """For a file that another process reads."""
        return asdict(self)


def sft_settings(case: Case, *, recomputed: Recomputed, max_tokens: int) -> SftSettings:
    """The recipe that the row measures, with its batch and its number of steps."""
    base = recipe(
        {"full": "7b", "lora": "7b-lora"}[case.method]
        if case.size == "7b"
        else {"full": "3b", "lora": "3b-lora"}[case.method]
    )
    return replace(
        base,
        optimizer=replace(
            base.optimizer, batch_chunks=case.chunks_a_step, num_steps=case.warmup + case.steps
        ),
        max_tokens=max_tokens,
        device_batch_chunks=case.device_chunks,
        num_workers=case.num_workers,
        pack=case.pack,
        recomputed=recomputed,
        compile_layers=case.compile_layers,
        attention=case.attention,
        loss=case.loss,
        tensorboard=False,
        max_skipped_share=0.0,
    )
