"""The commands as they are typed: one a benchmark, alone and as accelerate or torchrun start them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.evaluate.conftest import write_lines
from tests.training.evaluate.judge_server import Body, JudgeServer, prefers
from training.evaluate.__main__ import main
from training.evaluate.provenance import weights_fingerprint


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    summary = json.loads(capsys.readouterr().out)
    assert isinstance(summary, dict)
    return summary


def words(**options: Any) -> list[str]:
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def test_several_processes_and_one_make_the_same(
    tmp_path: Path, tiny_folder: Path, videos: Path, metadata: Path
) -> None:
    def start(out: str, rank: int, world: int) -> subprocess.Popen[bytes]:
        command = words(
            metadata=metadata, videos=videos, model=tiny_folder, out=tmp_path / out, device="cpu", start_s=1
        )
        environment = {
            **os.environ,
            "RANK": str(rank),
            "WORLD_SIZE": str(world),
            "LOCAL_RANK": str(rank),
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "training.evaluate", "inf-streams", *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    processes = [start("one", 0, 1), *(start("two", rank, 2) for rank in (0, 1))]
    outputs = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], [errors for _, errors in outputs]
    assert json.loads(outputs[1][0])["games"] == 4
    assert outputs[2][0] == b""  # the first process alone reports
    for name in ("merged_result.jsonl", "clips.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_inf_streams_with_an_api_model_as_opponent(
    tmp_path: Path, tiny_folder: Path, videos: Path, metadata: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def api(body: Body, seen: int) -> str:
        if body["model"] == "rival-1":
            return "the rival talks"
        return prefers("the rival talks")(body, seen)

    with JudgeServer(api) as server:
        command = [
            "inf-streams",
            *words(
                metadata=metadata,
                videos=videos,
                model=tiny_folder,
                name="tiny",
                out=tmp_path / "out",
                device="cpu",
            ),
            *words(start_s=1, clip_s=4, opponent_model="rival-1", judge_model="judge-1", api_url=server.url),
            *words(price_in=1.0, price_out=2.0, max_new_tokens=3),
            "--greedy",
        ]
        assert main(command) == 0
        first = said(capsys)
        num_paid = server.num_paid
        assert main(command) == 0
        assert server.num_paid == num_paid
    assert first["votes"]["share"] == 0.0
    assert first["votes"] == said(capsys)["votes"]
    assert any("tiny gets 0.0% of the votes against rival-1" in line for line in first["summary"])
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["settings"]["opponent"]["name"] == "same"
    assert (report["settings"]["opponent"]["text_sink"], report["settings"]["opponent"]["text_window"]) == (
        8,
        8,
    )
    assert any(
        "When a clip begins, rival-1 is told the title and the words that people said until then (the first 8 and the "
        "last 8 of them); tiny goes on from what it said itself." in line
        for line in report["warnings"]
    )
    assert report["settings"]["stream"]["sampling"]["greedy"] is True
    assert report["command"].startswith("python -m training.evaluate inf-streams --metadata")
    rival = (tmp_path / "out" / "opponent" / "merged_result.jsonl").read_text().splitlines()
    assert json.loads(rival[0])["items"][0]["response"] == "the rival talks"


def bills(out: Path) -> dict[str, dict[str, Any]]:
    """Of the report: the rows of every bill by their names."""
    tables = json.loads((out / "report.json").read_text())["tables"]
    return {
        table["title"]: {name: used for name, _, used in table["rows"]}
        for table in tables
        if table["title"].endswith("cost")
    }


def test_the_opponent_has_an_api_of_its_own_that_may_not_take_every_clip(
    tmp_path: Path,
    tiny_folder: Path,
    videos: Path,
    metadata: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "of the judge")
    monkeypatch.setenv("RIVAL_KEY", "of the rival")
    rows = [
        {"video": "game0.mp4", "content": [[a, a + 0.5, "x"], [b - 0.5, b, "y"]]} for a, b in ((2, 6), (4, 8))
    ]

    def api(body: Body, seen: int) -> "str | tuple[int, str]":
        text = body["messages"][1]["content"][0]["text"]
        return (413, "too large") if "4 to 8" in text else "the rival talks"

    with JudgeServer(api) as rival, JudgeServer(prefers("the rival talks")) as judge:
        command = [
            "inf-streams",
            *words(metadata=metadata, videos=videos, model=tiny_folder, name="tiny", device="cpu", start_s=1),
            *words(out=tmp_path / "out", max_new_tokens=3),
            *words(judge_model="judge-1", api_url=judge.url, api_key_variable="JUDGE_KEY"),
            *words(opponent_model="rival-1", opponent_url=rival.url, opponent_key_variable="RIVAL_KEY"),
            *words(
                opponent_price_in=10000, opponent_price_out=0, opponent_body='{"top_p": 1}', mode="chunks"
            ),
            "--greedy",
        ]
        with caplog.at_level("INFO"):
            assert main([*command, *words(clips=write_lines(tmp_path / "clips.jsonl", rows))]) == 0
        summary = said(capsys)
        assert summary["votes"]["num_clips"] == 1
        assert summary["left_out"] == [["game0.mp4 [4, 8]", "the API does not take it (413: too large)"]]
        assert (rival.authorizations, judge.authorizations) == (
            {"Bearer of the rival"},
            {"Bearer of the judge"},
        )
        assert rival.bodies[0]["top_p"] == 1
        assert bills(tmp_path / "out")["What the opponent cost"]["cost"] == 1.0
        assert bills(tmp_path / "out")["What the judge cost"]["cost"] is None
        assert "| cost | – | – |" in (tmp_path / "out" / "report.md").read_text()
        assert "pairs judged: 1 of 1" in caplog.text
        assert "clips with commentary of rival-1: 2 of 2" in caplog.text

        for refusal in ((413, "too large"), (401, "no such key")):
            rival.answer = lambda body, seen, refusal=refusal: refusal  # type: ignore[misc]  # bound now
            assert main([*command, *words(clip_s=2, api_cache=tmp_path / "other")]) == 1
            assert f"answered {refusal[0]}: {refusal[1]}" in capsys.readouterr().err
    assert "pipe closed" not in caplog.text


def test_a_judge_like_gpt_5_that_takes_no_temperature(
    tmp_path: Path, metadata: Path, opponent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def gpt_5(body: Body, seen: int) -> "str | tuple[int, str]":
        if "temperature" in body:
            message = "Unsupported value: 'temperature' does not support 0 with this model."
            return 400, json.dumps({"error": {"message": message, "param": "temperature"}})
        if "w4 w5" in body["messages"][-1]["content"]:
            return 400, json.dumps({"error": {"message": "filtered", "code": "content_filter"}})
        return "I like both." if "w8 w9" in body["messages"][-1]["content"] else "A. Because it is livelier."

    out = tmp_path / "out"
    with JudgeServer(gpt_5) as server:
        command = [
            "judge",
            *words(a=opponent, b=opponent, metadata=metadata, start_s=0, clip_s=2, out=out),
            *words(judge_model="gpt-5", api_url=server.url),
        ]
        assert main(command) == 0
        summary = said(capsys)
        num_requests = server.num_requests
        server.answer = lambda body, seen: "A"
        assert main(command) == 0
        again = said(capsys)
        # The games' words are alike, and so are their questions: one was refused. The unreadable one is not asked again.
        assert server.num_requests - num_requests == 1
        assert main([*command, "--ask-again"]) == 0
        at_last = said(capsys)
    assert summary["votes"]["lacking"] == {"unreadable": 4, "refused": 4, "unanswered": 0}
    assert again["votes"]["lacking"] == {"unreadable": 4, "refused": 0, "unanswered": 0}
    assert at_last["votes"]["num_unanswered"] == 0
    assert (
        "4 because the answers can't be read (they are kept; --ask-again asks once more)"
        in summary["warnings"][1]
    )
    assert summary["warnings"][2] == (
        "gpt-5 does not take every parameter of a request, and was asked otherwise: temperature 0.0 left out."
    )
    assert again["warnings"][2] == summary["warnings"][2]
    report = json.loads((out / "report.json").read_text())
    assert report["settings"]["judge"]["changes"] == ["temperature 0.0 left out"]


def test_judge_flags_a_judge_who_favours_the_first_place(
    tmp_path: Path, metadata: Path, opponent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with JudgeServer(lambda body, seen: "A") as server:
        command = [
            "judge",
            *words(a=opponent, b=opponent, metadata=metadata, start_s=0, clip_s=2, out=tmp_path / "out"),
            *words(judge_model="judge-1", api_url=server.url, judge_body='{"temperature": null, "top_p": 1}'),
        ]
        assert main(command) == 0
    assert "temperature" not in server.bodies[0]
    assert server.bodies[0]["top_p"] == 1
    summary = said(capsys)
    assert summary["votes"]["share"] == 0.5
    assert summary["votes"]["place"]["is_flagged"]
    assert "This judge favours what it is shown first" in summary["warnings"][0]
    page = (tmp_path / "out" / "report.html").read_bytes()
    (tmp_path / "out" / "report.html").unlink()
    assert main(["report", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "report.html").read_bytes() == page


def test_livesports_end_to_end(
    tmp_path: Path, tiny_folder: Path, videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [
        {
            "video_id": f"game{n}",
            "event_id": 1,
            "begin": 1.0,
            "end": 4.0,
            "event_title": "Cup",
            "event_asr_text": "it is on",
        }
        for n in (0, 1)
    ]
    baseline = [{"video_id": f"game{n}", "event_id": 1, "pred": "the rival talks"} for n in (0, 1)]

    def judge(body: Body, seen: int) -> str:
        first = body["messages"][0]["content"].split("---Commentary A---\n")[1].split("\n---")[0]
        letter = "B" if "rival" in first else "A"
        return f"Commentary {letter} is better aligned with the human commentary"

    with JudgeServer(judge) as server:
        command = [
            "livesports",
            *words(events=write_lines(tmp_path / "events.jsonl", events), videos=videos, model=tiny_folder),
            *words(
                baseline=write_lines(tmp_path / "GPT-4o.jsonl", baseline), name="tiny", out=tmp_path / "out"
            ),
            *words(judge_model="judge-1", api_url=server.url, device="cpu"),
        ]
        assert main(command) == 0
    assert all(body["seed"] == 42 and body["temperature"] == 0.0 for body in server.bodies)
    summary = said(capsys)
    assert "Win rate as published, on 2 events" in summary["summary"][-1]
    assert "100.00%" in summary["summary"][-1]
    rows = [json.loads(line) for line in (tmp_path / "out" / "judged.jsonl").read_text().splitlines()]
    assert rows == [
        {"video_event_id": f"game{n}_1", "ab_winner": "tiny", "ba_winner": "tiny"} for n in (0, 1)
    ]


def test_ovo_end_to_end(
    tmp_path: Path, tiny_folder: Path, videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = [
        {
            "id": 1,
            "task": "OCR",
            "video": "game3.mp4",
            "realtime": 3,
            "question": "Which?",
            "options": ["x", "y"],
            "gt": 0,
        },
        {
            "id": 2,
            "task": "EPM",
            "video": "gone.mp4",
            "realtime": 3,
            "question": "Who?",
            "options": ["x", "y"],
            "gt": 1,
        },
    ]
    command = [
        "ovo",
        *words(
            annotations=write_lines(tmp_path / "ovo.jsonl", annotations), videos=videos, model=tiny_folder
        ),
        *words(out=tmp_path / "out", scoring="logits", device="cpu", max_frames=4),
    ]
    assert main(command) == 0
    summary = said(capsys)
    assert summary["left_out"][0][0] == "gone.mp4"
    assert "1 questions have no answer and count as wrong." in summary["warnings"]
    assert summary["scores"]["tasks"]["EPM"] == {"accuracy": 0.0, "num_questions": 1, "num_right": 0}
    assert summary["scores"]["intervals"]["tasks"] == {"EPM": None, "OCR": None}, "one video each"
    low, high = summary["scores"]["intervals"]["total"]
    assert f"(95% interval {low:.2f} – {high:.2f})" in summary["summary"][-1]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"<td>{low:.2f} – {high:.2f}</td>" in page
    assert [row["id"] for row in json.loads((tmp_path / "out" / "results.json").read_text())] == [1, 2]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metadata": "gone.jsonl"}, "gone.jsonl: it can't be read (No such file or directory)."),
        ({"videos": "gone"}, "There is no folder gone with the videos."),
        ({"opponent": "x", "opponent_model": "y"}, "Give --opponent or --opponent-model, not both."),
        ({"fps": 0.1}, "The setting fps is 0.1"),
        ({"clip_s": 0}, "--clip-s is 0; it must be at least 1 second."),
        ({"clip_s": "nan"}, "--clip-s is nan; it must be at least 1 second."),
        ({"model": "no/such/model", "start_s": 1}, "there is no such folder or hub model"),
    ],
)
def test_bad_use_is_one_line(
    tmp_path: Path,
    tiny_folder: Path,
    videos: Path,
    metadata: Path,
    options: dict[str, Any],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = {"metadata": metadata, "videos": videos, "model": tiny_folder, "out": tmp_path / "out", **options}
    assert main(["inf-streams", *words(**asked)]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "pieces to do" not in line]
    assert len(errors) == 1
    assert says in errors[0]


def test_a_run_in_which_nothing_worked_fails(
    tmp_path: Path, tiny_folder: Path, metadata: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"metadata": metadata, "videos": tmp_path, "model": tiny_folder, "out": tmp_path / "out"}
    assert main(["inf-streams", *words(**asked), "--start-s", "1"]) == 1
    assert "None of the 4 videos could be used. The first, game0.mp4:" in capsys.readouterr().err


def test_random_weights_of_a_size_time_a_run_and_another_seed_is_another_run(
    tmp_path: Path, videos: Path, metadata: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(**changed: Any) -> int:
        options = {"model": "random:tiny", "out": tmp_path, "device": "cpu", "start_s": 1, **changed}
        shared = words(metadata=metadata, videos=videos, max_new_tokens=3, precision="int8", **options)
        return main(["inf-streams", *shared, "--greedy"])

    assert run() == 0
    said(capsys)
    results = (tmp_path / "merged_result.jsonl").read_bytes()
    assert run() == 0  # all of it is there
    said(capsys)
    assert (tmp_path / "merged_result.jsonl").read_bytes() == results
    assert run(seed=1) == 1
    assert "random:tiny seed 1 int8" in capsys.readouterr().err
    assert run(model="random:huge", out=tmp_path / "huge") != 0
    assert "huge" in capsys.readouterr().err


def test_other_weights_at_the_same_place_are_another_run(
    tmp_path: Path, tiny_folder: Path, videos: Path, metadata: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_folder, model)
    one = write_lines(tmp_path / "one.jsonl", [json.loads(metadata.read_text().splitlines()[3])])
    command = [
        "inf-streams",
        *words(metadata=one, videos=videos, model=model, out=tmp_path / "out", start_s=1),
    ]
    assert main(command) == 0
    settings = json.loads((tmp_path / "out" / "report.json").read_text())["settings"]
    (made_with,) = settings["made_with"]
    assert made_with["device"] == "cpu"
    assert made_with["dtype"] == "float32"
    assert made_with["torch"] == torch.__version__
    assert settings["files"]["metadata"]["file"] == str(one)
    (shard,) = model.glob("*.safetensors")
    shutil.copytree(model, tmp_path / "copy")
    content = bytearray(shard.read_bytes())
    content[-1000:] = bytes(1000)  # the same names, shapes and size
    shard.write_bytes(content)
    capsys.readouterr()
    assert main(command) == 1
    assert "made with other settings (weights was '" in capsys.readouterr().err
    assert (
        settings["weights"] == weights_fingerprint(str(tmp_path / "copy")) != weights_fingerprint(str(model))
    )


def test_every_clip_that_could_not_be_compared_is_named(
    tmp_path: Path, metadata: Path, opponent: Path
) -> None:
    rival = [json.loads(line) for line in opponent.read_text().splitlines()]
    other = write_lines(tmp_path / "other.jsonl", rival[1:])
    with JudgeServer(lambda body, seen: "A") as server:
        command = ["judge", *words(a=opponent, b=other, metadata=metadata, start_s=0, clip_s=4)]
        assert main([*command, *words(out=tmp_path / "out", judge_model="judge-1", api_url=server.url)]) == 0
    report = (tmp_path / "out" / "report.md").read_text()
    for start_s in (0, 4, 8):
        assert f"game0.mp4 [{start_s}, {start_s + 3}]: not covered by B" in report
