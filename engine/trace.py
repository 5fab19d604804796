"""Recorded runs of the published StreamingVLM code: reading them, and the frames they were made from.

Knows: the format of the trace files and the formula of their frames.
Does not know: models, sessions, or what a replay finds out.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.chunk import FrameChunk
from engine.errors import TraceError
from engine.settings import DEFAULT_QUERY, SamplingSettings, StreamSettings, WindowSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class TraceStep:
    """One recorded step."""

    chunk: FrameChunk
    context_ids: list[int] | None
    """Ids kept before the step's own are added; None at the first step."""

    num_cached: int | None
    """How many of them had keys and values; None where it was not recorded."""

    new_ids: list[int]
    """What was said, the closing <|im_end|> included."""

    top_ids: list[list[int]]
    """The likeliest ids before the penalty, for each token picked."""

    top_logits: list[list[float]]
    """Their raw logits."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trace:
    """A recorded run."""

    name: str
    settings: StreamSettings
    chunk_s: float
    first_chunk: int
    """How many chunks of the stream were left out before the first."""

    height: int
    width: int
    steps: list[dict[str, Any]]

    def __iter__(self) -> Iterator[TraceStep]:
        for number, step in enumerate(self.steps):
            start_s = (self.first_chunk + number) * self.chunk_s
            frames = np.stack([source_frame(i, self.height, self.width) for i in step["frame_idx"]])
            yield TraceStep(
                chunk=FrameChunk(frames=frames, start_s=start_s, end_s=start_s + self.chunk_s),
                context_ids=step.get("context_after_evict"),
                num_cached=step.get("kv_shape"),
                new_ids=step["new_ids"],
                top_ids=step["top_ids"],
                top_logits=step["top_logits"],
            )


def read_trace(file: str | Path) -> Trace:
    """Read a trace, gzipped or plain. Raises TraceError if it is missing, damaged or incomplete."""
    path = Path(file)
    try:
        raw = path.read_bytes()
        values = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
        return _trace(path, values["meta"], values["steps"])
    except OSError as error:
        raise TraceError(path, f"it cannot be read ({error})") from error
    except (EOFError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise TraceError(path, f"it is damaged ({error})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(path, f"it is not a trace of a run ({error!r})") from error


def _trace(path: Path, meta: dict[str, Any], steps: list[dict[str, Any]]) -> Trace:
    required = {"frame_idx", "new_ids", "top_ids", "top_logits"}
    for number, step in enumerate(steps):
        if not required <= step.keys():
            raise TraceError(path, f"step {number} lacks {', '.join(sorted(required - step.keys()))}")
    chunk_s = float(meta.get("chunk_duration", meta.get("chunk_s", 1)))
    previous_text = meta.get("previous_text") or ""
    most = int(meta["max_new_tokens"])
    unlimited = len(previous_text) + len(steps) * most
    sink, window = meta.get("text_sink"), meta.get("text_sliding_window")
    if sink is None and window is None:
        sink, window = unlimited, 1  # the published code cuts nothing then
    if sink is None or window is None:
        raise TraceError(path, "one of text_sink and text_sliding_window is missing")
    return Trace(
        name=str(meta.get("name", path.name.split(".")[0])),
        settings=StreamSettings(
            window=WindowSettings(
                chunk_s=chunk_s,
                fps=float(meta.get("fps", 2.0)),
                vision_window_s=float(meta["window_size"]) * chunk_s,
                text_rounds=int(meta["text_round"]),
                text_sink=int(sink),
                text_window=int(window),
            ),
            sampling=SamplingSettings(
                max_new_tokens=most,
                repetition_penalty=float(meta["repetition_penalty"]),
                temperature=max(float(meta.get("temperature", 1.0)), math.ulp(1.0)),
            ),
            title=previous_text,
            query=meta.get("query", DEFAULT_QUERY),
        ),
        chunk_s=chunk_s,
        first_chunk=int(meta.get("skip_first_chunk", 0)),
        height=int(meta["height"]),
        width=int(meta["width"]),
        steps=steps,
    )


def source_frame(index: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Frame ``index`` of the traces' source, uint8 RGB (height, width, 3); the formula is the traces' own."""
    y, x = np.mgrid[0:height, 0:width]
    red = ((3 * x + 5 * y + 17 * index) ^ (x * (index % 7))) & 255
    green = (x * x // 64 + 2 * y + 29 * index) & 255
    blue = (((x + 11 * index) // 16 + (y + 5 * index) // 16) % 2 * 200 + index) & 255
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)
