"""Figures on a run that need no judge: how long steps take, memory, how long phrases are, how much is silence.

Knows the rows that streaming.py writes. Knows nothing of what is right.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.evaluate.report.contents import Plot, Series, Table

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""A run's rows by video."""
_MOST_POINTS = 240
_LONGEST_PHRASE = 20
NUM_FIFTHS = 5


def run_table(runs: Mapping[str, Rows]) -> Table:
    """Speed, memory, words and silence of some runs."""
    rows: list[tuple[Any, ...]] = []
    for name, by_video in runs.items():
        all_rows = [row for of_video in by_video.values() for row in of_video]
        step_ms = np.array([ms for row in all_rows for ms in row["step_ms"]])
        wait_ms = np.array([ms for row in all_rows for ms in row["wait_ms"]])
        said = [text for row in all_rows for _, _, text in row["said"]]
        video_s = sum(row["end"] - row["start"] for row in all_rows)
        wall_s = sum(row["wall_s"] for row in all_rows)
        memory = [mb for row in all_rows for _, mb, _ in row["memory_mb"]]
        gpu_peak_mb = max((mb for row in all_rows for _, _, mb in row["memory_mb"]), default=0.0)
        rows.append(
            (
                name,
                len(by_video),
                round(video_s / 60, 1),
                round(video_s / wall_s, 2) if wall_s else None,
                round(float(np.percentile(step_ms, 50)), 1) if len(step_ms) else None,
                round(float(np.percentile(step_ms, 95)), 1) if len(step_ms) else None,
                round(100 * float(wait_ms.sum() / max(wait_ms.sum() + step_ms.sum(), 1e-9)), 1),
                round(max(memory), 1) if memory else None,
                round(gpu_peak_mb, 1) if gpu_peak_mb else None,
                round(float(np.mean([len(text.split()) for text in said if text] or [0])), 2),
                round(100 * sum(not text for text in said) / max(1, len(said)), 1),
            )
        )
    return Table(
        title="Speed, memory and speech",
        columns=(
            "run",
            "videos",
            "minutes",
            "times real time",
            "step p50, ms",
            "step p95, ms",
            "waiting for video, %",
            "memory, MB",
            "GPU memory, peak, MB",
            "words a phrase",
            "silent seconds, %",
        ),
        rows=tuple(rows),
    )


def run_plots(runs: Mapping[str, Rows]) -> list[Plot]:
    """Latency and memory against minutes, the GPU's where there is one, phrase lengths, and silence by fifth."""
    on_gpu = {
        name: rows
        for name, rows in runs.items()
        if any(mb for row in _each(rows) for _, _, mb in row["memory_mb"])
    }
    return [
        Plot(
            title="Latency",
            kind="lines",
            x_label="minute of the video",
            y_label="step, ms (median)",
            series=tuple(_latency(name, rows) for name, rows in runs.items()),
        ),
        Plot(
            title="Memory",
            kind="lines",
            x_label="minute of the video",
            y_label="resident memory, MB",
            series=tuple(_memory(name, rows, of_gpu=False) for name, rows in runs.items()),
        ),
        *(
            [
                Plot(
                    title="GPU memory",
                    kind="lines",
                    x_label="minute of the video",
                    y_label="peak of the GPU's memory, MB",
                    series=tuple(_memory(name, rows, of_gpu=True) for name, rows in on_gpu.items()),
                )
            ]
            if on_gpu
            else []
        ),
        Plot(
            title="Length of phrases",
            kind="bars",
            x_label="words in a phrase",
            y_label="share of phrases",
            series=tuple(_lengths(name, rows) for name, rows in runs.items()),
            note=f"{_LONGEST_PHRASE} stands for that many words or more.",
        ),
        Plot(
            title="Silence",
            kind="lines",
            x_label="fifth of the video",
            y_label="share of silent seconds",
            series=tuple(_silence(name, rows) for name, rows in runs.items()),
        ),
    ]


def _latency(name: str, by_video: Rows) -> Series:
    by_minute: dict[int, list[float]] = {}
    for row in _each(by_video):
        for (start_s, _, _), ms in zip(row["said"], row["step_ms"], strict=True):
            by_minute.setdefault(int(start_s // 60), []).append(ms)
    return _thinned(name, {minute: float(np.median(ms)) for minute, ms in by_minute.items()})


def _memory(name: str, by_video: Rows, *, of_gpu: bool) -> Series:
    by_minute: dict[int, float] = {}
    for row in _each(by_video):
        for start_s, resident_mb, gpu_peak_mb in row["memory_mb"]:
            minute = int(start_s // 60)
            by_minute[minute] = max(by_minute.get(minute, 0.0), gpu_peak_mb if of_gpu else resident_mb)
    return _thinned(name, by_minute)


def _lengths(name: str, by_video: Rows) -> Series:
    counts = Counter(
        min(len(text.split()), _LONGEST_PHRASE)
        for row in _each(by_video)
        for _, _, text in row["said"]
        if text
    )
    total = max(1, counts.total())
    x = range(1, _LONGEST_PHRASE + 1)
    return Series(name=name, x=tuple(x), y=tuple(counts[length] / total for length in x))


def _silence(name: str, by_video: Rows) -> Series:
    silent, seconds = [0] * NUM_FIFTHS, [0] * NUM_FIFTHS
    for of_video in by_video.values():
        begin_s = min(row["start"] for row in of_video)
        span_s = max(row["end"] for row in of_video) - begin_s
        for row in of_video:
            for start_s, _, text in row["said"]:
                fifth = min(int((start_s - begin_s) / span_s * NUM_FIFTHS), NUM_FIFTHS - 1)
                seconds[fifth] += 1
                silent[fifth] += not text
    return Series(
        name=name,
        x=tuple(range(1, NUM_FIFTHS + 1)),
        y=tuple(part / whole if whole else None for part, whole in zip(silent, seconds, strict=True)),
    )


def _thinned(name: str, by_minute: Mapping[int, float]) -> Series:
    minutes = sorted(by_minute)
    step = max(1, len(minutes) // _MOST_POINTS)
    kept = minutes[::step]
    return Series(name=name, x=tuple(kept), y=tuple(round(by_minute[minute], 3) for minute in kept))


def _each(by_video: Rows) -> list[Mapping[str, Any]]:
    return [row for of_video in by_video.values() for row in of_video]
