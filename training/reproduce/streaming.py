"""One piece: a match streamed through one variant, timed and scored.

Knows how variants become sessions, when a stream ends, and what is measured on the way. Knows nothing of files,
processes or tables.
"""

import dataclasses
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine import FrameChunk, LoadedModel, StreamingSession, StreamSettings
from engine.budget import ContextBudget
from engine.context import StreamContext
from engine.rope import VisionSpan, temporal_step
from training.demo_league.listen import Caption
from training.demo_league.score import score
from training.demo_league.truth import Truth
from training.reproduce.catalogue import MEASURES, NAMES_FROM_S, Variant
from training.reproduce.contexts import NativeContext, RecomputedContext
from training.reproduce.pictures import MatchPictures

MAX_PARTS = 30
MIN_PART_S = 60
_AROUND_S = 20.0
"""What is said so long before and after a part is heard along with it: sentences run across its ends."""
_GREY = 128


@dataclasses.dataclass(kw_only=True)
class Streamed:
    """What came of a stream, second by second."""

    captions: list[Caption] = dataclasses.field(default_factory=list)
    step_ms: list[float] = dataclasses.field(default_factory=list)
    num_said: list[int] = dataclasses.field(default_factory=list)
    """Tokens generated."""
    num_context: list[int] = dataclasses.field(default_factory=list)
    """Tokens in the context at the end of the step."""
    title_left_s: float | None = None
    """The first second in which no token of the title was in "previous text" any more."""
    largest_position: float = 0.0
    ended: str = ""
    """Why the stream ended before the match did; "" where it did not."""


def stream(
    model: LoadedModel,
    variant: Variant,
    pictures: MatchPictures,
    base: StreamSettings,
    *,
    deadline: float | None = None,
) -> Streamed:
    """Comment on a match from its start, greedily, one chunk a second.

    Args:
        model: what comments.
        variant: how.
        pictures: the match.
        base: the model's own settings; title and greedy sampling are put in here.
        deadline: when to stop, by `time.monotonic`.

    Raises:
        EngineError: the windows don't fit the model, or the device has no room.
    """
    sampling = dataclasses.replace(base.sampling, greedy=True, seed=0)
    settings = variant.settings(dataclasses.replace(base, title=pictures.match.title, sampling=sampling))
    num_seconds, ended = pictures.num_seconds, ""
    frame_size = pictures.second(0).shape[1:3]
    if not variant.evicts:
        settings, limit_s = without_eviction(model, settings, num_seconds, (frame_size[0], frame_size[1]))
        if limit_s < num_seconds:
            num_seconds = limit_s
            ended = f"the model's {model.config.text.max_positions} positions are used up"
    context = make_context(model, settings, variant)
    session = StreamingSession(model, settings, context=context)
    session.warm_up((frame_size[0], frame_size[1]))
    title_ids = model.prompt.encode(settings.title)
    streamed = Streamed(ended=ended)
    for second in range(num_seconds):
        if deadline is not None and time.monotonic() > deadline:
            streamed.ended = "time was up"
            break
        if variant.restart_s and second and second % variant.restart_s == 0:
            session.reset()
        frames = pictures.second(second)
        if variant.is_blind:
            frames = np.full_like(frames, _GREY)
        if isinstance(context, RecomputedContext):
            context.show(frames)
        chunk = FrameChunk(frames=frames, start_s=float(second), end_s=second + 1.0)
        result = session.step(chunk).result
        if result.text:
            streamed.captions.append(Caption(result.start_s, result.end_s, result.text))
        streamed.step_ms.append(result.timings.total_ms)
        streamed.num_said.append(len(result.token_ids))
        streamed.num_context.append(result.num_context_tokens)
        if streamed.title_left_s is None and not num_title_tokens(
            context.kept.ids[len(model.prompt.prefix_parts("").head) :], title_ids
        ):
            streamed.title_left_s = float(second)
    positions_3L = context.positions(context.spans)
    streamed.largest_position = float(positions_3L.max()) if positions_3L.size else 0.0
    return streamed


def make_context(model: LoadedModel, settings: StreamSettings, variant: Variant) -> StreamContext:
    """The context that a variant needs."""
    if variant.recomputes:
        return RecomputedContext(model, settings)
    return (NativeContext if variant.rope == "native" else StreamContext)(model, settings)


