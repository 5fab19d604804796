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

from app import resources
from app.models.catalogue import CATALOGUE, CatalogueModel, find_model
from app.models.fetch import Job
from app.models.fit import AUTO, Fit, judge, known_device, place
from app.models.machine import Gpu, Machine
from app.models.manager import ModelManager, ModelRow, Stage
from engine.config import read_config
from engine.footprint import weight_bytes
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
    assert Person(hub, tmp_path).row.stage is Stage.ABSENT
    assert later.row.words == "not downloaded"
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
    assert "bears/Other-VL" not in person.more
    person.chosen = str(tmp_path)
    assert manager.rows[-1].is_chosen
    assert manager.rows[-1].stage is Stage.HERE


NO_GPU = Machine(free_bytes=60 * GIB, total_bytes=64 * GIB)


def with_gpu(name: str, free_gib: float, total_gib: float, problem: str = "") -> Machine:
    gpu = Gpu(
        name=name,
        free_bytes=int(free_gib * GIB),
        total_bytes=int(total_gib * GIB),
        is_usable=not problem,
        problem=problem,
    )
    return dataclasses.replace(NO_GPU, gpus=(gpu,))


@pytest.mark.parametrize(
    ("machine", "seven", "three", "precision"),
    [
        (Machine(free_bytes=8 * GIB, total_bytes=16 * GIB), "too large", "too large", None),
        (NO_GPU, "too slow live", "too slow live", None),
        (with_gpu("A", 1, 1, "No CUDA here."), "too slow live", "too slow live", None),
        (with_gpu("RTX 3090", 23.0, 24), "fits your GPU", "fits your GPU", "bf16"),
        (with_gpu("RTX 4080", 15.0, 16), "fits in 8 bits", "fits your GPU", "int8"),
        (with_gpu("RTX 4070", 9.5, 12), "fits in 4 bits", "fits your GPU", "int4"),
        (with_gpu("RTX 3090", 2.0, 24), "GPU is busy", "GPU is busy", "int4"),
        (with_gpu("GT 1030", 2.0, 2), "too large", "too large", "int4"),
    ],
)
def test_what_fits_is_said_of_every_model_and_decides_how_it_is_loaded(
    hub: HubServer, tmp_path: Path, machine: Machine, seven: str, three: str, precision: str | None
) -> None:
    rows = Person(hub, tmp_path, machine=machine).manager.rows[: len(CATALOGUE)]
    assert [row.verdict.words for row in rows] == ["fits", seven, three, seven]
    assert all("GiB" in row.verdict.sentence for row in rows)
    model = find_model("mit-han-lab/StreamingVLM")
    assert place(model, machine).precision == precision
    assert place(find_model("demo"), machine).precision is None
    has_gpu = any(gpu.is_usable for gpu in machine.gpus)
    assert place(model, machine, "int4").precision == ("int4" if has_gpu else None)
    assert place(model, machine).device == AUTO


@pytest.mark.parametrize(
    ("free_gib", "total_gib", "fit", "advice"),
    [
        (7.8, 8, Fit.FITS, ""),
        (7.5, 8, Fit.BUSY, "see the last 12 seconds instead of 16: that takes 7.4 GiB in 4 bits"),
        (7.2, 8, Fit.BUSY, 'that says {"window": {"vision_window_s": 8}}.'),
        (7.0, 7, Fit.TOO_LARGE, "the last 4 seconds"),
        (6.0, 6, Fit.TOO_LARGE, ""),
        (2.0, 24, Fit.BUSY, ""),
    ],
)
def test_a_shorter_window_that_would_fit_is_told(
    free_gib: float, total_gib: float, fit: Fit, advice: str
) -> None:
    verdict = judge(SEVEN, with_gpu("RTX", free_gib, total_gib))
    assert verdict.fit is fit
    assert advice in verdict.sentence
    assert ("ringside.json" in verdict.sentence) == bool(advice)


def test_on_a_card_that_is_too_old_a_model_is_judged_for_the_processor() -> None:
    machine = with_gpu("RTX 2080 Ti", 10, 11, "RTX 2080 Ti is too old: compute capability 7.5.")
    verdict = judge(SEVEN, machine)
    assert verdict.fit is Fit.SLOW
    assert "too old" in verdict.sentence
    assert place(SEVEN, machine).precision is None


