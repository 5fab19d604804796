"""A trainer that looks at the clock: the trainer that trains in earnest, and where its steps' time goes.

On a GPU the clock is CUDA's events, read once a step, so that looking does not hold the work up. Knows the phases of a
step. Knows nothing of what is trained.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.sft.model import ChunkModel
from training.sft.trainer import ChunkTrainer

PHASES = ("vision", "forward", "backward", "optimizer")


def _now() -> Any:
    if not torch.cuda.is_available():
        return time.perf_counter()
    make: Any = torch.cuda.Event  # untyped in torch
    event = make(enable_timing=True)
    event.record()
    return event


def _seconds(start: Any, end: Any) -> float:
    return float(end - start) if isinstance(start, float) else float(start.elapsed_time(end)) / 1000


@dataclass
class Timings:
    """Seconds of every optimizer step."""

    steps: list[dict[str, float]] = field(default_factory=list)
    """Of each: "step", the phases, and "waiting", for chunks, which may be while a GPU is at work."""
    losses: list[float] = field(default_factory=list)
    spans: dict[str, list[tuple[Any, Any]]] = field(default_factory=lambda: defaultdict(list))
    waiting_s: float = 0.0
    last_end: Any = None
    """Of the last device batch's backward pass."""
    step_began_s: float | None = None

    def end_step(self) -> None:
        """Read the clocks of a step that is over."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now_s = time.perf_counter()
        took = {phase: sum(_seconds(*span) for span in self.spans[phase]) for phase in self.spans}
        # The forward pass has vision in it, and a device batch has both passes.
        took["backward"] = took.pop("batch", 0.0) - took.get("forward", 0.0)
        took["forward"] = took.get("forward", 0.0) - took.get("vision", 0.0)
        if self.step_began_s is not None:
            self.steps.append({"step": now_s - self.step_began_s, "waiting": self.waiting_s, **took})
        self.spans.clear()
        self.waiting_s = 0.0
        self.step_began_s = time.perf_counter()


class TimedModel(ChunkModel):
    """A model that notes when it looked at frames."""

    timings: Timings

    def vision_features(self, frames: Tensor) -> Tensor:
        """See `ChunkModel`."""
        start = _now()
        features = super().vision_features(frames)
        self.timings.spans["vision"].append((start, _now()))
        return features


def timed_trainer(timings: Timings) -> type[ChunkTrainer]:
    """The trainer's class, with a clock."""

    class TimedTrainer(ChunkTrainer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.add_callback(_Steps(timings))

        def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
            if timings.step_began_s is None:
                timings.step_began_s = time.perf_counter()
            began_s = time.perf_counter()
            result = super().get_batch_samples(*args, **kwargs)
            timings.waiting_s += time.perf_counter() - began_s
            return result

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            start = _now()
            result = super().compute_loss(*args, **kwargs)
            timings.spans["forward"].append((start, _now()))
            return result

        def training_step(self, *args: Any, **kwargs: Any) -> Any:
            start = _now()
            result = super().training_step(*args, **kwargs)
            timings.last_end = _now()
            timings.spans["batch"].append((start, timings.last_end))
            return result

    return TimedTrainer


class _Steps(TrainerCallback):
    def __init__(self, timings: Timings) -> None:
        self.timings = timings

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """The optimizer's part is over: clipping, and the step."""
        self.timings.spans["optimizer"].append((self.timings.last_end, _now()))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """A whole step is over."""
        self.timings.end_step()

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Keep the loss: a run that learns nothing was no run."""
        if state.log_history and "loss" in state.log_history[-1]:
            self.timings.losses.append(float(state.log_history[-1]["loss"]))
