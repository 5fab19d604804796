"""The window as a person uses it: watching, keys, messages, and what is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from app.window.state.session import Phase, StatusKind
from tests.app.videos import write_video
from tests.app.window.conftest import Desk, watch


def test_a_match_is_watched_from_the_first_picture_to_the_end(short_match: None, desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        window, session = desk.window, desk.state.session
        assert window.top_bar.source_chooser.text() == "Demo match"
        assert window.top_bar.title_box.text().startswith("Lions in red")
        assert window.transport.status.words.text().startswith("loading")
        await desk.until(lambda: session.status.kind is StatusKind.READY)

        window.transport.start_button.click()
        assert window.transport.start_button.text() == "Stop"
        await desk.until(lambda: session.phase is Phase.RUNNING)
        await desk.until(lambda: session.figures.frames_per_s is not None)
        assert session.status.kind in (StatusKind.LIVE, StatusKind.BEHIND)  # the machine may be busy
        assert window.transport.status.frames.text().endswith(" fps")
        assert window.transport.status.step.text().endswith(" ms")
        assert window.transport.status.dropped.text() == f"{session.figures.num_dropped} dropped"

        await desk.until(lambda: session.phase is Phase.FINISHED)
        # Of six seconds at thirty pictures a second, as many as the machine had time to show.
        assert window.stage.num_pictures > 6
        said = " ".join(row.text for row in desk.state.transcript.rows)
        assert len(said.split()) > 3
        assert window.stage.band.isVisible()
        assert window.stage.band.text in said
        assert window.stage.band.accessibleDescription() == window.stage.band.text
        shown = window.transcript.view.toPlainText()
        for row in desk.state.transcript.rows:
            assert row.text in shown
        assert window.transport.start_button.text() == "Start"
        assert window.transport.status.words.text() == "finished"

    desk.run(play())


def test_stop_keeps_what_was_said_and_start_begins_anew_under_a_heading(desk: Desk) -> None:
    async def play() -> None:
        await watch(desk)
        desk.controller.start_or_stop()
        assert desk.state.session.phase is Phase.IDLE
        rows = len(desk.state.transcript.rows)
        assert rows
        assert desk.state.captions.is_silent
        desk.controller.start()
        await desk.until(lambda: len(desk.state.transcript.rows) >= rows + 2)
        heading = desk.state.transcript.rows[rows]
        assert heading.start_s is None
        assert heading.text.startswith("Demo match, ")

    desk.run(play())


def test_pause_holds_the_picture_and_resume_goes_on_with_it(desk: Desk) -> None:
    async def play() -> None:
        await watch(desk)
        stage = desk.window.stage
        desk.window.transport.pause_button.click()
        assert desk.state.session.status.words == "paused"
        assert desk.window.transport.pause_button.text() == "Resume"
        await desk.until_still(lambda: stage.num_pictures)  # some were on their way
        held = stage.num_pictures
        desk.window.transport.pause_button.click()
        await desk.until(lambda: stage.num_pictures > held + 3)
        assert desk.state.session.phase is Phase.RUNNING

    desk.run(play())


def test_start_before_the_model_is_there_waits_for_it(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        desk.controller.start()
        assert desk.state.session.is_busy
        assert desk.state.session.status.kind is StatusKind.LOADING
        desk.controller.start_or_stop()
        assert not desk.state.session.is_busy
        desk.controller.start()
        await desk.until(lambda: desk.state.session.phase is Phase.RUNNING)

    desk.run(play())


def test_space_starts_and_stops_but_belongs_to_whoever_has_the_keyboard(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        window, session = desk.window, desk.state.session
        assert QApplication.focusWidget() is window.transport.start_button
        for place in (window.transport.start_button, window.transcript.view, window.stage):
            if place is not window.stage:
                place.setFocus()
            QTest.keyClick(place, Qt.Key.Key_Space)
            assert session.is_busy
            QTest.keyClick(place, Qt.Key.Key_Space)
            assert not session.is_busy
        box = window.top_bar.title_box
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, "Lions and Bears")
        assert not session.is_busy
        assert desk.state.title == "Lions and Bears"
        QTest.keyClick(box, Qt.Key.Key_Escape)
        assert not box.hasFocus()
        # A click on a button leaves the keyboard where it was, so that Space goes on meaning start and stop.
        QTest.mouseClick(window.transport.speech_button, Qt.MouseButton.LeftButton)
        assert not window.transport.speech_button.hasFocus()

    desk.run(play())


def test_everything_can_be_reached_by_tab_once_in_a_sensible_order(desk: Desk) -> None:
    async def play() -> None:
        await watch(desk)
        window = desk.window
        seen: list[QWidget] = []
        widget = QApplication.focusWidget()
        while widget is not None and widget not in seen:
            seen.append(widget)
            assert desk.window.focus_ring.target is widget
            QTest.keyClick(widget, Qt.Key.Key_Tab)
            widget = QApplication.focusWidget()
        wanted = [
            window.transport.start_button,
            window.transport.pause_button,
            window.transport.speech_button,
            window.top_bar.source_chooser,
            window.top_bar.title_box,
            window.top_bar.model_chooser,
            window.top_bar.menu_button,
            window.transcript.find_box,
            window.transcript.view,
        ]
        assert [widget for widget in seen if widget in wanted] == wanted
        buttons = [button for button in window.findChildren(QPushButton) if button.isVisibleTo(window)]
        assert set(buttons) - set(seen) == set()

    desk.run(play())


def test_every_widget_has_a_name_for_screen_readers(desk: Desk) -> None:
    async def play() -> None:
        await watch(desk)
        nameless = [
            f"{type(widget).__name__} in {type(widget.parent()).__name__}"
            for widget in desk.window.findChildren(QWidget)
            if not widget.objectName().startswith("qt_")
            and not widget.accessibleName()
            and not (isinstance(widget, QLabel) and widget.text())
        ]
        assert nameless == []
        for button in desk.window.findChildren(QPushButton):
            assert button.accessibleDescription() or button.text(), button.accessibleName()
        status = desk.window.transport.status
        for figure in (status.words, status.frames, status.behind, status.step, status.dropped):
            assert figure.toolTip().endswith(".")
            assert figure.accessibleDescription()

    desk.run(play())


def test_a_file_that_is_no_video_is_said_in_words_with_a_way_out(desk: Desk, tmp_path: Path) -> None:
    async def play() -> None:
        await desk.open()
        asked: list[bool] = []
        desk.state.file_wanted.subscribe(lambda: asked.append(True))
        broken = tmp_path / "notes.mp4"
        broken.write_text("no video", encoding="utf-8")
        desk.controller.choosing.file(str(broken))
        bar = desk.window.message_bar
        await desk.until(lambda: bar.isVisible() and "notes.mp4" in bar.words.text())
        assert "not a video" in bar.words.text()
        assert bar.action_button.text() == "Open file…"
        desk.controller.choosing.demo()
        assert not bar.isVisible()
        desk.controller.start()
        await desk.until(lambda: desk.state.session.phase is Phase.RUNNING)

    desk.run(play())


def test_a_model_that_cannot_be_loaded_is_said_and_another_one_helps(
    desk: Desk, tmp_path: Path, tiny_model: Path
) -> None:
    async def play() -> None:
        await desk.open()
        await desk.until(lambda: desk.state.session.model.is_ready)
        (tmp_path / "empty").mkdir()
        desk.controller.choose_model(str(tmp_path / "empty"))
        bar = desk.window.message_bar
        await desk.until(bar.isVisible)
        assert bar.action_button.text() == "Choose folder…"
        assert bar.details_button.isVisible()
        assert not bar.details.isVisible()
        bar.details_button.click()
        assert "Error" in bar.details.toPlainText()
        assert not desk.window.transport.start_button.isEnabled()
        assert desk.state.session.status.words == "no model"
        desk.controller.choose_model(str(tiny_model))
        await desk.until(lambda: desk.state.session.model.is_ready)
        assert not bar.isVisible()
        assert desk.window.transport.start_button.isEnabled()
        assert desk.window.top_bar.model_chooser.text() == tiny_model.name

    desk.run(play())


def test_a_video_that_breaks_off_is_watched_to_where_it_does(desk: Desk, tmp_path: Path) -> None:
    async def play() -> None:
        await desk.open()
        whole = write_video(tmp_path / "whole.mkv", seconds=4)
        cut = tmp_path / "cut.mkv"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
        desk.controller.choosing.file(str(cut))
        desk.controller.start()
        await desk.until(lambda: desk.state.session.phase is Phase.FINISHED)
        message = desk.state.messages.current
        assert message is not None
        assert "damaged or not complete" in message.text
        assert not message.is_error

    desk.run(play())


def test_settings_that_cannot_be_kept_are_told_once_with_a_way_out(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "settings.json"

    async def play() -> None:
        await desk.open()
        told: list[str] = []
        desk.state.messages.came.subscribe(lambda message: told.append(message.text))
        in_the_way.mkdir()  # the file cannot be written while a folder has its name
        desk.controller.choose_theme("dark")
        await desk.until(lambda: bool(told))
        bar = desk.window.message_bar
        assert "cannot be kept" in bar.words.text()
        assert "free space" in bar.words.text()
        bar.close_button.click()
        desk.controller.choose_theme("light")
        await desk.until(lambda: caplog.text.count("settings are not kept") == 2)
        await asyncio.sleep(0.05)
        assert len(told) == 1
        # Once it worked it would be news again, and whoever tries again hears of it, too.
        in_the_way.rmdir()
        desk.controller.choose_theme("dark")
        await desk.until(in_the_way.is_file)
        in_the_way.unlink()
        in_the_way.mkdir()
        desk.controller.choose_theme("light")
        await desk.until(lambda: len(told) == 2)
        bar.action_button.click()
        await desk.until(lambda: len(told) == 3)
        in_the_way.rmdir()
        bar.action_button.click()
        await desk.until(in_the_way.is_file)
        await desk.until(lambda: not bar.isVisible())

    desk.run(play())


def test_a_wrong_setting_is_named_at_the_start(make_desk: Callable[[], Desk], tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"theme": "dark", "caption_size_px": 1300}', encoding="utf-8")
    desk = make_desk()

    async def play() -> None:
        await desk.open()
        assert desk.controller.settings.theme == "dark"
        assert "usual ones again: Caption size." in desk.window.message_bar.words.text()
        assert "1300" in desk.window.message_bar.details.toPlainText()

    desk.run(play())


def test_what_was_chosen_is_there_again_next_time(
    make_desk: Callable[[], Desk], tmp_path: Path, small_video: Path
) -> None:
    first = make_desk()

    async def choose() -> None:
        await first.open()
        first.controller.choose_theme("dark")
        first.controller.choose_text_scale(150)
        first.controller.choosing.file(str(small_video))
        first.window.top_bar.title_box.setFocus()
        QTest.keyClicks(first.window.top_bar.title_box, "Bears at home")
        first.window.resize(960, 650)  # the screen that tests have is no wider
        await first.close()

    first.run(choose())
    second = make_desk()
    assert second.controller.recent_file == str(small_video)
    assert second.theme.palette.name == "dark"
    assert second.theme.scale_percent == 150
    assert second.window.size().toTuple() == (960, 650)
    assert second.window.top_bar.source_chooser.text() == small_video.name
    assert second.window.top_bar.title_box.text() == "Bears at home"
    assert not list(tmp_path.glob("settings.json.damaged*"))
