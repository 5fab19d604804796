"""LiveSports-3K-CC: rows, predictions and win counts in the published forms, worked by hand, and a real run."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine import LoadedModel, StreamSettings
from tests.training.evaluate.conftest import write_lines
from training.evaluate import livesports
from training.evaluate.errors import DataFileError
from training.evaluate.judge.forms import read_sentence
from training.evaluate.judge.pairs import Ballot, Verdict
from training.evaluate.livesports import Event
from training.evaluate.shards import Shard
from training.evaluate.work import collect, run

ROWS: list[dict[str, Any]] = [
    {
        "video_id": "game0",
        "event_id": 2,
        "begin": 1.25,
        "end": 5.0,
        "event_title": "A comeback",
        "preasr_text": "so far",
        "event_asr_text": "they did it",
        "video": "game0.mp4",
        "class": "Soccer",
    },
    {"video_id": "game1", "event_id": 0, "begin": 2, "end": 4.5, "event_title": "", "preasr_text": None},
    {"video_id": "game0", "event_id": 7, "begin": 9.0, "end": 11.0, "event_asr_text": "again"},
]


@pytest.fixture
def events(tmp_path: Path) -> list[Event]:
    return livesports.read_events(write_lines(tmp_path / "events.jsonl", ROWS))


def test_published_rows_are_read(events: list[Event]) -> None:
    assert events[0] == Event(
        video_id="game0",
        event_id="2",
        video="game0.mp4",
        begin_s=1.25,
        end_s=5.0,
        title="A comeback",
        previous="so far",
        reference="they did it",
    )
    assert [(event.key, event.video, event.previous) for event in events[1:]] == [
        ("game1_0", "game1.mp4", ""),
        ("game0_7", "game0.mp4", ""),
    ]


def test_the_table_is_read_as_it_is_published(tmp_path: Path) -> None:
    table = tmp_path / "LiveSports-3K-CC-val.csv"
    table.write_text(
        "video_id,event_id,begin,end,event_title,preasr_text,event_asr_text,video\n"
        'game0,2,1.25,5.0,"A comeback, at last",so far,they did it,game0.mp4\n'
        "game0,7,11.0,9.0,,,again,\n",
        encoding="utf-8",
    )
    first, swapped = livesports.read_events(table)
    assert (first.title, first.reference, first.video) == ("A comeback, at last", "they did it", "game0.mp4")
    assert (swapped.begin_s, swapped.end_s, swapped.previous) == (9.0, 11.0, "")


def test_rows_in_another_form_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="line 1: an event needs"):
        livesports.read_events(write_lines(tmp_path / "x.jsonl", [{"video_id": "a", "event_id": 1}]))


def test_events_are_commented_on_as_a_stream(
    tmp_path: Path, tiny: LoadedModel, tiny_folder: Path, videos: Path, events: list[Event]
) -> None:
    stream = StreamSettings.from_checkpoint(tiny_folder)
    outcomes = []
    for world in (1, 2):
        works = livesports.works(events, videos, lambda: tiny, stream, 0)
        for rank in range(world):
            run(works, tmp_path / str(world), {"seed": 0}, Shard(rank=rank, world_size=world))
        rows, failures = collect(works, tmp_path / str(world))
        assert failures == []
        # The last, unfinished second of an event is shown whole.
        said = [row["said"] for row in rows["game0.mp4"]]
        assert [start for start, _, _ in said[0]] == [1.25, 2.25, 3.25, 4.25]
        assert [start for start, _, _ in said[1]] == [9.0, 10.0]
        outcomes.append(livesports.predictions(events, rows))
    assert outcomes[0] == outcomes[1]
    assert [(row["video_id"], row["event_id"], row["begin"], row["end"]) for row in outcomes[0]] == [
        ("game0", "2", 1.25, 5.0),
        ("game1", "0", 2.0, 4.5),
        ("game0", "7", 9.0, 11.0),
    ]
    path = write_lines(tmp_path / "predictions.jsonl", outcomes[0])
    assert livesports.read_predictions(path) == {
        f"{row['video_id']}_{row['event_id']}": row["pred"] for row in outcomes[0]
    }


def test_events_are_paired_where_everything_is_there(events: list[Event]) -> None:
    pairs, skipped = livesports.pair_up(
        events,
        {"game0_2": "ours", "game1_0": "ours", "game0_7": "ours"},
        {"game0_2": "theirs", "game1_0": "x"},
    )
    assert [(pair.name, pair.text_a, pair.text_b, pair.reference) for pair in pairs] == [
        ("game0_2", "ours", "theirs", "they did it")
    ]
    assert skipped == ["game1_0: nothing from the reference", "game0_7: nothing from the baseline"]


def test_wins_are_counted_as_published(events: list[Event]) -> None:
    pairs, _ = livesports.pair_up(events, {"game0_2": "a", "game0_7": "a"}, {"game0_2": "b", "game0_7": "b"})

    def verdict(at: int, ab: str | None, ba: str | None) -> Verdict:
        ballots = [
            Ballot(place=None if reply is None else read_sentence(reply), reply=reply) for reply in (ab, ba)
        ]
        return Verdict(pair=pairs[at], ab=ballots[0], ba=ballots[1])

    verdicts = [
        verdict(0, "Commentary A is better aligned with the human commentary", "Commentary A"),
        # Ours reads the second as a vote for B; the published script looks for A first.
        verdict(1, "They are alike.", "Unlike Commentary A, Commentary B is better aligned."),
        verdict(1, None, "Commentary A"),
        verdict(0, "", "Commentary B"),
    ]
    rows = livesports.published_rows(verdicts, "ours", "GPT-4o")
    assert rows == [
        {"video_event_id": "game0_2", "ab_winner": "ours", "ba_winner": "GPT-4o"},
        {"video_event_id": "game0_7", "ab_winner": "tie", "ba_winner": "GPT-4o"},
        {"video_event_id": "game0_2", "ab_winner": "tie", "ba_winner": "ours"},
    ]
    assert verdicts[1].ba.place == "second"
    # Ties are nobody's wins, and stay among the votes.
    assert livesports.win_rate(rows, "ours") == pytest.approx(100 * 2 / 6)
    assert livesports.win_rate([], "ours") is None
    assert json.dumps(rows)
