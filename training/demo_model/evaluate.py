"""Stream unseen matches through the engine, as a user would, and score what is said.

Knows how to play a match into a session. Knows nothing of training; the yardstick is `training.demo_league.score`.
"""

import dataclasses
import itertools
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine import FrameChunk, StreamingSession, StreamSettings, load_model, share_cores
from training.demo_league.render import render_match
from training.demo_league.score import score_file
from training.sft.video import frames_at

logger = logging.getLogger("ringside.training.demo_model")
MEASURES = (
    "event_precision",
    "event_recall",
    "event_f1",
    "team_accuracy",
    "score_accuracy",
    "name_accuracy",
    "silence_agreement",
)


def evaluate_seeds(
    model_folder: Path,
    seeds: list[int],
    *,
    minutes: float,
    device: str,
    greedy: bool,
    precision: str | None = None,
    name_bias: float | None = None,
    initial_scores: Sequence[tuple[int, int]] = ((0, 0),),
    out: Path | None = None,
) -> dict[str, Any]:
    """Render each seed's match as a video, comment on it endlessly, score it. Returns every score and their means.

    ``precision`` is the engine's: how the weights are kept; None as the device usually has them. ``name_bias``, where
    given, takes the place of the checkpoint's own. ``initial_scores``: what the matches begin at, in turn.
    """
    share_cores()
    settings = StreamSettings.from_checkpoint(model_folder)
    sampling = dataclasses.replace(settings.sampling, greedy=greedy, seed=1)
    if name_bias is not None:
        sampling = dataclasses.replace(sampling, name_bias=name_bias)
    settings = dataclasses.replace(settings, sampling=sampling)
    model = load_model(model_folder, device=device, precision=precision)
    with tempfile.TemporaryDirectory() as scratch:
        place = out or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        results = {}
        for seed, score in zip(seeds, itertools.cycle(initial_scores)):
            video, truth = Path(scratch) / f"{seed}.mp4", place / f"truth-{seed}.jsonl"
            render_match(seed=seed, minutes=minutes, out=video, truth=truth, initial_score=score)
            captions = place / f"captions-{seed}.jsonl"
            step_ms = caption_video(model, settings, video, truth, captions)
            scores = score_file(captions, truth)
            scores["step_ms_p50"] = round(statistics.median(step_ms), 1)
            scores["step_ms_p95"] = round(float(np.percentile(step_ms, 95)), 1)
            results[str(seed)] = scores
            logger.info("seed %d: %s", seed, {name: scores[name] for name in (*MEASURES, "step_ms_p95")})
    means = {
        name: round(statistics.fmean(scores[name] or 0.0 for scores in results.values()), 4)
        for name in MEASURES
    }
    summary = {
        "model": str(model_folder),
        "minutes": minutes,
        "greedy": greedy,
        "precision": precision,
        "name_bias": sampling.name_bias,
        "initial_scores": [list(score) for score in initial_scores],
        "mean": means,
        "seeds": results,
    }
    if out is not None:
        (out / "scores.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def caption_video(
    model: Any, settings: StreamSettings, video: Path, truth: Path, captions: Path
) -> list[float]:
    """Comment on a whole video with the title from its truth. Writes captions JSONL; returns milliseconds per step."""
    with truth.open(encoding="utf-8") as lines:
        match = json.loads(next(lines))
    session = StreamingSession(model, dataclasses.replace(settings, title=match["title"]))
    fps, chunk_s = settings.window.fps, settings.window.chunk_s
    num_chunks = int(match["duration_s"] / chunk_s)
    num_frames = round(fps * chunk_s)
    pictures = frames_at(video, [k / fps for k in range(num_chunks * num_frames)])
    step_ms = []
    with captions.open("w", encoding="utf-8") as lines:
        for index in range(num_chunks):
            frames = np.stack([next(pictures) for _ in range(num_frames)])
            started = time.perf_counter()
            step = session.step(
                FrameChunk(frames=frames, start_s=index * chunk_s, end_s=(index + 1) * chunk_s)
            )
            for _ in step:
                pass
            step_ms.append(1000 * (time.perf_counter() - started))
            if step.result.text:
                phrase = {"start": step.result.start_s, "end": step.result.end_s, "text": step.result.text}
                lines.write(json.dumps(phrase, ensure_ascii=False) + "\n")
    return step_ms
