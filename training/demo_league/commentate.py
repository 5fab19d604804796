"""The commentator: what is said of a match, word by word, and when.

Knows the policy (what is worth telling, what waits) and the timing. The wording is the phrasebook's. Knows nothing of
pictures; but it tells only what the picture shows, when the picture shows it:

- In second k it knows what has happened by k + 0.5 s (`records.LOOKS_PER_S`), as the model does that sees the frames
  at k and k + 0.5 and then speaks. Every word begins and ends within one second.
- What is said in second k depends on the match so far and on what is being said; chance decides the wording alone.
- Goals, saves, shots, tackles, corners, throw-ins, kick-offs and whistles are told in order, from the second in which
  they are seen or as soon as the sentence before is over; so is a shot that goes wide. At most one sentence begins in
  a second.
- Small talk, while there is nothing of the kind: a second thought on what has just been told; a player who has just
  got the ball, unless deep in his own half; a player still on the ball after `CARRY_AFTER_S` silent seconds; the run
  of play or the score after `FILL_AFTER_S`.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

import numpy as np

from training.demo_league.lexicon import find_triggers, normalise
from training.demo_league.phrasebook import SECTIONS
from training.demo_league.records import (
    AWAY,
    HOME,
    LOOKS_PER_S,
    NUM_PLAYERS_PER_TEAM,
    PHASES,
    PITCH_LENGTH_M,
    Event,
    EventKind,
    Match,
)
from training.demo_league.wording import FIRST_WORDS, MAX_WORDS_PER_S, Wording

REACTION_S = 0.3
"""No event's trigger is over sooner than this after the event."""
CARRY_AFTER_S = 2
FILL_AFTER_S = 4
DEEP_M = 14.0
"""Who gets the ball closer than this to his own goal line isn't worth a word."""
MISS_AFTER_S = 1.2
"""When a shot that nobody has saved and that isn't a goal is seen to be wide."""
THROW_IN_STALE_S = 1.6
"""A throw-in that couldn't be told by then isn't told."""
LONG_PASS_M = 6.0
"""A ball played this far forward, back or across is called so."""

_BEGIN_S, _END_S = 0.04, 0.97
_MAX_WORD_S, _MIN_WORD_S = 0.42, 0.05
_TOLD_KINDS = frozenset(get_args(EventKind)) - {"pass"}
_PLAY = PHASES.index("play")


class TimedWord(NamedTuple):
    """One spoken word, punctuation attached; seconds from the start of the match."""

    start_s: float
    end_s: float
    word: str


@dataclass(slots=True)
class _Saying:
    """Something that is being said; it is said to the end."""

    words: list[str]
    second_thought: list[str] = field(default_factory=list)
    trigger_at: int = -1
    """The word that tells of an event, or -1."""
    event_s: float = 0.0
    num_said: int = 0


@dataclass(slots=True)
class _Second:
    """What is said in one second: words, the earliest end of each in seconds of the match, when the first begins."""

    words: list[str] = field(default_factory=list)
    earliest_s: list[float] = field(default_factory=list)
    begin_s: float = 0.0


def narrate(match: Match) -> list[TimedWord]:
    """Comment on a whole match, second by second.

    Returns:
        The words in order of time, none overlapping another, at most `MAX_WORDS_PER_S` ending in any second.
        The same match is always told in the same words.
    """
    commentator = _Commentator(match)
    words: list[TimedWord] = []
    for second in range(int(match.duration_s)):
        said = commentator.say(second)
        if said.words:
            words.extend(_spread(said, second))
    return words


