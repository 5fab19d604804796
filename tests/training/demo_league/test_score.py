"""The score of captions, and whether it is worth anything."""

import json
import random

import pytest

from tests.training.demo_league.hand_made import SQUADS, TEAMS, event, say, truth_from
from training.demo_league import selfcheck
from training.demo_league.listen import Caption, listen
from training.demo_league.phrasebook import vocabulary
from training.demo_league.score import as_phrases, score
from training.demo_league.selfcheck import MEASURES, commentators, truth_of_match

RIGHT = ("event_precision", "event_recall", "event_f1", "team_accuracy", "score_accuracy", "name_accuracy")


def test_an_event_counts_from_one_second_before_to_four_after() -> None:
    truth = truth_from(event(50.0, "shot", "Okafor"))
    for said_s, is_right in ((48.9, False), (49.0, True), (54.0, True), (54.1, False)):
        result = score(say((said_s, "Okafor shoots!")), truth)
        assert result["event_f1"] == (1.0 if is_right else 0.0)
        assert result["event_recall"] == result["event_precision"] == (1.0 if is_right else 0.0)


def test_one_mention_reports_one_event_and_one_event_needs_one_mention() -> None:
    truth = truth_from(event(50.0, "shot", "Okafor"), event(52.0, "shot", "Okafor"))
    result = score(say((53.0, "Okafor shoots!")), truth)
    assert (result["event_precision"], result["event_recall"], result["event_f1"]) == (
        1.0,
        0.5,
        round(2 / 3, 4),
    )
    truth = truth_from(event(50.0, "shot", "Okafor"))
    result = score(say((51.0, "Okafor shoots!"), (53.5, "Sato shoots!")), truth)
    assert (result["event_precision"], result["event_recall"]) == (0.5, 1.0)


def test_a_missed_event_does_not_spoil_the_next() -> None:
    truth = truth_from(event(50.0, "tackle", "Okafor"), event(52.0, "tackle", "Marsh"))
    result = score(say((53.0, "Marsh wins it.")), truth)
    assert result["num_matched"] == 1
    assert result["team_accuracy"] == 1.0


def test_the_kind_must_be_right_and_passes_are_not_scored() -> None:
    truth = truth_from(event(50.0, "pass", "Okafor", other="Sato"), event(51.0, "save", "Lind"))
    result = score(say((51.5, "Corner, Lind.")), truth)
    assert result["num_events"] == 1
    assert result["event_f1"] == 0.0
    assert result["by_kind"]["save"]["event_recall"] == 0.0
    assert result["by_kind"]["corner"]["event_precision"] == 0.0


def test_a_mention_of_a_stranger_lowers_precision() -> None:
    truth = truth_from(event(50.0, "shot", "Okafor"))
    result = score(say((50.5, "Haddad shoots!")), truth)
    assert (result["event_precision"], result["event_recall"]) == (0.0, 0.0)


def test_team_accuracy_is_of_matched_mentions_that_name_somebody() -> None:
    truth = truth_from(event(20.0, "shot", "Okafor"), event(40.0, "shot", "Okafor"), event(60.0, "half-time"))
    captions = say((21.0, "Marsh shoots!"), (41.0, "Shot!"), (61.0, "Half-time, Lions nil, Hawks nil."))
    result = score(captions, truth)
    assert result["event_f1"] == 1.0
    assert (result["team_accuracy"], result["num_teams"]) == (0.0, 1)


def test_a_name_is_right_around_what_he_does_and_while_he_has_the_ball() -> None:
    truth = truth_from(
        event(20.0, "pass", "Okafor", other="Sato"),
        event(30.0, "pass", "Sato", other="Okafor"),
        event(60.0, "goal", "Okafor", other="Lind", goals=(1, 0)),
    )
    for said_s, name, is_right in (
        (18.9, "Sato", False),
        (19.1, "Sato", True),
        (24.0, "Okafor", True),
        (24.5, "Okafor", False),
        (28.0, "Sato", True),
        (36.0, "Sato", False),
        (45.0, "Okafor", True),
        (63.0, "Lind", True),
        (65.0, "Okafor", False),
        (63.0, "Marsh", False),
    ):
        result = score(say((said_s, f"{name}.")), truth)
        assert result["num_names"] == 1
        assert result["name_accuracy"] == float(is_right), (said_s, name)


