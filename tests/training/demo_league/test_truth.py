"""Truth files and captions files."""

import json
import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from tests.training.demo_league.hand_made import SQUADS, TEAMS, TITLE
from training.demo_league.score import CaptionError, as_phrases, read_captions, score_file
from training.demo_league.simulate import simulate
from training.demo_league.truth import TruthError, read_truth, squads_of, truth_lines, truth_of, write_truth


def test_a_truth_file_has_the_promised_form_and_comes_back_the_same(tmp_path: Path) -> None:
    match = simulate(4, 2)
    path = tmp_path / "match.jsonl"
    write_truth(match, path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[0]["type"] == "match"
    assert lines[0]["title"] == match.title
    events = [line for line in lines if line["type"] == "event"]
    assert [line["t"] for line in events] == [round(event.time_s, 3) for event in match.events]
    assert {"type", "t", "kind", "team", "player", "other", "score"} == set(events[0])
    assert "pass" in {line["kind"] for line in events}
    streams = [line["text_stream"] for line in lines if line["type"] == "words"]
    assert all(stream and stream[-1][1] - stream[0][0] <= 30.0 for stream in streams)
    truth = read_truth(path)
    assert truth == truth_of(truth_lines(match))
    assert truth.teams == (match.home.name, match.away.name)
    assert list(truth.team_of_player) == [match.player(i).name for i in range(10)]
    assert list(tmp_path.iterdir()) == [path]


def test_a_title_is_read_with_words_around_it() -> None:
    for title in (TITLE, "Demo league. " + TITLE, TITLE + " Good evening."):
        teams, squads = squads_of(title)
        assert teams == TEAMS
        assert squads == SQUADS


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"type": "match"', "line 1: not JSON"),
        ("[1, 2]", "line 1: not a JSON object"),
        ('{"type": "event", "t": 1.0}', "not in the form"),
        ("", "no line of the type"),
        ('{"type": "match", "title": "A friendly"}', "two teams"),
        (
            '{"type": "match", "title": "x"}\n{"type": "words", "text_stream": [[1.0, "hello"]]}',
            "not in the form",
        ),
    ],
)
def test_a_bad_truth_file_is_told_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TruthError, match=complaint) as caught:
        read_truth(path)
    assert str(path) in str(caught.value)


def test_captions_are_read_and_scored_from_files(tmp_path: Path) -> None:
    match = simulate(4, 1)
    write_truth(match, tmp_path / "match.jsonl")
    phrases = as_phrases(read_truth(tmp_path / "match.jsonl").words)
    captions_path = tmp_path / "captions.jsonl"
    lines = [json.dumps({"start": start_s, "end": end_s, "text": text}) for start_s, end_s, text in phrases]
    captions_path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    assert read_captions(captions_path) == phrases
    result = score_file(captions_path, tmp_path / "match.jsonl")
    assert result["event_f1"] == 1.0
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", "{}", '{"start": 1, "end": 2}', '{"start": NaN, "end": 2, "text": "a"}', "3"]
)
def test_a_bad_captions_line_is_told_by_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "captions.jsonl"
    path.write_text('{"start": 0, "end": 1, "text": "Hello."}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(CaptionError, match="line 2"):
        read_captions(path)


def _write_often(path: str, barrier: Barrier) -> None:
    match = simulate(4, 1)
    barrier.wait()
    for _ in range(40):
        write_truth(match, Path(path))


def test_several_processes_may_write_the_same_truth_at_once(tmp_path: Path) -> None:
    path = tmp_path / "match.jsonl"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=_write_often, args=(str(path), barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    assert [process.exitcode for process in processes] == [0, 0]
    assert list(tmp_path.iterdir()) == [path]
    assert read_truth(path) == truth_of(truth_lines(simulate(4, 1)))
