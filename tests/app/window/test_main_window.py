"""The window as a person uses it: watching, keys, messages, what is remembered, and an end that leaves nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from app.theme.tokens import TEXT_SCALES_PERCENT
from app.window.chooser import Chooser
from app.window.state.session import Figures, Phase, StatusKind
from tests.app.videos import write_video
from tests.app.window.conftest import Desk

ROOT = Path(__file__).resolve().parents[3]


async def watch(desk: Desk) -> None:
    """Open, start, and wait until something was said."""
    await desk.open()
    desk.controller.start()
    await desk.until(lambda: bool(desk.state.transcript.rows))


def test_a_match_is_watched_from_the_first_picture_to_the_end(desk: Desk) -> None:
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
        assert session.status.kind is StatusKind.LIVE
        assert window.transport.status.frames.text().endswith(" fps")
        assert window.transport.status.step.text().endswith(" ms")
        assert window.transport.status.dropped.text() == "0 dropped"

        await desk.until(lambda: session.phase is Phase.FINISHED)
        # Six seconds at thirty pictures a second; the machine may be busy.
        assert window.stage.num_pictures > 60
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
        await asyncio.sleep(0.12)  # pictures that were on their way
        held = stage.num_pictures
        await asyncio.sleep(0.2)
        assert stage.num_pictures == held
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


@pytest.mark.parametrize("size", [(1280, 720), (960, 600)])
@pytest.mark.parametrize("theme", ["light", "high-contrast"])
def test_nothing_is_cut_off_at_any_text_size(desk: Desk, size: tuple[int, int], theme: str) -> None:
    async def play() -> None:
        await watch(desk)
        window = desk.window
        desk.controller.choose_theme(theme)  # type: ignore[arg-type] # of the two above
        for percent in TEXT_SCALES_PERCENT:
            desk.controller.choose_text_scale(percent)
            window.resize(*size)
            await asyncio.sleep(0.05)
            assert (window.width(), window.height()) == size
            for widget in window.findChildren(QWidget):
                if not widget.isVisibleTo(window) or widget.objectName().startswith("qt_"):
                    continue
                if isinstance(widget, (QLabel, QPushButton)) and not isinstance(widget, Chooser):
                    wraps = isinstance(widget, QLabel) and widget.wordWrap()
                    needed = widget.minimumSizeHint()
                    assert wraps or widget.width() >= needed.width(), (percent, widget.accessibleName())
                    assert widget.height() >= needed.height() or wraps, (percent, widget.accessibleName())
                    place = widget.mapTo(window, widget.rect().bottomRight())
                    assert place.x() < size[0], (percent, widget.accessibleName())
                    assert place.y() < size[1], (percent, widget.accessibleName())

    desk.run(play())


def test_large_figures_in_large_text_give_way_instead_of_being_cut(desk: Desk) -> None:
    async def play() -> None:
        desk.window.resize(960, 600)
        await desk.open()
        desk.controller.choose_text_scale(200)
        status = desk.window.transport.status
        figures = Figures(frames_per_s=2.0, behind_s=112.4, step_ms=112345.0, num_dropped=4321)
        desk.state.session.update(phase=Phase.RUNNING, figures=figures)
        await asyncio.sleep(0.1)
        labels = (status.words, status.frames, status.behind, status.step, status.dropped)
        for label in labels:
            assert not label.isVisible() or label.width() >= label.minimumSizeHint().width(), label.text()
        assert status.behind.isVisible()
        assert status.dropped.isVisible()
        assert "112345 ms" in status.figures_in_words  # read aloud all the same
        desk.state.session.update(phase=Phase.IDLE)

    desk.run(play())


def test_the_choice_of_sources_is_whole_in_a_small_window_with_large_text(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        window = desk.window
        for percent in TEXT_SCALES_PERCENT:
            desk.controller.choose_text_scale(percent)
            window.resize(960, 600)
            await asyncio.sleep(0.05)
            for card in window.picker.cards:
                assert card.isVisible()
                assert card.height() >= card.minimumSizeHint().height(), percent
                assert window.stage.rect().contains(card.geometry())
            assert len({card.height() for card in window.picker.cards}) == 1

    desk.run(play())


def test_the_picture_keeps_its_shape_and_nothing_moves_when_words_come(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        stage = desk.window.stage
        await asyncio.sleep(0.05)
        before = (stage.geometry(), stage.screen_rect)
        desk.controller.start()
        await desk.until(lambda: stage.band.isVisible() and desk.state.session.figures.step_ms is not None)
        assert (stage.geometry(), stage.screen_rect) == before
        screen = stage.screen_rect
        assert abs(screen.width() / screen.height() - 16 / 9) < 0.01
        assert screen.contains(stage.band.geometry())

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
        await desk.until(bar.isVisible)
        assert "notes.mp4" in bar.words.text()
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
    assert not (tmp_path / "settings.json.damaged").exists()


def test_the_first_start_asks_what_to_watch_and_says_once_that_it_may_be_wrong(
    make_desk: Callable[[], Desk],
) -> None:
    first = make_desk()

    async def see() -> None:
        await first.open()
        picker, note = first.window.picker, first.window.transcript.note
        assert picker.isVisible()
        assert picker.demo_card.isChecked()
        assert not note.isVisible()
        picker.demo_card.click()
        first.controller.start()
        await first.until(lambda: first.state.session.phase is Phase.RUNNING)
        assert not picker.isVisible()
        assert note.isVisible()
        await first.close()

    first.run(see())
    second = make_desk()
    assert "may be wrong" in first.window.transcript.note.findChildren(QLabel)[0].text()

    async def see_again() -> None:
        await watch(second)
        assert not second.window.picker.isVisible()
        assert not second.window.transcript.note.isVisible()

    second.run(see_again())


def test_the_first_steps_take_no_more_room_than_their_words_and_one_row(desk: Desk) -> None:
    async def see() -> None:
        window, strip = desk.window, desk.window.first_start

        def fits() -> bool:
            words, button = strip.words, strip.buttons[0]
            room = QRect(0, 0, words.width(), 1000)
            lines = words.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, words.text())
            needed = lines.height() + button.sizeHint().height()
            return strip.width() == window.width() and needed <= strip.height() <= needed + 24

        await desk.open()
        await desk.until(lambda: "This computer" in strip.words.text())
        for width in (1280, 960, 1280):  # narrow and wide again, as a person drags its edge
            window.resize(width, 720)
            await desk.until(lambda width=width: window.width() == width and fits())  # type: ignore[misc]  # mypy has no type for a default

    desk.run(see())


def test_the_first_steps_can_be_reached_with_the_largest_text_in_a_low_window(desk: Desk) -> None:
    async def see() -> None:
        window, strip = desk.window, desk.window.first_start
        window.resize(1280, 720)
        await desk.open()
        desk.controller.choose_text_scale(200)
        await desk.until(lambda: "This computer" in strip.words.text())
        assert window.height() == 720
        assert window.picker.isVisible()

        def seen_whole(widget: QWidget) -> bool:
            corner = widget.mapTo(strip, QPoint(0, 0))
            enough = widget.sizeHint()
            if isinstance(widget, QLabel):
                enough = QSize(0, widget.heightForWidth(widget.width()))
            return (
                widget.isVisible()
                and strip.rect().contains(QRect(corner, widget.size()))
                and widget.height() >= enough.height()
                and widget.width() >= enough.width()
            )

        def all_of(*widgets: QWidget) -> bool:
            return all(seen_whole(widget) for widget in widgets)

        first, second, third = strip.buttons
        await desk.until(lambda: all_of(first, strip.fold_button, strip.close_button))
        assert not second.isVisible()
        assert strip.words.text() in first.accessibleDescription()
        # By keyboard: Tab from the next step to all of them.
        first.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(first, Qt.Key.Key_Tab)
        assert strip.fold_button.hasFocus()
        QTest.keyClick(strip.fold_button, Qt.Key.Key_Space)
        await desk.until(lambda: all_of(first, second, third, strip.words, strip.fold_button))
        assert strip.fold_button.accessibleName() == "Fewer steps"
        assert strip.fold_button.hasFocus()
        window.resize(960, 680)
        await desk.until(lambda: all_of(first, second, third, strip.words, strip.fold_button))
        QTest.keyClick(strip.fold_button, Qt.Key.Key_Space)
        assert not second.isVisible()
        QTest.keyClick(first, Qt.Key.Key_Space)
        await desk.until(lambda: all_of(second, strip.fold_button) and not first.isVisible())
        desk.controller.choose_text_scale(100)
        window.resize(1280, 720)
        await desk.until(
            lambda: all_of(first, second, third, strip.words) and not strip.fold_button.isVisible()
        )

    desk.run(see())


def test_words_are_found_in_what_was_said_while_more_comes(desk: Desk) -> None:
    async def play() -> None:
        await watch(desk)
        panel = desk.window.transcript
        word = desk.state.transcript.rows[0].text.split()[0]
        QTest.keyClick(desk.window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        assert panel.find_box.hasFocus()
        QTest.keyClicks(panel.find_box, word.upper())
        matches = desk.state.transcript.find(word)
        assert panel.found == f"1 of {len(matches)}"
        QTest.keyClicks(panel.find_box, "zzz")
        assert panel.found == "Nothing found"
        assert not panel.view.is_following or not panel.view.verticalScrollBar().maximum()
        QTest.keyClick(panel.find_box, Qt.Key.Key_Escape)
        assert panel.find_box.text() == ""

    desk.run(play())


def test_a_transcript_of_hours_is_found_coloured_and_copied_with_its_times(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        panel, transcript = desk.window.transcript, desk.state.transcript
        for second in range(0, 4000, 2):
            transcript.add_words(second, ["Pass", "to", "Lind." if second % 500 else "Okafor."])
        panel.find_box.setText("okafor")
        assert panel.found == "1 of 8"
        assert [s.cursor.selectedText() for s in panel.view.extraSelections()] == ["Okafor"]
        for _ in range(7):
            panel.walk(1)
        assert panel.found == "8 of 8"
        cursor = panel.view.textCursor()
        assert transcript.rows[cursor.blockNumber()].text == "Pass to Okafor."
        assert panel.view.viewport().rect().contains(panel.view.cursorRect())
        assert "58:20" in panel.view.accessibleDescription()
        panel.view.selectAll()
        panel.view.copy()
        lines = QApplication.clipboard().text().splitlines()
        assert lines[:2] == ["00:00  Pass to Okafor.", "00:02  Pass to Lind."]
        assert lines[-1] == "1:06:38  Pass to Lind."

    desk.run(play())


COPY_AND_QUIT = """
import asyncio, sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from tests.app.window.conftest import Desk

