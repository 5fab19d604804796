"""The transformers Trainer, told how to train on chunks for a number of minutes at a time.

Knows accumulation, schedules, checkpoints and the clock. Knows nothing of what a chunk shows.
"""

import json
import logging
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    trainer_utils,
)

from training.sft.collate import ChunkCollator
from training.sft.model import ChunkModel
from training.sft.settings import SftSettings

logger = logging.getLogger("ringside.training.sft")


class StopAfter(TrainerCallback):
    """Saves and stops once the minutes are spent: GPU time comes in pieces."""

    def __init__(self, minutes: float) -> None:
        self.deadline = time.monotonic() + 60 * minutes

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Ask for a checkpoint and the end of this run when the time is up."""
        if time.monotonic() >= self.deadline:
            control.should_save = True
            control.should_training_stop = True
        return control


class StopWhenLearnt(TrainerCallback):
    """Stops once the share of right tokens reaches a mark: what is learnt needs no more steps."""

    def __init__(self, token_accuracy: float) -> None:
        self.token_accuracy = token_accuracy

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Ask for the end where the newest line of the log reaches the mark."""
        if state.log_history and state.log_history[-1].get("token_accuracy", 0.0) >= self.token_accuracy:
            control.should_training_stop = True
        return control


class ChunkTrainer(Trainer):
    """Averages the loss over a whole accumulated batch and keeps the checkpoint an ordinary transformers model."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Mean over the assistant tokens of the whole accumulated batch; token accuracy goes to the log."""
        outputs = model(**inputs)
        # Without the batch's own count (evaluation) a device batch is its own mean.
        count = outputs["num_learnt"] if num_items_in_batch is None else num_items_in_batch
        loss = outputs["loss_sum"] / count
        self._num_correct = getattr(self, "_num_correct", 0) + outputs["num_correct"].detach()
        self._num_learnt = getattr(self, "_num_learnt", 0) + outputs["num_learnt"].detach()
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Adds token accuracy since the last line."""
        if "loss" in logs and getattr(self, "_num_learnt", None) is not None:
            logs["token_accuracy"] = round(float(self._num_correct / max(int(self._num_learnt), 1)), 4)
            self._num_correct = self._num_learnt = 0
        super().log(logs, *args, **kwargs)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        wrapper: ChunkModel = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        wrapper.hf.save_pretrained(folder)
        if self.processing_class is not None:
            self.processing_class.save_pretrained(folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        wrapper: Any = model or self.model
        weights = type(wrapper.hf).from_pretrained(resume_from_checkpoint, dtype=torch.float32).state_dict()
        wrapper.hf.load_state_dict(weights)


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint in a run's folder, if any."""
    find: Any = trainer_utils.get_last_checkpoint
    found: str | None = find(str(folder))
    return found


def arguments(settings: SftSettings, folder: Path, *, num_devices: int, log_every: int) -> TrainingArguments:
    """The Trainer's arguments for a recipe."""
    optimizer = settings.optimizer
    accumulated = max(1, optimizer.batch_chunks // (settings.device_batch_chunks * num_devices))
    warmup = math.ceil(optimizer.warmup_share * optimizer.num_steps)
    schedule_kwargs: dict[str, Any] = {}
    if optimizer.schedule == "warmup_stable_decay":
        schedule_kwargs = {"num_decay_steps": math.ceil(optimizer.decay_share * optimizer.num_steps)}
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=optimizer.num_steps,
        per_device_train_batch_size=settings.device_batch_chunks,
        gradient_accumulation_steps=accumulated,
        learning_rate=optimizer.learning_rate,
        weight_decay=optimizer.weight_decay,
        adam_beta2=optimizer.beta2,
        max_grad_norm=optimizer.max_grad_norm,
        lr_scheduler_type=optimizer.schedule,
        lr_scheduler_kwargs=schedule_kwargs,
        warmup_steps=warmup,
        optim="adamw_torch_fused" if on_gpu else "adamw_torch",
        bf16=on_gpu,
        tf32=True if on_gpu else None,
        use_cpu=not on_gpu,
        logging_steps=log_every,
        save_strategy="steps",
        save_steps=max(1, optimizer.num_steps // 4),
        save_total_limit=1,
        dataloader_num_workers=settings.num_workers,
        dataloader_prefetch_factor=2 if settings.num_workers else None,
        dataloader_persistent_workers=False,
        dataloader_pin_memory=on_gpu,
        remove_unused_columns=False,
        # The stream of chunks is endless and seeded by the step, so there is nothing to skip on resuming.
        ignore_data_skip=True,
        accelerator_config={"dispatch_batches": False, "split_batches": False},
        label_names=["labels"],
        report_to=[],
        disable_tqdm=True,
        seed=settings.seed,
    )


def train(
    model: ChunkModel,
    tokenizer: Any,
    chunks: Any,
    settings: SftSettings,
    folder: Path,
    *,
    minutes: float | None = None,
    stop_at_accuracy: float | None = None,
    num_devices: int = 1,
    log_every: int = 20,
) -> dict[str, Any]:
    """Train, or go on from the newest checkpoint in `folder`. Returns {"step", "num_steps", "seconds", "finished"}.

    Writes checkpoints to `folder`/checkpoint-STEP and the log to `folder`/history.jsonl.
    """
    folder.mkdir(parents=True, exist_ok=True)
    callbacks: list[TrainerCallback] = [] if minutes is None else [StopAfter(minutes)]
    if stop_at_accuracy is not None:
        callbacks.append(StopWhenLearnt(stop_at_accuracy))
    trainer = ChunkTrainer(
        model=model,
        args=arguments(settings, folder, num_devices=num_devices, log_every=log_every),
        train_dataset=chunks,
        data_collator=ChunkCollator(num_tokens=settings.max_tokens, pad_id=tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=callbacks,
    )
    checkpoint = last_checkpoint(folder)
    first_entry = 0
    if checkpoint is not None:
        logger.info("going on from %s", checkpoint)
        first_entry = len(json.loads((Path(checkpoint) / "trainer_state.json").read_text())["log_history"])
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.monotonic() - started
    with (folder / "history.jsonl").open("a", encoding="utf-8") as history:
        for entry in trainer.state.log_history[first_entry:]:
            history.write(json.dumps(entry) + "\n")
    return {
        "step": trainer.state.global_step,
        "num_steps": settings.optimizer.num_steps,
        "seconds": round(seconds, 1),
        "finished": trainer.state.global_step >= settings.optimizer.num_steps,
    }