def test_a_strangers_name_is_a_wrong_name() -> None:
    truth = truth_from(event(20.0, "pass", "Okafor", other="Sato"))
    result = score(say((21.0, "Sato."), (22.5, "Haddad.")), truth)
    assert (result["name_accuracy"], result["num_names"]) == (0.5, 2)


def test_a_score_is_right_if_it_stood_a_moment_before_or_after() -> None:
    truth = truth_from(
        event(50.0, "goal", "Marsh", other="Okafor", goals=(2, 2)), event(80.0, "half-time", goals=(2, 2))
    )
    for said_s, text, is_right in (
        (30.0, "Two one to the Lions.", True),
        (30.0, "Two one to the Hawks.", False),
        (30.0, "Still two one.", True),
        (30.0, "Two all.", False),
        (49.5, "Two all.", True),
        (51.5, "Lions two, Hawks one.", True),
        (52.5, "Lions two, Hawks one.", False),
        (90.0, "Two all.", True),
    ):
        result = score(say((said_s, text)), truth)
        assert result["num_scores"] == 1
        assert result["score_accuracy"] == float(is_right), (said_s, text)


def test_silence_agrees_where_both_speak_or_neither() -> None:
    words = {"type": "words", "text_stream": [[1.1, 1.5, "Sato"], [1.5, 1.97, "now."], [4.2, 4.9, "Okafor."]]}
    truth = truth_from(words, duration_s=10.0)
    assert score([], truth)["silence_agreement"] == 0.8
    assert score(as_phrases(truth.words), truth)["silence_agreement"] == 1.0
    assert score(say((2.0, "Sato."), (8.0, "Sato.")), truth)["silence_agreement"] == 0.8


def test_what_was_never_said_is_null_with_a_count_of_nought() -> None:
    result = score([], truth_from(event(50.0, "shot", "Okafor")))
    assert (result["event_precision"], result["event_recall"], result["event_f1"]) == (None, 0.0, 0.0)
    for measure, count in (
        ("team_accuracy", "num_teams"),
        ("name_accuracy", "num_names"),
        ("score_accuracy", "num_scores"),
    ):
        assert (result[measure], result[count]) == (None, 0)
    assert score([], truth_from())["event_f1"] is None


def test_fifths_have_the_same_measures_and_add_up() -> None:
    truth = truth_of_match(11, 10)
    result = score(as_phrases(truth.words), truth)
    fifths = result["by_fifth"]
    assert len(fifths) == 5
    for fifth in fifths:
        assert set(fifth) == set(result) - {"by_kind", "by_fifth"}
        assert set(MEASURES) <= set(fifth)
    for count in (key for key in result if key.startswith("num_")):
        assert sum(fifth[count] for fifth in fifths) == result[count]


def test_fifths_tell_where_it_went_wrong() -> None:
    truth = truth_of_match(11, 10)
    until_then = [caption for caption in as_phrases(truth.words) if caption.end_s <= 480.0]
    recalls = [fifth["event_recall"] for fifth in score(until_then, truth)["by_fifth"]]
    assert recalls[:3] == [1.0, 1.0, 1.0]
    assert recalls[3] > 0.9, "what happens just before the cut is told after it"
    assert recalls[4] == 0.0


def test_a_part_of_a_match_can_be_scored_alone() -> None:
    truth = truth_of_match(11, 10)
    until_then = [caption for caption in as_phrases(truth.words) if caption.end_s <= 306.0]
    result = score(until_then, truth, span_s=(0.0, 300.0))
    assert result["event_recall"] == 1.0
    assert result["silence_agreement"] == 1.0
    assert result["num_seconds"] == 300


# The bars of the yardstick


