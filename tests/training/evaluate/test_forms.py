"""What judges are asked, and which answers count."""

from pathlib import Path

import pytest

from training.evaluate.errors import DataFileError
from training.evaluate.judge.forms import INF_STREAMS, LIVESPORTS, read_letter, read_sentence, with_template


@pytest.mark.parametrize(
    "dressed", ["{}", " {}.\n", '"{}"', "**{}**", "Answer: {}", "Candidate {}", "({})", "Verdict: {}!"]
)
def test_a_letter_however_dressed_is_read(dressed: str) -> None:
    assert read_letter(dressed.format("A")) == "first"
    assert read_letter(dressed.format("b")) == "second"


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("A. Because it is livelier.", "A"),
        ("A: Because it is live.", "A"),
        ("A - it is livelier than B.", "A"),
        ("A. B is flat and generic.", "A"),
        ("B\n\nReasoning: A is flat, B is vivid.", "B"),
        ("**A**\n\nCommentary A is better because it is livelier than B.", "A"),
        ("Let me compare.\nA is lively.\nB is flat.\n\nFinal answer: A", "A"),
        ("Commentary A: lively.\nCommentary B: vivid.\nFinal answer: B", "B"),
        ("### Verdict: B", "B"),
        ("**Answer:** B\n\nBecause.", "B"),
        ("Answer:\nA", "A"),
        ("Option A", "A"),
        ("The better commentary is A.", "A"),
        ("Commentary B is better.", "B"),
        ("Commentary A is better than Commentary B.", "A"),
        ("While Commentary A is vivid, Commentary B is better.", "B"),
        ("I would go with Commentary B.", "B"),
        (r"\boxed{A}", "A"),
        (r"The answer is $\boxed{\text{B}}$.", "B"),
        ('{"answer": "A"}', "A"),
        ('```json\n{"reason": "B is better at pace", "winner": "Commentary A"}\n```', "A"),
        ("<think>A or B? B is better.</think>\n\nA", "A"),
        ("so B is better\n</think>\nA", "A"),
    ],
)
def test_an_answer_with_its_reasons_is_read(answer: str, letter: str) -> None:
    assert read_letter(answer) == {"A": "first", "B": "second"}[letter]


@pytest.mark.parametrize(
    "answer",
    [
        *("", "C", "AB", "A or B", "A, B", "A\n\nB", "a. because", "A tie.", "Is A better?"),
        *("A better one", "Both are good", "Absolutely B", "B is worse than A", "A and B are alike"),
        "A: lively. B: dull.",
        "A: 7\nB: 9\nBoth fine.",
        "A. Lively and quick. B. Dull and slow.",
        "A, on the other hand, is dull.",
        "A is better in tone; B is better in accuracy.",
        "A is better, but B is more accurate.",
        "B\n\nCommentary A is better.",
        "I can't say whether A is better.",
        "The better commentary is a matter of taste",
        "The better commentary is A, or maybe B.",
        '{"answer": "A"}\n\nAnswer: B',
        '{"A": 7, "B": 9}',
        r"\boxed{A} \boxed{B}",
        "<think>A is better",
    ],
)
def test_anything_else_is_not_guessed_at(answer: str) -> None:
    assert read_letter(answer) is None


def test_a_sentence_names_one_of_them() -> None:
    assert read_sentence("Commentary A is better aligned with the human commentary") == "first"
    assert read_sentence("I think Commentary B is better aligned with the human commentary.") == "second"
    assert read_sentence("Commentary B") == "second"
    assert (
        read_sentence("Unlike Commentary A, Commentary B is better aligned with the human commentary.")
        == "second"
    )
    assert read_sentence("Commentary A and Commentary B are alike") is None
    assert read_sentence("**Commentary A**.") == "first"
    for criticism in ("is worse aligned with the human commentary", "lacks detail.", "is not better aligned"):
        assert read_sentence(f"Commentary A {criticism}") is None
    assert read_sentence("neither") is None
    assert read_sentence("<think>Commentary A is vivid.</think>Commentary B") == "second"
    assert read_sentence('{"winner": "B"}') == "second"


def test_what_was_said_cannot_change_the_question() -> None:
    messages = INF_STREAMS.messages(
        title="T", reference="ref {first}", first="one {second}", second="two {title}"
    )
    user = messages[1]["content"]
    assert "ref {first}" in user
    assert "Commentary A:\none {second}\n" in user
    assert "Commentary B:\ntwo {title}\n" in user


def test_criteria_stand_in_their_order() -> None:
    system = INF_STREAMS.system
    assert system.index("tone and pacing") < system.index("Accuracy")
    assert LIVESPORTS.template.index("meaning") < LIVESPORTS.template.index("style")
    assert (LIVESPORTS.seed, LIVESPORTS.temperature) == (42, 0.0)


def test_another_wording_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "wording.txt"
    path.write_text("Be strict.\n---\n{title}: {reference}|{first}|{second}", encoding="utf-8")
    form = with_template(INF_STREAMS, path)
    assert form.messages(title="T", reference="r", first="1", second="2") == [
        {"role": "system", "content": "Be strict."},
        {"role": "user", "content": "T: r|1|2"},
    ]
    path.write_text("{first} {second}", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"lacks \{reference\}"):
        with_template(INF_STREAMS, path)
