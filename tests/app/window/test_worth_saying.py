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


def test_something_said_long_ago_is_news_again() -> None:
    between = [
        "A dog runs by.", "Rain begins to fall.", "Children open umbrellas.", "Lightning strikes far away.",
        "Everybody hurries home.", "Puddles grow quickly.",
    ]  # fmt: skip
    assert spoken("changes", "A man sits at a desk.", *between, "A man sits at a desk.") == [
        "A man sits at a desk.", *between, "A man sits at a desk.",
    ]  # fmt: skip
