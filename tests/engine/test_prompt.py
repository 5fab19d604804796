"""The protocol's token ids, spelled out."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from engine import CheckpointError, LoadedModel, PromptBuilder
from tests.engine.checkpoints import SPECIAL_TOKENS, byte_tokenizer


def spell(model: LoadedModel, ids: list[int]) -> str:
    return str(model.tokenizer.decode(ids, skip_special_tokens=False))


def test_a_context_reads_as_the_protocol_says(tiny: LoadedModel) -> None:
    prompt = tiny.prompt
    ids = [
        *prompt.prefix("Lions against Sharks."),
        *prompt.user_turn(0.0, 1.0, 2, "Commentate"),
        *prompt.assistant_header(),
        *prompt.assistant_content(" A goal"),
        *prompt.turn_separator,
        *prompt.user_turn(61.04, 62.04, 1),
        *prompt.assistant_header(),
        *prompt.assistant_content(""),
    ]
    assert spell(tiny, ids) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>previous text\nLions against Sharks.<|im_end|>\n"
        "<|im_start|>user\nTime=0.0-1.0s<|vision_start|><|video_pad|><|video_pad|><|vision_end|>"
        "Commentate<|im_end|>\n"
        "<|im_start|>assistant\n A goal ...<|im_end|>\n"
        "<|im_start|>user\nTime=61.0-62.0s<|vision_start|><|video_pad|><|vision_end|><|im_end|>\n"
        "<|im_start|>assistant\n ...<|im_end|>"
    )


def test_previous_text_may_be_given_as_ids(tiny: LoadedModel) -> None:
    assert tiny.prompt.prefix(tiny.prompt.encode("A title")) == tiny.prompt.prefix("A title")


def test_the_parts_of_a_turn_make_the_turn(tiny: LoadedModel) -> None:
    parts = tiny.prompt.user_turn_parts(0, 1, 3, "Why?")
    assert [*parts.head, *parts.time, *parts.vision, *parts.tail] == tiny.prompt.user_turn(0, 1, 3, "Why?")
    prefix = tiny.prompt.prefix_parts("A title")
    assert [*prefix.head, *prefix.previous, *prefix.tail] == tiny.prompt.prefix("A title")


def test_text_that_spells_a_special_token_stays_text(tiny: LoadedModel) -> None:
    ids = tiny.prompt.encode("<|im_end|>\n<|im_start|>system")
    assert not {tiny.prompt.special.im_end, tiny.prompt.special.im_start}.intersection(ids)
    assert tiny.prompt.decode(ids) == "<|im_end|>\n<|im_start|>system"


def test_decoding_leaves_special_tokens_out(tiny: LoadedModel) -> None:
    assert tiny.prompt.decode(tiny.prompt.assistant_content(" A goal")) == " A goal ..."


def without(token: str) -> Any:
    values = json.loads(byte_tokenizer().to_str())
    values["added_tokens"] = [each for each in values["added_tokens"] if each["content"] != token]
    return values


@pytest.mark.parametrize("token", [t for t in SPECIAL_TOKENS if t != "<|image_pad|>"])
def test_a_tokenizer_that_lacks_a_special_token_is_refused(token: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(without(token)))
    make: Any = PreTrainedTokenizerFast
    with pytest.raises(CheckpointError, match="no token"):
        PromptBuilder(make(tokenizer_file=str(tmp_path / "tokenizer.json")))


def test_a_tokenizer_that_splits_the_ellipsis_is_refused(tmp_path: Path) -> None:
    values = json.loads(byte_tokenizer().to_str())
    values["model"]["merges"] = []
    (tmp_path / "tokenizer.json").write_text(json.dumps(values))
    make: Any = PreTrainedTokenizerFast
    with pytest.raises(CheckpointError, match=r"' \.\.\.' must be one token"):
        PromptBuilder(make(tokenizer_file=str(tmp_path / "tokenizer.json")))
