"""What votes add up to, worked by hand."""

import math

import pytest

from training.evaluate.judge.pairs import Ballot, Pair, Place, Verdict
from training.evaluate.judge.shares import bootstrap, count, place_bias


def verdict(ab: Place | None, ba: Place | None, *, video: str = "one", start_s: float = 0.0) -> Verdict:
    pair = Pair(
        video=video, start_s=start_s, end_s=start_s + 10, title="", reference="", text_a="a", text_b="b"
    )
    return Verdict(pair=pair, ab=Ballot(place=ab), ba=Ballot(place=ba))


A_WINS = ("first", "second")
B_WINS = ("second", "first")
FIRST = ("first", "first")


def test_places_become_votes_for_sides() -> None:
    assert verdict(*A_WINS).votes == ("A", "A")
    assert verdict(*B_WINS).votes == ("B", "B")
    assert verdict(*FIRST).votes == ("A", "B")
    assert verdict("tie", "second").votes == ("tie", "A")
    assert [v.share_a for v in (verdict(*A_WINS), verdict(*FIRST), verdict("tie", "second"))] == [
        1.0,
        0.5,
        0.75,
    ]
    assert not verdict("first", None).is_complete


def test_shares_intervals_and_fifths() -> None:
    votes = count(
        [
            verdict(*A_WINS, video="one", start_s=0),
            verdict(*A_WINS, video="one", start_s=20),
            verdict(*FIRST, video="one", start_s=90),
            verdict(*B_WINS, video="two", start_s=0),
            verdict("first", None, video="two", start_s=50),
            verdict(*A_WINS, video="two", start_s=90),
        ]
    )
    assert votes["num_clips"] == 5
    assert votes["num_unanswered"] == 1
    assert votes["share"] == round((1 + 1 + 0.5 + 0 + 1) / 5, 4)
    assert votes["clips"] == {"won": 3, "equal": 1, "lost": 1}
    assert votes["agreement"] == 0.8
    assert votes["by_game"] == {
        "one": {"num_clips": 3, "share": 0.8333},
        "two": {"num_clips": 2, "share": 0.5},
    }
    # Drawing two games of two: both "one" 1/4, both "two" 1/4: the ends are those of single games.
    assert votes["interval"] == [0.5, 0.8333]
    # Clips are 10 s, games last 100 s: middles at 5, 25 and 95 s.
    assert [(f["num_clips"], f["share"]) for f in votes["by_fifth"]] == [
        (2, 0.5),
        (1, 1.0),
        (0, None),
        (0, None),
        (2, 0.75),
    ]


def test_one_game_alone_gives_no_interval() -> None:
    assert count([verdict(*A_WINS)])["interval"] is None
    assert count([])["share"] is None


def test_the_bootstrap_is_that_of_whole_games() -> None:
    # Two games of unequal size: draws are (a, a), (a, b) or (b, b); the share is over clips, not over games.
    low_high = bootstrap([9.0, 0.0], [10.0, 2.0])
    assert low_high == (0.0, 0.9)
    assert bootstrap([9.0, 0.0], [10.0, 2.0]) == low_high
    # 400 like games, half of them won: about 0.5 ± 1.96 * 0.5 / 20.
    interval = bootstrap([1.0, 0.0] * 200, [1.0] * 400)
    assert interval is not None
    assert interval == pytest.approx((0.451, 0.549), abs=0.01)


def test_a_judge_who_favours_a_place_is_flagged() -> None:
    always_first = place_bias([verdict(*FIRST)] * 3)
    assert always_first["is_flagged"]
    assert always_first["share_first"] == 1.0
    often_second = place_bias(
        [verdict("second", "second")] * 12 + [verdict(*FIRST)] + [verdict(*A_WINS)] * 50
    )
    assert often_second["p_value"] == pytest.approx(2 * (1 + 13) / 2**13, abs=1e-6)
    assert often_second["is_flagged"]


def test_a_judge_without_a_favourite_place_is_not() -> None:
    fair = [verdict(*FIRST)] * 5 + [verdict("second", "second")] * 6 + [verdict(*A_WINS)] * 20
    assert not place_bias(fair)["is_flagged"]
    assert not place_bias([verdict(*A_WINS)] * 20)["is_flagged"]
    assert place_bias([verdict(*A_WINS)] * 20)["share_first"] == 0.5
    assert not place_bias([verdict("tie", "tie")] * 20)["is_flagged"]
    assert not place_bias([verdict(*FIRST)])["is_flagged"]
    assert math.isclose(place_bias([])["p_value"], 1.0)
