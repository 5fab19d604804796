"""Figures over the picture, politeness to a game, what a screen reader is told, and windows that no picture shows."""

from __future__ import annotations

import itertools

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.sources.own_windows import OwnWindows, own_windows
from app.window.own_windows import OwnWindowsKeeper
from app.window.polite import POLITE_RUNTIME, made_smaller
from app.window.state.messages import Message
from app.window.state.session import Phase
from engine.chunk import FrameChunk
from tests.app.window.conftest import Desk


def test_the_figures_are_those_of_the_run_and_come_and_go_by_a_key(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        hud = desk.window.hud
        assert not hud.isVisible()
        QTest.keyClick(desk.window, Qt.Key.Key_H)
        assert hud.isVisible()
        assert desk.window.stage.rect().contains(hud.geometry())
        desk.controller.start()
        await desk.until(lambda: desk.state.session.figures.frames_per_s is not None)
        figures = desk.state.session.figures
        assert hud.step.text() == f"{figures.step_ms:.0f} ms"
        assert hud.frames.text() == f"{figures.frames_per_s:.1f}"
        assert hud.dropped.text() == "0 s"
        await desk.until(lambda: hud.memory.text().endswith("GB") or "graphics card" in hud.memory.text())
        QTest.keyClick(desk.window, Qt.Key.Key_H)
        assert not hud.isVisible()

    desk.run(play())


def test_the_figures_leave_the_captions_free_however_little_room_there_is(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        window, hud, stage = desk.window, desk.window.hud, desk.window.stage
        desk.controller.remember(is_hud_on=True, has_finished_first_start=True)
        stage.set_front(None)

        def is_free() -> bool:
            return stage.rect().contains(hud.geometry()) and not hud.geometry().intersects(
                stage.band.geometry()
            )

        await desk.until(lambda: hud.polite.isVisible() and is_free())
        window.resize(960, 600)
        desk.controller.choose_text_scale(200)
        # The first figures say most, and stay longest.
        await desk.until(lambda: hud.frames.isVisible() and not hud.polite.isVisible() and is_free())
        window.say.question.open()
        window.top_bar.details_button.setChecked(True)
        await desk.until(lambda: not hud.isVisible())
        window.top_bar.details_button.setChecked(False)
        window.say.question.close_button.click()
        desk.controller.choose_text_scale(100)
        await desk.until(lambda: hud.polite.isVisible() and is_free())

    desk.run(play())


def test_politeness_shows_the_model_fewer_pixels_at_once_and_pauses_from_the_next_start(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        plan = desk.controller._runner._plan
        chunk = FrameChunk(frames=np.full((2, 720, 1280, 3), 90, dtype=np.uint8), start_s=0.0, end_s=1.0)
        assert plan.seen(chunk) is chunk
        assert plan.runtime() is None
        assert plan.size_seen(chunk.size) == (720, 1280)
        desk.controller.remember(is_hud_on=True)
        desk.window.hud.polite.click()
        assert desk.controller.settings.is_polite
        height, width = plan.seen(chunk).size
        assert plan.size_seen(chunk.size) == (height, width)
        assert height * width < 0.2 * 720 * 1280
        assert abs(width / height - 16 / 9) < 0.02
        assert plan.runtime() is POLITE_RUNTIME
        desk.controller.start()
        await desk.until(lambda: bool(desk.state.transcript.rows))
        assert desk.state.session.phase is Phase.RUNNING

    desk.run(play())


def test_small_frames_stay_as_they_are() -> None:
    chunk = FrameChunk(frames=np.zeros((2, 90, 160, 3), dtype=np.uint8), start_s=0.0, end_s=1.0)
    assert made_smaller(chunk) is chunk


def test_each_change_of_state_is_announced_once(desk: Desk) -> None:
    async def play() -> None:
        said: list[str] = []
        desk.window.announcer.announced.connect(said.append)
        await desk.open()
        await desk.until(lambda: desk.state.session.model.is_ready)
        await desk.until(lambda: any(words.startswith("Welcome to Ringside") for words in said))
        desk.controller.start()
        await desk.until(lambda: desk.state.session.figures.frames_per_s is not None)
        desk.controller.pause_or_resume()
        desk.controller.pause_or_resume()
        desk.controller.start_or_stop()
        # At the first start it also says, once, what the computer can do and that commentary may be wrong.
        welcome = [words for words in said if words.startswith("Welcome")]
        assert len(welcome) == said.count("Commentary may be wrong.") == 1
        assert "This computer: " in welcome[0]
        kinds = [words.split(".")[0] for words in said if words not in (*welcome, "Commentary may be wrong.")]
        # On a busy machine it may be behind for a moment, and live again.
        kinds = [kind for kind, _ in itertools.groupby(kind for kind in kinds if "behind" not in kind)]
        assert kinds == ["ready", "loading", "live", "paused", "live", "ready"]
        said.clear()
        desk.state.messages.show(Message(text="The camera is gone.", topic="source"))
        desk.state.messages.show(Message(text="The camera is gone.", topic="source"))
        desk.controller.remember(is_overlay_on=True)
        assert said == ["The camera is gone.", "Overlay on"]
        said.clear()
        # The commentary itself only if a person wants it: most hear it spoken.
        desk.state.captions.push_piece(9.0, " Pass to Lind. ")
        desk.controller.remember(announces_captions=True)
        desk.state.captions.push_piece(10.0, " Okafor shoots. And ")
        assert said == ["Okafor shoots."]
        said.clear()
        QTest.keyClick(desk.window, Qt.Key.Key_F2)
        assert "ready" in said[0]
        assert "Okafor shoots." in said[0]

    desk.run(play())


def test_a_message_says_its_button_and_its_key_and_that_key_goes_there(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        await desk.until(lambda: desk.state.session.model.is_ready)
        said: list[str] = []
        desk.window.announcer.announced.connect(said.append)
        bar, start = desk.window.message_bar, desk.window.transport.start_button
        start.setFocus()
        QTest.keyClick(desk.window, Qt.Key.Key_F6)
        assert said.pop() == "There is no message."
        tried: list[str] = []
        desk.state.messages.show(
            Message(
                text="The camera is gone.",
                topic="source",
                action="Try again",
                act=lambda: tried.append("camera"),
            )
        )
        assert said.pop() == "The camera is gone. F6 goes to the button “Try again”."
        # A note that waits behind it is told and shown, but its button takes nothing away.
        note = Message(text="Saved as match.srt.", is_error=False, topic="export", action="Open folder")
        desk.state.messages.show(note)
        assert said.pop() == "Saved as match.srt."
        assert bar.words.text() == "The camera is gone.\nSaved as match.srt."
        assert bar.action_button.text() == "Try again"
        QTest.keyClick(desk.window, Qt.Key.Key_F6)
        assert bar.action_button.hasFocus()
        QTest.keyClick(bar.action_button, Qt.Key.Key_Space)
        assert tried == ["camera"]
        # The note is in front now, and the keyboard still on its button; closed, it is back where it was.
        assert said == ["Saved as match.srt. F6 goes to the button “Open folder”."]
        assert bar.action_button.hasFocus()
        bar.close_button.click()
        assert not bar.isVisible()
        assert start.hasFocus()
        assert "F6" in desk.controller.actions.keys("message")
        desk.controller.actions.change("message", ("F7",))
        desk.state.messages.show(note)
        assert said[-1] == "Saved as match.srt. F7 goes to the button “Open folder”."

    desk.run(play())


def test_sources_know_all_our_windows_and_where_they_are(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        desk.controller.actions.trigger("settings")
        desk.controller.remember(is_overlay_on=True)
        await desk.until(lambda: desk.window.overlay.window is not None)
        overlay = desk.window.overlay.window
        assert overlay is not None
        await desk.until(overlay.isVisible)
        places = [window.place for window in own_windows.windows if window.place is not None]
        for window in (desk.window, overlay, desk.window.settings_page.window):
            assert window is not None
            assert (window.frameGeometry().width(), window.frameGeometry().height()) in [
                (place.width, place.height) for place in places
            ]
        overlay.move(3, 4)
        await desk.until(
            lambda: any(
                w.place is not None and (w.place.left, w.place.top) == (3, 4) for w in own_windows.windows
            )
        )
        before = len([window for window in own_windows.windows if window.place is not None])
        overlay.hide()
        assert len([window for window in own_windows.windows if window.place is not None]) == before - 1
        await desk.close()
        assert not desk.window.own_windows._ids

    desk.run(play())


def test_dialogs_and_menus_are_our_windows_too_for_as_long_as_they_are_there(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()

        def num_seen() -> int:
            return len([window for window in own_windows.windows if window.place is not None])

        before = num_seen()
        dialog = desk.window.source_ways.open_address()
        await desk.until(lambda: num_seen() == before + 1)
        assert dialog.frameGeometry().width() in [w.place.width for w in own_windows.windows if w.place]
        num_known = len(own_windows.ids)
        dialog.close()
        # Its number may be another window's next.
        await desk.until(lambda: num_seen() == before and len(own_windows.ids) == num_known - 1)
        menu = desk.window.top_bar.menu_button.menu()
        menu.popup(desk.window.pos())
        await desk.until(lambda: num_seen() == before + 1)
        menu.hide()
        await desk.until(lambda: num_seen() == before)

    desk.run(play())


def test_a_list_of_its_own_is_kept_too(desk: Desk) -> None:
    windows = OwnWindows()
    keeper = OwnWindowsKeeper(desk.window, windows)
    desk.window.show()
    assert len(windows.ids) == 1
    keeper.forget_all()
    assert windows.ids == frozenset()
