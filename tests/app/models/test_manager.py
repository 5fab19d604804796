"""The manager: what a person sees of a model from "not downloaded" to "on this computer", with real downloads."""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.models.catalogue import CATALOGUE
from app.models.fetch import Job
from app.models.machine import Gpu, Machine
from app.models.manager import ModelManager, ModelRow, Stage
from tests.app.models.hub_server import Fault, HubServer

REPO = "lions/Tiny-VL"
WEIGHTS = "model.safetensors"
GIB = 2**30
WAIT_S = 60.0


@pytest.fixture
def hub() -> Iterator[HubServer]:
    files = {
        "config.json": json.dumps({"model_type": "qwen2_5_vl"}).encode(),
        WEIGHTS: random.Random(3).randbytes(800_000),
    }
    with HubServer(REPO, files) as server:
        yield server


class Person:
    """One start of the program: a manager, and a loop that is run by hand."""

    def __init__(
        self, hub: HubServer, folder: Path, *, chosen: str = "demo", machine: Machine | None = None
    ) -> None:
        self.posted: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = queue.SimpleQueue()
        self.chosen = chosen
        self.more: tuple[str, ...] = (REPO,)
        self.seen: list[ModelRow] = []
        machine = machine or Machine(free_bytes=8 * GIB, total_bytes=16 * GIB)
        self.manager = ModelManager(
            folder=lambda: folder,
            chosen=lambda: self.chosen,
            more=lambda: self.more,
            keep_more=lambda more: setattr(self, "more", more),
            post=lambda function, *arguments: self.posted.put((function, arguments)),
            aside=lambda work, then: self.posted.put((then, (work(),))),
            look=lambda: machine,
            job=lambda job: quick(job, hub),
        )
        self.manager.changed.subscribe(lambda repo: self.seen.append(self.row))
        self.manager.refresh()
        self.settle()

    @property
    def row(self) -> ModelRow:
        return self.manager.row(REPO)

    def settle(self) -> None:
        while not self.posted.empty():
            function, arguments = self.posted.get()
            function(*arguments)

    def until(self, condition: Callable[[ModelRow], bool]) -> ModelRow:
        end_s = time.monotonic() + WAIT_S
        while not condition(self.row):
            assert time.monotonic() < end_s, self.row
            function, arguments = self.posted.get(timeout=WAIT_S)
            function(*arguments)
        return self.row


def quick(job: Job, hub: HubServer) -> Job:
    return dataclasses.replace(
        job,
        endpoint=hub.url,
        timeout_s=20.0,
        first_wait_s=0.02,
        longest_wait_s=0.1,
        max_tries=3,
        spare_bytes=0,
    )


