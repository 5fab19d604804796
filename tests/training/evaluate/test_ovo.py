"""OVO-Bench: all task forms, both scorings worked by hand, and both showings on a real checkpoint."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine import LoadedModel, StreamSettings
from tests.training.evaluate.conftest import write_lines
from training.evaluate.errors import DataFileError, EvaluationError
from training.evaluate.offline import OfflineAnswerer
from training.evaluate.ovo import answering
from training.evaluate.ovo.answering import ShowingSettings, respond
from training.evaluate.ovo.questions import WORDINGS, Question, read_questions, read_wordings
from training.evaluate.ovo.scoring import (
    OPTIONS,
    intervals,
    means,
    option_match,
    published_choices,
    published_results,
    text_match,
)
from training.evaluate.shards import Shard
from training.evaluate.video import length_s, spread_frames
from training.evaluate.work import collect, run

RAW: list[dict[str, Any]] = [
    {
        "id": 3,
        "task": "EPM",
        "video": "game0.mp4",
        "realtime": 9,
        "question": "What did I chop?",
        "answer": "meat",
        "options": ["egg", "meat", "onion"],
        "gt": 1,
    },
    {
        "id": 8,
        "task": "OCR",
        "video": "game1.mp4",
        "realtime": 5.5,
        "question": "Which?",
        "options": ["x", "y"],
        "gt": 0,
    },
    {
        "id": 20,
        "task": "REC",
        "video": "game0.mp4",
        "activity": "jump",
        "test_info": [{"realtime": 4, "count": 1}, {"realtime": 8, "count": 12}],
    },
    {
        "id": 30,
        "task": "SSR",
        "video": "game1.mp4",
        "test_info": [
            {"realtime": 3, "step": "open the box", "type": 0},
            {"realtime": 6, "step": "close it", "type": 1},
        ],
    },
    {
        "id": 40,
        "task": "CRR",
        "video": "game2.mp4",
        "question": "What is in the box?",
        "answer": "A cat",
        "ask_time": 3,
        "clue_time": 6,
        "test_info": [{"realtime": 4, "type": 0}, {"realtime": 8, "type": 1}],
    },
]


@pytest.fixture
def questions(tmp_path: Path) -> list[Question]:
    path = tmp_path / "ovo_bench_new.json"
    path.write_text(json.dumps(RAW, indent=1), encoding="utf-8")
    return read_questions(path)


def test_every_task_form_is_read(questions: list[Question]) -> None:
    assert [(q.key, q.task, q.category, q.video, q.end_s, q.answer) for q in questions] == [
        ("3-0", "EPM", "backward", "game0.mp4", 9.0, "B"),
        ("8-0", "OCR", "realtime", "game1.mp4", 5.5, "A"),
        ("20-0", "REC", "forward", "game0.mp4", 4.0, "1"),
        ("20-1", "REC", "forward", "game0.mp4", 8.0, "12"),
        ("30-0", "SSR", "forward", "game1.mp4", 3.0, "No"),
        ("30-1", "SSR", "forward", "game1.mp4", 6.0, "Yes"),
        ("40-0", "CRR", "forward", "game2.mp4", 4.0, "No"),
        ("40-1", "CRR", "forward", "game2.mp4", 8.0, "Yes"),
    ]
    assert "What did I chop?\nOptions: A. egg; B. meat; C. onion;\n" in questions[0].prompt
    assert "How many times did they jump?" in questions[2].prompt
    assert "\nopen the box\n" in questions[4].prompt
    assert "\nWhat is in the box?\n" in questions[6].prompt


def test_formatted_lines_are_read_with_their_own_wording(tmp_path: Path) -> None:
    enough = {"id": 40, "task": "CRR", "video": "g.mp4", "question": "Enough?", "video_start": 3}
    lines = [
        {
            "id": 3,
            "task": "EPM",
            "video": "game0.mp4",
            "question": "What?",
            "options": ["A. egg", "B. meat"],
            "video_start": 0,
            "video_end": 9,
            "answer": "B",
        },
        {**enough, "video_end": 4, "answer": "No"},
        {**enough, "video_end": 8, "answer": "Yes"},
    ]
    read = read_questions(write_lines(tmp_path / "formatted.jsonl", lines), {**WORDINGS, "choose": "Select."})
    assert [(q.key, q.start_s, q.end_s, q.answer) for q in read] == [
        ("3-0", 0.0, 9.0, "B"),
        ("40-1", 3.0, 4.0, "No"),
        ("40-2", 3.0, 8.0, "Yes"),
    ]
    assert [q.prompt for q in read[:2]] == ["What?\nA. egg\nB. meat\nSelect.", "Enough?"]


def test_annotations_in_another_form_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="no task 'XYZ'"):
        read_questions(write_lines(tmp_path / "x.jsonl", [{"task": "XYZ"}]))
    with pytest.raises(DataFileError, match="line 1: this question is not in its form"):
        read_questions(write_lines(tmp_path / "x.jsonl", [{**RAW[0], "gt": 3}]))


def test_wordings_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "wordings.json"
    path.write_text(json.dumps({"SSR": "Now: {step}?"}))
    assert read_wordings(path)["SSR"] == "Now: {step}?"
    assert read_wordings(path)["CRR"] == WORDINGS["CRR"]
    path.write_text(json.dumps({"SRR": "Now?"}))
    with pytest.raises(EvaluationError, match="wording for SRR"):
        read_wordings(path)


@pytest.mark.parametrize(
    ("task", "response", "answer", "is_right"),
    [
        ("EPM", "B", "B", True),
        ("EPM", "The answer is B.", "B", True),
        ("EPM", "b", "B", False),
        ("EPM", None, "B", False),
        ("OCR", "A", "B", False),
        ("REC", "They did it 12 times", "12", True),
        ("REC", "1 or 2", "12", True),  # the official rule puts all digits together
        ("REC", "twelve", "12", False),
        ("SSR", "Yes", "Yes", True),
        ("SSR", "Y", "Yes", True),
        ("SSR", "N", "Yes", False),
        ("CRR", "N", "No", True),
        ("CRR", "No, not yet", "No", True),
        ("CRR", "Now it is clear: Yes", "No", True),  # "No" stands in "Now": the official rule does not mind
        ("CRR", "yes", "Yes", False),
    ],
)
def test_the_official_text_match(task: str, response: str | None, answer: str, is_right: bool) -> None:
    assert text_match(task, response, answer) is is_right


def test_options_are_matched_by_their_beginning() -> None:
    assert option_match("B", "B")
    assert option_match("Yes", "Yes")
    assert not option_match(
        "1", "12"
    )  # an answer of two digits can't be chosen: a fault of the published way
    assert not option_match(None, "B")
    assert len(OPTIONS) == 17


def test_means_are_over_tasks_then_categories(questions: list[Question]) -> None:
    responses = {
        "3-0": "B",
        "8-0": "B",
        "20-0": "1",
        "20-1": "11",
        "30-0": "No",
        "30-1": "Yes",
        "40-0": "Yes",
    }
    scores = means(questions, responses, "text")
    assert {task: found["accuracy"] for task, found in scores["tasks"].items()} == {
        "EPM": 100.0,
        "OCR": 0.0,
        "REC": 50.0,
        "SSR": 100.0,
        "CRR": 0.0,
    }
    assert scores["categories"] == {"backward": 100.0, "realtime": 0.0, "forward": 50.0}
    assert scores["total"] == 50.0
    assert scores["tasks"]["CRR"] == {"accuracy": 0.0, "num_questions": 2, "num_right": 0}


def test_intervals_draw_whole_videos_again() -> None:
    def question(number: int, task: str, video: str) -> Question:
        at: dict[str, Any] = {
            "index": 0,
            "start_s": 0.0,
            "end_s": 1.0,
            "prompt": "",
            "plain": "",
            "answer": "A",
        }
        return Question(key=str(number), id=number, task=task, video=video, **at)

    # Two videos, of which one is all right and one all wrong: a draw has the one, the other or both.
    asked = [question(n, "EPM", "good.mp4" if n < 3 else "bad.mp4") for n in range(6)]
    asked += [question(n, "OCR", f"game{n}.mp4") for n in range(6, 46)]
    right = dict.fromkeys(("0", "1", "2", *(str(n) for n in range(6, 26))), "A")
    found = intervals(asked, right, "text")
    assert found["tasks"]["EPM"] == [0.0, 100.0], "six questions, and yet no more than two videos"
    low, high = found["tasks"]["OCR"]
    half_width = 1.96 * 100 * (0.25 / 40) ** 0.5
    assert low == pytest.approx(50 - half_width, abs=3)
    assert high == pytest.approx(50 + half_width, abs=3)
    assert found["categories"] == {"backward": [0.0, 100.0], "realtime": [low, high]}
    assert found["total"][0] < 50 < found["total"][1]
    assert intervals(asked, right, "text") == found
    alone = intervals(asked[:3], right, "text")
    assert alone == {"tasks": {"EPM": None}, "categories": {"backward": None}, "total": None}


def test_results_are_written_as_the_official_scorer_reads_them(questions: list[Question]) -> None:
    results = published_results(questions, {"3-0": "B", "20-0": "1", "30-1": "Yes"})
    assert results["backward"] == [
        {
            "id": 3,
            "video": "game0.mp4",
            "task": "EPM",
            "question": "What did I chop?",
            "response": "B",
            "ground_truth": "B",
        }
    ]
    assert [entry["id"] for entry in results["forward"]] == [20, 30, 40]
    assert results["forward"][0]["test_info"] == [
        {"realtime": 4.0, "count": 1, "response": "1"},
        {"realtime": 8.0, "count": 12, "response": None},
    ]
    assert results["forward"][1]["test_info"][1] == {"realtime": 6.0, "type": 1, "response": "Yes"}
    assert published_choices(questions, {})[0] == {
        "id": 3,
        "task": "EPM",
        "question": "What did I chop?",
        "answer": "B",
        "response": None,
    }


def showing(folder: Path, **changes: Any) -> ShowingSettings:
    return ShowingSettings(stream=StreamSettings.from_checkpoint(folder), **changes)


def test_offline_showings_are_those_of_the_answerer(
    tiny: LoadedModel, tiny_folder: Path, videos: Path, questions: list[Question]
) -> None:
    question, path = questions[0], videos / "game0.mp4"
    frames, fps = spread_frames(path, start_s=0.0, end_s=9.0, fps=2.0, max_frames=8)
    answerer = OfflineAnswerer(tiny, tiny.settings.resize)
    answer = answerer.answer(frames, fps, question.prompt, max_new_tokens=32).strip()
    offline = showing(tiny_folder, max_frames=8)
    assert respond(question, path, length_s(path), tiny, offline) == answer
    scores = answerer.scores(
        frames, fps, question.prompt, answerer.option_ids(OPTIONS), answer_prefix="The answer is:\n"
    )
    chosen = respond(
        question, path, length_s(path), tiny, showing(tiny_folder, max_frames=8, scoring="logits")
    )
    assert chosen == OPTIONS[scores.index(max(scores))]


def test_streamed_showings_ask_in_the_second_of_the_question(
    tiny: LoadedModel, tiny_folder: Path, videos: Path, questions: list[Question]
) -> None:
    path = videos / "game0.mp4"

    def asked(at: int, **changes: Any) -> str:
        return respond(questions[at], path, 14.0, tiny, showing(tiny_folder, showing="streamed", **changes))

    assert asked(0) == asked(0)
    assert asked(0) != asked(3)  # another question at another moment
    assert asked(0) != asked(0, is_silent=True)  # what was said is part of what is seen
    # With a vision window of 3 s and silence, what came before the lead is forgotten, but for its times in the text.
    assert asked(0, is_silent=True, lead_s=9.0) == asked(0, is_silent=True)
    assert asked(0, scoring="logits") in OPTIONS


@pytest.mark.parametrize(
    "how", [{"showing": "offline", "max_frames": 8}, {"showing": "streamed", "scoring": "logits"}]
)
def test_a_whole_run_is_the_same_in_any_number_of_shards(
    tmp_path: Path,
    tiny: LoadedModel,
    tiny_folder: Path,
    videos: Path,
    questions: list[Question],
    how: dict[str, Any],
) -> None:
    settings = showing(tiny_folder, **how)
    found = []
    for world in (1, 2):
        works = answering.works(questions, videos, lambda: tiny, settings)
        for rank in range(world):
            run(works, tmp_path / str(world), {"how": how}, Shard(rank=rank, world_size=world))
        rows, failures = collect(works, tmp_path / str(world))
        assert failures == []
        found.append({row["key"]: row["response"] for of_video in rows.values() for row in of_video})
    assert found[0] == found[1]
    assert list(found[0]) == ["3-0", "20-0", "20-1", "8-0", "30-0", "30-1", "40-0", "40-1"]


def test_settings_that_cannot_work_are_refused(tiny_folder: Path) -> None:
    with pytest.raises(EvaluationError, match="showing"):
        showing(tiny_folder, showing="live")
    with pytest.raises(EvaluationError, match="lead_s"):
        showing(tiny_folder, lead_s=0.0)
