"""The same fifty steps in every way they can be trained: `python -m tests.training.sft.equivalence [--ways NAME ...]`.

Prints for each way the greatest relative difference of its losses from those of the plain run (one process, a chunk at a
time, layers kept), and ends with 1 where one is above 1e-3. On the processor in float32; `--gpu` on GPUs as they are, in
bfloat16, with as many processes as there are GPUs at most.
"""

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[3]
SMALL_RUN = ["-m", "tests.training.sft.small_run"]
BAR = 1e-3
NUM_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a run is trained."""

    options: tuple[str, ...] = ()
    """Of `small_run`."""
    processes: int = 1
    sharding: str = ""
    """"fsdp2" or "zero3", with the repository's own configuration; without, every process has a whole copy."""
    stopped: str = ""
    """"killed" in the middle of a step and started again, or "saved", stopped and started again."""


WAYS = {
    "packed": Way(options=("--pack",)),
    "layers recomputed": Way(options=("--pack", "--recomputed", "all")),
    "perceptrons recomputed": Way(options=("--pack", "--recomputed", "mlp")),
    "cheap parts recomputed": Way(options=("--pack", "--recomputed", "cheap")),
    "killed and resumed": Way(stopped="killed"),
    "packed, killed and resumed": Way(options=("--pack",), stopped="killed"),
    "2 processes": Way(processes=2),
    "4 processes": Way(processes=4),
    "4 processes, saved and resumed": Way(processes=4, stopped="saved"),
    "2 processes, packed": Way(options=("--pack",), processes=2),
    "FSDP2 over 2": Way(processes=2, sharding="fsdp2"),
    "FSDP2 over 2, packed, cheap parts recomputed": Way(
        options=("--pack", "--recomputed", "cheap"), processes=2, sharding="fsdp2"
    ),
    "FSDP2 over 4, saved and resumed": Way(processes=4, sharding="fsdp2", stopped="saved"),
    "ZeRO-3 over 2": Way(processes=2, sharding="zero3"),
    "ZeRO-3 over 2, packed, cheap parts recomputed": Way(
        options=("--pack", "--recomputed", "cheap"), processes=2, sharding="zero3"
    ),
    "ZeRO-3 over 2, saved and resumed": Way(processes=2, sharding="zero3", stopped="saved"),
}


def losses(out: Path) -> list[float]:
    """Every step's, in order. Raises ValueError where one is missing or there twice."""
    entries = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    steps = [(entry["step"], entry["loss"]) for entry in entries if "loss" in entry]
    if [step for step, _ in steps] != list(range(1, NUM_STEPS + 1)):
        raise ValueError(f"{out} has the steps {[step for step, _ in steps]}, not each once in order.")
    return [loss for _, loss in steps]


def train(way: Way, out: Path, *, gpu: bool = False) -> list[float]:
    """Run it and return its losses. Raises RuntimeError with what the run said where it failed."""
    command = [*_launcher(way, out.with_suffix(".yaml"), gpu=gpu), *SMALL_RUN, str(out), *way.options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if not gpu:
        environment |= {"CUDA_VISIBLE_DEVICES": "", "DS_ACCELERATOR": "cpu"}
    if way.stopped == "killed":
        _kill_halfway([*command, "--save-every", "20"], out, environment)
        command += ["--save-every", "20"]
    elif way.stopped == "saved":
        _run([*command, "--minutes", "0"], environment)
    _run(command, environment)
    return losses(out)


def _launcher(way: Way, config: Path, *, gpu: bool) -> list[str]:
    if way.sharding:
        text = (ROOT / "training" / "sft" / "configs" / f"{way.sharding}.yaml").read_text()
        if not gpu:
            text = text.replace("mixed_precision: bf16", "mixed_precision: 'no'") + "use_cpu: true\n"
        config.write_text(text)
        processes = ["--num_processes", str(way.processes), "--main_process_port", "0"]
        return [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config), *processes]
    if way.processes == 1:
        return [sys.executable]
    return [
        *[sys.executable, "-m", "torch.distributed.run", "--standalone"],
        f"--nproc_per_node={way.processes}",
    ]


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])


def _kill_halfway(command: list[str], out: Path, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    history = out / "history.jsonl"
    # Some steps after the first checkpoint, which are trained and logged once more.
    while process.poll() is None and not (history.exists() and '"step": 23' in history.read_text()):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def main() -> int:
    """0 where every way's losses are the plain run's to 1e-3."""
    cli = argparse.ArgumentParser()
    cli.add_argument("--ways", nargs="+", choices=sorted(WAYS), default=list(WAYS), metavar="NAME")
    cli.add_argument("--gpu", action="store_true")
    arguments = cli.parse_args()
    most = 4
    if arguments.gpu:
        import torch

        most = torch.cuda.device_count()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        plain = np.array(train(Way(), Path(folder) / "plain", gpu=arguments.gpu))
        sys.stdout.write(f"plain: loss {plain[0]:.4f} to {plain[-1]:.4f} over {len(plain)} steps\n")
        for number, name in enumerate(arguments.ways):
            if WAYS[name].processes > most:
                sys.stdout.write(f"{name}: not run, there are {most} GPUs here\n")
                continue
            if WAYS[name].sharding == "zero3" and importlib.util.find_spec("deepspeed") is None:
                sys.stdout.write(f"{name}: not run, deepspeed is not installed\n")
                continue
            curve = np.array(train(WAYS[name], Path(folder) / str(number), gpu=arguments.gpu))
            difference = float(np.abs(curve / plain - 1).max())
            worst = max(worst, difference)
            sys.stdout.write(f"{name}: greatest relative difference {difference:.1e}\n")
            sys.stdout.flush()
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main())
