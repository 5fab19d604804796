"""What a listener makes of captions."""

import pytest

from tests.training.demo_league.hand_made import SQUADS, TEAMS, hear
from training.demo_league.listen import Caption, listen


def mentions(*said: tuple[float, str]) -> list[tuple[str, str | None, str | None]]:
    return [(found.kind, found.player, found.team) for found in hear(*said).mentions]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Okafor shoots!", [("shot", "Okafor", "Lions")]),
        ("okafor shoots", [("shot", "Okafor", "Lions")]),
        ("OKAFOR'S SHOT ...", [("shot", "Okafor", "Lions")]),
        ("Saved by Lind, Okafor so close.", [("save", "Lind", "Hawks")]),
        ("Marsh wins it off Sato.", [("tackle", "Marsh", "Hawks")]),
        ("Corner to the Hawks, Okafor waits.", [("corner", None, "Hawks")]),
        ("Half-time.", [("half-time", None, None)]),
        ("half time here", [("half-time", None, None)]),
        ("Goal! It's Sato, Hawks nil, Lions one!", [("goal", "Sato", "Lions")]),
        ("Goal! Lions one, Hawks nil!", [("goal", None, None)]),
        ("A goal kick, then, on goal.", []),
        ("Sato shoots, saved by Lind, corner, Sato.",
         [("shot", "Sato", "Lions"), ("save", "Lind", "Hawks"), ("corner", "Sato", "Lions")]),
        ("sato for the lions marsh wins it off sato", [("tackle", "Marsh", "Hawks")]),
        ("sato shoots lind saves", [("shot", "Sato", "Lions"), ("save", "Lind", "Hawks")]),
        ("Okafor to Sato, Sato to Okafor.", []),
        ("", []),
        (" ... ?! ...", []),
    ],
)  # fmt: skip
def test_what_is_told_is_heard(text: str, told: list[tuple[str, str | None, str | None]]) -> None:
    assert mentions((1.0, text)) == told


def test_words_are_spread_evenly_over_their_caption() -> None:
    heard = listen([Caption(10.0, 12.0, "Sato to Okafor, shoots!")], teams=TEAMS, team_of_player=SQUADS)
    assert [(word.start_s, word.end_s) for word in heard.words] == [
        (10, 10.5),
        (10.5, 11),
        (11, 11.5),
        (11.5, 12),
    ]
    assert [found.time_s for found in heard.mentions] == [12.0]


def test_a_sentence_goes_on_across_captions_but_not_across_a_pause() -> None:
    assert mentions((1.0, "Marsh wins"), (2.0, "it off Sato.")) == [("tackle", "Marsh", "Hawks")]
    assert mentions((1.0, "Marsh wins"), (3.0, "it off Sato.")) == []


def test_several_words_for_one_event_are_one_mention_but_two_people_make_two() -> None:
    assert mentions((1.0, "Goal!"), (2.0, "Okafor scores!"), (3.0, "What a goal!")) == [
        ("goal", "Okafor", "Lions")
    ]
    assert len(mentions((1.0, "Marsh wins it."), (3.0, "Sato wins it."))) == 2
    assert len(mentions((1.0, "Marsh wins it."), (3.0, "Marsh wins it."))) == 1
    assert len(mentions((1.0, "Marsh wins it."), (4.5, "Marsh wins it."))) == 2


def voids(*said: tuple[float, str]) -> list[bool]:
    return [found.is_void for found in hear(*said).mentions]


def test_a_mention_that_names_a_stranger_is_void() -> None:
    assert voids((1.0, "Haddad shoots!")) == [True]
    assert voids((1.0, "haddad shoots!")) == [True]
    assert voids((1.0, "Goal! It's Haddad!")) == [True]
    assert voids((1.0, "Corner to the Rovers.")) == [True]
    assert voids((1.0, "Okafr shoots!")) == [True]


def test_a_mention_amid_strangers_is_void_too() -> None:
    assert voids((1.0, "Corner!")) == [False]
    assert voids((1.0, "Sato."), (3.0, "Haddad."), (5.0, "Okafor shoots!")) == [False]
    assert voids((1.0, "Haddad."), (3.0, "Corner!")) == [True]
    assert voids((1.0, "Haddad."), (3.0, "Rovers ball."), (5.0, "Okafor shoots!")) == [True]
    assert voids((1.0, "Haddad."), (3.0, "Rovers ball."), (15.0, "Okafor shoots!")) == [False]


@pytest.mark.parametrize(
    ("text", "goals", "is_ordered"),
    [
        ("Lions two, Hawks one.", (2, 1), True),
        ("Hawks one, Lions two.", (2, 1), True),
        ("Two one to the Lions!", (2, 1), True),
        ("two one to the hawks", (1, 2), True),
        ("The Hawks lead two one.", (1, 2), True),
        ("The Hawks are two one up.", (1, 2), True),
        ("Okafor puts Lions in front, two one!", (2, 1), True),
        ("The Lions trail two one.", (1, 2), True),
        ("The Hawks are two one down.", (2, 1), True),
        ("Hawks lead by two to one.", (1, 2), True),
        ("It's 2-1 to the Hawks.", (1, 2), True),
        ("Three all.", (3, 3), True),
        ("Nil nil.", (0, 0), True),
        ("Still two one.", (2, 1), False),
        ("Nineteen fifteen.", (19, 15), False),
    ],
)
def test_a_score_is_heard_with_its_order(text: str, goals: tuple[int, int], is_ordered: bool) -> None:
    found = hear((1.0, text)).scores
    assert [(score.goals, score.is_ordered) for score in found] == [(goals, is_ordered)]


def test_lone_numbers_are_no_score() -> None:
    for text in ("One.", "Lions two.", "Two for Okafor, one and the and the.", "Ten minutes, number 7."):
        assert hear((1.0, text)).scores == []
