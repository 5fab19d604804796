"""From a chunk to the tokens the model learns from: ids, labels and positions.

Knows the protocol's training layout. Knows nothing of pixels, tensors or optimizers. The prompt comes from the engine, so
training and streaming cannot drift apart.

Shape suffixes: L tokens.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.prompt import PromptBuilder
from engine.rope import Span, TextSpan, VisionSpan, positions_3d, temporal_step
from training.sft.annotation import Chunk, words_of_second
from training.sft.settings import PromptSettings

IGNORED_LABEL = -100
# Qwen2.5-VL's own sizes, the same in every checkpoint that this code trains.
TEMPORAL_PATCH, TOKEN_PIXELS, TOKENS_PER_SECOND = 2, 28, 2


@dataclass(frozen=True, kw_only=True)
class EncodedChunk:
    """A chunk as the model sees it."""

    input_ids: NDArray[np.int64]
    """(L,)"""
    labels: NDArray[np.int64]
    """(L,) the ids of assistant content and its <|im_end|>, IGNORED_LABEL elsewhere; not shifted."""
    positions: NDArray[np.float32]
    """(3, L) contiguous 3-D positions."""


def cut_previous(ids: list[int], *, sink: int, window: int) -> list[int]:
    """The part of "previous text" that streaming would still hold: the first `sink` and the last `window - 1` tokens."""
    if len(ids) <= sink + window - 1:
        return ids
    return ids[:sink] + ids[len(ids) - (window - 1) :]


def encode(
    chunk: Chunk,
    prompt: PromptBuilder,
    settings: PromptSettings,
    *,
    frame_size: tuple[int, int],
    query: str,
    clock_offset_s: float = 0.0,
) -> EncodedChunk:
    """Lay a chunk out as the protocol does: system, previous text, then a user and an assistant turn a second.

    Args:
        frame_size: (height, width) in pixels of the frames the model sees.
        query: stands in the first user turn, after the picture; empty for none.
        clock_offset_s: added to the times that are printed, for chunks cut from somewhere in a long stream.
    """
    previous = cut_previous(
        prompt.encode(chunk.previous), sink=settings.text_sink, window=settings.text_window
    )
    ids = prompt.prefix(previous)
    labels = [IGNORED_LABEL] * len(ids)
    spans: list[Span] = []
    num_placed = 0
    for index in range(round(chunk.duration_s / settings.turn_s)):
        start_s = chunk.start_s + index * settings.turn_s
        end_s = start_s + settings.turn_s
        grid = vision_span(frame_size, num_frames=round(settings.fps * settings.turn_s), fps=settings.fps)
        questions = [question for begin, _, question, _ in chunk.questions if start_s <= begin < end_s]
        answers = [answer for begin, _, _, answer in chunk.questions if start_s <= begin < end_s]
        asked = " ".join(([query] if index == 0 and query else []) + questions)
        turn = prompt.user_turn_parts(start_s + clock_offset_s, end_s + clock_offset_s, grid.length, asked)
        # The vision tokens have positions of their own; everything up to them is text.
        first_pad = len(ids) + len(turn.head) + len(turn.time) + 1
        spans += [TextSpan(first_pad - num_placed), grid]
        num_placed = first_pad + grid.length
        context = [*turn.ids, *prompt.assistant_header()]
        ids += context
        labels += [IGNORED_LABEL] * len(context)
        content = prompt.assistant_content(phrase_of(words_of_second(chunk.words, start_s, end_s), answers))
        ids += content
        labels += content
        ids += prompt.turn_separator
        labels += [IGNORED_LABEL] * len(prompt.turn_separator)
    spans.append(TextSpan(len(ids) - num_placed))
    return EncodedChunk(
        input_ids=np.array(ids, np.int64), labels=np.array(labels, np.int64), positions=positions_3d(spans)
    )


def phrase_of(words: list[str], answers: list[str]) -> str:
    """What the assistant says in one second: "{answer}\\n {phrase}", a space before the first word, empty when silent."""
    phrase = "".join(f" {word}" for word in words)
    return "".join(f"{answer}\n" for answer in answers) + phrase


def vision_span(frame_size: tuple[int, int], *, num_frames: int, fps: float) -> VisionSpan:
    """The vision tokens of one turn: frames of (height, width) pixels, in pairs, 28 pixels to a token's side."""
    height, width = frame_size
    return VisionSpan(
        num_t=-(-num_frames // TEMPORAL_PATCH),
        num_h=height // TOKEN_PIXELS,
        num_w=width // TOKEN_PIXELS,
        t_step=temporal_step(fps, TEMPORAL_PATCH, TOKENS_PER_SECOND),
    )
