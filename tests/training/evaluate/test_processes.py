"""Several processes of a run: whose failures count, who is waited for, and which GPU each takes."""

import dataclasses
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
import torch

from training.errors import VideoError
from training.evaluate import heartbeat
from training.evaluate.commands.finishing import run_share
from training.evaluate.errors import ProcessesGoneError
from training.evaluate.shards import Shard
from training.evaluate.work import Row, VideoWork, run

FIRST, SECOND = (Shard(rank=rank, world_size=2) for rank in (0, 1))


def work(video: str, folder: Path, cost: float, before: Callable[[], object] = lambda: None) -> VideoWork:
    """Says what the video's file holds."""

    def do(keys: Sequence[str]) -> Iterable[Row]:
        before()
        path = folder / video
        if not path.exists():
            raise VideoError(path, "it is not there")
        for key in keys:
            yield {"key": key, "holds": path.read_text()}

    return VideoWork(video=video, keys=["all"], cost=cost, do=do)


def test_a_failure_of_an_earlier_run_is_not_taken_for_this_one_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY_S", 0.05)
    (tmp_path / "mine").write_text("mine")
    may_go_on = threading.Event()
    works = [work("mine", tmp_path, 2.0), work("late", tmp_path, 1.0, may_go_on.wait)]
    may_go_on.set()
    run(works, tmp_path / "out", {}, SECOND)  # the video is not there: set down as a failure
    (tmp_path / "late").write_text("late")
    may_go_on.clear()

    found: list[object] = []
    first = threading.Thread(target=lambda: found.append(run_share(works, tmp_path / "out", {}, FIRST)))
    first.start()
    first.join(1.0)  # the other process has not even begun
    assert first.is_alive()
    second = threading.Thread(target=run_share, args=(works, tmp_path / "out", {}, SECOND))
    second.start()
    first.join(1.5)  # and now is at work
    assert first.is_alive()
    may_go_on.set()
    first.join(30)
    second.join(30)
    rows = {"mine": [{"key": "all", "holds": "mine"}], "late": [{"key": "all", "holds": "late"}]}
    assert found == [(rows, [])]


def test_who_has_failed_in_this_run_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    second: list[threading.Thread] = []

    def begin_the_other() -> None:
        second.append(threading.Thread(target=run_share, args=(works, tmp_path / "out", {}, SECOND)))
        second[0].start()

    works = [work("mine", tmp_path, 2.0, begin_the_other), work("gone", tmp_path, 1.0)]
    done = run_share(works, tmp_path / "out", {}, FIRST)
    second[0].join()
    assert done is not None
    assert [failure.video for failure in done[1]] == ["gone"]


def test_a_process_that_is_gone_is_told_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SILENT_S", 0.3)
    (tmp_path / "mine").write_text("mine")
    works = [work("mine", tmp_path, 2.0), work("other", tmp_path, 1.0)]
    with pytest.raises(
        ProcessesGoneError, match=r"of process 1 \(of 2, .*no result yet for other\. Run the same"
    ):
        run_share(works, tmp_path / "out", {}, FIRST)
    run(works, tmp_path / "out", {}, SECOND)  # it ran before the first one did: its failure is the last word
    done = run_share(works, tmp_path / "out", {}, FIRST)
    assert done is not None
    assert [failure.video for failure in done[1]] == ["other"]


def test_every_process_of_a_machine_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    third = Shard(rank=7, world_size=8, local_rank=3)
    assert (third.device("cpu"), third.device("cuda:1")) == ("cpu", "cuda:1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert (third.device("auto"), third.device("cuda")) == ("cuda:3", "cuda:3")
    assert dataclasses.replace(third, local_rank=0).device("cuda") == "cuda:0"
