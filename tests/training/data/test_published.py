"""The published forms: read with their faults counted, written so that they read back, found by their seek index."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from training.data import published
from training.data.__main__ import main
from training.data.errors import PublishedFormError
from training.data.published import ChunkFile, LineProblem, read_chunks, tally, write_chunks
from training.sft.annotation import Chunk

# A line as Live-WhisperX-526K has it, and one as Inf-Streams-Train has it.
LIVE_WHISPERX: list[dict[str, Any]] = [
    {
        "role": "user",
        "content": [
            {"type": "video", "video": "video/youtube/abc.mp4", "video_start": 16.8, "video_end": 30.0},
            {"type": "text", "text": "Please describe it.", "previous": "", "title": "Airsoft review"},
        ],
    },
    {
        "role": "assistant",
        "content": [
            {
                "type": "text_stream",
                "text_stream": [[16.8, 16.9, "all"], [16.9, 17.0, "right"], [17.4, 17.5, "so"]],
            }
        ],
    },
]
INF_STREAMS: list[dict[str, Any]] = [
    {
        "role": "user",
        "content": [{"video": "a/game.mp4", "video_start": 12.0, "video_end": 36.0, "previous": "Kick off"}],
    },
    {"role": "assistant", "content": [{"text_stream": [[12.5, 13.0, "Okafor"], [13.0, 13.4, "shoots!"]]}]},
]


def changed(line: list[dict[str, Any]], **user: Any) -> list[dict[str, Any]]:
    copy: list[dict[str, Any]] = json.loads(json.dumps(line))
    copy[0]["content"][0].update(user)
    return copy


def said(line: list[dict[str, Any]], words: list[Any]) -> list[dict[str, Any]]:
    copy: list[dict[str, Any]] = json.loads(json.dumps(line))
    copy[1]["content"][0]["text_stream"] = words
    return copy


def write(path: Path, lines: list[Any], *, seeks: bool) -> Path:
    texts = [
        (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)).encode() + b"\n"
        for line in lines
    ]
    starts = [0, *itertools.accumulate(len(text) for text in texts[:-1])]
    path.write_bytes(b"".join(texts) + (json.dumps(starts).encode() if seeks else b""))
    return path


def test_both_published_chunk_forms_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "x_with_seeks.jsonl", [LIVE_WHISPERX, INF_STREAMS], seeks=True)
    live, inf = list(read_chunks(path))
    assert isinstance(live, Chunk)
    assert isinstance(inf, Chunk)
    assert (live.video, live.start_s, live.end_s) == ("video/youtube/abc.mp4", 16.8, 30.0)
    assert live.previous == "Airsoft review", "with nothing said before, the title is what is known"
    assert live.words == ((16.8, 16.9, "all"), (16.9, 17.0, "right"), (17.4, 17.5, "so"))
    assert inf.previous == "Kick off"


def test_the_seek_index_finds_a_line_without_reading_the_others(tmp_path: Path) -> None:
    lines = [changed(INF_STREAMS, previous=f"Löwen {index} " * index) for index in range(40)]
    path = write(tmp_path / "x.jsonl", lines, seeks=True)
    file = ChunkFile(path)
    assert (len(file), file.index_problem) == (40, "")
    assert file.chunk(33).previous == lines[33][0]["content"][0]["previous"]
    # An index that is long, as that of half a million lines, is found from the end too.
    long = write(tmp_path / "long.jsonl", [INF_STREAMS] * 12_000, seeks=True)
    assert ChunkFile(long).chunk(11_999) == ChunkFile(long).chunk(0)


@pytest.mark.parametrize("index", ["[0, 7]", "[0, 999999]", "[-1]"])
def test_an_index_that_does_not_fit_is_made_again_and_told(tmp_path: Path, index: str) -> None:
    path = write(tmp_path / "x.jsonl", [INF_STREAMS, LIVE_WHISPERX], seeks=False)
    path.write_bytes(path.read_bytes() + index.encode() + b"\n")
    entries = list(read_chunks(path))
    if index == "[-1]":
        assert tally(entry for entry in entries if isinstance(entry, LineProblem)) == {
            "broken line": 1,
            "seek index": 1,
        }
    else:
        assert tally(entry for entry in entries if isinstance(entry, LineProblem)) == {"seek index": 1}
    assert len([entry for entry in entries if isinstance(entry, Chunk)]) == 2


def test_broken_lines_are_counted_and_what_can_be_put_right_is(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        [
            INF_STREAMS,
            '[{"role": "user", "content"',
            changed(INF_STREAMS, video_start=36.0, video_end=12.0),
            said(INF_STREAMS, [[13.4, 13.0, "shoots!"], [12.5, 13.0, "Okafor"]]),
            said(
                INF_STREAMS,
                [[12.5, 13.0, "Okafor"], [90.0, 91.0, "Elsewhere"], [13.0, float("nan"), "never"]],
            ),
            said(INF_STREAMS, [[90.0, 91.0, "Elsewhere"]]),
            [{"role": "user", "content": [{"video": "x"}]}],
        ],
        seeks=True,
    )
    entries = list(read_chunks(path))
    assert tally(entry for entry in entries if isinstance(entry, LineProblem)) == {
        "broken line": 2,
        "chunk's start and end swapped": 1,
        "no words": 1,
        "word outside the chunk": 2,
        "word's start and end swapped": 1,
    }
    chunks = [entry for entry in entries if isinstance(entry, Chunk)]
    assert [len(chunk.words) for chunk in chunks] == [2, 2, 2, 1]
    assert all((chunk.start_s, chunk.end_s) == (12.0, 36.0) for chunk in chunks)
    assert all(start <= end for chunk in chunks for start, end, _ in chunk.words)


@pytest.mark.parametrize("broken", ["null", "5", '{"role": "user"}', '"text"', '[{"role": ["user"]}]', "[]"])
def test_a_first_line_that_is_no_conversation_costs_that_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    source = write(tmp_path / "in.jsonl", [broken, INF_STREAMS], seeks=False)
    assert main(["convert", str(source), str(tmp_path / "out.jsonl"), "--form", "inf-streams"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": 1, "problems": {"broken line": 1}}


def test_chunks_are_written_in_both_forms_and_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "in.jsonl", [INF_STREAMS, "not JSON", LIVE_WHISPERX], seeks=False)
    chunks = [entry for entry in read_chunks(source) if isinstance(entry, Chunk)]
    for form in ("inf-streams", "live-whisperx"):
        target = tmp_path / f"{form}.jsonl"
        assert main(["convert", str(source), str(target), "--form", form]) == 0
        assert json.loads(capsys.readouterr().out) == {"written": 2, "problems": {"broken line": 1}}
        assert list(read_chunks(target)) == chunks
        lines = target.read_bytes().splitlines(keepends=True)
        assert json.loads(lines[-1]) == [0, len(lines[0])]
    [video, text] = json.loads((tmp_path / "live-whisperx.jsonl").read_text().splitlines()[0])[0]["content"]
    assert (video["type"], text["type"], text["previous"]) == ("video", "text", "Kick off")


def test_a_title_of_its_own_is_kept_through_both_forms(tmp_path: Path) -> None:
    later = json.loads(json.dumps(LIVE_WHISPERX))
    later[0]["content"][1]["previous"] = "so this is it"
    source = write(tmp_path / "in.jsonl", [LIVE_WHISPERX, later, INF_STREAMS], seeks=True)
    between, back = tmp_path / "between.jsonl", tmp_path / "back.jsonl"
    assert main(["convert", str(source), str(between), "--form", "inf-streams"]) == 0
    assert main(["convert", str(between), str(back), "--form", "live-whisperx"]) == 0
    for path in (source, between, back):
        chunks = [entry for entry in read_chunks(path) if isinstance(entry, Chunk)]
        assert [(chunk.previous, chunk.title) for chunk in chunks] == [
            ("Airsoft review", "Airsoft review"),
            ("so this is it", "Airsoft review"),
            ("Kick off", ""),
        ]
    texts = [json.loads(line)[0]["content"][1] for line in back.read_text(encoding="utf-8").splitlines()[:3]]
    assert [(text["previous"], text["title"]) for text in texts] == [
        ("", "Airsoft review"),
        ("so this is it", "Airsoft review"),
        ("Kick off", ""),
    ], "as in the file that was read first"
    inf_line = json.loads(between.read_text(encoding="utf-8").splitlines()[2])
    assert inf_line == INF_STREAMS, "a line that had no title gets none"


def test_a_file_without_an_index_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    chunk = next(entry for entry in read_chunks(write(tmp_path / "i", [INF_STREAMS], seeks=True)))
    assert isinstance(chunk, Chunk)
    assert write_chunks(tmp_path / "o.jsonl", [chunk, chunk], seeks=False) == 2
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 2


def test_games_go_through_the_pipelines_door(tmp_path: Path) -> None:
    path = tmp_path / "games.jsonl"
    game = {"video": "a/game.mp4", "title": "Lions", "content": [[0.5, 0.9, "Kick"], [2.0, 1.0, "off."]]}
    path.write_text(json.dumps(game) + '\n{"video": "b.mp4", "content": []}\nnothing\n', encoding="utf-8")
    games, problems = published.read_games(path)
    assert games == [game]
    assert tally(problems) == {"not JSON": 1, "not a game": 1}
    published.write_games(tmp_path / "o.jsonl", games)
    assert published.read_games(tmp_path / "o.jsonl") == (games, [])


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_livesports_tables_keep_every_column(tmp_path: Path, ending: str) -> None:
    source = tmp_path / "LiveSports-3K-CC-val.csv"
    source.write_text(
        "video_id,url,event_id,begin,end,event_title,event_asr,class\n"
        'x1,https://v/x1,0,10.5,20.0,"A save, and what a save",He dives,football\n'
        "x1,https://v/x1,1,30.0,25.0,Corner,In it comes,football\n"
        "x2,https://v/x2,0,soon,later,Nothing,,football\n",
        encoding="utf-8",
    )
    events, problems = published.read_events(source)
    assert tally(problems) == {"begin and end swapped": 1, "broken row": 1}
    assert [(event["begin"], event["end"]) for event in events] == [(10.5, 20.0), (25.0, 30.0)]
    assert events[0]["event_title"] == "A save, and what a save"
    target = tmp_path / f"out.{ending}"
    published.write_events(target, events)
    assert published.read_events(target) == (events, [])


def test_questions_have_no_times(tmp_path: Path) -> None:
    rows = [
        {"video_id": "x", "question": "Who?", "options": ["A. Lind", "B. Okafor"], "answer": "A", "OCR": 0}
    ]
    published.write_events(tmp_path / "qa.json", rows)
    assert published.read_events(tmp_path / "qa.json") == (rows, [])


def test_a_missing_file_is_said_in_words(tmp_path: Path) -> None:
    for read in (published.read_games, published.read_events, ChunkFile):
        with pytest.raises(PublishedFormError, match="can't be read"):
            read(tmp_path / "none.jsonl")
