"""When each phrase is spoken, and how it is made to fit its time.

Knows that a phrase begins at its own time and never speaks into the next one: it is spoken faster, up to a limit; what
does not fit even then is said first thing in the following phrase's time, if there is room; and if not, it is left out
and counted. Silence after a phrase belongs to it. Knows no voice (one is passed in), no video and no file.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from app.captions import Phrase
from app.captions.words import ends_clause, ends_sentence, join_words, split_words

LATEST_S = 0.08
"""A phrase begins at most so long after its time."""

FASTEST = 1.7
"""Times the chosen rate: faster than this is not pleasant to listen to."""

_GAP_S = 0.02
"""Kept free between two phrases."""

_CLOSE_S = 0.35
"""Phrases that begin so soon after each other are one."""

_CONTINUES_WITHIN_S = 0.6
"""A phrase that ends in mid-sentence is spoken as going on if the next one comes so soon."""

_LOUD = 0.012
"""Of full scale: quieter samples at both ends of a voice's sound are not speech."""

_MARGIN_S = 0.006
_FADE_S = 0.01

Samples = npt.NDArray[np.float32]
"""Mono sound, -1 to 1, shape (num_samples,)."""

Say = Callable[[str, float], tuple[Samples, int]]
"""Text and rate -> its sound and samples a second."""


@dataclasses.dataclass(frozen=True)
class Line:
    """Words with the time at which they begin."""

    start_s: float
    end_s: float
    text: str


@dataclasses.dataclass(frozen=True, eq=False)
class Spoken:
    """A line as sound."""

    start_s: float
    """When it begins to be heard."""
    samples: Samples
    rate_hz: int
    line: Line
    text: str
    """The words that are really spoken in it."""
    rate: float

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.start_s + len(self.samples) / self.rate_hz

    @property
    def heard(self) -> Heard:
        """The same without its sound, which is large."""
        return Heard(self.start_s, self.end_s, self.line, self.text, self.rate)


@dataclasses.dataclass(frozen=True)
class Heard:
    """When a line is heard, without its sound."""

    start_s: float
    end_s: float
    line: Line
    text: str
    """The words that are really spoken in it."""
    rate: float


def lines_from(phrases: Sequence[Phrase], *, whole_sentences: bool = False) -> list[Line]:
    """The lines to be spoken: a phrase each, or a sentence each that begins with its first phrase."""
    lines: list[Line] = []
    for phrase in sorted(phrases, key=lambda phrase: phrase.start_s):
        last = lines[-1] if lines else None
        joins = last is not None and (
            phrase.start_s - last.start_s < _CLOSE_S
            or (
                whole_sentences
                and not ends_sentence(last.text)
                and phrase.start_s - last.end_s < 2 * _CONTINUES_WITHIN_S
            )
        )
        if last is not None and joins:
            lines[-1] = Line(
                last.start_s, max(last.end_s, phrase.end_s), join_words((last.text, phrase.text))
            )
        else:
            lines.append(Line(phrase.start_s, phrase.end_s, phrase.text))
    return lines


class Fitter:
    """Speaks lines so that each fits; iterate `fit` once."""

    def __init__(self, say: Say, *, rate: float = 1.0) -> None:
        self._say = say
        self._rate = rate
        self.num_left_out = 0
        """Words for which there was no time."""
        self.num_faster = 0
        """Lines that are spoken faster than asked for."""

    def fit(self, lines: Sequence[Line], *, end_s: float = math.inf) -> Iterator[Spoken]:
        """Each line as sound, in order; the last one ends by `end_s`."""
        busy_until_s = -math.inf
        carried = ""
        for line, following in itertools.zip_longest(lines, lines[1:]):
            slot_end_s = following.start_s if following is not None else max(end_s, line.end_s)
            begin_s = max(line.start_s, busy_until_s + _GAP_S)
            ending = "," if _goes_on(line, following) else ""
            room_s = slot_end_s - _GAP_S - begin_s
            # The next line may begin a little late, but there is nothing after the last one to be late.
            most_s = room_s + (LATEST_S if following is not None else 0.0)
            text = line.text
            if carried:
                both = join_words((carried, line.text))
                if self._lasts_s(both + ending, self._rate * FASTEST) <= most_s:
                    text = both
                else:
                    self.num_left_out += len(split_words(carried))
            text, carried, spoken = self._squeeze(text, ending, room_s, most_s)
            samples, rate_hz, rate = spoken
            self.num_faster += rate > self._rate * 1.01
            yield Spoken(begin_s, samples, rate_hz, line, text, rate)
            busy_until_s = begin_s + len(samples) / rate_hz
        self.num_left_out += len(split_words(carried))

    def _squeeze(
        self, text: str, ending: str, room_s: float, most_s: float
    ) -> tuple[str, str, tuple[Samples, int, float]]:
        """The words that fit, those that do not, and the sound of the first."""
        rate, fastest = self._rate, self._rate * FASTEST
        samples, rate_hz = self._sound(text + ending, rate)
        lasts_s = len(samples) / rate_hz
        while lasts_s > room_s and rate < fastest:
            rate = min(fastest, rate * max(1.03, 1.02 * lasts_s / max(room_s, 0.05)))
            samples, rate_hz = self._sound(text + ending, rate)
            lasts_s = len(samples) / rate_hz
        words = split_words(text)
        num_kept = len(words)
        while lasts_s > most_s and num_kept > 1:
            # A first guess from the time that all of them take, then word by word.
            num_kept = min(num_kept - 1, max(1, math.ceil(num_kept * most_s / lasts_s)))
            samples, rate_hz = self._sound(join_words(words[:num_kept]) + ",", rate)
            lasts_s = len(samples) / rate_hz
        if lasts_s > most_s:
            samples = _cut(samples, max(0, round(most_s * rate_hz)), rate_hz)
        return join_words(words[:num_kept]), join_words(words[num_kept:]), (samples, rate_hz, rate)

    def _sound(self, text: str, rate: float) -> tuple[Samples, int]:
        samples, rate_hz = self._say(text, rate)
        return trim(samples, rate_hz), rate_hz

    def _lasts_s(self, text: str, rate: float) -> float:
        samples, rate_hz = self._sound(text, rate)
        return len(samples) / rate_hz


def trim(samples: Samples, rate_hz: int) -> Samples:
    """Without the silence at both ends, so that speech begins when its sound does."""
    loud = np.flatnonzero(np.abs(samples) > _LOUD)
    if not len(loud):
        return samples[:0]
    margin = round(_MARGIN_S * rate_hz)
    return samples[max(0, loud[0] - margin) : loud[-1] + margin + 1]


def _cut(samples: Samples, num_samples: int, rate_hz: int) -> Samples:
    kept = samples[:num_samples].copy()
    num_faded = min(len(kept), round(_FADE_S * rate_hz))
    if num_faded:
        kept[-num_faded:] *= np.linspace(1, 0, num_faded, dtype=np.float32)
    return kept


def _goes_on(line: Line, following: Line | None) -> bool:
    return (
        following is not None
        and not ends_clause(line.text)
        and following.start_s - line.end_s < _CONTINUES_WITHIN_S
    )