def test_a_model_is_downloaded_paused_resumed_used_and_deleted(hub: HubServer, tmp_path: Path) -> None:
    person = Person(hub, tmp_path)
    assert person.row.stage is Stage.ABSENT
    hub.faults[WEIGHTS].append(Fault("stall", 400_000))
    person.manager.download(REPO)
    person.manager.download(REPO)  # a second press does no harm
    person.until(lambda row: row.stage is Stage.DOWNLOADING and row.done_bytes > 400_000)
    assert person.row.is_at_work
    assert "of 800 kB" in person.row.words
    person.manager.pause(REPO)
    person.until(lambda row: row.stage is Stage.PAUSED)
    assert person.row.words == "paused, 400 kB of 800 kB are here"
    hub.release()

    # The next start finds it where it was.
    later = Person(hub, tmp_path)
    assert later.row.stage is Stage.PAUSED
    later.manager.download(REPO)
    row = later.until(lambda row: row.stage is Stage.HERE)
    later.settle()
    assert hub.ranges[-1] == (WEIGHTS, "bytes=400000-")
    assert row.folder is not None
    assert (row.folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert later.row.words == "on this computer, checked"

    # What comments now is not deleted under its own feet.
    later.chosen = REPO
    later.manager.delete(REPO)
    assert "choose another model first" in later.row.problem
    later.chosen = "demo"
    later.manager.delete(REPO)
    later.settle()
    assert later.row.stage is Stage.ABSENT
    assert not list(tmp_path.iterdir())


def test_a_killed_download_says_so_and_goes_on(hub: HubServer, tmp_path: Path) -> None:
    person = Person(hub, tmp_path)
    hub.faults[WEIGHTS].append(Fault("stall", 300_000))
    person.manager.download(REPO)
    person.until(lambda row: row.done_bytes > 300_000)
    os.kill(person.manager._downloads[REPO].pid, signal.SIGKILL)
    row = person.until(lambda row: row.stage is Stage.FAILED)
    assert "kept" in row.problem
    hub.release()
    person.manager.download(REPO)
    person.until(lambda row: row.stage is Stage.HERE)
    assert hub.ranges[-1] == (WEIGHTS, "bytes=300000-")


def test_cancel_leaves_nothing_behind(hub: HubServer, tmp_path: Path) -> None:
    person = Person(hub, tmp_path)
    hub.faults[WEIGHTS].append(Fault("stall", 300_000))
    person.manager.download(REPO)
    person.until(lambda row: row.done_bytes > 300_000)
    person.manager.cancel(REPO)
    person.settle()
    assert person.row.stage is Stage.ABSENT
    assert person.row.done_bytes == 0
    assert not list(tmp_path.iterdir())


def test_what_fails_is_tried_again_and_then_said(hub: HubServer, tmp_path: Path) -> None:
    person = Person(hub, tmp_path)
    hub.faults[WEIGHTS].extend([Fault("status", status=502)] * 10)
    person.manager.download(REPO)
    row = person.until(lambda row: row.stage is Stage.FAILED)
    assert any(row.stage is Stage.WAITING and "answers 502" in row.words for row in person.seen)
    assert "resume" in row.problem
    person.manager.refresh()
    person.settle()
    assert person.row.problem == row.problem
    hub.faults.clear()
    person.manager.download(REPO)
    assert person.until(lambda row: row.stage is Stage.HERE).problem == ""


def test_closing_ends_downloads_and_keeps_what_came(hub: HubServer, tmp_path: Path) -> None:
    person = Person(hub, tmp_path)
    hub.faults[WEIGHTS].append(Fault("stall", 300_000))
    person.manager.download(REPO)
    person.until(lambda row: row.done_bytes > 300_000)
    pid = person.manager._downloads[REPO].pid
    person.manager.close()
    assert not Path(f"/proc/{pid}").exists()
    assert Person(hub, tmp_path).row.stage is Stage.PAUSED


def test_models_of_the_hub_can_be_added_and_taken_off(hub: HubServer, tmp_path: Path) -> None:
    person = Person(hub, tmp_path)
    manager = person.manager
    assert [row.model.repo for row in manager.rows] == [*(model.repo for model in CATALOGUE), REPO]
    assert manager.add(" https://huggingface.co/bears/Other-VL/ ")
    assert not manager.add("not a name")
    assert person.more == (REPO, "bears/Other-VL")
    assert manager.can_forget("bears/Other-VL")
    manager.forget("bears/Other-VL")
    assert person.more == (REPO,)
    person.chosen = str(tmp_path)
    assert manager.rows[-1].is_chosen
    assert manager.rows[-1].stage is Stage.HERE


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (Machine(free_bytes=8 * GIB, total_bytes=16 * GIB), ["fits", "too large", "too large", "too large"]),
        (
            Machine(free_bytes=60 * GIB, total_bytes=64 * GIB),
            ["fits", "too slow live", "too slow live", "too slow live"],
        ),
        (
            Machine(
                free_bytes=60 * GIB,
                total_bytes=64 * GIB,
                gpus=(Gpu(name="RTX 3090", free_bytes=23 * GIB, total_bytes=24 * GIB),),
            ),
            ["fits", "fits your GPU", "fits your GPU", "fits your GPU"],
        ),
        (
            Machine(
                free_bytes=30 * GIB,
                total_bytes=64 * GIB,
                gpus=(Gpu(name="RTX 4070", free_bytes=11 * GIB, total_bytes=12 * GIB),),
            ),
            ["fits", "too large", "fits your GPU", "too large"],
        ),
        (
            Machine(
                free_bytes=30 * GIB,
                total_bytes=64 * GIB,
                gpus=(Gpu(name="RTX 3090", free_bytes=4 * GIB, total_bytes=24 * GIB),),
            ),
            ["fits", "GPU is busy", "GPU is busy", "GPU is busy"],
        ),
        (
            Machine(
                free_bytes=60 * GIB,
                total_bytes=64 * GIB,
                gpus=(
                    Gpu(name="A", free_bytes=GIB, total_bytes=GIB, is_usable=False, problem="No CUDA here."),
                ),
            ),
            ["fits", "too slow live", "too slow live", "too slow live"],
        ),
    ],
)
def test_what_fits_is_said_of_every_model(
    hub: HubServer, tmp_path: Path, machine: Machine, expected: list[str]
) -> None:
    rows = Person(hub, tmp_path, machine=machine).manager.rows[: len(CATALOGUE)]
    assert [row.verdict.words for row in rows] == expected
    assert all("GiB" in row.verdict.sentence for row in rows)
