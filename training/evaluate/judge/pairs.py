"""A pair of commentaries on the same clip, and what a judge made of it.

Knows the two orders in which a pair is shown and how verdicts on places become votes for sides. Knows nothing of how a
judge comes to a verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Place = Literal["first", "second", "tie"]
"""What a judge prefers: what it was shown first, second, or neither."""
Side = Literal["A", "B", "tie"]
"""Whom a vote is for: side A is the model under evaluation, side B its opponent."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two commentaries on one clip."""

    video: str
    start_s: float
    end_s: float
    title: str
    reference: str
    """The words that people said."""
    text_a: str
    text_b: str
    name: str = ""
    """The clip's name in the benchmark, where it has one."""


Lack = Literal["unreadable", "refused", "unanswered"]
"""Why there is no vote: the answers can't be read, the judge does not take the question, or it gave no answer."""


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """A judge's answer on one pair in one order."""

    place: Place | None
    """None: there was no answer that could be read."""
    lack: Lack | None = None
    """Of what kind the reason is."""
    reason: str = ""
    """Why there is none."""
    reply: str | None = None
    """The judge's first answer in its own words, by which published scripts count; None where there was none."""
    num_malformed: int = 0
    """Answers before this one that could not be read."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A pair and the votes on it in both orders."""

    pair: Pair
    ab: Ballot
    """A was shown first."""
    ba: Ballot
    """B was shown first."""

    @property
    def is_complete(self) -> bool:
        """Whether there is a vote in both orders; a pair with one alone would count its place with it."""
        return self.ab.place is not None and self.ba.place is not None

    @property
    def votes(self) -> tuple[Side, Side]:
        """For whom the votes are, A first and B first. Only where it is complete."""
        as_ab: Mapping[Place | None, Side] = {"first": "A", "second": "B", "tie": "tie"}
        as_ba: Mapping[Place | None, Side] = {"first": "B", "second": "A", "tie": "tie"}
        assert self.is_complete, "votes of an incomplete verdict"
        return as_ab[self.ab.place], as_ba[self.ba.place]

    @property
    def share_a(self) -> float:
        """A's share of the two votes; a tie is half a vote for each."""
        return sum({"A": 1.0, "B": 0.0, "tie": 0.5}[side] for side in self.votes) / 2

    def row(self, judge: str) -> dict[str, Any]:
        """A line of the published form `score_segments.jsonl`."""
        ab, ba = self.votes
        return {
            "video": self.pair.video,
            "title": self.pair.title,
            "start": self.pair.start_s,
            "end": self.pair.end_s,
            "winner": "A" if self.share_a > 0.5 else "B" if self.share_a < 0.5 else "equal",
            "votes": {"A": (ab == "A") + (ba == "A"), "B": (ab == "B") + (ba == "B")},
            "judge": {"model": judge, "vote_ab": ab, "vote_ba": ba},
        }


class Judge(Protocol):
    """Whoever compares two commentaries."""

    @property
    def name(self) -> str:
        """How it is called in results."""
        ...

    async def compare(self, pair: Pair, *, a_first: bool) -> Ballot:
        """Which of the two places holds the better commentary."""
        ...