@pytest.mark.parametrize(("minutes", "seeds"), [(1, range(12)), (5, range(4)), (10, range(3))])
def test_known_commentators_get_what_they_deserve(minutes: float, seeds: range) -> None:
    truths = [truth_of_match(seed, minutes) for seed in seeds]
    for truth, another in zip(truths, truths[1:] + truths[:1], strict=True):
        results = {name: score(captions, truth) for name, captions in commentators(truth, another)}
        for name in ("truth, words", "truth, phrases"):
            for measure in RIGHT:
                assert results[name][measure] is None or results[name][measure] >= 0.99, (name, measure)
            assert results[name]["event_f1"] >= 0.99
            assert results[name]["name_accuracy"] >= 0.99
            assert results[name]["silence_agreement"] == 1.0
        assert results["truth, half-trained"]["event_f1"] >= 0.9
        assert results["another match"]["event_f1"] <= 0.05
        for name in ("shouts names", "shouts teams", "shouts"):
            assert results[name]["event_f1"] <= 0.4


def test_the_self_check_prints_a_line_for_each_commentator(capsys: pytest.CaptureFixture[str]) -> None:
    assert selfcheck.main(["--seeds", "2", "--minutes", "1"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 10
    by_name = {line["commentator"]: line for line in lines}
    assert by_name["truth, phrases"]["event_f1"][0] == 1.0
    assert by_name["other words"]["event_f1"][0] >= 0.99
    assert by_name["other words"]["silence_agreement"][2] < 1.0


def test_other_words_are_other_words_about_the_same_match() -> None:
    truth = truth_of_match(11, 3)
    said = selfcheck.in_other_words(11, 3)
    assert [caption.text for caption in said] != [word.word for word in truth.words]
    result = score(said, truth)
    assert min(result["event_f1"], result["score_accuracy"], result["name_accuracy"]) >= 0.99
    assert 0.8 <= result["silence_agreement"] < 1.0


def test_garbage_is_scored_without_complaint() -> None:
    truth = truth_of_match(2, 1)
    rng = random.Random(7)
    words = [
        *sorted(vocabulary()),
        *truth.team_of_player,
        *truth.teams,
        "...",
        "!",
        "2-1",
        "Ünïcode",
        "<|im_end|>",
        "\u2014",
    ]
    for _ in range(40):
        captions = [
            Caption(
                start_s := rng.uniform(-5.0, 70.0),
                start_s + rng.uniform(-1.0, 3.0),
                " ".join(rng.choices(words, k=rng.randrange(9))),
            )
            for _ in range(60)
        ]
        result = score(captions, truth)
        assert result["event_f1"] <= 0.4
        for measure in MEASURES:
            assert result[measure] is None or 0.0 <= result[measure] <= 1.0


def test_mentions_are_matched_as_many_as_possible() -> None:
    rng = random.Random(3)
    for _ in range(200):
        times_s = sorted(rng.uniform(0.0, 30.0) for _ in range(rng.randrange(1, 7)))
        truth = truth_from(*(event(time_s, "tackle", "Okafor") for time_s in times_s))
        said_s = sorted({round(rng.uniform(0.0, 30.0), 1) for _ in range(rng.randrange(1, 7))})
        captions = say(
            *((time_s, f"{('Okafor', 'Marsh')[i % 2]} tackles.") for i, time_s in enumerate(said_s))
        )
        result = score(captions, truth)
        kept = [m.time_s for m in listen(captions, teams=TEAMS, team_of_player=SQUADS).mentions]
        assert result["num_matched"] == most_pairs(times_s, kept)


def most_pairs(times_s: list[float], said_s: list[float]) -> int:
    """The largest one-to-one matching, by trying everything."""
    if not times_s or not said_s:
        return 0
    first, *rest = times_s
    options = [most_pairs(rest, said_s)]
    for i, time_s in enumerate(said_s):
        if first - 1.0 <= time_s <= first + 4.0:
            options.append(1 + most_pairs(rest, said_s[:i] + said_s[i + 1 :]))
    return max(options)
