"""Keys that work while another program has the keyboard, on a real X server; and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.window.global_keys.adapter import INSTALL_WORDS, WAYLAND_WORDS, find_adapter
from app.window.global_keys.with_pynput import as_pynput
from tests.app.window.conftest import Desk
from tests.app.window.screen import screen
from tests.app.window.test_overlay import needs_screen, program, until, xdotool


@needs_screen
def test_keys_everywhere_reach_us_while_a_game_has_the_keyboard_and_are_given_back(tmp_path: Path) -> None:
    settings = str(tmp_path / "settings.json")
    with (
        screen() as display,
        program(display, "ringside", settings) as ringside,
        program(display, "game") as game,
    ):
        xdotool(display, "mousemove", "20", "20", "click", "1")
        assert game.hear() == "click"
        xdotool(display, "key", "ctrl+alt+shift+o")
        assert ringside("get is_overlay_on") == "False"
        ringside("set are_global_keys_on=True")
        until(lambda: ringside("keys") == "all keys")
        xdotool(display, "key", "ctrl+alt+shift+o")
        until(lambda: ringside("get is_overlay_on") == "True")
        # A second program that wants the same keys is told so.
        with program(display, "ringside", str(tmp_path / "other.json")) as second:
            second("set are_global_keys_on=True")
            until(lambda: "another program has it" in second("keys"))
            second("quit")
        ringside("set are_global_keys_on=False")
        until(lambda: ringside("keys") == "no keys")
        xdotool(display, "key", "ctrl+alt+shift+o")
        assert ringside("get is_overlay_on") == "True"
        ringside("quit")


def test_where_there_are_none_it_is_said(desk: Desk) -> None:
    assert find_adapter("wayland-egl") == WAYLAND_WORDS
    assert find_adapter("windows") == INSTALL_WORDS

    async def play() -> None:
        await desk.open()
        desk.controller.remember(are_global_keys_on=True)
        await desk.until(lambda: bool(desk.window.global_keys.words))
        message = desk.state.messages.current
        assert message is not None
        assert message.text == "This system has no keys that work everywhere."
        desk.controller.remember(are_global_keys_on=False)
        await desk.until(lambda: desk.state.messages.current is None)

    desk.run(play())


@pytest.mark.parametrize(
    ("key", "written"),
    [("Ctrl+Alt+Shift+S", "<ctrl>+<alt>+<shift>+s"), ("F9", "<f9>"), ("Meta+Esc", "<cmd>+<esc>")],
)
def test_keys_are_written_as_pynput_reads_them(key: str, written: str) -> None:
    assert as_pynput(key) == written
