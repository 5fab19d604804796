"""Running a session and summing up what its steps took.

Knows: how to measure a session from outside. Does not know: what is inside, or how the figures are shown.
"""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.chunk import FrameChunk
from engine.model import LoadedModel
from engine.runtime import RuntimeSettings
from engine.session import StreamingSession
from engine.settings import StreamSettings
from engine.step import StepResult

_STATM = Path("/proc/self/statm")
_NUM_DIFFERENT = 4


def made_up_chunks(settings: StreamSettings, height: int, width: int) -> Iterator[FrameChunk]:
    """Endless chunks of noise that moves: as hard to resize as any picture, and the same on every run."""
    window = settings.window
    noise = np.random.default_rng(0).integers(0, 256, (height + 64, width + 64, 3), dtype=np.uint8)
    kinds = []
    for kind in range(_NUM_DIFFERENT):
        offsets = [(kind * window.frames_per_chunk + i) % 64 for i in range(window.frames_per_chunk)]
        kinds.append(np.stack([noise[o : o + height, o : o + width] for o in offsets]))
    step = 0
    while True:
        start_s = step * window.chunk_s
        yield FrameChunk(frames=kinds[step % len(kinds)], start_s=start_s, end_s=start_s + window.chunk_s)
        step += 1


@dataclasses.dataclass
class Run:
    """A session that is past its beginning, and what its measured steps brought."""

    session: StreamingSession
    results: list[StepResult]
    device_bytes: list[int]
    """Memory allocated on the device after each measured step; of the process where the device tells none."""
    longest_ms: dict[str, float] = dataclasses.field(default_factory=dict)
    """The longest stretch of work between two pauses, by what it did last; empty without pauses."""


def run_stream(
    model: LoadedModel,
    settings: StreamSettings,
    runtime: RuntimeSettings,
    frame_size: tuple[int, int],
    *,
    num_steps: int,
    tokens_per_step: int | None,
    lookahead: bool = False,
    live: bool = False,
    on_step: Callable[[int, StepResult], None] | None = None,
) -> Run:
    """Warm up, fill the windows unmeasured, then measure ``num_steps`` steps.

    ``tokens_per_step``: how many tokens each phrase is made to have; None leaves it to the model. ``lookahead``: each
    chunk is prepared while the one before it is answered, as an application does that has it in time. ``live``: measured
    steps begin no sooner than their chunk would have been seen, as they do for whoever watches.
    """
    session = StreamingSession(model, settings, runtime)
    session.warm_up(frame_size, rehearses=False)  # filling the windows is a rehearsal
    forced = forced_phrase(model, tokens_per_step)
    num_unmeasured = max(settings.window.vision_rounds, settings.window.text_rounds) + 2
    run = Run(session, [], [])
    chunks = made_up_chunks(settings, *frame_size)
    chunk = next(chunks)
    began_s = 0.0
    for number in range(num_unmeasured + num_steps):
        if number == num_unmeasured:
            began_s = time.perf_counter()
        if live and number > num_unmeasured:
            due_s = began_s + (number - num_unmeasured) * settings.window.chunk_s
            time.sleep(max(0.0, due_s - time.perf_counter()))
        step = session.step(chunk, forced_ids=forced)
        following = next(chunks)
        if lookahead:
            next(step, "")
            session.prepare(following)
        result = step.result
        if number >= num_unmeasured:
            run.results.append(result)
            keep_longest(run.longest_ms, session.longest_stretches_ms)
            run.device_bytes.append(allocated_bytes(model.device))
            if on_step:
                on_step(number - num_unmeasured, result)
        chunk = following
    return run


def forced_phrase(model: LoadedModel, tokens_per_step: int | None) -> list[int] | None:
    """Ids of a phrase of so many tokens, its end not counted: ordinary letters."""
    if tokens_per_step is None:
        return None
    return (model.prompt.encode(" a")[:1] * tokens_per_step)[:tokens_per_step]


def summary(run: Run, settings: StreamSettings) -> dict[str, Any]:
    """Percentiles, rates and memory of a run."""
    results = run.results
    fields = [field.name for field in dataclasses.fields(results[0].timings)]
    phases = {name: np.array([getattr(result.timings, name) for result in results]) for name in fields}
    window, fifth = settings.window, max(1, len(results) // 5)
    total_ms, num_said = phases["total_ms"], float(np.mean([len(result.token_ids) for result in results]))
    tokens_a_chunk = vision_tokens(run)
    return {
        "num_context_tokens": results[-1].num_context_tokens,
        "vision_tokens_per_step": tokens_a_chunk,
        "tokens_said_mean": round(num_said, 2),
        "phases_ms": {name: percentiles(ms) for name, ms in phases.items()},
        "decode_tokens_per_s": round(
            1000 * tokens_run(results) / max(float(np.median(phases["decode_ms"])), 1e-9), 1
        ),
        "visual_tokens_per_s": round(1000 * tokens_a_chunk / float(np.median(total_ms)), 1),
        "times_real_time": round(window.chunk_s * 1000 / float(total_ms.mean()), 2),
        **({"longest_stretch_ms": rounded(run.longest_ms)} if run.longest_ms else {}),
        "last_fifth_to_first": round(float(np.median(total_ms[-fifth:]) / np.median(total_ms[:fifth])), 3),
        "cache_mb": round(run.session.context.cache.num_bytes / 1e6, 2),
        "memory_mb_first": round(run.device_bytes[0] / 1e6, 1),
        "memory_mb_last": round(run.device_bytes[-1] / 1e6, 1),
        "memory_mb_peak": round(peak_bytes(run.device_bytes) / 1e6, 1),
    }


def tokens_run(results: Sequence[StepResult]) -> float:
    """How many tokens a step runs one by one, on the average: not the first, which prefill brings, nor the last, whose
    state nobody has asked for yet."""
    return max(float(np.mean([len(result.token_ids) for result in results])) - 2, 1.0)


def percentiles(ms: Sequence[float] | np.ndarray) -> dict[str, float]:
    """50th, 95th and 99th, rounded."""
    return {f"p{p}": round(float(np.percentile(ms, p)), 2) for p in (50, 95, 99)}


def keep_longest(longest_ms: dict[str, float], stretches_ms: Mapping[str, float]) -> None:
    """Take the stretches of one step into the longest of all steps."""
    for name, ms in stretches_ms.items():
        longest_ms[name] = max(ms, longest_ms.get(name, 0.0))


def rounded(longest_ms: Mapping[str, float]) -> dict[str, float]:
    """The longest first, to two places."""
    return {
        name: round(longest_ms[name], 2)
        for name in sorted(longest_ms, key=longest_ms.__getitem__, reverse=True)
    }


def vision_tokens(run: Run) -> int:
    """Tokens that the frames of one chunk come to."""
    pad = run.session.model.prompt.special.video_pad
    rounds = min(run.session.context.num_rounds, run.session.settings.window.vision_rounds)
    return run.session.context.ids.count(pad) // max(rounds, 1)


def allocated_bytes(device: torch.device) -> int:
    """Memory that tensors hold on a GPU; elsewhere what the process holds."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else resident_bytes()


def peak_bytes(seen: Sequence[int]) -> int:
    """The highest so far: by CUDA's own count where there is one."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else max(seen)


def resident_bytes() -> int:
    """Memory this process holds at present; its highest so far where the system does not tell."""
    if _STATM.is_file():
        return int(_STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
