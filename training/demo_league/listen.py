"""What a listener makes of commentary: which events were told, whose names fell, which scores were said.

Knows the words of a caption and who plays; finds everything by the lexicon's triggers, and makes no use of pictures, of
the truth or of who spoke. Upper and lower case, missing punctuation and words it has never heard don't confuse it.
Whether what was said is right is the scorer's business (score.py).

How words are heard:

- Words: a caption is split at blanks; its words are spread evenly over it. " ..." isn't a word. Case and punctuation
  don't matter, except where noted.
- Names: the words that name this match's players and teams. A stranger is a name that isn't in this match: a surname or
  team of the league, or any capitalised word that is neither in the commentator's vocabulary nor common English.
- Sentences end at . ! ? and where `PAUSE_S` or more passes without a word. A sentence with several triggers falls into
  clauses, each from its trigger, or from the name right before it, to the next.
- Mentions: a clause with a trigger mentions an event of that kind at the time when the trigger has been said. Who does
  it is named right after it ("saved by Lind", "corner to the Hawks"), or else last before it, within five words, or
  else first after it; if the clause names nobody, first in the sentence that follows at once, unless that has a
  trigger. A team that is named for the score ("Lions two, Hawks one") did nothing. Mentions of one kind within
  `SAME_EVENT_S` are one, unless they say that different people did it.
- A mention is void, it is no report of this match, if a stranger is named in the clause or if of all the names said
  within `CONTEXT_S` before and after it most are strangers'.
- Scores: "Lions two, Hawks one"; "two one to the Lions"; "the Lions lead two one" (also "two to one", "2-1"); "one all";
  a bare "two one" says who has which to nobody. A score is one of another match if a stranger is named in the
  sentence or most of the names around are strangers'.
"""

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from training.demo_league.lexicon import (
    LEADING_WORDS,
    LEVEL_WORDS,
    NOUN_TRIGGERS,
    NUMBERS,
    TRAILING_WORDS,
    find_triggers,
    normalise,
)
from training.demo_league.names import SURNAMES, TEAM_NAMES
from training.demo_league.phrasebook import vocabulary

PAUSE_S = 0.75
SAME_EVENT_S = 3.0
CONTEXT_S = 10.0
_NEXT_SENTENCE_S = 1.0
_ACTOR_REACH_WORDS = 5
_SCORE_REACH_WORDS = 6
"""So far before its numbers a score's "the Lions lead" may stand."""

_LEAGUE_NAMES = frozenset(name.lower() for name in SURNAMES + TEAM_NAMES)
_PREPOSITIONS = frozenset({"by", "from", "for", "to", "off", "of", "on", "with", "against"})
_COMMON_WORDS = """
    a about across after again against all almost already also although always am amazing an and another any are around
    as at away back bad ball be beautiful because been before behind being below best better between big both bottom
    brave brilliant but by came can card cleared clearance close come comes coming control could cross danger dangerous
    deep defence defender did do does done down each early easily edge end even ever every excellent fantastic far fast
    first football forward foul free from full further game gets getting give gives go goes going gone good got great
    ground had half hard has have he header here high him his home how if in incredible inside instead into is it its
    just keep keeper kick last late left let like long look looking lose loses lost lovely low make makes making man
    many match me middle midfield minute minutes missed more most much must my near nearly never next nice no not
    nothing now of off offside oh on once only open or other our out over pass passes penalty perfect perhaps pitch
    play played player players point possession possibly post pressure quick quickly really referee right run runs safe
    same scramble second see send sends set she shall should side simple since slow slowly so some something soon
    space still straight strong such sure take taken takes team than that the their them then there these they this
    those through time to together too top touch towards tries turn turns two under until up upon us use very wait was
    watch way we well went were what when where which while who whole why wide will win wing wins with wonderful would
    yes yet you your
"""
_COMMON_ENGLISH = frozenset(_COMMON_WORDS.split())


