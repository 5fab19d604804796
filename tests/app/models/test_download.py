"""Downloads from a hub that stalls, cuts, corrupts, refuses and fills the disk; each in its real process."""

from __future__ import annotations

import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.models.download import Download, DownloadEvent, Failed, Listed, Progress, Ready, Waiting
from app.models.fetch import Job
from app.models.store import ModelStore
from tests.app.models.hub_server import COMMIT, Fault, HubServer

REPO = "lions/Tiny-VL"
WEIGHTS = "model-00001-of-00002.safetensors"
MORE_WEIGHTS = "model-00002-of-00002.safetensors"
WAIT_S = 60.0


@pytest.fixture
def hub() -> Iterator[HubServer]:
    noise = random.Random(7)
    files = {
        "config.json": json.dumps({"model_type": "qwen2_5_vl"}).encode(),
        "tokenizer.json": b'{"a": "token"}' * 2000,
        WEIGHTS: noise.randbytes(900_000),
        MORE_WEIGHTS: noise.randbytes(300_000),
        "evil.py": b"import os",
        "pytorch_model.bin": b"could run",
        "figures/chart.json": b"{}",
    }
    with HubServer(REPO, files) as server:
        yield server


class Asker:
    """Starts a download and hears what it tells."""

    def __init__(
        self, hub: HubServer, root: Path, *, command: tuple[str, ...] = (), **options: object
    ) -> None:
        usual = {
            "timeout_s": 20.0,
            "first_wait_s": 0.02,
            "longest_wait_s": 0.1,
            "max_tries": 4,
            "spare_bytes": 0,
        }
        values = {"repo": REPO, "revision": None, "endpoint": hub.url, "root": str(root), **usual, **options}
        self.events: queue.SimpleQueue[DownloadEvent] = queue.SimpleQueue()
        self.seen: list[DownloadEvent] = []
        extra = {"command": command} if command else {}
        self.download = Download(Job(**values), self.events.put, **extra)  # type: ignore[arg-type] # a test's options

    def until(self, kind: type[DownloadEvent]) -> DownloadEvent:
        while True:
            event = self.events.get(timeout=WAIT_S)
            self.seen.append(event)
            if isinstance(event, kind):
                return event
            assert not isinstance(event, Failed | Ready), event

    def end(self) -> Ready | Failed:
        while True:
            event = self.events.get(timeout=WAIT_S)
            self.seen.append(event)
            if isinstance(event, Ready | Failed):
                self.download.join()
                return event

    @property
    def waits(self) -> list[Waiting]:
        return [event for event in self.seen if isinstance(event, Waiting)]


def assert_whole(root: Path, hub: HubServer) -> None:
    model = ModelStore(root).find(REPO)
    assert model is not None
    assert model.is_whole
    names = {file.name for file in model.files}
    assert names == {"config.json", "tokenizer.json", WEIGHTS, MORE_WEIGHTS}
    for name in names:
        assert (model.folder / name).read_bytes() == hub.files[name]
    assert not list(model.folder.glob("*.part"))


