"""The overlay on a real X server, with and without a window manager: on top, clicked through, moved, remembered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.window.overlay.placing import Place, Rect, own_place, read_places, usual_place, write_places
from tests.app.window.conftest import Desk
from tests.app.window.screen import SIZE, screen, seen_on

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 30.0
MONITOR = Rect(1920, 0, 1280, 720)

needs_screen = pytest.mark.skipif(
    shutil.which("Xvfb") is None or shutil.which("xdotool") is None,
    reason="Xvfb or xdotool is not installed (apt-get install xvfb xdotool)",
)


class Talk:
    """A program that is told what to do line by line, and answers each."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self.program = program

    def __call__(self, line: str) -> str:
        assert self.program.stdin is not None
        self.program.stdin.write(line + "\n")
        self.program.stdin.flush()
        return self.hear()

    def hear(self) -> str:
        assert self.program.stdout is not None
        return self.program.stdout.readline().strip()


def environment(display: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "WAYLAND"))}
    return {**kept, "DISPLAY": display}


@contextmanager
def program(display: str, *arguments: str) -> Iterator[Talk]:
    command = [sys.executable, "-m", "tests.app.window.overlay_desk", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(display), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        talk = Talk(running)
        try:
            assert talk.hear() == "ready"
            yield talk
        finally:
            running.kill()


def xdotool(display: str, *words: str) -> None:
    subprocess.run(["xdotool", *words], env=environment(display), check=True, timeout=WAIT_S)


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.1)


def place_of(answer: str) -> tuple[int, int, int, int]:
    left, top, width, height, is_visible = answer.split()
    assert is_visible == "True"
    return int(left), int(top), int(width), int(height)