class Caption(NamedTuple):
    """Some words and when they were said, in seconds."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """One bare word as it was heard."""

    bare: str
    start_s: float
    end_s: float
    player: str | None
    team: str | None
    """The team that is named, or that the named player is in."""
    is_stranger: bool


@dataclass(slots=True)
class Mention:
    """An event that was told."""

    kind: str
    time_s: float
    """When its first trigger had been said."""
    player: str | None
    """Who does it, if a player is the first to be named."""
    team: str | None
    """The team that does it, by the first player or team that is named."""
    is_void: bool


class ScoreSaid(NamedTuple):
    """A score that was said."""

    time_s: float
    goals: tuple[int, int]
    """(home, away), or in no known order."""
    is_ordered: bool
    is_foreign: bool
    """A stranger was named with it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything in the commentary that can be right or wrong."""

    words: list[Word]
    mentions: list[Mention]
    scores: list[ScoreSaid]


def listen(
    captions: Iterable[Caption], *, teams: tuple[str, str], team_of_player: Mapping[str, str]
) -> Heard:
    """Hear what captions say of a match.

    Args:
        captions: in any order.
        teams: names of home and away team.
        team_of_player: each player's team.
    """
    players = {name.lower(): name for name in team_of_player}
    team_names = {name.lower(): name for name in teams}
    sentences = _sentences(captions, players, team_names, team_of_player)
    mentions: list[Mention] = []
    scores: list[ScoreSaid] = []
    words = [word for sentence in sentences for word in sentence]
    is_elsewhere = _elsewhere(words)
    for i, sentence in enumerate(sentences):
        following = sentences[i + 1] if i + 1 < len(sentences) else []
        for mention in _mentions_in(sentence, following):
            mention.is_void |= is_elsewhere(mention.time_s)
            _add(mentions, mention)
        for found in _scores_at(sentence):
            said = found.said(sentence, home=teams[0])
            scores.append(said._replace(is_foreign=said.is_foreign or is_elsewhere(said.time_s)))
    return Heard(words, mentions, scores)


def _elsewhere(words: Sequence[Word]) -> Callable[[float], bool]:
    """Tells of a time whether most of the names that fall around it are strangers'."""
    named = sorted((word.end_s, word.is_stranger) for word in words if word.team or word.is_stranger)
    times_s = [time_s for time_s, _ in named]
    num_strangers = [0, *accumulate(is_stranger for _, is_stranger in named)]

    def is_elsewhere(time_s: float) -> bool:
        first = bisect.bisect_left(times_s, time_s - CONTEXT_S)
        last = bisect.bisect_right(times_s, time_s + CONTEXT_S)
        return 2 * (num_strangers[last] - num_strangers[first]) > last - first

    return is_elsewhere


def _sentences(
    captions: Iterable[Caption],
    players: Mapping[str, str],
    team_names: Mapping[str, str],
    team_of_player: Mapping[str, str],
) -> list[list[Word]]:
    known = vocabulary() | _COMMON_ENGLISH
    sentences: list[list[Word]] = []
    sentence: list[Word] = []
    last_end_s = float("-inf")
    for caption in sorted(captions, key=lambda caption: caption.start_s):
        printed = [word for word in caption.text.split() if normalise(word)]
        length_s = max(caption.end_s - caption.start_s, 0.0)
        for at, word in enumerate(printed):
            start_s = caption.start_s + length_s * at / len(printed)
            end_s = caption.start_s + length_s * (at + 1) / len(printed)
            if sentence and start_s - last_end_s >= PAUSE_S:
                sentences.append(sentence)
                sentence = []
            last_end_s = end_s
            for bare in normalise(word):
                player = players.get(bare)
                team = team_names.get(bare) if player is None else team_of_player[player]
                is_stranger = team is None and (
                    (bare in _LEAGUE_NAMES and bare not in known)
                    or (word.lstrip("'\"([-*")[:1].isupper() and bare not in known and not bare.isdigit())
                )
                sentence.append(Word(bare, start_s, end_s, player, team, is_stranger))
            if word.rstrip("'\")]*")[-1:] in (".", "!", "?") and not word.endswith(".."):
                sentences.append(sentence)
                sentence = []
    if sentence:
        sentences.append(sentence)
    return sentences


def _mentions_in(sentence: Sequence[Word], following: Sequence[Word]) -> list[Mention]:
    """One mention for each trigger."""
    triggers = _triggers(sentence)
    begins = [_clause_begin(sentence, triggers, i) for i in range(len(triggers) + 1)]
    is_doer = _may_do(sentence)
    mentions: list[Mention] = []
    for i, (begin, end, kind) in enumerate(triggers):
        first, last = begins[i], begins[i + 1]
        is_void = any(word.is_stranger for word in sentence[first:last])
        actor = _actor(sentence, is_doer, first, last, begin, end)
        if actor is None and not is_void and len(triggers) == 1 and _follows(sentence, following):
            is_void = any(word.is_stranger for word in following)
            is_next_doer = _may_do(following)
            actor = next((word for word, may in zip(following, is_next_doer, strict=True) if may), None)
        mentions.append(
            Mention(
                kind=kind,
                time_s=sentence[end - 1].end_s,
                player=None if actor is None else actor.player,
                team=None if actor is None else actor.team,
                is_void=is_void,
            )
        )
    return mentions


def _follows(sentence: Sequence[Word], following: Sequence[Word]) -> bool:
    """Whether the next sentence may say who did it."""
    is_near = bool(following) and following[0].start_s - sentence[-1].end_s <= _NEXT_SENTENCE_S
    return is_near and not _triggers(following)


def _may_do(sentence: Sequence[Word]) -> list[bool]:
    """For each word whether it names somebody who may have done something, and isn't named for the score alone."""
    in_scores = {index for found in _scores_at(sentence) for index in found.teams_at}
    return [word.team is not None and i not in in_scores for i, word in enumerate(sentence)]


