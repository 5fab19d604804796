"""How fast chunks are made and how fast they are learnt, measured apart, so that neither waits for the other.

Knows clocks and batches. Trains nothing that is kept.
"""

import time
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerFast

from training.demo_model.architecture import new_model
from training.demo_model.match_chunks import MatchChunks, MatchSettings
from training.sft.collate import ChunkCollator
from training.sft.model import ChunkModel
from training.sft.settings import SftSettings


def chunks_per_s(
    tokenizer: PreTrainedTokenizerFast, settings: SftSettings, *, seconds: float
) -> tuple[float, Any]:
    """Chunks that `settings.num_workers` processes make in a second, and one batch of them."""
    loader: Any = DataLoader(
        MatchChunks(tokenizer, settings, MatchSettings()),
        batch_size=settings.device_batch_chunks,
        num_workers=settings.num_workers,
        collate_fn=ChunkCollator(num_tokens=settings.max_tokens, pad_id=int(tokenizer.pad_token_id or 0)),
        prefetch_factor=2,
    )
    batches = iter(loader)
    # Every worker fills its queue first: that burst is not the rate.
    for _ in range(settings.num_workers * 2):
        batch = next(batches)
    started, num_batches = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        batch = next(batches)
        num_batches += 1
    rate = num_batches * settings.device_batch_chunks / (time.perf_counter() - started)
    del batches
    return rate, batch


def learning_rate_of(
    tokenizer: PreTrainedTokenizerFast,
    batch: dict[str, torch.Tensor],
    *,
    compile_layers: bool,
    num_steps: int = 12,
) -> dict[str, float]:
    """Forward, backward and optimizer on one CUDA device with this batch: chunks a second, warm-up, memory."""
    hf = new_model(tokenizer)
    model = ChunkModel(hf, train_vision=True, compile_layers=compile_layers, pixel_noise=6.0).cuda().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    batch = {name: value.cuda() for name, value in batch.items()}
    torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(num_steps + 3):
        torch.cuda.synchronize()
        started = time.perf_counter()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            result = model(**batch)
            loss = result["loss_sum"] / result["num_learnt"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    steady = sorted(times[3:])[num_steps // 2]
    return {
        "chunks_per_s": round(len(batch["input_ids"]) / steady, 1),
        "warm_up_s": round(sum(times[:3]), 1),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1),
    }
