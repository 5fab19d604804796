"""One process of a row: `python -m training.bench.worker FOLDER`, also behind accelerate and torchrun.

FOLDER holds `case.json`, the annotations and perhaps the video; the process leaves `rank_N.json` there. Exit code 3: a
GPU's memory did not suffice.

Knows how a row is run. Knows nothing of other rows.
"""

import json
import logging
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

from engine.bench.ceilings import measure_ceilings
from engine.sizes import config_of_size
from training.bench.case import Case, sft_settings
from training.bench.material import (
    ANNOTATIONS_NAME,
    VIDEO_NAME,
    MadeUpChunks,
    made_up_tokenizer,
    random_model,
    resize_for,
)
from training.bench.needs import ChunkSize, chunk_flops, gpu_bytes, least_recomputed
from training.bench.timing import TimedModel, Timings, timed_trainer
from training.errors import RecipeError
from training.sft.conversation import IGNORED_LABEL
from training.sft.lora import add_lora
from training.sft.model import freeze_vision
from training.sft.processes import leave_together
from training.sft.settings import SftSettings
from training.sft.trainer import train

OUT_OF_MEMORY = 3
MEASURED_CHUNKS = 8


def main(folder: Path) -> int:
    """Run the process's share of the row."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    rank = int(os.environ.get("RANK", "0"))
    case = Case(**json.loads((folder / "case.json").read_text(encoding="utf-8")))
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    else:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // case.gpus))
    code = 0
    try:
        result = measure(case, folder)
    except torch.OutOfMemoryError as error:
        result, code = (
            {"failed": f"a GPU's memory did not suffice ({str(error).splitlines()[0]})"},
            OUT_OF_MEMORY,
        )
    except RecipeError as error:
        result, code = {"failed": str(error)}, 1
    (folder / f"rank_{rank}.json").write_text(json.dumps(result), encoding="utf-8")
    if code:
        # The other processes wait for this one: nothing must keep it from ending.
        sys.stdout.flush()
        os._exit(code)
    leave_together()
    return 0


def measure(case: Case, folder: Path) -> dict[str, Any]:
    """Train for a few steps. Raises RecipeError, torch.OutOfMemoryError."""
    began_s = time.perf_counter()
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu")
    ceilings = measure_ceilings(device, torch.bfloat16 if on_gpu else torch.float32)
    if on_gpu:
        torch.cuda.empty_cache()
    config, tokenizer = config_of_size(case.size), made_up_tokenizer()
    plain = sft_settings(case, recomputed="all", max_tokens=1 << 20)
    made_up = MadeUpChunks(folder / ANNOTATIONS_NAME, tokenizer, plain.prompt, tokens=case.tokens_per_second)
    encoded = [made_up.encoded(index) for index in range(min(MEASURED_CHUNKS, len(made_up)))]
    lengths = [len(chunk.input_ids) for chunk in encoded]
    size = ChunkSize(
        num_tokens=round(sum(lengths) / len(lengths)),
        num_learnt=round(sum((chunk.labels != IGNORED_LABEL).sum() for chunk in encoded) / len(encoded)),
        num_pairs=round(case.chunk_s * plain.prompt.fps / 2),
        pair_patches=made_up.frame_size[0] * made_up.frame_size[1] // config.vision.patch_size**2,
    )
    memory_bytes = float(torch.cuda.mem_get_info()[1]) if on_gpu else float("inf")
    row_tokens = max(lengths) * case.device_chunks
    options: dict[str, Any] = {"num_tokens": row_tokens, "gpus": case.gpus, "lora": plain.lora}
    recomputed = case.recomputed or least_recomputed(config, memory_bytes=memory_bytes, **options)
    # Padded to the longest, with room for what the few that were looked at are shorter than others.
    settings = sft_settings(case, recomputed=recomputed, max_tokens=-(-max(lengths) * 11 // 10 // 64) * 64)
    chunks, decode_s = _chunks(case, folder, tokenizer, settings, made_up)

    full_dtype = torch.float32 if settings.lora is None or not on_gpu else torch.bfloat16
    hf = random_model(config, tokenizer, device=str(device), dtype=full_dtype)
    freeze_vision(hf)
    num_trained = (
        sum(value.numel() for value in hf.parameters() if value.requires_grad)
        if settings.lora is None
        else add_lora(hf, settings.lora)
    )
    timings = Timings()
    model = TimedModel(
        hf,
        train_vision=False,
        compile_layers=settings.compile_layers,
        is_packed=settings.pack,
        checkpoint_layers=settings.checkpoint_layers,
        recomputed=recomputed,
        attention=settings.attention,
        loss=settings.loss,
    )
    model.timings = timings
    ready_s = time.perf_counter() - began_s
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    train(
        model,
        tokenizer,
        chunks,
        settings,
        folder / "run",
        num_devices=case.gpus,
        log_every=1,
        saves=False,
        trainer_class=timed_trainer(timings),
    )
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "torch": torch.__version__,
        "matrix_flops_per_s": ceilings.matrix_flops_per_s,
        "steps": timings.steps[case.warmup :],
        "warmup_s": round(sum(step["step"] for step in timings.steps[: case.warmup]), 2),
        "ready_s": round(ready_s, 1),
        "losses": timings.losses,
        "recomputed": recomputed,
        "loss": settings.loss,
        "decode_s": decode_s,
        "num_trained": num_trained,
        "chunk_tokens": size.num_tokens,
        "chunk_learnt": size.num_learnt,
        "chunk_vision_tokens": size.num_pairs * size.pair_patches // 4,
        "flops": chunk_flops(config, size, lora=settings.lora),
        "expected_gb": round(gpu_bytes(config, recomputed=recomputed, **options) / 1e9, 1),
        "peak_gb": round(_peak_bytes() / 1e9, 2),
        "reserved_gb": round(torch.cuda.max_memory_reserved() / 1e9, 2) if on_gpu else None,
        "memory_gb": round(memory_bytes / 1e9, 1) if on_gpu else None,
    }


def _chunks(
    case: Case, folder: Path, tokenizer: Any, settings: SftSettings, made_up: MadeUpChunks
) -> tuple[Any, float | None]:
    """The data set, and the seconds that one process takes for a chunk of it; None where no video is decoded."""
    if not (folder / VIDEO_NAME).exists():
        return made_up, None
    from dataclasses import replace

    from training.sft.video import VideoChunks  # imported late: needs PyAV, which made-up frames do without

    chunks = VideoChunks(
        folder / ANNOTATIONS_NAME, tokenizer, replace(settings, resize=resize_for(case.tokens_per_second))
    )
    times = []
    for index in range(2):
        began_s = time.perf_counter()
        frames = chunks[index]["frames"]
        times.append(time.perf_counter() - began_s)
        assert frames is not None, "a chunk of a video has frames"
        assert frames.shape[1:3] == made_up.frame_size, "counted is what is trained"
    return chunks, round(min(times), 3)


def _peak_bytes() -> float:
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