def _actor(
    sentence: Sequence[Word], is_doer: Sequence[bool], first: int, last: int, begin: int, end: int
) -> Word | None:
    """Who does it, in a clause from `first` to `last` whose trigger stands from `begin` to `end`."""
    named_at = end + 2 if end + 1 < last and sentence[end + 1].bare == "the" else end + 1
    if named_at < last and is_doer[named_at]:
        link = sentence[end].bare
        if link == "by" or (sentence[end - 1].bare in NOUN_TRIGGERS and link in ("from", "for", "to")):
            return sentence[named_at]
    before = range(begin - 1, max(begin - _ACTOR_REACH_WORDS, first) - 1, -1)
    return next((sentence[i] for i in [*before, *range(end, last)] if is_doer[i]), None)


def _triggers(sentence: Sequence[Word]) -> list[tuple[int, int, str]]:
    found = find_triggers(["" if word.team else word.bare for word in sentence])
    return [trigger for trigger in found if trigger[2] != "none"]


def _clause_begin(sentence: Sequence[Word], triggers: Sequence[tuple[int, int, str]], i: int) -> int:
    """Where the clause of the i-th trigger begins; behind the last trigger, the end of the sentence."""
    if i == 0:
        return 0
    if i == len(triggers):
        return len(sentence)
    begin = triggers[i][0]
    first_free = triggers[i - 1][1]
    name = begin - 1
    if name < first_free or not (sentence[name].team or sentence[name].is_stranger):
        return begin
    if name > first_free and sentence[name - 1].bare == "the":
        name -= 1
    if name > first_free and sentence[name - 1].bare in _PREPOSITIONS:
        return begin
    return name


def _add(mentions: list[Mention], new: Mention) -> None:
    """Add a mention, or take it as part of the last one of its kind."""
    for old in reversed(mentions):
        if new.time_s - old.time_s > SAME_EVENT_S:
            break
        if old.kind != new.kind:
            continue
        is_other_player = None not in (old.player, new.player) and old.player != new.player
        is_other_team = None not in (old.team, new.team) and old.team != new.team
        if is_other_player or is_other_team:
            break
        old.player = old.player or new.player
        old.team = old.team or new.team
        old.is_void |= new.is_void
        return
    mentions.append(new)


class _ScoreAt(NamedTuple):
    """A score in a sentence, by the indices of its words."""

    last_at: int
    """Its last number, or "all"."""
    goals: tuple[int, int]
    team_of_first: str | None
    """Whose the first number is."""
    teams_at: tuple[int, ...] = ()
    """Teams that are named for the score alone."""

    def said(self, sentence: Sequence[Word], *, home: str) -> ScoreSaid:
        first, second = self.goals
        return ScoreSaid(
            time_s=sentence[self.last_at].end_s,
            goals=(first, second) if self.team_of_first in (home, None) else (second, first),
            is_ordered=self.team_of_first is not None or first == second,
            is_foreign=any(word.is_stranger for word in sentence),
        )


def _scores_at(sentence: Sequence[Word]) -> list[_ScoreAt]:
    scores: list[_ScoreAt] = []
    at = 0
    while at < len(sentence):
        found = _score_at(sentence, at)
        if found is None:
            at += 1
        else:
            scores.append(found)
            at = found.last_at + 1
    return scores


def _score_at(sentence: Sequence[Word], at: int) -> _ScoreAt | None:
    """The score whose first number stands at `at`."""

    def bare(index: int) -> str:
        return sentence[index].bare if 0 <= index < len(sentence) else ""

    def number(index: int) -> int | None:
        return NUMBERS.get(bare(index))

    def team(index: int) -> str | None:
        is_team = 0 <= index < len(sentence) and sentence[index].player is None
        return sentence[index].team if is_team else None

    first = number(at)
    if first is None:
        return None
    if bare(at + 1) in LEVEL_WORDS:
        return _ScoreAt(at + 1, (first, first), None)
    other_at = next((i for i in range(at + 1, at + 3) if bare(i) not in ("and", "the")), at + 3)
    number_of_other = number(other_at + 1)
    if team(at - 1) and team(other_at) and team(at - 1) != team(other_at) and number_of_other is not None:
        return _ScoreAt(other_at + 1, (first, number_of_other), team(at - 1), (at - 1, other_at))
    second_at = at + 2 if bare(at + 1) == "to" else at + 1
    second = number(second_at)
    if second is None:
        return None
    if bare(second_at + 1) in ("to", "for"):
        winner_at = second_at + 3 if bare(second_at + 2) == "the" else second_at + 2
        if team(winner_at) is not None:
            return _ScoreAt(second_at, (first, second), team(winner_at), (winner_at,))
    named_at = next((i for i in range(at - 1, max(at - 1 - _SCORE_REACH_WORDS, -1), -1) if team(i)), None)
    if named_at is None:
        return _ScoreAt(second_at, (first, second), None)
    cues = {bare(i) for i in [*range(named_at + 1, at), second_at + 1, second_at + 2]}
    if cues & LEADING_WORDS:
        return _ScoreAt(second_at, (first, second), team(named_at))
    if cues & TRAILING_WORDS:
        return _ScoreAt(second_at, (second, first), team(named_at))
    return _ScoreAt(second_at, (first, second), None)
