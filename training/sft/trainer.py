"""The transformers Trainer, told how to train on chunks for a number of minutes at a time.

Knows accumulation, schedules, checkpoints and the clock. Knows nothing of what a chunk shows.
"""

import json
import logging
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.fsdp import MixedPrecisionPolicy
from torch.utils.data import IterableDataset
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from training.errors import RecipeError
from training.sft.collate import ChunkCollator, PackingCollator
from training.sft.lora import has_lora, load_adapter, save_adapter
from training.sft.model import ChunkModel
from training.sft.processes import made_alone
from training.sft.settings import SftSettings

logger = logging.getLogger("ringside.training.sft")
MIN_CHUNKS_FOR_SHARE = 32
"""Chunks that must have been asked for before the share of unreadable ones counts."""
_COUNTS = "chunk_counts"


class StopAfter(TrainerCallback):
    """Saves and stops once the minutes are spent: GPU time comes in pieces."""

    def __init__(self, minutes: float) -> None:
        self.deadline = time.monotonic() + 60 * minutes

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Ask for a checkpoint and the end of this run when the time is up, in all processes after the same step."""
        is_over = time.monotonic() >= self.deadline
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            # Clocks differ: a process that stopped by itself would leave the others waiting for it.
            flag = torch.tensor([int(is_over)], device=args.device)
            torch.distributed.broadcast(flag, 0)
            is_over = bool(flag.item())
        if is_over:
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


class HistoryFile(TrainerCallback):
    """The log as JSON lines, each there as soon as it is logged: a killed run's too."""

    def __init__(self, path: Path, earlier: list[dict[str, Any]]) -> None:
        """`earlier`: the log up to the checkpoint. What a killed run logged after it is trained, and logged, again."""
        self.path = path
        path.write_text("".join(json.dumps(entry) + "\n" for entry in earlier), encoding="utf-8")

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Add the newest line."""
        if state.is_world_process_zero and state.log_history:
            with self.path.open("a", encoding="utf-8") as history:
                history.write(json.dumps(state.log_history[-1]) + "\n")
        return control


class ChunkTrainer(Trainer):
    """Averages the loss over a whole accumulated batch and keeps the checkpoint an ordinary transformers model."""

    max_skipped_share: float = 1.0
    """Share of chunks that may be unreadable."""
    _num_correct: Any = 0
    _num_learnt: Any = 0
    earlier_counts: tuple[int, int] = (0, 0)
    """Chunks skipped and chunks read up to the checkpoint that is gone on from, of all processes."""
    _num_skipped: int = 0
    _num_chunks: int = 0

    def create_accelerator_and_postprocess(self) -> None:
        """Sharded training keeps positions, loss and gradient sums in float32; accelerate's own would round them."""
        super().create_accelerator_and_postprocess()
        plugin = getattr(self.accelerator.state, "fsdp_plugin", None)
        if plugin is not None and plugin.fsdp_version == 2 and self.accelerator.mixed_precision == "bf16":
            plugin.mixed_precision_policy = MixedPrecisionPolicy(
                param_dtype=torch.bfloat16,
                reduce_dtype=torch.float32,
                output_dtype=torch.float32,
                # Positions reach 19,000 in a chunk: bfloat16 has no whole numbers above 256.
                cast_forward_inputs=False,
            )

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Mean over the assistant tokens of the whole accumulated batch; token accuracy goes to the log.

        Raises RecipeError where too many chunks could not be read.
        """
        self._count_skipped(inputs)
        outputs = model(**inputs)
        # Without the batch's own count (evaluation) a device batch is its own mean.
        count = outputs["num_learnt"] if num_items_in_batch is None else num_items_in_batch
        loss = outputs["loss_sum"] / count
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            # The count is of all processes' tokens, and gradients are averaged over processes.
            loss = loss * self.accelerator.num_processes
        self._num_correct = self._num_correct + outputs["num_correct"].detach()
        self._num_learnt = self._num_learnt + outputs["num_learnt"].detach()
        return (loss, outputs) if return_outputs else loss

    def _count_skipped(self, inputs: dict[str, Any]) -> None:
        skipped, chunks = inputs.pop("num_skipped", None), inputs.pop("num_chunks", None)
        if skipped is None or chunks is None:
            return
        self._num_skipped += int(skipped)
        self._num_chunks += int(chunks)
        # Of this process's own since the checkpoint: to ask the others would make each batch wait for the slowest.
        num_skipped = self.earlier_counts[0] + self._num_skipped
        seen = num_skipped + self.earlier_counts[1] + self._num_chunks
        # A share of few is no share yet.
        if seen >= MIN_CHUNKS_FOR_SHARE and num_skipped > self.max_skipped_share * seen:
            raise RecipeError(
                f"{num_skipped} of {seen} chunks could not be read, more than the share of "
                f"{self.max_skipped_share:g} that max_skipped_share allows. skipped.jsonl beside the checkpoints says why; "
                "`python -m training.data validate` finds them ahead."
            )

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Adds token accuracy since the last line, and the chunks skipped in the whole run, of all processes."""
        if "loss" in logs and torch.is_tensor(self._num_learnt):
            counts = torch.stack([self._num_correct, self._num_learnt]).to(self.accelerator.device)
            num_correct, num_learnt = self.accelerator.reduce(counts, "sum").tolist()
            logs["token_accuracy"] = round(num_correct / max(num_learnt, 1), 4)
            self._num_correct = self._num_learnt = 0
            num_skipped, _ = self.chunk_counts()
            if num_skipped:
                logs["num_skipped"] = num_skipped
        super().log(logs, *args, **kwargs)

    def chunk_counts(self) -> tuple[int, int]:
        """Chunks skipped and chunks read in the whole run, of all processes. Every process must call this."""
        mine = torch.tensor([self._num_skipped, self._num_chunks], device=self.accelerator.device)
        num_skipped, num_chunks = self.accelerator.reduce(mine, "sum").tolist()
        return self.earlier_counts[0] + num_skipped, self.earlier_counts[1] + num_chunks

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        states: Any = self.state.stateful_callbacks  # a mapping at run time, whatever its annotation says
        states[_COUNTS] = list(self.chunk_counts())  # goes into trainer_state.json with the rest of the state
        super()._save_checkpoint(model, trial)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        wrapper: ChunkModel = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        # Sharded training hands over whole weights, under the wrapper's names.
        weights = (
            None
            if not state_dict
            else {name.removeprefix("hf."): value for name, value in state_dict.items()}
        )
        if has_lora(wrapper.hf):
            save_adapter(wrapper.hf, wrapper.hf.state_dict() if weights is None else weights, folder)
            wrapper.hf.config.save_pretrained(folder)
        else:
            wrapper.hf.save_pretrained(folder, state_dict=weights)
        if self.processing_class is not None:
            self.processing_class.save_pretrained(folder)

    def write_model(
        self, folder: Path, final_state: Callable[[Any], dict[str, Tensor]] | None = None
    ) -> None:
        """Write the model as plain transformers and the engine load it, bfloat16. Every process must call this."""
        sharded = self.is_fsdp_enabled or self.is_deepspeed_enabled
        state = self.accelerator.get_state_dict(self.model_wrapped) if sharded else None
        if not self.is_world_process_zero():
            return
        wrapper: ChunkModel = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        hf = wrapper.hf
        if final_state is not None:
            weights = final_state(hf)
        elif state is not None:
            weights = {name.removeprefix("hf."): value for name, value in state.items()}
        else:
            weights = hf.state_dict()
        tied = {"lm_head.weight"} if hf.config.tie_word_embeddings else set()
        # A plain class of the same configuration: additions leave no trace in what is written.
        with torch.device("meta"), made_alone(self.accelerator):
            plain = type(hf)(hf.config)
        plain.to(torch.bfloat16)
        plain.generation_config = hf.generation_config
        plain.config.dtype = "bfloat16"
        plain.save_pretrained(
            folder,
            state_dict={
                name: value.to(torch.bfloat16) for name, value in weights.items() if name not in tied
            },
        )
        if self.processing_class is not None:
            self.processing_class.save_pretrained(folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        wrapper: Any = model or self.model
        if has_lora(wrapper.hf):
            load_adapter(wrapper.hf, Path(resume_from_checkpoint))
            return
        # Not that of any weight: a frozen vision tower is kept in bfloat16.
        dtype = wrapper.hf.lm_head.weight.dtype
        weights = type(wrapper.hf).from_pretrained(resume_from_checkpoint, dtype=dtype).state_dict()
        wrapper.hf.load_state_dict(weights)


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint in a run's folder that is whole, if any: a kill may have left one half-written."""
    found: list[tuple[int, Path]] = []
    for state in folder.glob(
        "checkpoint-*/trainer_state.json"
    ):  # the last file of a checkpoint to be written
        try:
            found.append((int(json.loads(state.read_text(encoding="utf-8"))["global_step"]), state.parent))
        except (ValueError, KeyError):
            logger.warning("%s is not whole and is left aside", state.parent)
    return str(max(found)[1]) if found else None


def arguments(
    settings: SftSettings,
    folder: Path,
    *,
    num_devices: int,
    log_every: int,
    is_endless: bool = True,
    saves: bool = True,
) -> TrainingArguments:
    """The Trainer's arguments for a recipe.

    Args:
        is_endless: the data is a stream seeded by the step; else a set of chunks in a seeded order, of which those that a
            checkpoint has seen are passed over without being read.
        saves: write checkpoints.
    """
    optimizer = settings.optimizer
    at_once = settings.device_batch_chunks * num_devices
    accumulated, left_over = divmod(optimizer.batch_chunks, at_once)
    if left_over:
        raise RecipeError(
            f"A batch of {optimizer.batch_chunks} chunks cannot be had from {num_devices} processes with "
            f"{settings.device_batch_chunks} at a time. Take a multiple of {at_once} (--batch)."
        )
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
        save_strategy="steps" if saves else "no",
        save_steps=settings.save_every or max(1, optimizer.num_steps // 4),
        save_total_limit=1,
        dataloader_num_workers=settings.num_workers,
        dataloader_prefetch_factor=2 if settings.num_workers else None,
        dataloader_persistent_workers=False,
        dataloader_pin_memory=on_gpu,
        remove_unused_columns=False,
        ignore_data_skip=is_endless,
        ddp_backend="gloo" if num_devices > 1 and not on_gpu else None,
        # Frozen parts get no gradient by design, and every part that learns does in every step.
        ddp_find_unused_parameters=False,
        accelerator_config={
            "dispatch_batches": False,
            "split_batches": False,
            # Sharded, every device batch's gradients are summed at once: unsharded, 7B's would fill 30 GB of each GPU.
            "gradient_accumulation_kwargs": {
                "sync_each_batch": os.environ.get("ACCELERATE_USE_FSDP") == "true"
            },
        },
        label_names=["labels"],
        report_to=["tensorboard"] if settings.tensorboard else [],
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
    model_folder: Path | None = None,
    final_state: Callable[[Any], dict[str, Tensor]] | None = None,
    saves: bool = True,
    trainer_class: type[ChunkTrainer] = ChunkTrainer,
) -> dict[str, Any]:
    """Train, or go on from the newest checkpoint in `folder`. Returns {"step", "num_steps", "num_skipped",
    "seconds", "finished"}.

    Args:
        model_folder: where the model is written, by the first process, as it is at the end or when the minutes are spent;
            None: nowhere.
        final_state: makes the written model's weights of the trained model (`lora.merged_state`).
        saves: write checkpoints; a benchmark does not.
        trainer_class: a trainer that looks on, for measuring.

    Writes checkpoints to `folder`/checkpoint-STEP and the log to `folder`/history.jsonl, for TensorBoard to `folder`/runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    callbacks: list[TrainerCallback] = [] if minutes is None else [StopAfter(minutes)]
    pad_id = int(tokenizer.pad_token_id)
    collator: Any = (
        PackingCollator(max_chunk_tokens=settings.max_tokens, pad_id=pad_id)
        if settings.pack
        else ChunkCollator(num_tokens=settings.max_tokens, pad_id=pad_id)
    )
    if stop_at_accuracy is not None:
        callbacks.append(StopWhenLearnt(stop_at_accuracy))
    trainer = trainer_class(
        model=model,
        args=arguments(
            settings,
            folder,
            num_devices=num_devices,
            log_every=log_every,
            is_endless=isinstance(chunks, IterableDataset),
            saves=saves,
        ),
        train_dataset=chunks,
        data_collator=collator,
        processing_class=tokenizer,
        callbacks=callbacks,
    )
    if settings.lora is not None and (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
        raise RecipeError(
            "LoRA trains whole copies of the model (one GPU, or ddp.yaml); with FSDP or ZeRO take a recipe without it."
        )
    if settings.train_vision and trainer.is_fsdp_enabled:
        raise RecipeError(
            "With FSDP every GPU holds the whole vision tower, frozen (train_vision=False). To train it take ddp.yaml."
        )
    trainer.max_skipped_share = settings.max_skipped_share
    checkpoint = last_checkpoint(folder)
    earlier: list[dict[str, Any]] = []
    if checkpoint is not None:
        logger.info("going on from %s", checkpoint)
        state = json.loads((Path(checkpoint) / "trainer_state.json").read_text())
        earlier = state["log_history"]
        num_skipped, num_chunks = state.get("stateful_callbacks", {}).get(_COUNTS, (0, 0))
        trainer.earlier_counts = (num_skipped, num_chunks)
    if trainer.is_world_process_zero():
        trainer.add_callback(HistoryFile(folder / "history.jsonl", earlier))
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.monotonic() - started
    if model_folder is not None:
        trainer.write_model(model_folder, final_state)
    num_skipped, _ = trainer.chunk_counts()
    return {
        "step": trainer.state.global_step,
        "num_steps": settings.optimizer.num_steps,
        "num_skipped": num_skipped,
        "seconds": round(seconds, 1),
        "finished": trainer.state.global_step >= settings.optimizer.num_steps,
    }
