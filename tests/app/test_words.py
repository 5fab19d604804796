"""Words of every language on offer: where they end, how they stand together, how they come one by one."""

from __future__ import annotations

import random

import pytest

from app.captions.words import (
    clusters,
    direction,
    ends_clause,
    ends_sentence,
    join_words,
    num_columns,
    num_words,
    split_words,
)
from app.window.state.words import WordAssembler

SAID = [
    "狮队夺回球权，奥卡福射门——球进了！“好球”，他说：“太棒了……”",
    "我在 OpenAI 工作 你好 世界，第45分钟，比分2:1。",
    "ライオンズがリード！「ちょっと、待って」（笑）。",
    "오카포르가 슛을 날립니다. 골입니다!",
    "الأسود يستعيدون الكرة، Okafor يسدد! هل رأيت؟",
    "Lions win it back, Okafor shoots - and it is in! 1,000 people.",
    "Bàn thắng! Гол! Doppelpack für „Löwen“.",
    "Goal 🎉🎉 👨‍👩‍👧 really",
]


@pytest.mark.parametrize("text", SAID)
def test_words_come_whole_in_every_script_however_the_pieces_are_cut(text: str) -> None:
    words = split_words(text)
    assert join_words(words) == text
    for seed in range(40):
        cuts = sorted(random.Random(seed).choices(range(len(text) + 1), k=9))
        assembler = WordAssembler()
        came = [
            word
            for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)
            for word in assembler.push(text[a:b])
        ]
        assert came + assembler.finish() == words


def test_chinese_and_japanese_words_are_characters_with_the_marks_that_belong_to_them() -> None:
    assert split_words("球进了！“好”，Okafor说。") == ["球", "进", "了！", "“好”，", "Okafor说。"]
    assert split_words("ちょっと「オフ」って言った、ゴール。") == [
        "ちょっ", "と", "「オ", "フ」っ", "て", "言っ", "た、", "ゴー", "ル。",
    ]  # fmt: skip
    assert split_words("한국어는 띄어 쓴다.") == ["한국어는", "띄어", "쓴다."]


def test_a_character_comes_as_soon_as_the_next_shows_that_no_mark_follows() -> None:
    assembler = WordAssembler()
    assert [assembler.push(piece) for piece in ("球", "进了", "！", "狮")] == [[], ["球", "进"], [], ["了！"]]
    assert assembler.finish() == ["狮"]


@pytest.mark.parametrize(
    ("text", "is_sentence"),
    [
        ("球进了。", True), ("球进了！”", True), ("「ゴール！」", True), ("ゴール｡", True), ("真的吗？", True),
        ("골입니다.", True), ("هل رأيت؟", True), ("گول ہو گیا۔", True), ("गोल हो गया।", True),
        ("Tor für die „Löwen!“", True), ("«¡Gol!»", True),
        ("球进了，", False), ("ゴール、", False), ("الكرة،", False), ("狮队", False),
    ],
)  # fmt: skip
def test_sentences_end_in_the_marks_of_their_script(text: str, is_sentence: bool) -> None:
    assert ends_sentence(text) is is_sentence
    assert ends_clause(text) is (text != "狮队")


def test_phrases_stand_together_as_their_script_has_it() -> None:
    assert join_words(["奥卡福带球", "推进，", "射门！", "Lions 领先"]) == "奥卡福带球推进，射门！Lions 领先"
    assert join_words(["يسدد", "الكرة،", "هدف!"]) == "يسدد الكرة، هدف!"
    assert join_words(["사자가", "이긴다"]) == "사자가 이긴다"
    assert join_words(["Goal!", "", "Yes"]) == "Goal! Yes"


def test_what_a_line_and_a_breath_hold_is_counted_in_every_script() -> None:
    assert num_words("Lions win it - back.") == 5
    assert num_words("狮队夺回球权，") == 3
    assert num_words("我在 OpenAI 工作") == 3
    assert num_columns("狮队 2:1") == 8
    assert num_columns("e\u0301 क्") == 3


def test_letters_keep_their_marks_where_a_word_is_broken() -> None:
    assert list(clusters("e\u0301a👨‍👩‍👧b👍🏽")) == ["e\u0301", "a", "👨‍👩‍👧", "b", "👍🏽"]


def test_names_and_numbers_have_the_direction_of_their_letters_or_none() -> None:
    assert [direction(word) for word in ("«يسدد", "Okafor،", "2-1", "שער", "狮")] == [
        "left", "right", None, "left", "right",
    ]  # fmt: skip
