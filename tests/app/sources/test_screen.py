"""The screen, its windows, and that ours are never seen: on an X server of the test's own."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from Xlib import X
from Xlib.display import Display

from app.sources import Signal
from app.sources.errors import MonitorGoneError, NoScreenError, RegionGoneError, WindowGoneError
from app.sources.listing import list_watchable
from app.sources.own_windows import own_windows
from app.sources.rect import Rect
from app.sources.screen import ScreenDevice, screen_device
from app.sources.spec import RegionSpec, ScreenSpec, WindowSpec
from tests.app.sources.watching import WAIT_S, watching
from tests.app.window.screen import SIZE, screen

pytestmark = pytest.mark.skipif(
    shutil.which("Xvfb") is None, reason="Xvfb is not installed (apt-get install xvfb)"
)

RED, GREEN, BLUE = 0xFF0000, 0x00FF00, 0x0000FF


class Program:
    """A program with windows; each has its own connection, as programs do."""

    def __init__(self, display: str) -> None:
        self.display = Display(display)

    def window(
        self,
        title: str,
        left: int,
        top: int,
        width: int,
        height: int,
        colour: int,
        *,
        is_drawn: bool = True,
    ) -> Any:
        """Drawn by the server, or (not `is_drawn`) by nobody yet."""
        looks: dict[str, Any] = {"background_pixel": colour} if is_drawn else {}
        screen = self.display.screen()
        window = screen.root.create_window(
            left, top, width, height, 0, screen.root_depth, X.InputOutput, X.CopyFromParent,
            event_mask=X.StructureNotifyMask | X.ExposureMask, **looks,
        )  # fmt: skip
        window.set_wm_name(title)
        window.set_wm_class(title.lower(), title)
        window.map()
        self.sync()
        return window

    def sync(self) -> None:
        self.display.sync()

    def close(self) -> None:
        self.display.close()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with screen() as name:
        yield name


@pytest.fixture
def program(display: str) -> Iterator[Program]:
    program = Program(display)
    yield program
    program.close()


@pytest.fixture
def ours(display: str) -> Iterator[Program]:
    """A program whose windows are registered as our own."""
    program = Program(display)
    yield program
    for number in own_windows.ids:
        own_windows.remove(number)
    program.close()


def seen(device: ScreenDevice) -> np.ndarray[Any, np.dtype[np.uint8]]:
    shot = device.newest()
    assert shot is not None
    return shot.pixels


def num_of(colour: int, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    rgb = (colour >> 16, colour >> 8 & 255, colour & 255)
    return int((pixels == rgb).all(axis=2).sum())


def test_a_monitor_and_a_region_are_seen_as_they_are(display: str, program: Program) -> None:
    program.window("Red", 100, 50, 200, 100, RED)
    monitor = screen_device(ScreenSpec(1), display=display)
    monitor.open()
    pixels = seen(monitor)
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    assert num_of(RED, pixels) == 200 * 100
    assert tuple(pixels[50, 100]) == (255, 0, 0)
    region = screen_device(RegionSpec(Rect(90, 40, 60, 40)), display=display)
    region.open()
    assert seen(region).shape == (40, 60, 3)
    assert num_of(RED, seen(region)) == 50 * 30
    monitor.close()
    region.close()


def test_our_windows_are_not_in_the_picture_and_what_lies_behind_them_is(
    display: str, program: Program, ours: Program
) -> None:
    program.window("Red", 0, 0, 600, 400, RED)
    program.window("Green", 200, 100, 200, 200, GREEN)
    mine = ours.window("Captions", 150, 150, 500, 100, BLUE)
    device = screen_device(ScreenSpec(1), display=display)
    device.open()
    assert num_of(BLUE, seen(device)) == 500 * 100
    own_windows.put(mine.id)
    pixels = seen(device)
    assert num_of(BLUE, pixels) == 0
    assert num_of(GREEN, pixels) == 200 * 200
    assert num_of(RED, pixels) == 600 * 400 - 200 * 200
    device.close()


def test_a_program_that_draws_itself_is_seen_behind_our_window_from_the_first_picture_on(
    ours: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long programs are given to draw: on a busy machine this test's own needs longer than most.
    monkeypatch.setattr("app.sources.desktop.redirection._SETTLE_S", 3.0)
    with screen() as display:
        program, mine = Program(display), Program(display)
        window = program.window("Player", 0, 0, 600, 400, 0, is_drawn=False)
        pen = window.create_gc(foreground=RED)

        def draw() -> None:
            window.fill_rectangle(pen, 0, 0, 600, 400)
            program.sync()

        draw()
        cover = mine.window("Main", 100, 100, 300, 200, BLUE)
        own_windows.put(cover.id)
        is_over = threading.Event()

        def answer() -> None:
            # As programs do, it draws when it is told that something can be seen again.
            while not is_over.wait(0.02):
                if program.display.pending_events():
                    while program.display.pending_events():
                        program.display.next_event()
                    draw()

        answerer = threading.Thread(target=answer)
        answerer.start()
        try:
            device = screen_device(ScreenSpec(1), display=display)
            device.open()
            pixels = seen(device)
            device.close()
        finally:
            is_over.set()
            answerer.join()
            own_windows.remove(cover.id)
        assert num_of(BLUE, pixels) == 0
        assert num_of(RED, pixels) == 600 * 400
        program.close()
        mine.close()


def test_a_second_window_of_ours_needs_not_be_known(display: str, program: Program, ours: Program) -> None:
    program.window("Red", 0, 0, 600, 400, RED)
    own_windows.put(ours.window("Main", 10, 10, 50, 50, BLUE).id)
    device = screen_device(ScreenSpec(1), display=display)
    device.open()
    menu = ours.window("Menu", 300, 200, 80, 80, BLUE)
    assert num_of(BLUE, seen(device)) == 0
    assert num_of(RED, seen(device)) == 600 * 400
    menu.destroy()
    ours.sync()
    assert num_of(RED, seen(device)) == 600 * 400
    device.close()


def test_our_window_is_never_seen_while_it_moves_about(display: str, program: Program, ours: Program) -> None:
    program.window("Red", 0, 0, 900, 700, RED)
    mine = ours.window("Captions", 0, 0, 300, 100, BLUE)
    own_windows.put(mine.id)
    device = screen_device(ScreenSpec(1), display=display)
    device.open()
    is_over = threading.Event()

    def move() -> None:
        step = 0
        while not is_over.is_set():
            step += 1
            mine.configure(x=step * 37 % 600, y=step * 23 % 500, width=200 + step % 100)
            if step % 7 == 0:
                mine.unmap()
                mine.map()
            ours.sync()

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for _ in range(30):
            pixels = seen(device)
            assert num_of(BLUE, pixels) == 0
            assert num_of(RED, pixels) == 900 * 700
    finally:
        is_over.set()
        mover.join()
    device.close()


def test_a_window_is_seen_whole_whatever_lies_over_it(display: str, program: Program, ours: Program) -> None:
    program.window("Match", 100, 100, 300, 200, RED)
    program.window("Mail", 150, 50, 300, 200, GREEN)
    own_windows.put(ours.window("Captions", 100, 200, 300, 50, BLUE).id)
    device = screen_device(WindowSpec("Match"), display=display)
    device.open()
    pixels = seen(device)
    assert pixels.shape == (200, 300, 3)
    assert num_of(RED, pixels) == 300 * 200
    device.close()


def test_a_window_that_is_resized_minimised_closed_and_opened_again(display: str, program: Program) -> None:
    window = program.window("Match", 100, 100, 300, 200, RED)
    with watching(screen_device(WindowSpec("Match", window.id), display=display)) as watch:
        watch.until(lambda: watch.chunks)
        window.configure(width=320, height=240)
        program.sync()
        watch.until(lambda: watch.chunks[-1].frames.shape[1:3] == (240, 320))
        assert watch.words == ["The window has changed its size to 320x240."]
        window.unmap()
        program.sync()
        watch.until(lambda: watch.signals[-1] is Signal.LOST)
        assert watch.words[-1] == "The window 'Match' is minimised. Trying again."
        window.map()
        program.sync()
        watch.until(lambda: watch.words[-1] == "The window is back.")
        window.destroy()
        program.sync()
        watch.until(lambda: watch.signals[-1] is Signal.LOST)
        assert watch.words[-1] == "There is no window 'Match'. Trying again."
        program.window("Match", 0, 0, 400, 300, GREEN)
        watch.until(lambda: watch.chunks[-1].frames.shape[1:3] == (300, 400))
        assert num_of(GREEN, watch.chunks[-1].frames[-1]) == 400 * 300


def test_windows_are_listed_with_the_front_one_first_and_without_ours(
    display: str, program: Program, ours: Program
) -> None:
    program.window("Match", 100, 100, 300, 200, RED)
    program.window("Mail", 150, 50, 300, 200, GREEN)
    own_windows.put(ours.window("Captions", 100, 200, 300, 100, BLUE).id)
    listing = list_watchable(display=display)
    assert [window.name for window in listing.windows] == ["Mail", "Match"]
    assert [(screen.name, screen.detail) for screen in listing.screens] == [
        ("Screen", f"{SIZE[0]}x{SIZE[1]}")
    ]


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.02)


def is_framed(window: Any) -> bool:
    """Whether a window manager has put it into a frame that can be seen."""
    # One that is just starting may miss a window: it is asked again.
    window.map()
    tree = window.query_tree()
    return tree.parent != tree.root and tree.parent.get_attributes().map_state == X.IsViewable


def test_with_a_window_manager_frames_of_ours_are_left_out_too(tmp_path: Any) -> None:
    if shutil.which("openbox") is None:
        pytest.skip("openbox is not installed (apt-get install openbox)")
    with screen() as display:
        manager = subprocess.Popen(
            ["openbox", "--sm-disable"], env={"DISPLAY": display, "HOME": str(tmp_path)}
        )
        program, ours = Program(display), Program(display)
        try:
            red = program.window("Red", 0, 0, 900, 700, RED)
            until(lambda: is_framed(red))
            device = screen_device(ScreenSpec(1), display=display)
            device.open()
            until(lambda: num_of(RED, seen(device)) > 0.9 * 900 * 700)
            num_red = num_of(RED, seen(device))
            mine = ours.window("Main", 200, 200, 400, 200, BLUE)
            own_windows.put(mine.id)
            until(lambda: is_framed(mine))
            # The frame is gone as well, as soon as it is there; what changes is Red's, which loses the focus.
            until(lambda: num_of(BLUE, seen(device)) == 0 and num_of(RED, seen(device)) == num_red)
            until(lambda: [window.name for window in list_watchable(display=display).windows] == ["Red"])
            device.close()
        finally:
            for number in own_windows.ids:
                own_windows.remove(number)
            program.close()
            ours.close()
            manager.terminate()
            manager.wait()


def test_what_is_not_there_is_said(display: str) -> None:
    with pytest.raises(MonitorGoneError, match=r"Screen 3 is not there: there is 1 screen\."):
        screen_device(ScreenSpec(3), display=display).open()
    with pytest.raises(RegionGoneError):
        screen_device(RegionSpec(Rect(5000, 0, 100, 100)), display=display).open()
    with pytest.raises(WindowGoneError, match="There is no window 'Nothing'"):
        screen_device(WindowSpec("Nothing"), display=display).open()
    with pytest.raises(NoScreenError, match="does not answer"):
        screen_device(ScreenSpec(1), display=":54711").open()


def test_wayland_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    with pytest.raises(NoScreenError, match="Wayland"):
        screen_device(ScreenSpec(1)).open()
    assert "Wayland" in list_watchable().limits


def test_a_screen_that_goes_is_said(tmp_path: Any) -> None:
    with screen() as display:
        device = screen_device(ScreenSpec(1), display=display)
        context = watching(device)
        watch = context.__enter__()
        watch.until(lambda: watch.chunks)
    try:
        watch.until(lambda: watch.signals and watch.signals[-1] is Signal.LOST)
        assert watch.words[-1].startswith("The screen cannot be seen: ")
    finally:
        context.__exit__(None, None, None)
