"""Metadata: repairs, clips and what stands before them, on examples worked by hand."""

import json
from pathlib import Path

import pytest

from tests.training.evaluate.conftest import write_lines
from training.evaluate.errors import DataFileError
from training.evaluate.metadata import (
    Game,
    Repairs,
    clip_row,
    cut_clips,
    read_clips,
    read_games,
    repair,
    words_before,
)


def test_times_that_cannot_be_right_are_repaired_and_counted() -> None:
    words, repairs = repair(
        [
            [0.0, 0.5, "Kick"],
            [1.0, 0.6, "off"],  # swapped: 0.6-1.0
            [0.9, 1.4, "by"],  # "off" went on until 1.0: it ends at 0.9
            [2.0, 2.4, " Sato "],
            [1.5, 1.9, "young"],  # out of order
            [2.4, 2.8, "  "],  # no word
            [float("nan"), 3.0, "lost"],
            ["a", 3.0, "lost"],
            [3.0, 3.5],
            [3.0, 3.0, "!"],
        ]
    )
    assert words == (
        (0.0, 0.5, "Kick"),
        (0.6, 0.9, "off"),
        (0.9, 1.4, "by"),
        (1.5, 1.9, "young"),
        (2.0, 2.4, "Sato"),
        (3.0, 3.0, "!"),
    )
    assert repairs == Repairs(num_dropped=4, num_swapped=1, num_out_of_order=1, num_overlapping=1)
    assert repair(words) == (words, Repairs())
    assert repairs + Repairs(num_swapped=2) == Repairs(
        num_dropped=4, num_swapped=3, num_out_of_order=1, num_overlapping=1
    )


def game(*words: tuple[float, float, str]) -> Game:
    return Game(video="x/game.mp4", title="Lions v Hawks", words=words, repairs=Repairs())


def test_a_game_is_cut_into_clips_by_the_ends_of_words() -> None:
    said = game(
        (8.0, 8.5, "before"),
        (9.8, 10.2, "across"),  # begins before the first clip: it belongs to none
        (10.5, 11.0, "one"),
        (14.0, 15.0, "two"),  # ends at the second clip's start: it belongs there, but begins before it
        (15.0, 15.5, "three"),
        (16.0, 16.5, "four"),
        (22.0, 23.7, "five"),
    )
    clips = list(cut_clips(said, start_s=10.0, clip_s=5.0, min_words_per_s=0.2))
    assert [(clip.start_s, clip.end_s, clip.reference) for clip in clips] == [
        (10, 11, "one"),
        (15, 16, "three four"),
        (22, 23, "five"),
    ]
    assert [clip.previous for clip in clips] == [
        "before",
        "before across one",
        "before across one two three four",
    ]
    assert [
        clip.previous
        for clip in cut_clips(said, start_s=20.0, clip_s=5.0, min_words_per_s=0, num_previous_words=2)
    ] == ["three four"]
    assert [c.start_s for c in cut_clips(said, start_s=10.0, clip_s=5.0, min_words_per_s=0.4)] == [15]
    assert said.end_s == 23
    assert said.name == "game.mp4"
    assert words_before(said.words, 15.0) == ["before", "across", "one", "two"]


def test_files_in_the_published_form_are_read_and_written(tmp_path: Path) -> None:
    games = read_games(
        write_lines(
            tmp_path / "games.jsonl",
            [
                {"video": "a/one.mp4", "content": [[0.9, 0.2, "Go"], [1.0, 2.7, "on"]]},
                {"video": "a/two.mp4", "title": "Cup", "content": [[5, 6, "Hm"]]},
            ],
        )
    )
    assert [(g.name, g.title, g.end_s) for g in games] == [("one.mp4", "", 2), ("two.mp4", "Cup", 6)]
    assert games[0].words == ((0.2, 0.9, "Go"), (1.0, 2.7, "on"))
    row = {
        "video": "a/one.mp4",
        "title": "Cup",
        "preasr": "so far",
        "content": [[1000.4, 1000.9, "And"], [1001.0, 1099.2, "goal"]],
    }
    clips, repairs = read_clips(write_lines(tmp_path / "clips.jsonl", [row]))
    assert (clips[0].start_s, clips[0].end_s) == (1000, 1099)
    assert (clips[0].title, clips[0].previous, clips[0].reference) == ("Cup", "so far", "And goal")
    assert clips[0].label == "one.mp4 [1000, 1099]"
    assert clip_row(clips[0]) == row
    assert repairs == Repairs()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"video": "a.mp4", "content": []}', "nothing is said in a.mp4"),
        ('{"content": [[0, 1, "x"]]}', 'needs a "video"'),
        ("[1]", "not a JSON object"),
        ('{"video": ', "not JSON"),
        (
            '{"video": "a/x.mp4", "content": [[0, 1, "x"]]}\n{"video": "b/x.mp4", "content": [[0, 1, "x"]]}',
            "x.mp4 stands for more than one video",
        ),
    ],
)
def test_files_in_another_form_are_refused_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "games.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError, match=says):
        read_games(path)


def test_a_data_set_exported_as_one_list_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "games.json"
    path.write_text(json.dumps([{"video": "a.mp4", "content": [[0, 1, "x"]]}], indent=1), encoding="utf-8")
    assert [game.name for game in read_games(path)] == ["a.mp4"]
