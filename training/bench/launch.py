"""Rows are run one by one, each in processes of its own, the way a lab would launch them.

Knows accelerate's and torchrun's command lines, and what to try where memory does not suffice. Knows nothing of models.
"""

import contextlib
import dataclasses
import importlib.util
import json
import math
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from training.bench.case import MORE_RECOMPUTED, Case
from training.bench.material import ANNOTATIONS_NAME, VIDEO_NAME, write_annotations, write_video
from training.bench.timing import PHASES

ROOT = Path(__file__).parents[2]
CONFIGS = Path(__file__).parents[1] / "sft" / "configs"
VIDEO_CHUNKS = 1.25
"""How many chunks long the made-up video is."""


def run_case(case: Case, place: Path, *, limit_s: float) -> dict[str, Any]:
    """A row of the report: figures, or under "not_run" or "failed" why there are none.

    Args:
        place: a folder in which videos and rows are kept while the benchmark runs.
        limit_s: a row that takes longer is stopped.
    """
    row: dict[str, Any] = {"case": case.as_dict()}
    num_here = torch.cuda.device_count() if torch.cuda.is_available() else None
    if num_here is not None and case.gpus > num_here:
        return row | {"not_run": f"there are {num_here} GPUs here"}
    if case.method == "full" and case.sharding == "zero3" and importlib.util.find_spec("deepspeed") is None:
        return row | {"not_run": "deepspeed is not installed; --sharding fsdp2 needs nothing more"}
    tried: list[str] = []
    while True:
        result = _attempt(case, place, limit_s=limit_s)
        if not result.pop("out_of_memory", False):
            return row | {"tried": tried} | result
        used = result["recomputed"]
        tried.append(f"recomputed={used}: {result['failed']}")
        more = MORE_RECOMPUTED[used]
        if case.recomputed is not None or more is None:
            return row | {"tried": tried} | result
        # What was chosen by an estimate is chosen anew; what was asked for is not.
        again = _attempt(dataclasses.replace(case, recomputed=more), place, limit_s=limit_s)
        if not again.pop("out_of_memory", False):
            return row | {"tried": tried} | again
        tried.append(f"recomputed={more}: {again['failed']}")
        last = MORE_RECOMPUTED[more]
        if last is None:
            return row | {"tried": tried} | again
        case = dataclasses.replace(case, recomputed=last)


def _attempt(case: Case, place: Path, *, limit_s: float) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="row-", dir=place))
    _material(case, folder, place)
    (folder / "case.json").write_text(json.dumps(case.as_dict()), encoding="utf-8")
    command = command_of(case, folder, on_gpu=torch.cuda.is_available())
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": _python_path()}
    # Freed pieces of other sizes are no obstacle to large ones.
    environment.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // case.gpus // 4)))
    with (folder / "output.txt").open("wb") as output:
        # A session of its own: what is stopped is stopped with all its processes.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # What a process left behind that ended early (others that wait for it, workers that decode) ends too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    ranks = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("rank_*.json"))]
    shutil.rmtree(folder / "run", ignore_errors=True)
    failed = next((rank for rank in ranks if "failed" in rank), None)
    if failed is not None:
        return {"out_of_memory": "memory" in failed["failed"], **failed}
    if code != 0 or len(ranks) < case.gpus:
        end = (folder / "output.txt").read_text(encoding="utf-8", errors="replace").strip()[-1500:]
        why = f"no end after {limit_s:.0f} s" if code is None else f"exit code {code}"
        return {"failed": f"{why}: {end}"}
    return figures(case, ranks)


def command_of(case: Case, folder: Path, *, on_gpu: bool) -> list[str]:
    """How the row's processes are launched."""
    worker = ["-m", "training.bench.worker", str(folder)]
    sharding = "ddp" if case.method == "lora" else case.sharding
    if sharding == "ddp" and case.gpus == 1:
        return [sys.executable, *worker]
    if sharding == "ddp" and not on_gpu:
        return [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc_per_node={case.gpus}",
            *worker,
        ]
    config = CONFIGS / f"{sharding}.yaml"
    if not on_gpu:
        text = config.read_text(encoding="utf-8").replace("mixed_precision: bf16", "mixed_precision: 'no'")
        config = folder / config.name
        config.write_text(text + "use_cpu: true\n", encoding="utf-8")
    return [
        *[sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)],
        *["--num_processes", str(case.gpus), "--main_process_port", str(_free_port()), *worker],
    ]


def figures(case: Case, ranks: list[dict[str, Any]]) -> dict[str, Any]:
    """What the processes measured, put together: the first one's times, the largest memory."""
    first = ranks[0]
    steps = first.pop("steps")
    step_s = statistics.median(step["step"] for step in steps)
    chunk_gpu_s = step_s * case.gpus / case.chunks_a_step
    ceiling = statistics.mean(rank["matrix_flops_per_s"] for rank in ranks)
    flops = sum(first["flops"].values())
    of_step = {
        phase: statistics.median(step.get(phase, 0.0) for step in steps) for phase in (*PHASES, "waiting")
    }
    per_chunk = {name: took * case.gpus / case.chunks_a_step for name, took in of_step.items()}
    # In the recipe's batch of 512 the optimizer's share of a chunk is far smaller than in a short step here.
    batch = max(512, case.chunks_a_step)
    at_512 = chunk_gpu_s - per_chunk["optimizer"] + of_step["optimizer"] * case.gpus / batch
    return {
        "chunk_gpu_s": round(chunk_gpu_s, 4),
        "chunk_gpu_s_batch_512": round(at_512, 4),
        "chunks_per_s": round(case.chunks_a_step / step_s, 4),
        "tokens_per_s": round(first["chunk_tokens"] * case.chunks_a_step / step_s, 1),
        "tflops_per_gpu": round(flops / chunk_gpu_s / 1e12, 3),
        "matrix_tflops": round(ceiling / 1e12, 3),
        "share_of_ceiling": round(flops / chunk_gpu_s / ceiling, 4),
        "share_of_ceiling_batch_512": round(flops / at_512 / ceiling, 4),
        "chunk_phases_s": {name: round(took, 4) for name, took in per_chunk.items()},
        "step_s": [round(step["step"], 4) for step in steps],
        "decode_s": first["decode_s"],
        "peak_gb": max(rank["peak_gb"] for rank in ranks),
        **{
            name: first[name]
            for name in (
                *("device", "torch", "recomputed", "loss", "num_trained", "chunk_tokens", "chunk_learnt"),
                *("chunk_vision_tokens", "flops", "expected_gb", "reserved_gb", "memory_gb", "warmup_s"),
                *("ready_s", "losses"),
            )
        },
    }


def _material(case: Case, folder: Path, place: Path) -> None:
    # Every process of a step gets a chunk of its own, and none is seen twice.
    num_chunks = (case.warmup + case.steps) * case.chunks_a_step
    video_s = math.ceil(VIDEO_CHUNKS * case.chunk_s)
    write_annotations(folder / ANNOTATIONS_NAME, num_chunks=num_chunks, chunk_s=case.chunk_s, video_s=video_s)
    if importlib.util.find_spec("av") is None:
        return
    video = place / f"{case.tokens_per_second}-{video_s}.mp4"
    if not video.exists():
        write_video(video, tokens=case.tokens_per_second, seconds=video_s)
    (folder / VIDEO_NAME).hardlink_to(video)


def _python_path() -> str:
    """This code first, then what the caller had: packages may be anywhere."""
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