def test_a_model_comes_whole_checked_and_without_anything_that_could_run(
    hub: HubServer, tmp_path: Path
) -> None:
    asker = Asker(hub, tmp_path)
    end = asker.end()
    assert isinstance(end, Ready)
    assert end.folder == tmp_path / "lions--Tiny-VL" / COMMIT
    assert_whole(tmp_path, hub)
    listed = next(event for event in asker.seen if isinstance(event, Listed))
    assert listed.total_bytes == sum(
        len(hub.files[name]) for name in ("config.json", "tokenizer.json", WEIGHTS, MORE_WEIGHTS)
    )
    done = [event.done_bytes for event in asker.seen if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == listed.total_bytes
    # Again, and with the hub gone: nothing is asked of it.
    num_asked = len(hub.ranges)
    again = Asker(hub, tmp_path, endpoint="http://127.0.0.1:9")
    assert isinstance(again.end(), Ready)
    assert len(hub.ranges) == num_asked


@pytest.mark.parametrize(
    "fault", [Fault("stall", 200_000), Fault("cut", 200_000), Fault("status", status=503)]
)
def test_a_hub_that_stalls_cuts_or_is_out_of_order_is_asked_again_from_where_it_broke_off(
    hub: HubServer, tmp_path: Path, fault: Fault
) -> None:
    hub.faults[WEIGHTS].extend([fault, fault])
    asker = Asker(hub, tmp_path, timeout_s=2.0 if fault.kind == "stall" else 20.0)
    assert isinstance(asker.end(), Ready)
    assert_whole(tmp_path, hub)
    assert len(asker.waits) == 2
    assert all(wait.reason for wait in asker.waits)
    if fault.after_bytes:
        starts = [span for name, span in hub.ranges if name == WEIGHTS]
        assert starts == ["", "bytes=200000-", "bytes=400000-"]


def test_what_arrives_corrupted_is_thrown_away_and_brought_again(hub: HubServer, tmp_path: Path) -> None:
    hub.faults[WEIGHTS].append(Fault("corrupt"))
    asker = Asker(hub, tmp_path)
    assert isinstance(asker.end(), Ready)
    assert_whole(tmp_path, hub)
    assert "damaged" in asker.waits[0].reason


def test_a_hub_that_only_sends_rubbish_is_given_up_in_words(hub: HubServer, tmp_path: Path) -> None:
    hub.faults[WEIGHTS].extend([Fault("corrupt")] * 20)
    end = Asker(hub, tmp_path).end()
    assert isinstance(end, Failed)
    assert end.kind == "damaged"
    assert "arrived damaged" in end.message
    model = ModelStore(tmp_path).find(REPO)
    assert model is not None
    assert not model.is_whole


def test_a_hub_without_ranges_starts_the_file_anew(hub: HubServer, tmp_path: Path) -> None:
    hub.faults[WEIGHTS].extend([Fault("cut", 100_000), Fault("no-range")])
    assert isinstance(Asker(hub, tmp_path).end(), Ready)
    assert_whole(tmp_path, hub)


@pytest.mark.parametrize(
    ("place", "status", "kind"),
    [("info", 404, "missing"), ("tree", 403, "missing"), (WEIGHTS, 404, "missing")],
)
def test_what_the_hub_does_not_have_is_said_at_once(
    hub: HubServer, tmp_path: Path, place: str, status: int, kind: str
) -> None:
    hub.faults[place].extend([Fault("status", status=status)] * 20)
    asker = Asker(hub, tmp_path)
    end = asker.end()
    assert isinstance(end, Failed)
    assert end.kind == "missing"
    assert end.hint
    assert not asker.waits


def test_a_hub_that_is_out_of_order_for_good_is_given_up_and_what_came_is_kept(
    hub: HubServer, tmp_path: Path
) -> None:
    hub.faults[WEIGHTS].extend([Fault("cut", 300_000), *[Fault("status", status=500)] * 20])
    asker = Asker(hub, tmp_path)
    end = asker.end()
    assert isinstance(end, Failed)
    assert end.kind == "network"
    assert [wait.wait_s for wait in asker.waits] == pytest.approx([0.02, 0.04, 0.08])
    hub.faults[WEIGHTS].clear()
    assert isinstance(Asker(hub, tmp_path).end(), Ready)
    assert hub.ranges[-1] == (WEIGHTS, "bytes=300000-")
    assert_whole(tmp_path, hub)


def test_killed_halfway_it_resumes_with_what_was_there(hub: HubServer, tmp_path: Path) -> None:
    hub.faults[WEIGHTS].append(Fault("stall", 500_000))
    asker = Asker(hub, tmp_path, timeout_s=60)
    asker.until(Listed)
    assert hub.stalled.wait(WAIT_S)
    part = tmp_path / "lions--Tiny-VL" / COMMIT / f"{WEIGHTS}.part"
    end_s = time.monotonic() + WAIT_S
    while not part.exists() or part.stat().st_size < 500_000:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    os.kill(asker.download.pid, signal.SIGKILL)
    end = asker.end()
    assert isinstance(end, Failed)
    assert end.kind == "crashed"
    hub.release()
    assert isinstance(Asker(hub, tmp_path).end(), Ready)
    assert hub.ranges[-1] == (WEIGHTS, "bytes=500000-")
    assert_whole(tmp_path, hub)


def test_stop_ends_it_at_once_though_the_hub_holds_it(hub: HubServer, tmp_path: Path) -> None:
    hub.faults[WEIGHTS].append(Fault("stall", 100_000))
    asker = Asker(hub, tmp_path, timeout_s=60)
    assert hub.stalled.wait(WAIT_S)
    asker.download.stop()
    assert not Path(f"/proc/{asker.download.pid}").exists()
    assert ModelStore(tmp_path).delete(REPO) >= 100_000
    assert ModelStore(tmp_path).find(REPO) is None


def test_a_download_does_not_outlive_the_program_that_asked(hub: HubServer, tmp_path: Path) -> None:
    hub.faults[WEIGHTS].append(Fault("stall", 100_000))
    program = (
        "import sys, time; from app.models.download import Download; from app.models.fetch import Job\n"
        f"d = Download(Job(repo={REPO!r}, revision=None, root={str(tmp_path)!r}, endpoint={hub.url!r}), lambda e: None)\n"
        "print(d.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert hub.stalled.wait(WAIT_S)
        parent.kill()
    done = threading.Event()
    for _ in range(600):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
            return
        done.wait(0.05)
    pytest.fail("it went on by itself")


def test_too_little_room_is_said_before_anything_comes(hub: HubServer, tmp_path: Path) -> None:
    end = Asker(hub, tmp_path, spare_bytes=2**60).end()
    assert isinstance(end, Failed)
    assert end.kind == "disk"
    assert "room" in end.message
    assert not hub.ranges


def test_a_disk_that_fills_halfway_is_said_and_what_came_is_kept(hub: HubServer, tmp_path: Path) -> None:
    """A file that the system writes to /dev/full: the same "no space left" that a full disk gives."""
    store = ModelStore(tmp_path)
    hub.faults[WEIGHTS].append(Fault("stall", 100_000))
    first = Asker(hub, tmp_path, timeout_s=60)
    assert hub.stalled.wait(WAIT_S)
    first.download.stop()
    model = store.find(REPO)
    assert model is not None
    part = model.folder / f"{MORE_WEIGHTS}.part"
    part.unlink(missing_ok=True)
    (model.folder / MORE_WEIGHTS).unlink(missing_ok=True)
    part.symlink_to("/dev/full")
    end = Asker(hub, tmp_path).end()
    assert isinstance(end, Failed)
    assert end.kind == "disk"
    assert "full" in end.message
    part.unlink()
    assert isinstance(Asker(hub, tmp_path).end(), Ready)
    assert_whole(tmp_path, hub)


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0
    if shutil.which("unshare")
    else True,
    reason="this system lets nobody mount a small disk",
)
def test_on_a_small_disk_it_stops_with_the_disk_full(hub: HubServer, tmp_path: Path) -> None:
    """A real file system of one megabyte, on which another program takes the room that was free."""
    part = tmp_path / "lions--Tiny-VL" / COMMIT / f"{WEIGHTS}.part"
    script = (
        f"mount -t tmpfs -o size=1600k none {tmp_path} || exit 9; "
        f"(until [ -s {part} ]; do sleep 0.05; done; cat /dev/zero > {tmp_path}/other 2> /dev/null) & "
        f"exec {sys.executable} -P -m app.models.fetch"
    )
    hub.bytes_per_s = 400_000
    end = Asker(hub, tmp_path, command=("unshare", "-rm", "sh", "-c", script)).end()
    assert isinstance(end, Failed)
    assert end.kind == "disk"
    assert "full" in end.message


def test_another_kind_of_model_is_refused_before_its_weights_come(hub: HubServer, tmp_path: Path) -> None:
    hub.files["config.json"] = b'{"model_type": "llama"}'
    end = Asker(hub, tmp_path).end()
    assert isinstance(end, Failed)
    assert end.kind == "unfit"
    assert "llama" in end.message
    assert not any(name == WEIGHTS for name, _ in hub.ranges)


def test_two_downloads_of_one_model_do_not_mix(hub: HubServer, tmp_path: Path) -> None:
    hub.faults[WEIGHTS].append(Fault("stall", 100_000))
    first = Asker(hub, tmp_path, timeout_s=60)
    assert hub.stalled.wait(WAIT_S)
    end = Asker(hub, tmp_path).end()
    assert isinstance(end, Failed)
    assert end.kind == "busy"
    first.download.stop()
