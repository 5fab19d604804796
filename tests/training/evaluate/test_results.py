"""Result files in the published form, and what of them falls into a clip, worked by hand."""

import json
from pathlib import Path

import pytest

from tests.training.evaluate.conftest import write_lines
from training.evaluate.contest import pair_up
from training.evaluate.errors import DataFileError
from training.evaluate.metadata import Clip
from training.evaluate.results import Phrase, VideoResult, read_results, write_results


def clip(start_s: float, end_s: float, video: str = "a/one.mp4") -> Clip:
    return Clip(
        video=video,
        title="Cup",
        previous="",
        words=((start_s, start_s + 0.5, "a"), (end_s - 0.5, end_s, "b")),
    )


def result(**changes: object) -> VideoResult:
    phrases = tuple(
        Phrase(start_s=end - 1.0, end_s=end, text=text)
        for end, text in (
            (10.0, "at the start"),
            (10.9, "still"),
            (11.0, " first"),
            (12.0, ""),
            (15.7, "last "),
            (16.0, "after"),
        )
    )
    values = {"video": "one.mp4", "start_s": 9.0, "end_s": 20.0, "phrases": phrases}
    return VideoResult(**{**values, **changes})  # type: ignore[arg-type]  # values of the right kinds by name


def test_phrases_are_joined_by_the_whole_second_of_their_end() -> None:
    assert result().text_in(clip(10.2, 15.0)) == "first last"
    assert result().text_in(clip(10.0, 16.0)) == "first last after"
    assert result().text_in(clip(17.0, 19.0)) == ""


def test_what_was_said_of_a_very_clip_is_not_joined_with_what_was_said_of_another(tmp_path: Path) -> None:
    spans = ((10.0, 14.0, "one"), (12.0, 16.0, "two"), (12.0, 14.0, "three"))
    phrases = tuple(Phrase(start_s=start, end_s=end, text=text) for start, end, text in spans)
    write_results(tmp_path / "merged_result.jsonl", [result(phrases=phrases)])
    read = read_results(tmp_path / "merged_result.jsonl")["one.mp4"]
    for start_s, end_s, text in spans:
        assert read.text_in(clip(start_s, end_s)) == text
    assert read.text_in(clip(11.0, 15.0)) == "one three"


def test_coverage_is_by_whole_seconds() -> None:
    assert result().covers(clip(9.5, 20.9))
    assert not result().covers(clip(8.9, 15.0))
    assert not result().covers(clip(9.0, 21.0))


def test_a_result_file_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "merged_result.jsonl"
    write_results(path, [result(video="z.mp4"), result()])
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["video"] for row in rows] == ["one.mp4", "z.mp4"]
    assert rows[0]["chunk_start"] == 9
    assert rows[0]["chunk_end"] == 20
    assert rows[0]["items"][2] == {"response": " first", "start_time": 10, "end_time": 11}
    assert read_results(path) == {"one.mp4": result(), "z.mp4": result(video="z.mp4")}


def test_shards_of_a_video_are_put_together_and_the_longer_of_twins_counts(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "shards.jsonl",
        [
            {
                "video": "v/one.mp4",
                "chunk_start": 200,
                "chunk_end": 300,
                "items": [{"end_time": 201, "text": "late"}],
            },
            {
                "video": "one.mp4",
                "chunk_start": 100,
                "chunk_end": 150,
                "items": [{"end_time": 101, "response": "half"}],
            },
            {
                "video": "one.mp4",
                "chunk_start": 100,
                "chunk_end": 200,
                "items": [{"end_time": 101, "response": "early"}],
            },
        ],
    )
    merged = read_results(path)["one.mp4"]
    assert (merged.start_s, merged.end_s) == (100, 300)
    assert [phrase.text for phrase in merged.phrases] == ["early", "late"]


def test_a_file_in_another_form_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.jsonl", [{"video": "one.mp4", "items": []}])
    with pytest.raises(DataFileError, match="line 1: a result needs"):
        read_results(path)


def test_clips_are_paired_where_both_have_commented() -> None:
    clips = [clip(10.0, 15.0), clip(18.0, 25.0), clip(10.0, 12.0, "a/two.mp4"), clip(12.0, 14.0)]
    pairing = pair_up(
        clips,
        {"one.mp4": result()},
        {"one.mp4": result(end_s=30.0, phrases=()), "two.mp4": result(video="two.mp4")},
        without={"one.mp4 [12, 14]": "the answer is empty"},
    )
    assert [(pair.video, pair.start_s, pair.text_a, pair.text_b) for pair in pairing.pairs] == [
        ("one.mp4", 10, "first last", "")
    ]
    assert pairing.skipped == (
        "one.mp4 [18, 25]: not covered by A",
        "two.mp4 [10, 12]: not covered by A",
        "one.mp4 [12, 14]: the answer is empty",
    )
