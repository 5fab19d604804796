"""A window that is closed while it works leaves no thread, no process and no open file."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from tests.app.window.conftest import Desk, watch


def voices_of_this_process() -> list[str]:
    """Processes that make speech for us."""
    pids = " ".join(file.read_text(encoding="ascii") for file in Path("/proc/self/task").glob("*/children"))
    commands = []
    for pid in pids.split():
        with contextlib.suppress(OSError):  # it has just ended
            commands.append(Path(f"/proc/{pid}/cmdline").read_bytes().decode())
    return [command for command in commands if "voice_process" in command]


def test_closing_while_it_runs_leaves_no_thread_process_or_open_file(
    make_desk: Callable[[], Desk], long_video: Path
) -> None:
    def open_files() -> set[str]:
        names = set()
        for handle in Path("/proc/self/fd").iterdir():
            try:
                names.add(str(handle.readlink()))
            except OSError:
                continue
        return {name for name in names if name.startswith("/") and not name.startswith(("/dev", "/proc"))}

    warm_up = make_desk()
    warm_up.run(watch(warm_up))
    warm_up.run(warm_up.close())
    threads, files = set(threading.enumerate()), open_files()
    desk = make_desk()

    async def play() -> None:
        await watch(desk)
        assert {"ringside-engine", "ringside-source"} <= {thread.name for thread in threading.enumerate()}
        assert str(long_video) in open_files()
        desk.controller.toggle_speech()
        await desk.until(lambda: bool(voices_of_this_process()) or not desk.state.speech.is_on)
        await desk.close()

    desk.run(play())
    assert set(threading.enumerate()) - threads == set()
    assert open_files() - files == set()
    assert voices_of_this_process() == []
