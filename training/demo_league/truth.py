"""The truth about a match, as JSON lines: its title, its events, and the words of its commentator.

Knows the form of the file, how to write it from a match and how to read it back. Knows nothing of how words are scored.

    {"type": "match", "title": "...", "duration_s": 180.0}
    {"type": "event", "t": 12.4, "kind": "tackle", "team": "Lions", "player": "Okafor", "other": "Lind", "score": [0, 1]}
    {"type": "words", "text_stream": [[12.61, 12.83, "Okafor"], [12.83, 12.97, "wins"], ...]}

The match comes first, then events and words in order of time, the words of up to `WORDS_LINE_S` seconds on a line. Team
and players are names, null where there is nobody ("other" is the second person: receiver, tackled, beaten); the score
is home's and visitors' goals just after the event.
"""

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.demo_league.commentate import TimedWord, narrate
from training.demo_league.records import HOME, Event, Match
from training.errors import TrainingError

WORDS_LINE_S = 30.0

_TEAM_IN_TITLE = re.compile(r"(\S+) in \w+: (\d+ [^.:]+)\.")


class TruthError(TrainingError):
    """A truth file can't be read."""

    def __init__(self, what: str, *, path: Path | None = None, line: int | None = None) -> None:
        place = "" if path is None else str(path) + ("" if line is None else f", line {line}") + ": "
        super().__init__(f"{place}{what}")


@dataclass(frozen=True, kw_only=True)
class TruthEvent:
    """Something that happened, with names in place of numbers."""

    time_s: float
    kind: str
    team: str | None
    player: str | None
    other: str | None
    score: tuple[int, int]
    """(home, away) just after the event."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A match as it is to be told."""

    title: str
    duration_s: float
    teams: tuple[str, str]
    """Home and away."""
    team_of_player: Mapping[str, str]
    """Player name to team name, in the order of the title."""
    events: tuple[TruthEvent, ...]
    """In order of time."""
    words: tuple[TimedWord, ...]
    """In order of time."""


def truth_lines(match: Match) -> Iterator[dict[str, Any]]:
    """The lines of a match's truth file, as objects for JSON."""
    yield {"type": "match", "title": match.title, "duration_s": round(match.duration_s, 3)}
    words = narrate(match)
    next_event = next_word = 0
    for block in range(math.ceil(match.duration_s / WORDS_LINE_S)):
        block_end_s = (block + 1) * WORDS_LINE_S
        while next_event < len(match.events) and match.events[next_event].time_s < block_end_s:
            yield _event_line(match, match.events[next_event])
            next_event += 1
        text_stream: list[list[float | str]] = []
        while next_word < len(words) and words[next_word].end_s < block_end_s:
            text_stream.append([*words[next_word]])
            next_word += 1
        if text_stream:
            yield {"type": "words", "text_stream": text_stream}


def _event_line(match: Match, event: Event) -> dict[str, Any]:
    return {
        "type": "event",
        "t": round(event.time_s, 3),
        "kind": event.kind,
        "team": None if event.team is None else match.team(event.team).name,
        "player": None if event.player is None else match.player(event.player).name,
        "other": None if event.other is None else match.player(event.other).name,
        "score": [*event.score],
    }


def write_truth(match: Match, path: Path) -> None:
    """Write a match's truth file; it appears whole or not at all.

    Raises:
        OSError: the file can't be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")  # several processes may write it at once
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in truth_lines(match))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_truth(path: Path) -> Truth:
    """Read a truth file.

    Raises:
        TruthError: a line isn't in the form above, or there is no match line.
        OSError: the file can't be read.
    """
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except json.JSONDecodeError as error:
            raise TruthError(f"not JSON ({error}).", path=path, line=number) from error
        if not isinstance(line, dict):
            raise TruthError("not a JSON object.", path=path, line=number)
        lines.append(line)
    try:
        return truth_of(lines)
    except TruthError as error:
        raise TruthError(str(error), path=path) from error


def truth_of(lines: Iterable[Mapping[str, Any]]) -> Truth:
    """Put the lines of a truth file together, whatever their order. Lines of other types are left alone.

    Raises:
        TruthError: a line isn't in the form above, or there is no match line.
    """
    title: str | None = None
    duration_s = 0.0
    events: list[TruthEvent] = []
    words: list[TimedWord] = []
    for line in lines:
        try:
            if line.get("type") == "match":
                title = str(line["title"])
                duration_s = float(line.get("duration_s", 0.0))
            elif line.get("type") == "event":
                home_goals, away_goals = line["score"]
                events.append(
                    TruthEvent(
                        time_s=float(line["t"]),
                        kind=str(line["kind"]),
                        team=line["team"],
                        player=line["player"],
                        other=line.get("other"),
                        score=(int(home_goals), int(away_goals)),
                    )
                )
            elif line.get("type") == "words":
                words.extend(TimedWord(float(s), float(e), str(word)) for s, e, word in line["text_stream"])
        except (KeyError, TypeError, ValueError) as error:
            raise TruthError(f"this line is not in the form of a truth file: {json.dumps(line)}") from error
    if title is None:
        raise TruthError('there is no line of the type "match", which has the title.')
    teams, team_of_player = squads_of(title)
    events.sort(key=lambda event: event.time_s)
    words.sort()
    last_s = max([event.time_s for event in events] + [word.end_s for word in words], default=0.0)
    return Truth(
        title=title,
        duration_s=max(duration_s, last_s),
        teams=teams,
        team_of_player=team_of_player,
        events=tuple(events),
        words=tuple(words),
    )


def squads_of(title: str) -> tuple[tuple[str, str], dict[str, str]]:
    """Read a title ("Lions in red: 1 Okafor, 2 Sato. Hawks in white: 3 Lind, 4 Marsh."), with anything around it.

    Returns:
        The two team names, home first, and the team of each player by his name.

    Raises:
        TruthError: there are not two teams in it.
    """
    found = _TEAM_IN_TITLE.findall(title)
    if len(found) != 2:
        raise TruthError(
            f'the title should name two teams, "Lions in red: 1 Okafor, 2 Sato. ...", and is "{title}".'
        )
    team_of_player = {
        shirt.split(maxsplit=1)[1]: team
        for team, squad in found
        for shirt in squad.split(", ")
        if " " in shirt
    }
    return (found[HOME][0], found[1 - HOME][0]), team_of_player
