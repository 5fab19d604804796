"""The contexts that ours is compared with: what has to be equal, and what has to differ."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from engine import FrameChunk, LoadedModel, StreamingSession, StreamSettings
from engine.context import StreamContext
from engine.preprocess import patchify
from engine.rope import TextSpan, VisionSpan, positions_3d
from tests.training.reproduce.conftest import noise
from training.reproduce.catalogue import ROWS, Variant
from training.reproduce.contexts import NativeContext, RecomputedContext, spans_from
from training.reproduce.streaming import make_context, num_title_tokens, without_eviction

TITLE = "Lions in red: 1 Okafor, 2 Sato. Hawks in white: 3 Lind"


def settings_of(model: LoadedModel, variant: Variant | None = None, *, title: str = TITLE) -> StreamSettings:
    sampling = dataclasses.replace(model.settings.sampling, greedy=True)
    base = dataclasses.replace(model.settings, title=title, sampling=sampling)
    return (variant or Variant()).settings(base)


def run(session: StreamingSession, second: int, forced: list[int] | None = None, **more: Any) -> Any:
    chunk = FrameChunk(frames=noise(second), start_s=float(second), end_s=second + 1.0)
    return session.step(chunk, forced_ids=forced, **more).result


def logits(session: StreamingSession, second: int, forced: list[int]) -> torch.Tensor:
    """Raw logits (N, V) of every token of a second's phrase."""
    scores: list[torch.Tensor] = []
    run(session, second, forced, on_scores=lambda number, raw, penalised: scores.append(raw.clone()))
    return torch.stack(scores)


def phrase(model: LoadedModel, second: int) -> list[int]:
    """What is said in a second: the same whatever the model would say."""
    return model.prompt.assistant_content(f" goal {second % 7}")


def test_kept_tokens_keep_their_native_positions_and_new_ones_go_on_after_the_largest(
    tiny: LoadedModel,
) -> None:
    settings = settings_of(tiny)
    context = NativeContext(tiny, settings)
    session = StreamingSession(tiny, settings, context=context)
    largest, before = -1.0, np.empty((3, 0), np.float32)
    for second in range(12):
        run(session, second, phrase(tiny, second))
        positions = context.positions(context.spans)
        kept = {tuple(place) for place in before.T} & {tuple(place) for place in positions.T}
        new = np.array(sorted({tuple(place) for place in positions.T} - kept))
        # Up to the last token of the phrase before, which has no key yet, nothing is numbered anew.
        assert new.min() > largest - 1
        largest, before = float(positions.max()), positions
    assert len(kept) > 40
    head = len(tiny.prompt.prefix_parts("").head) + settings.window.text_sink
    assert positions[0, :head].tolist() == list(range(head)), "the sink stays where it was"
    contiguous = positions_3d(context.spans)
    assert positions.max() > 2 * contiguous.max()


def test_native_equals_contiguous_until_something_leaves(tiny: LoadedModel) -> None:
    settings = settings_of(tiny, title="Lions")
    sessions = [
        StreamingSession(tiny, settings, context=kind(tiny, settings))
        for kind in (StreamContext, NativeContext)
    ]
    differences = []
    for second in range(8):
        both = [logits(session, second, phrase(tiny, second)) for session in sessions]
        differences.append(float((both[0] - both[1]).abs().max()))
    assert max(differences[:3]) < 1e-5
    assert min(differences[4:]) > 1e-3


def test_a_native_stream_begins_at_0_again_after_a_reset(tiny: LoadedModel) -> None:
    settings = settings_of(tiny)
    context = NativeContext(tiny, settings)
    session = StreamingSession(tiny, settings, context=context)
    for second in range(6):
        run(session, second, phrase(tiny, second))
    session.reset()
    run(session, 0, phrase(tiny, 0))
    assert np.array_equal(context.positions(context.spans), positions_3d(context.spans))


def test_recomputed_windows_equal_a_fresh_forward_over_the_window(
    tiny: LoadedModel, tiny_folder: Path
) -> None:
    """By transformers: ids, pictures and contiguous positions of what the context holds, in one pass."""
    oracle = Qwen2_5_VLForConditionalGeneration.from_pretrained(tiny_folder, dtype=torch.float32).eval()
    settings = settings_of(tiny)
    context = RecomputedContext(tiny, settings)
    session = StreamingSession(tiny, settings, context=context)
    for second in range(9):
        context.show(noise(second))
        found = logits(session, second, phrase(tiny, second))[0]
        num_said = len(phrase(tiny, second))
        ids, spans = context.ids[:-num_said], context.spans
        num_blocks = sum(isinstance(span, VisionSpan) for span in spans)
        seen = range(second - num_blocks + 1, second + 1)
        patches = torch.cat([patchify(torch.from_numpy(noise(s)), tiny.patches)[0] for s in seen])
        positions = torch.from_numpy(context.positions(spans)[:, : len(ids)])
        with torch.inference_mode():
            expected = oracle(
                input_ids=torch.tensor([ids]),
                pixel_values_videos=patches,
                video_grid_thw=torch.tensor([[1, 6, 8]] * num_blocks),
                position_ids=positions[:, None].long(),
            ).logits[0, -1]
        assert float((found - expected).abs().max()) < 1e-3
    assert num_blocks == settings.window.vision_rounds