SEVEN, THREE = find_model("mit-han-lab/StreamingVLM"), find_model("Qwen/Qwen2.5-VL-3B-Instruct")


def holding(name: str, free_gib: float, own_gib: float, total_gib: float) -> Gpu:
    """A card on which Ringside's present model lies."""
    (gpu,) = with_gpu(name, free_gib, total_gib).gpus
    return dataclasses.replace(gpu, own_bytes=int(own_gib * GIB))


def test_the_model_in_use_is_nobody_elses_memory() -> None:
    # 24 GB with our 7B on it: it fits, and so does any other, as exactly as on the empty card.
    machine = dataclasses.replace(NO_GPU, gpus=(holding("RTX 3090", 5.5, 17.5, 24),))
    verdict = judge(SEVEN, machine)
    assert (verdict.fit, verdict.precision) == (Fit.FITS, "bf16")
    assert "23.0 GiB free, with the 17.5 GiB that Ringside uses now" in verdict.sentence
    # With our 3B on it, a 7B is not rounded because of that.
    machine = dataclasses.replace(NO_GPU, gpus=(holding("RTX 3090", 13.0, 10.0, 24),))
    assert place(SEVEN, machine).precision == "bf16"
    # 12 GB with our 7B in four bits: the next 7B is not loaded in sixteen.
    machine = dataclasses.replace(NO_GPU, gpus=(holding("RTX 4070", 2.0, 7.7, 12),))
    assert place(SEVEN, machine).precision == "int4"
    # What others hold is theirs.
    assert judge(SEVEN, with_gpu("RTX 3090", 5.5, 24)).fit is Fit.BUSY


def test_of_two_cards_the_one_that_was_judged_is_the_one_that_is_used() -> None:
    small, large = with_gpu("RTX 3060", 9, 12).gpus[0], with_gpu("RTX 3090", 23, 24).gpus[0]
    machine = dataclasses.replace(NO_GPU, gpus=(small, large))
    assert "RTX 3090 has 23.0 GiB" in judge(SEVEN, machine).sentence
    assert (place(SEVEN, machine).device, place(SEVEN, machine).precision) == ("cuda:1", "bf16")
    assert place(find_model("demo"), machine).device == "cuda:1"
    # A person's choice is judged and used.
    assert "RTX 3060 has 9.0 GiB" in judge(SEVEN, machine, "cuda:0").sentence
    chosen = place(SEVEN, machine, device="cuda:0")
    assert (chosen.device, chosen.precision) == ("cuda:0", "int4")
    assert judge(SEVEN, machine, "cpu").fit is Fit.SLOW
    assert place(SEVEN, machine, device="cpu").precision is None
    # A card that was taken out is not asked for.
    assert known_device(machine, "cuda:2") == AUTO
    assert known_device(machine, "cuda:1") == "cuda:1"
    assert known_device(NO_GPU, "cpu") == "cpu"


@pytest.mark.parametrize(
    ("card", "model", "has_room"),
    [
        (holding("RTX 3090", 5.5, 17.5, 24), SEVEN, False),
        (holding("H100", 60, 18, 80), SEVEN, True),
        (holding("RTX 3090", 13, 10, 24), THREE, True),
        (holding("RTX 3090", 13, 10, 24), find_model("my/own"), False),
    ],
)
def test_whether_a_second_model_fits_beside_the_present_one(
    card: Gpu, model: CatalogueModel, has_room: bool
) -> None:
    assert place(model, dataclasses.replace(NO_GPU, gpus=(card,))).has_room_beside == has_room
    assert place(model, NO_GPU).has_room_beside


def test_sizes_in_the_catalogue_are_those_of_the_models() -> None:
    # What the makers publish: bytes of all weights in 16 bits.
    published = {"Qwen/Qwen2.5-VL-3B-Instruct": 7_509_245_952, "Qwen/Qwen2.5-VL-7B-Instruct": 16_584_333_312}
    for repo, num_bytes in published.items():
        config = find_model(repo).config
        assert config is not None
        assert weight_bytes(config) == pytest.approx(num_bytes, rel=1e-3)
    demo = read_config(resources.demo_model_dir())
    known = find_model("demo").config
    assert known is not None
    assert dataclasses.replace(demo, stop_ids=frozenset()) == known