def without_eviction(
    model: LoadedModel, settings: StreamSettings, num_seconds: int, frame_size: tuple[int, int]
) -> tuple[StreamSettings, int]:
    """Settings whose windows hold a whole stream, and for how many seconds the model's positions last.

    Args:
        model: gives the limit.
        settings: of which the windows are made longer.
        num_seconds: wanted length.
        frame_size: height and width of frames that need no resizing.
    """
    patches, window = model.patches, settings.window
    step = temporal_step(window.fps, patches.temporal_patch_size, model.config.vision.tokens_per_second)
    num_t = -(-window.frames_per_chunk // patches.temporal_patch_size)
    block = VisionSpan(num_t, frame_size[0] // patches.factor, frame_size[1] // patches.factor, step)
    prefix = model.prompt.prefix_parts(settings.title)

    def holding(seconds: int) -> StreamSettings:
        longer = dataclasses.replace(
            window,
            vision_window_s=seconds * window.chunk_s,
            text_rounds=seconds,
            text_sink=len(prefix.previous),
        )
        return dataclasses.replace(settings, window=longer)

    def fits(seconds: int) -> bool:
        budget = ContextBudget.of(model.prompt, prefix, holding(seconds), block)
        return budget.num_positions <= model.config.text.max_positions

    low, high = 1, num_seconds + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return holding(low), low


def num_title_tokens(previous: Sequence[int], title: Sequence[int]) -> int:
    """How many of the title's tokens are left at the start of "previous text": its first ones (a sink) or its last ones
    (a window that is leaving it behind)."""
    first = 0
    while first < min(len(previous), len(title)) and previous[first] == title[first]:
        first += 1
    last = next(
        (
            length
            for length in range(min(len(previous), len(title)), 0, -1)
            if list(previous[:length]) == list(title[-length:])
        ),
        0,
    )
    return max(first, last)


def measure(streamed: Streamed, truth: Truth) -> dict[str, Any]:
    """Scores and times of a stream: as a whole, over fifths, from NAMES_FROM_S on, and over parts of equal length."""
    streamed_s = float(len(streamed.step_ms))
    whole = score(streamed.captions, truth, span_s=(0.0, streamed_s))
    part_s = max(MIN_PART_S, -(-int(streamed_s) // MAX_PARTS))
    late = None
    if streamed_s > NAMES_FROM_S:
        late = _measures(score(streamed.captions, truth, span_s=(NAMES_FROM_S, streamed_s)))
    return {
        "streamed_s": streamed_s,
        "ended": streamed.ended,
        "title_left_s": streamed.title_left_s,
        "largest_position": round(streamed.largest_position, 1),
        "scores": {**_measures(whole), "overall": overall(whole)},
        "fifths": [{**_measures(fifth), "overall": overall(fifth)} for fifth in whole["by_fifth"]],
        "late": late,
        "parts": [
            _part(streamed, truth, start_s, min(start_s + part_s, int(streamed_s)))
            for start_s in range(0, int(streamed_s), part_s)
        ],
        "num_said": sum(streamed.num_said),
        **_times(streamed.step_ms, streamed.num_said),
        "captions": [[c.start_s, c.end_s, c.text] for c in streamed.captions],
    }


def overall(measures: dict[str, Any]) -> float:
    """One number for a stretch: the mean of the five measures; one that nothing was said for counts as 0."""
    return round(statistics.fmean(measures[name] or 0.0 for name in MEASURES), 4)


def _measures(scored: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in scored.items()
        if name in MEASURES or name.startswith(("num_", "event_"))
    }


def _part(streamed: Streamed, truth: Truth, start_s: int, end_s: int) -> dict[str, Any]:
    near = [c for c in streamed.captions if c.end_s > start_s - _AROUND_S and c.start_s < end_s + _AROUND_S]
    scored = score(near, truth, span_s=(float(start_s), float(end_s)))
    return {
        "start_s": start_s,
        "end_s": end_s,
        **{name: scored[name] for name in MEASURES},
        **_times(streamed.step_ms[start_s:end_s], streamed.num_said[start_s:end_s]),
        "num_context": streamed.num_context[end_s - 1],
    }


def _times(step_ms: Sequence[float], num_said: Sequence[int]) -> dict[str, float]:
    return {
        "ms_per_token": round(sum(step_ms) / max(sum(num_said), 1), 3),
        "step_ms_p50": round(float(np.median(step_ms)), 2),
        "step_ms_p95": round(float(np.percentile(step_ms, 95)), 2),
    }