def test_ours_remembers_what_a_recomputed_window_does_not(tiny: LoadedModel) -> None:
    """Keys that were kept know of what has left: that is what makes ours differ from a fresh forward."""
    settings = settings_of(tiny, title="Lions")
    recomputed = RecomputedContext(tiny, settings)
    both = [
        StreamingSession(tiny, settings),
        StreamingSession(tiny, settings, context=recomputed),
    ]
    differences = []
    for second in range(8):
        recomputed.show(noise(second))
        pair = [logits(session, second, phrase(tiny, second))[0] for session in both]
        differences.append(float((pair[0] - pair[1]).abs().max()))
    assert max(differences[:3]) < 1e-4
    assert min(differences[4:]) > 1e-3


def test_without_a_sink_the_title_leaves_and_with_it_its_first_tokens_stay(tiny: LoadedModel) -> None:
    title = tiny.prompt.encode(TITLE)
    left: dict[bool, list[int]] = {}
    for has_sink in (True, False):
        settings = settings_of(tiny, Variant(has_sink=has_sink))
        session = StreamingSession(tiny, settings)
        head = len(tiny.prompt.prefix_parts("").head)
        left[has_sink] = []
        for second in range(20):
            run(session, second, phrase(tiny, second))
            left[has_sink].append(num_title_tokens(session.context.kept.ids[head:], title))
    assert left[True][0] == left[False][0] == len(title)
    assert left[True][-1] == settings_of(tiny).window.text_sink
    assert left[False][-1] == 0
    assert sorted(left[False], reverse=True) == left[False]


def test_no_text_window_keeps_the_sink_alone(tiny: LoadedModel) -> None:
    settings = settings_of(tiny, Variant(has_text_window=False))
    session = StreamingSession(tiny, settings)
    for second in range(10):
        run(session, second, phrase(tiny, second))
    parts = tiny.prompt.prefix_parts(TITLE)
    kept = session.context.kept.ids
    sink = settings.window.text_sink
    assert kept[len(parts.head) : len(parts.head) + sink] == list(parts.previous[:sink])
    assert kept[len(parts.head) + sink :][: len(parts.tail)] == list(parts.tail)


def test_full_attention_evicts_nothing_and_says_how_long_its_positions_last(tiny: LoadedModel) -> None:
    settings, limit_s = without_eviction(tiny, settings_of(tiny, Variant(evicts=False)), 9, (84, 112))
    assert limit_s == 9
    session = StreamingSession(tiny, settings)
    seen: list[int] = []
    for second in range(9):
        run(session, second, phrase(tiny, second))
        assert session.context.ids[: len(seen)] == seen
        seen = session.context.ids
    assert session.context.num_rounds == 9
    assert sum(isinstance(span, VisionSpan) for span in session.context.spans) == 9

    block = VisionSpan(1, 3, 4, 2.0)
    for text_window in (1, 8, 64):
        base = settings_of(tiny)
        base = dataclasses.replace(base, window=dataclasses.replace(base.window, text_window=text_window))
        _, limit_s = without_eviction(tiny, base, 100_000, (84, 112))
        longest, _ = without_eviction(tiny, base, limit_s, (84, 112))
        assert limit_s < 100_000
        StreamContext(tiny, longest).make_room(block)


def test_only_what_ships_leans_towards_names(tiny: LoadedModel) -> None:
    base = dataclasses.replace(
        tiny.settings, sampling=dataclasses.replace(tiny.settings.sampling, name_bias=1.5)
    )
    leaning = {name for name, row in ROWS.items() if row.variant.settings(base).sampling.name_bias}
    assert leaning == {"shipped"}


def test_variants_become_the_contexts_they_name(tiny: LoadedModel) -> None:
    settings = settings_of(tiny)
    assert type(make_context(tiny, settings, Variant())) is StreamContext
    assert type(make_context(tiny, settings, Variant(rope="native"))) is NativeContext
    assert type(make_context(tiny, settings, Variant(recomputes=True))) is RecomputedContext


def test_spans_lose_their_first_tokens() -> None:
    block = VisionSpan(1, 2, 2, 2.0)
    spans = [TextSpan(5), block, TextSpan(3)]
    assert spans_from(spans, 0) == spans
    assert spans_from(spans, 2) == [TextSpan(3), block, TextSpan(3)]
    assert spans_from(spans, 9) == [TextSpan(3)]
    assert spans_from(spans, 11) == [TextSpan(1)]
    assert spans_from(spans, 12) == []


def test_titles_are_found_at_the_start_of_previous_text() -> None:
    title = [1, 2, 3, 4]
    assert num_title_tokens([1, 2, 3, 4, 9, 9], title) == 4
    assert num_title_tokens([1, 2, 9, 9], title) == 2
    assert num_title_tokens([3, 4, 9], title) == 2
    assert num_title_tokens([9, 3, 4], title) == 0
    assert num_title_tokens([], title) == 0