def within(shot: npt.NDArray[np.uint8], place: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
    left, top, width, height = place
    return shot[top : top + height, left : left + width]


def ink(shot: npt.NDArray[np.uint8]) -> int:
    return int((shot > 235).all(axis=2).sum())


@contextmanager
def managed_screen(*managers: str) -> Iterator[str]:
    with screen() as display, ExitStack() as stack:
        for manager in managers:
            running = stack.enter_context(
                subprocess.Popen([manager], env=environment(display), stderr=subprocess.DEVNULL)
            )
            stack.callback(running.kill)
        time.sleep(0.5 if managers else 0.0)
        yield display


@needs_screen
@pytest.mark.parametrize("managers", [(), ("openbox", "xcompmgr")], ids=["bare", "managed"])
def test_the_overlay_is_above_all_windows_lets_clicks_through_and_is_where_it_was_put(
    tmp_path: Path, managers: tuple[str, ...]
) -> None:
    missing = [manager for manager in managers if shutil.which(manager) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed (apt-get install openbox xcompmgr)")
    settings = str(tmp_path / "settings.json")
    with managed_screen(*managers) as display:
        with program(display, "ringside", settings) as ringside, program(display, "game") as game:
            ringside("set is_overlay_on=True")
            place = place_of(ringside("say Okafor shoots and it is in, Lions lead"))
            assert place[2] == round(SIZE[0] * 0.7)
            # Above the game, which came later, and above it still when it is brought to the front.
            until(lambda: ink(within(seen_on(display), place)) > 300)
            around = seen_on(display)[: place[1] - 5]
            assert (around == (0, 200, 0)).all()
            xdotool(display, "mousemove", "20", "20", "click", "1")
            assert game.hear() == "click"
            until(lambda: ink(within(seen_on(display), place)) > 300)
            band = within(seen_on(display), place)[4:-4, 20:-20]
            # Seen through where the desktop can blend, black where it cannot.
            seen_through = 40 < np.median(band[..., 1]) < 80
            assert seen_through if managers else np.median(band) == 0

            # It stays when the main window is minimised.
            if managers:
                ringside("minimise")
                until(lambda: ink(within(seen_on(display), place)) > 300)

            # Clicks in the middle of its words reach the game.
            middle = (place[0] + place[2] // 2, place[1] + place[3] // 2)
            xdotool(display, "mousemove", str(middle[0]), str(middle[1]), "click", "1")
            assert game.hear() == "click"

            # Unlocked, it is taken by the mouse instead.
            ringside("set is_overlay_locked=False")
            xdotool(display, "mousemove", str(middle[0]), str(middle[1]), "mousedown", "1")
            xdotool(display, "mousemove_relative", "--sync", "--", "-60", "-200")
            xdotool(display, "mousemove_relative", "--sync", "--", "-40", "-100", "mouseup", "1")
            moved = place_of(ringside("place"))
            assert moved == (place[0] - 100, place[1] - 300, *place[2:])
            right = (moved[0] + moved[2] - 4, moved[1] + moved[3] // 2)
            xdotool(display, "mousemove", str(right[0]), str(right[1]), "mousedown", "1")
            xdotool(display, "mousemove_relative", "--sync", "--", "-150", "0", "mouseup", "1")
            narrower = place_of(ringside("place"))
            assert narrower == (moved[0], moved[1], moved[2] - 150, moved[3])

            ringside("set is_overlay_locked=True")
            until(lambda: ink(within(seen_on(display), narrower)) > 300)
            xdotool(display, "mousemove", str(narrower[0] + 60), str(narrower[1] + 20), "click", "1")
            assert game.hear() == "click"
            ringside("set overlay_crop_margin_px=40")
            grown = place_of(ringside("place"))
            assert grown[3] == narrower[3] + 80
            until(lambda: ink(within(seen_on(display), grown)) > 300)
            margin = within(seen_on(display), grown)[:38]
            assert (margin == (0, 200, 0)).all()
            assert ringside("quit") == ""
        # The next start finds it where it was put.
        with program(display, "ringside", settings) as ringside:
            until(lambda: ringside("place").endswith("True"))
            assert place_of(ringside("place")) == grown
            ringside("quit")


def test_places_are_kept_for_each_monitor_and_stay_in_sight() -> None:
    places = {"HDMI-1": Place(10, 20, 300), "a=b": Place(0, 0, 500)}
    assert read_places(write_places(places)) == places
    assert read_places(["nonsense", "x=1 2", "y=1 2 three", "DP-1=5 6 700"]) == {"DP-1": Place(5, 6, 700)}
    assert own_place(Place(100, 600, 400), 90, MONITOR) == Rect(2020, 600, 400, 90)
    # On a monitor that has become smaller.
    assert own_place(Place(3000, 2000, 4000), 90, MONITOR) == Rect(1920, 630, 1280, 90)
    assert usual_place("bottom", 50, 90, MONITOR) == Rect(2240, 601, 640, 90)
    assert usual_place("top", 50, 90, MONITOR) == Rect(2240, 29, 640, 90)
    assert usual_place("middle", 100, 90, MONITOR) == Rect(1920, 315, 1280, 90)


def test_the_overlay_shows_the_bands_words_in_the_chosen_style_and_is_moved_by_keys(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        desk.state.captions.push_piece(0.0, " Kick-off. ")
        desk.window.transport.overlay_button.click()
        await desk.until(lambda: desk.window.overlay.window is not None)
        overlay = desk.window.overlay.window
        assert overlay is not None
        await desk.until(overlay.isVisible)
        desk.state.captions.push_piece(0.0, " Pass to Lind, who waits and shoots ")
        assert (
            overlay.band.text == desk.window.stage.band.text == "Kick-off. Pass to Lind, who waits and shoots"
        )
        assert overlay.windowFlags() & Qt.WindowType.WindowStaysOnTopHint
        assert overlay.windowHandle().transientParent() is None

        two_lines = overlay.height()
        desk.controller.remember(caption_num_lines=4, caption_size_px=40, caption_text_colour="#00FF00")
        assert overlay.height() > 2.4 * two_lines
        green = overlay.band.painted().toImage()
        colours = {green.pixelColor(x, y).name() for x in range(16, 200) for y in range(0, green.height(), 2)}
        assert "#00ff00" in colours
        assert "#ffffff" not in colours

        desk.controller.actions.trigger("unlock-overlay")
        assert overlay.hint.isVisible()
        assert "arrow keys" in overlay.accessibleDescription()
        before = overlay.geometry()
        QTest.keyClick(overlay, Qt.Key.Key_Left)
        QTest.keyClick(overlay, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(overlay, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
        assert overlay.pos() == before.topLeft() + QPoint(-16, -1)
        assert overlay.width() == before.width() + 16
        QTest.keyClick(overlay, Qt.Key.Key_Escape)
        assert desk.controller.settings.is_overlay_locked
        assert not overlay.hint.isVisible()
        assert desk.controller.settings.overlay_position == "free"
        desk.controller.remember(overlay_position="top")
        assert overlay.y() < 40
        QTest.keyClick(desk.window, Qt.Key.Key_O)
        assert not overlay.isVisible()
        assert desk.window.transport.overlay_button.text() == "Overlay off"

    desk.run(play())


def test_the_last_caption_is_kept_or_hidden_as_the_person_likes(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        band = desk.window.stage.band
        desk.state.captions.push_piece(0.0, " Pass to Lind ")
        desk.controller.remember(caption_hides_after_s=1.0)
        await desk.until(lambda: band.isVisibleTo(desk.window.stage))
        desk.controller.remember(caption_stays=False)
        desk.state.captions.mark_spoken((0.0,))
        assert band.isVisibleTo(desk.window.stage)
        desk.state.captions.mark_spoken(())
        await desk.until(lambda: not band.isVisibleTo(desk.window.stage))
        assert band.text == "Pass to Lind"
        desk.controller.remember(caption_stays=True)
        assert band.isVisibleTo(desk.window.stage)

    desk.run(play())
