"""What is watched, chosen and gone through in a real window: cameras that go and come, seeking, regions, addresses."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.sources.rect import Rect
from app.sources.spec import CameraSpec, RegionSpec, ScreenSpec, StreamSpec
from app.theme.theme import Theme
from app.window.region_picker import RegionPicker
from app.window.state.session import Phase, StatusKind
from tests.app.sources.mjpeg import loopback_camera
from tests.app.videos import write_video
from tests.app.window.conftest import Desk


def test_a_camera_that_goes_and_comes_is_told_by_the_window_and_the_session_goes_on(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        desk.controller.choosing.source(CameraSpec(camera.address), "Webcam")
        desk.controller.start()
        await desk.until(lambda: len(desk.state.transcript.rows) >= 1)
        await desk.until(lambda: desk.state.session.status.kind is StatusKind.LIVE)
        camera.is_plugged = False
        await desk.until(lambda: desk.state.session.status.kind is StatusKind.NO_SIGNAL)
        words = "The camera stopped sending pictures. Trying again."
        assert desk.state.session.status.sentence == words
        assert desk.window.transport.status.words.text() == "no signal"
        message = desk.state.messages.current
        assert message is not None
        assert message.text == words
        num_rows = len(desk.state.transcript.rows)
        camera.is_plugged = True
        await desk.until(lambda: desk.state.session.status.kind is StatusKind.LIVE)
        await desk.until(lambda: len(desk.state.transcript.rows) > num_rows)
        assert len(desk.state.record.sessions) == 1
        desk.controller.start_or_stop()
        assert desk.state.session.phase is Phase.IDLE

    with loopback_camera() as camera:
        desk.run(play())
        # Closed while the camera still sends: its light goes out all the same.
        desk.run(desk.close())


def test_a_camera_that_is_not_there_is_said_with_a_way_to_try_again(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        desk.controller.choosing.source(CameraSpec("7"))
        desk.controller.start()
        await desk.until(
            lambda: desk.state.messages.current is not None and desk.state.session.phase is Phase.IDLE
        )
        message = desk.state.messages.current
        assert message is not None
        assert "Camera 7 cannot be opened" in message.text
        assert message.action == "Try again"

    desk.run(play())


def test_seeking_goes_on_at_the_moment_in_the_same_session(desk: Desk, tmp_path: Path) -> None:
    video = write_video(tmp_path / "long.mp4", seconds=60, fps=10)

    async def play() -> None:
        await desk.open()
        desk.controller.choosing.file(str(video))
        desk.controller.start()
        await desk.until(lambda: len(desk.state.record.sessions) == 1 and bool(desk.state.transcript.rows))
        desk.controller.seek(40.0)
        await desk.until(lambda: any((row.start_s or 0) >= 40 for row in desk.state.transcript.rows))
        assert desk.state.session.phase is Phase.RUNNING
        assert len(desk.state.record.sessions) == 1
        # Held, it stays held, at the new place.
        desk.controller.pause_or_resume()
        desk.controller.seek(10.0)
        await desk.until(lambda: desk.state.session.phase is Phase.PAUSED)
        await desk.until_still(lambda: len(desk.state.transcript.rows))  # of what was in work
        desk.controller.start_or_stop()
        # Without a run, the next one begins there.
        desk.controller.seek(50.0)
        assert desk.state.session.phase is Phase.IDLE
        desk.controller.start()
        await desk.until(lambda: desk.window.stage.num_pictures > 0 and desk.state.record.is_running)
        await desk.until(lambda: any((row.start_s or 0) >= 50 for row in desk.state.transcript.rows))

    desk.run(play())


def test_as_fast_as_possible_leaves_nothing_out(desk: Desk, tmp_path: Path) -> None:
    video = write_video(tmp_path / "long.mp4", seconds=20, fps=10)

    async def play() -> None:
        await desk.open()
        desk.controller.remember(file_speed="fast")
        desk.controller.choosing.file(str(video))
        ended_at_s: list[float] = []
        desk.state.session.step_ended.subscribe(lambda _: ended_at_s.append(time.monotonic()))
        desk.controller.start()
        await desk.until(lambda: desk.state.session.phase is Phase.FINISHED)
        assert len(ended_at_s) == 20
        # However busy the machine is, some second of the video takes it less than a second.
        assert min(after - before for before, after in itertools.pairwise(ended_at_s)) < 0.9
        assert desk.state.session.figures.num_dropped == 0

    desk.run(play())


def test_what_was_watched_last_is_chosen_again(make_desk: object) -> None:
    assert callable(make_desk)
    first: Desk = make_desk()

    async def choose() -> None:
        await first.open()
        first.controller.choosing.address("rtsp://user:secret@camera.local/stream")
        await first.close()

    first.run(choose())
    second: Desk = make_desk()
    source = second.state.session.source
    assert source is not None
    assert source.spec == StreamSpec("rtsp://user:secret@camera.local/stream")
    assert source.name == "rtsp://camera.local/stream"


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, name="dark", scale_percent=100)


def test_a_part_of_the_screen_is_dragged(qapp: QApplication, theme: Theme) -> None:
    screen = QGuiApplication.primaryScreen()
    picker = RegionPicker(theme, screen)
    picked: list[Rect] = []
    picker.picked.connect(picked.append)
    picker.open()
    QTest.mousePress(picker, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    QTest.mouseMove(picker, QPoint(200, 250))
    QTest.mouseRelease(picker, Qt.MouseButton.LeftButton, pos=QPoint(100, 320))
    density = screen.devicePixelRatio()
    (rect,) = picked
    wanted = Rect(*(round(density * side) for side in (100, 200, 200, 120)))
    assert rect == wanted
    assert str(RegionSpec(rect)).startswith("region:")


def test_a_part_of_the_screen_is_chosen_by_keyboard_and_escape_chooses_nothing(
    qapp: QApplication, theme: Theme
) -> None:
    picked: list[Rect] = []
    for keys in ([Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Return], [Qt.Key.Key_Escape]):
        picker = RegionPicker(theme, QGuiApplication.primaryScreen())
        picker.picked.connect(picked.append)
        picker.open()
        start = picker.region
        for key in keys:
            QTest.keyClick(picker, key)
    assert len(picked) == 1
    assert (picked[0].left, picked[0].top) == (start.left() - 16, start.top() - 16)


def test_place_and_size_of_the_part_are_told_as_keys_change_them(qapp: QApplication, theme: Theme) -> None:
    picker = RegionPicker(theme, QGuiApplication.primaryScreen())
    said: list[str] = []
    picker.announced.connect(said.append)
    picker.open()
    start, density = picker.region, picker.screen().devicePixelRatio()

    def words(left: int, top: int, width: int, height: int) -> str:
        sides = [round(density * side) for side in (left, top, width, height)]
        return "{} from the left, {} from the top, {} by {} pixels.".format(*sides)

    QTest.keyClick(picker, Qt.Key.Key_Left)
    QTest.keyClick(picker, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    left, top, width, height = start.x(), start.y(), start.width(), start.height()
    assert said == [
        words(left, top, width, height),
        words(left - 16, top, width, height),
        words(left - 16, top, width, height + 16),
    ]
    assert said[-1] in picker.accessibleDescription()
    for _ in range(100):
        QTest.keyClick(picker, Qt.Key.Key_Up)
    assert said[-1].startswith("No further.")
    QTest.keyClick(picker, Qt.Key.Key_Escape)


def test_every_way_to_choose_is_in_the_window_and_says_what_it_cannot_do(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        texts = [choice.text for choice in desk.window.top_bar._source_entries()]
        assert texts[-5:] == ["Screen", "A window…", "Part of the screen…", "Camera…", "Address…"]
        dialog = desk.window.source_ways.open("window")
        await desk.until(lambda: "cannot be seen" in dialog.words.text())
        dialog.close()
        address = desk.window.source_ways.open_address()
        address.box.setText("ftp://host/video")
        address.watch_button.click()
        assert "not known" in address.words.text()
        assert address.isVisible()
        address.box.setText("udp://127.0.0.1:5004")
        address.watch_button.click()
        source = desk.state.session.source
        assert source is not None
        assert source.spec == StreamSpec("udp://127.0.0.1:5004")
        desk.window.picker.screen_card.click()
        source = desk.state.session.source
        assert source is not None
        assert source.spec == ScreenSpec(1)

    desk.run(play())
