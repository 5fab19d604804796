"""The names, the wording, and the commentator who puts them together."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from training.demo_league.commentate import TimedWord, narrate
from training.demo_league.kits import KITS
from training.demo_league.lexicon import KIND_OF_TRIGGER, NUMBERS, TRIGGERS, find_triggers, normalise
from training.demo_league.listen import Caption, Heard, listen
from training.demo_league.names import SURNAMES, TEAM_NAMES, make_teams
from training.demo_league.phrasebook import SECTIONS, vocabulary
from training.demo_league.records import PHASES, SCORED_KINDS, Match
from training.demo_league.simulate import simulate
from training.demo_league.wording import MAX_SMALL_TALK_WORDS

TEAMS = ("Lions", "Hawks")
SQUADS = {"Okafor": "Lions", "Sato": "Lions", "Lind": "Hawks", "Marsh": "Hawks"}
EVENT_SECTIONS = {name for name in SECTIONS if name.startswith(("goal", "kick-off"))} | {
    *("shot", "save", "tackle", "corner", "half-time", "full-time", "throw-in")
}
WHO_HAS_IT = {"pass", "pass-back", "pass-forward", "pass-across", "pick-up", "carry"}


@pytest.fixture(scope="module")
def matches() -> list[Match]:
    return [simulate(seed, 4) for seed in range(8)]


def fill(pattern: str) -> str:
    """A pattern as it is said of Okafor of the Lions and Lind of the Hawks, who trail two one."""
    for slot in ("{s}", "{n}"):
        pattern = pattern.replace(slot, "two one to the Lions")
    slots = {"p": "Okafor", "o": "Lind", "t": "Lions", "u": "Hawks", "H": "Lions", "V": "Hawks", "L": "Lions"}
    return pattern.format(**slots, f="Lions two, Hawks one", r="two one")


def hear(text: str) -> Heard:
    num_words = len(text.split())
    return listen([Caption(0.0, num_words / 3, text)], teams=TEAMS, team_of_player=SQUADS)


def is_one_letter_apart(first: str, second: str) -> bool:
    if len(first) == len(second):
        return sum(a != b for a, b in zip(first, second, strict=True)) <= 1
    short, long = sorted((first, second), key=len)
    return len(long) == len(short) + 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


# Names


def test_there_are_names_enough_and_none_twice() -> None:
    assert len(SURNAMES) == len(set(SURNAMES)) >= 600
    assert len(TEAM_NAMES) == len(set(TEAM_NAMES)) >= 120
    assert not set(SURNAMES) & set(TEAM_NAMES)


def test_a_name_is_one_capitalised_word_that_nothing_else_means() -> None:
    taken = vocabulary() | set(NUMBERS) | {kit.name for kit in KITS} | {"pink", "green", "brown", "grey"}
    for name in SURNAMES + TEAM_NAMES:
        assert name.isascii()
        assert name.isalpha()
        assert name == name.capitalize()
        assert name.lower() not in taken
        assert normalise(name) == (name.lower(),)


def test_no_surname_is_one_letter_away_from_another() -> None:
    lowered = sorted(name.lower() for name in SURNAMES)
    close = [(a, b) for i, a in enumerate(lowered) for b in lowered[i + 1 :] if is_one_letter_apart(a, b)]
    assert close == []


def test_a_draw_gives_two_teams_of_ten_different_players() -> None:
    for seed in range(50):
        home, away = make_teams(np.random.default_rng(seed))
        players = home.players + away.players
        assert [player.number for player in players] == list(range(1, 11))
        assert len({player.name for player in players}) == 10
        assert home.name != away.name
        assert home.kit != away.kit


def test_the_same_seed_draws_the_same_teams_and_other_seeds_others() -> None:
    assert make_teams(np.random.default_rng(5)) == make_teams(np.random.default_rng(5))
    drawn = [make_teams(np.random.default_rng(seed)) for seed in range(400)]
    surnames = {player.name for teams in drawn for team in teams for player in team.players}
    assert len(surnames) > 0.99 * len(SURNAMES)


# Wording


def test_every_trigger_tells_of_one_kind_only() -> None:
    triggers = [trigger for group in TRIGGERS.values() for trigger in group]
    assert len(triggers) == len(set(triggers)) == len(KIND_OF_TRIGGER)


def test_there_are_hundreds_of_patterns_of_few_words() -> None:
    patterns = [pattern for section in SECTIONS.values() for pattern in section]
    assert len(set(patterns)) >= 400
    assert 250 <= len(vocabulary()) <= 700
    for section in SECTIONS.values():
        assert len(set(section)) == len(section)


@pytest.mark.parametrize("section", sorted(EVENT_SECTIONS))
def test_an_event_is_told_once_and_it_is_clear_who_did_it(section: str) -> None:
    kind = "goal" if section.startswith("goal") else "kick-off" if section.startswith("kick-off") else section
    for pattern in SECTIONS[section]:
        said = fill(pattern.partition(" | ")[0])
        mentions = hear(said).mentions
        assert [mention.kind for mention in mentions] == [kind], said
        assert not mentions[0].is_void, said
        if kind not in ("half-time", "full-time"):
            assert mentions[0].team == "Lions", said
            assert mentions[0].player in ("Okafor", None), said
        triggers = find_triggers([bare for word in said.split() for bare in normalise(word)])
        assert triggers[0][1] <= 4, said


def test_only_events_are_told_as_events() -> None:
    small_talk = [pattern for name in set(SECTIONS) - EVENT_SECTIONS for pattern in SECTIONS[name]]
    second_thoughts = [pattern.partition(" | ")[2] for section in SECTIONS.values() for pattern in section]
    for pattern in small_talk + second_thoughts:
        assert hear(fill(pattern)).mentions == [], pattern


def test_small_talk_is_short() -> None:
    for name, section in SECTIONS.items():
        for pattern in section:
            first, _, second_thought = pattern.partition(" | ")
            assert len(second_thought.split()) <= MAX_SMALL_TALK_WORDS
            if name in WHO_HAS_IT:
                assert len(first.split()) <= 3, pattern


def test_only_names_and_first_words_are_capitalised() -> None:
    for section in SECTIONS.values():
        for pattern in section:
            words = fill(pattern).replace("|", "").split()
            for before, word in pairwise(words):
                if before[-1] not in ".!?" and word.strip(".,!?") not in (*TEAMS, *SQUADS):
                    assert word == word.lower(), pattern


# The commentator


def test_words_follow_one_another_and_are_never_too_many(matches: list[Match]) -> None:
    for match in matches:
        words = narrate(match)
        for word in words:
            assert word.start_s < word.end_s
            assert int(word.start_s) == int(word.end_s)
            assert " " not in word.word
        for word, following in pairwise(words):
            assert word.end_s <= following.start_s
        assert words[-1].end_s <= match.duration_s
        assert max(Counter(int(word.end_s) for word in words).values()) <= 3


def test_a_match_is_told_in_the_same_words_every_time(matches: list[Match]) -> None:
    assert narrate(matches[0]) == narrate(simulate(matches[0].seed, 4))


def test_he_speaks_two_or_three_words_a_second_and_is_silent_now_and_then(matches: list[Match]) -> None:
    num_words = num_spoken_s = num_s = 0
    for match in matches:
        per_second = Counter(int(word.end_s) for word in narrate(match))
        num_words += per_second.total()
        num_spoken_s += len(per_second)
        num_s += int(match.duration_s)
    assert 2.0 <= num_words / num_spoken_s <= 3.0
    assert 0.25 <= 1.0 - num_spoken_s / num_s <= 0.6


def mentions_of(match: Match, words: list[TimedWord]) -> Heard:
    squads = {player.name: team.name for team in (match.home, match.away) for player in team.players}
    return listen(
        [Caption(*word) for word in words], teams=(match.home.name, match.away.name), team_of_player=squads
    )


def test_every_scored_event_is_told_in_order_within_three_seconds(matches: list[Match]) -> None:
    for match in matches:
        told = mentions_of(match, narrate(match)).mentions
        for kind in SCORED_KINDS:
            times_s = [mention.time_s for mention in told if mention.kind == kind]
            events = [event for event in match.events if event.kind == kind]
            assert len(times_s) == len(events)
            for time_s, event in zip(times_s, events, strict=True):
                assert 0.3 <= round(time_s - event.time_s, 2) <= 3.0, event


def test_the_score_follows_every_goal_and_half_time(matches: list[Match]) -> None:
    for match in matches:
        scores = mentions_of(match, narrate(match)).scores
        for event in match.events:
            if event.kind in ("goal", "half-time"):
                said = [score for score in scores if 0.0 < score.time_s - event.time_s < 6.0]
                assert event.score in [score.goals for score in said] or event.score[::-1] in [
                    score.goals for score in said if not score.is_ordered
                ]


def test_who_is_named_is_in_the_match_and_has_to_do_with_the_ball(matches: list[Match]) -> None:
    for match in matches:
        numbers = {match.player(i).name: i for i in range(10)}
        heard = mentions_of(match, narrate(match))
        assert not any(word.is_stranger for word in heard.words)
        for word in heard.words:
            if word.player is None:
                continue
            first, last = match.tick_at(word.end_s - 4.0), match.tick_at(word.end_s + 1.0)
            had_ball = set(match.last_touch_T[first : last + 1].tolist())
            concerned = {
                player
                for event in match.events
                if -4.0 <= event.time_s - word.end_s <= 1.0
                for player in (event.player, event.other)
            }
            assert numbers[word.player] in had_ball | concerned


def test_he_tells_nothing_that_has_not_been_seen(matches: list[Match]) -> None:
    match = matches[3]
    words = narrate(match)
    for second in (9, 31, 77, 125, 163):
        seen_s = second + 0.5
        blind = match.tick_at(seen_s) + 1
        last_touch_T, phase_T, owner_T = (
            state.copy() for state in (match.last_touch_T, match.phase_T, match.owner_T)
        )
        ball_T2, positions_TP2, score_T2 = (
            state.copy() for state in (match.ball_T2, match.positions_TP2, match.score_T2)
        )
        last_touch_T[blind:], phase_T[blind:], owner_T[blind:] = 7, PHASES.index("throw-in"), 7
        ball_T2[blind:], positions_TP2[blind:], score_T2[blind:] = 0.0, 0.0, 19
        cut = replace(
            match,
            events=tuple(event for event in match.events if event.time_s <= seen_s),
            last_touch_T=last_touch_T,
            phase_T=phase_T,
            owner_T=owner_T,
            ball_T2=ball_T2,
            positions_TP2=positions_TP2,
            score_T2=score_T2,
        )
        until_then = [word for word in words if word.end_s < second + 1]
        assert [word for word in narrate(cut) if word.end_s < second + 1] == until_then


def test_a_match_that_stands_for_a_late_part_is_not_greeted() -> None:
    late = simulate(3, 1, clock_offset_s=1_800.0, initial_score=(4, 2))
    assert not [word for word in narrate(late) if word.end_s < 2.0]
    kick_off = " ".join(word.word for word in narrate(late) if word.end_s < 6.0)
    assert hear(kick_off).mentions[0].kind == "kick-off"