def _spread(said: _Second, second: int) -> list[TimedWord]:
    """Give the words of one second their times: longer words take longer, triggers aren't over too soon."""
    latest_s = second + _END_S
    num_words = len(said.words)
    weights = [len(word) + 2 for word in said.words]
    span_s = min(latest_s - said.begin_s, _MAX_WORD_S * num_words)
    per_weight_s = span_s / sum(weights)
    timed: list[TimedWord] = []
    start_s = end_s = said.begin_s
    for i, word in enumerate(said.words):
        end_s = max(end_s + weights[i] * per_weight_s, said.earliest_s[i])
        end_s = min(end_s, latest_s - _MIN_WORD_S * (num_words - 1 - i))
        timed.append(TimedWord(round(start_s, 2), round(end_s, 2), word))
        start_s = end_s
    return timed


class _Commentator:
    """The state of mind of the commentator: what he has seen, what he has still to tell, what he is saying."""

    def __init__(self, match: Match) -> None:
        self._match = match
        self._wording = Wording(match, np.random.default_rng([match.seed, 0x5A1D]))
        self._events = [event for event in match.events if event.kind in _TOLD_KINDS]
        self._num_seen = 0
        self._to_tell: deque[tuple[str, Event]] = deque()
        self._open_shot: Event | None = None
        self._after_half_time = False
        self._saying: _Saying | None = None
        self._second_thought: list[str] = []
        self._last_spoken_s = -1
        self._last_touch: list[int] = match.last_touch_T.tolist()
        self._phase: list[int] = match.phase_T.tolist()

    def say(self, second: int) -> _Second:
        """Decide what is said in a second of the match; to be asked for every second in turn."""
        look_s = second + (LOOKS_PER_S - 1) / LOOKS_PER_S
        self._look(look_s)
        said = _Second(begin_s=second + _BEGIN_S)
        if self._saying is not None:
            self._continue(said, self._saying, MAX_WORDS_PER_S)
        if self._saying is None and len(said.words) < MAX_WORDS_PER_S:
            saying = self._next_event(look_s)
            if saying is None and not said.words:
                saying = self._small_talk(second, look_s)
            if saying is not None:
                self._begin(said, saying, second)
        if said.words:
            self._last_spoken_s = second
        return said

    def _look(self, look_s: float) -> None:
        """See what has happened."""
        while self._num_seen < len(self._events) and self._events[self._num_seen].time_s <= look_s + 1e-6:
            event = self._events[self._num_seen]
            self._num_seen += 1
            self._to_tell.append((event.kind, event))
            if event.kind == "shot":
                self._open_shot = event
            else:
                self._open_shot = None
        shot = self._open_shot
        if shot is not None and look_s >= shot.time_s + MISS_AFTER_S:
            self._to_tell.append(("miss", shot))
            self._open_shot = None

    def _begin(self, said: _Second, saying: _Saying, second: int) -> None:
        self._saying = saying
        self._second_thought = saying.second_thought
        num_words = len(saying.words)
        if not said.words:
            begin_s = saying.event_s + REACTION_S / 2 if saying.trigger_at >= 0 else second + 0.45
            said.begin_s = min(max(begin_s, second + _BEGIN_S), second + 0.65)
            if num_words > MAX_WORDS_PER_S:
                num_words = FIRST_WORDS
        self._continue(said, saying, min(num_words, MAX_WORDS_PER_S - len(said.words)))

    def _continue(self, said: _Second, saying: _Saying, num_words: int) -> None:
        for at in range(saying.num_said, min(saying.num_said + num_words, len(saying.words))):
            said.words.append(saying.words[at])
            said.earliest_s.append(saying.event_s + REACTION_S if at == saying.trigger_at else 0.0)
            saying.num_said += 1
        if saying.num_said == len(saying.words):
            self._saying = None

    # What to say

    def _next_event(self, look_s: float) -> _Saying | None:
        while self._to_tell:
            section, event = self._to_tell.popleft()
            if section != "throw-in" or look_s - event.time_s <= THROW_IN_STALE_S:
                return self._tell(section, event)
        return None

    def _tell(self, section: str, event: Event) -> _Saying:
        if section == "goal":
            assert event.team is not None
            ahead = event.score[event.team] - event.score[1 - event.team]
            extra = "goal-level" if ahead == 0 else "goal-back" if ahead < 0 else "goal-lead"
            sections = [section, "goal-more" if ahead > 1 else extra]
        elif section == "kick-off":
            if self._after_half_time:
                sections = [section, "kick-off-second"]
            elif event.score == tuple(self._match.score_T2[0]) and event.time_s < self._match.half_time_s:
                sections = [section, "kick-off-first"]
            else:
                sections = [section, "kick-off-again"]
            self._after_half_time = False
        else:
            sections = [section]
            self._after_half_time |= section == "half-time"
        pattern = self._wording.pick(*(SECTIONS[name] for name in sections))
        return self._saying_of(pattern, event.score, player=event.player, other=event.other, event=event)

    def _small_talk(self, second: int, look_s: float) -> _Saying | None:
        match = self._match
        tick, tick_before = match.tick_at(look_s), match.tick_at(look_s - 1.0)
        num_silent_s = second - self._last_spoken_s - 1
        score = (int(match.score_T2[tick, HOME]), int(match.score_T2[tick, AWAY]))
        if self._second_thought:
            return _Saying(self._second_thought)
        if second == 0 and match.clock_offset_s == 0.0 and score == (0, 0):
            return self._saying_of(self._wording.pick(SECTIONS["opening"]), score)
        player = self._last_touch[tick]
        if self._phase[tick] != _PLAY or player < 0:
            return None
        is_deep = self._up_pitch_m(player, tick) < DEEP_M
        before = self._last_touch[tick_before]
        if player != before and not is_deep:
            return self._saying_of(
                self._wording.pick(*self._pass_sections(player, before, tick)), score, player, before
            )
        if num_silent_s >= CARRY_AFTER_S and not is_deep and player == int(match.owner_T[tick]):
            return self._saying_of(self._wording.pick(SECTIONS["carry"]), score, player)
        if num_silent_s >= FILL_AFTER_S:
            who_leads = SECTIONS["level" if score[HOME] == score[AWAY] else "led"]
            return self._saying_of(
                self._wording.pick(SECTIONS["keep"], SECTIONS["score"] + who_leads), score, player
            )
        return None

    def _up_pitch_m(self, player: int, tick: int) -> float:
        """How far the ball is from the goal line of a player's own goal."""
        x = float(self._match.ball_T2[tick, 0])
        return x if player < NUM_PLAYERS_PER_TEAM else PITCH_LENGTH_M - x

    def _pass_sections(self, player: int, before: int, tick: int) -> list[tuple[str, ...]]:
        if before < 0 or before // NUM_PLAYERS_PER_TEAM != player // NUM_PLAYERS_PER_TEAM:
            return [SECTIONS["pick-up"]]
        dx, dy = self._match.positions_TP2[tick, player] - self._match.positions_TP2[tick, before]
        forward_m = dx if player < NUM_PLAYERS_PER_TEAM else -dx
        sections = [SECTIONS["pass"]]
        if abs(dy) > max(LONG_PASS_M, abs(forward_m)):
            sections.append(SECTIONS["pass-across"])
        elif abs(forward_m) > LONG_PASS_M:
            sections.append(SECTIONS["pass-forward" if forward_m > 0 else "pass-back"])
        return sections

    def _saying_of(
        self,
        pattern: str,
        score: tuple[int, int],
        player: int | None = None,
        other: int | None = None,
        *,
        event: Event | None = None,
    ) -> _Saying:
        """Fill in a pattern."""
        first, _, second_thought = pattern.partition(" | ")
        slots = self._wording.slots(score, player, other)
        words = self._wording.fill(first, slots, score, is_small_talk=event is None)
        if event is None:
            return _Saying(words)
        triggers = find_triggers([bare for word in words for bare in normalise(word)])
        trigger_at = triggers[0][1] - 1 if triggers else -1
        afterwards = self._wording.fill(second_thought, slots, score, is_small_talk=True)
        return _Saying(words, afterwards, trigger_at, event.time_s)
