"""Ids, labels and positions of a chunk, against the protocol written out by hand."""

from typing import Any

import numpy as np
import pytest

from engine.prompt import PromptBuilder
from training.sft.annotation import Chunk
from training.sft.conversation import IGNORED_LABEL, cut_previous, encode
from training.sft.settings import PromptSettings

CHUNK = Chunk(
    video="",
    start_s=12.0,
    end_s=15.0,
    previous="Demo league. Lions in red: 1 Okafor.",
    words=((12.1, 12.5, "Okafor"), (12.6, 12.9, "shoots!"), (14.0, 14.9, "Goal!")),
)
SIZE = (56, 84)
PADS = "<|video_pad|>" * 6


@pytest.fixture(scope="module")
def prompt(tokenizer: Any) -> PromptBuilder:
    return PromptBuilder(tokenizer)


def test_the_layout_is_the_protocols(tokenizer: Any, prompt: PromptBuilder) -> None:
    encoded = encode(
        CHUNK, prompt, PromptSettings(), frame_size=SIZE, query="Commentate on this match", clock_offset_s=100
    )
    assert tokenizer.decode(encoded.input_ids) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>previous text\nDemo league. Lions in red: 1 Okafor.<|im_end|>\n"
        f"<|im_start|>user\nTime=112.0-113.0s<|vision_start|>{PADS}<|vision_end|>Commentate on this match<|im_end|>\n"
        "<|im_start|>assistant\n Okafor shoots! ...<|im_end|>\n"
        f"<|im_start|>user\nTime=113.0-114.0s<|vision_start|>{PADS}<|vision_end|><|im_end|>\n"
        "<|im_start|>assistant\n ...<|im_end|>\n"
        f"<|im_start|>user\nTime=114.0-115.0s<|vision_start|>{PADS}<|vision_end|><|im_end|>\n"
        "<|im_start|>assistant\n Goal! ...<|im_end|>\n"
    )


def test_only_what_the_assistant_says_and_its_end_is_learnt(tokenizer: Any, prompt: PromptBuilder) -> None:
    encoded = encode(CHUNK, prompt, PromptSettings(), frame_size=SIZE, query="")
    learnt = encoded.labels != IGNORED_LABEL
    assert (encoded.labels[learnt] == encoded.input_ids[learnt]).all()
    said = tokenizer.decode(encoded.input_ids[learnt])
    assert said == " Okafor shoots! ...<|im_end|> ...<|im_end|> Goal! ...<|im_end|>"


def test_an_answer_stands_before_the_phrase(tokenizer: Any, prompt: PromptBuilder) -> None:
    chunk = Chunk(
        video="",
        start_s=0.0,
        end_s=1.0,
        previous="",
        words=((0.1, 0.5, "Goal!"),),
        questions=((0.2, 0.6, "Who?", "Lind."),),
    )
    text = tokenizer.decode(encode(chunk, prompt, PromptSettings(), frame_size=SIZE, query="").input_ids)
    assert "<|vision_end|>Who?<|im_end|>" in text
    assert text.endswith("<|im_start|>assistant\nLind.\n Goal! ...<|im_end|>\n")


def test_positions_are_those_of_transformers(hf_model: Any, tokenizer: Any, prompt: PromptBuilder) -> None:
    import torch

    encoded = encode(CHUNK, prompt, PromptSettings(), frame_size=SIZE, query="Commentate on this match")
    ids = torch.from_numpy(encoded.input_ids)[None]
    positions, _ = hf_model.model.get_rope_index(
        ids,
        mm_token_type_ids=(ids == hf_model.config.video_token_id).int() * 2,
        video_grid_thw=torch.tensor([[1, 4, 6]] * 3),
        second_per_grid_ts=torch.tensor([1.0] * 3),
        attention_mask=torch.ones_like(ids),
    )
    np.testing.assert_array_equal(encoded.positions, positions[:, 0].numpy())


def test_previous_text_keeps_what_streaming_would_keep() -> None:
    ids = list(range(30))
    assert cut_previous(ids, sink=4, window=6) == [0, 1, 2, 3, 25, 26, 27, 28, 29]
    assert cut_previous(ids[:9], sink=4, window=6) == ids[:9]
    assert cut_previous(ids, sink=4, window=1) == [0, 1, 2, 3]
