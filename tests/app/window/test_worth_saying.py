"""What is spoken of what is said: everything, whole sentences, or only what is new."""

from __future__ import annotations

import pytest

from app.window.state.speech import SentenceJoiner, WorthSaying


def spoken(detail: str, *phrases: str) -> list[str]:
    """What is spoken of phrases that come second by second, "" for silence."""
    joiner, worth, said = SentenceJoiner(), WorthSaying(), []
    for second, phrase in enumerate(phrases):
        utterance = joiner.push(float(second), phrase)
        chosen = worth.choose(utterance, detail) if utterance is not None else None
        if chosen is not None:
            said.append(chosen.text)
        if not phrase:
            worth.break_off()
    return said


def test_everything_is_everything() -> None:
    said = ["Okafor shoots,", "and it is in!", "Lions lead", "", "Goal!"]
    assert spoken("everything", *said) == ["Okafor shoots, and it is in!", "Lions lead", "Goal!"]


def test_sentences_only_leaves_out_what_never_ends() -> None:
    assert spoken("sentences", "Okafor shoots,", "and it is in!", "Lions lead", "", "Goal!") == [
        "Okafor shoots, and it is in!",
        "Goal!",
    ]


def test_a_long_sentence_is_spoken_whole_where_only_sentences_are_wanted() -> None:
    words = [f"word{number}" for number in range(20)]
    assert spoken("sentences", " ".join(words[:15]), f"{' '.join(words[15:])}.") == [f"{' '.join(words)}."]


@pytest.mark.parametrize(
    ("before", "after", "is_new"),
    [
        ("A man sits at a desk.", "The man is sitting at the desk.", False),
        ("A man sits at a desk.", "The man still sits there at his desk.", False),
        ("A man sits at a desk.", "A woman comes in and sits at the desk.", True),
        ("The Lions lead two nil.", "The Lions lead three nil.", True),
        ("The Lions lead two nil.", "And the Lions lead two nil.", False),
        ("The ball goes to Okafor.", "The ball goes to Lind.", True),
        ("It is 10:04.", "It is 10:05.", True),
    ],
)
def test_only_what_changes(before: str, after: str, is_new: bool) -> None:
    assert spoken("changes", before, after) == ([before, after] if is_new else [before])


def test_chinese_and_arabic_sentences_are_spoken_when_they_end() -> None:
    chinese = ["狮队夺回球权，", "奥卡福射门——", "球进了！", "狮队领先"]
    for detail in ("everything", "sentences", "changes"):
        assert spoken(detail, *chinese) == ["狮队夺回球权，奥卡福射门——球进了！"]
    arabic = ["الأسود يستعيدون الكرة،", "وأوكافور يسدد.", "هل رأيت", "هذا الهدف؟"]
    assert spoken("sentences", *arabic) == [" ".join(arabic[:2]), " ".join(arabic[2:])]
    assert spoken("sentences", "ライオンズが", "リード。", "사자가", "이겼다!") == [
        "ライオンズがリード。",
        "사자가 이겼다!",
    ]


def test_chinese_that_never_ends_is_spoken_in_parts_as_long_as_others() -> None:
    said = spoken("everything", *["奥卡福带球推进，"] * 12)
    assert said == ["奥卡福带球推进，" * 4] * 3


@pytest.mark.parametrize(
    ("before", "after", "is_new"),
    [
        ("一个男人坐在桌前。", "男人坐在桌前。", False),
        ("一个男人坐在桌前。", "一个女人走进房间。", True),
        ("狮队二比零领先。", "狮队三比零领先。", True),
        ("狮队2:0领先。", "狮队3:0领先。", True),
        ("狮队2:0领先。", "现在狮队2:0领先。", False),
        ("يجلس رجل على المكتب.", "يجلس الرجل على المكتب الآن.", True),
        ("يجلس رجل على المكتب.", "يجلس رجل على مكتب.", False),
    ],
)
def test_what_changes_is_known_in_scripts_without_spaces_too(before: str, after: str, is_new: bool) -> None:
    assert spoken("changes", before, after) == ([before, after] if is_new else [before])


def test_something_said_long_ago_is_news_again() -> None:
    between = [
        "A dog runs by.", "Rain begins to fall.", "Children open umbrellas.", "Lightning strikes far away.",
        "Everybody hurries home.", "Puddles grow quickly.",
    ]  # fmt: skip
    assert spoken("changes", "A man sits at a desk.", *between, "A man sits at a desk.") == [
        "A man sits at a desk.", *between, "A man sits at a desk.",
    ]  # fmt: skip