application = QApplication(["ringside"])
desk = Desk(application, Path(sys.argv[1]))

async def play():
    desk.window.show()
    desk.state.transcript.add_words(0, ["Pass", "to", "Lind."])
    desk.window.transcript.view.selectAll()
    desk.window.transcript.view.copy()
    await desk.close()

desk.run(play())
desk.window.deleteLater()
desk.loop.close()
print(application.clipboard().text())
"""


def test_what_was_copied_is_still_there_when_the_window_closes_and_the_program_ends_well(
    tmp_path: Path,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", COPY_AND_QUIT, str(tmp_path / "settings.json")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert (ended.returncode, ended.stdout) == (0, "00:00  Pass to Lind.\n"), ended.stderr


def test_the_transcript_follows_the_newest_unless_a_person_scrolled_up(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        view, transcript = desk.window.transcript.view, desk.state.transcript
        bar = view.verticalScrollBar()
        for second in range(200):
            transcript.add_words(second, [f"Sentence {second}."])
        assert bar.value() == bar.maximum() > 0
        bar.setValue(10)
        assert desk.window.transcript.newest_button.isVisible()
        transcript.add_words(200, ["One more."])
        assert bar.value() == 10
        desk.window.transcript.newest_button.click()
        assert bar.value() == bar.maximum()
        transcript.add_words(201, ["And another."])
        assert bar.value() == bar.maximum()

    desk.run(play())


def voices_of_this_process() -> list[str]:
    """Processes that make speech for us."""
    pids = " ".join(file.read_text(encoding="ascii") for file in Path("/proc/self/task").glob("*/children"))
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in pids.split()]
    return [command for command in commands if "voice_process" in command]


def test_closing_while_it_runs_leaves_no_thread_process_or_open_file(
    make_desk: Callable[[], Desk], small_video: Path
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
        assert str(small_video) in open_files()
        desk.controller.toggle_speech()
        await desk.until(lambda: bool(voices_of_this_process()) or not desk.state.speech.is_on)
        await desk.close()

    desk.run(play())
    assert set(threading.enumerate()) - threads == set()
    assert open_files() - files == set()
    assert voices_of_this_process() == []


def test_the_window_shows_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    script = """
import sys
from app.window import main, start
shown = []
async def live(begun, signals_close):
    start.take(start.ON_THE_LOOP, begun)
    begun.window.show()
    shown.append(sorted({"torch", "transformers", "pyttsx3", "sounddevice", "huggingface_hub"} & set(sys.modules)))
main.live = live
main.run(["--settings", sys.argv[1]])
print(shown)
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "settings.json")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=True,
        timeout=60,
    )
    assert result.stdout.strip() == "[[]]"
