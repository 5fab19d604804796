"""Pictures on their way to the screen, and captions over them, as pixels."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.errors import NotAVideoError
from app.sources import Preview
from app.theme.theme import Theme
from app.window.picture import Picture, PictureBox, fit_within
from app.window.poster import first_picture
from app.window.stage import Stage
from app.window.stall_meter import StallMeter
from app.window.state.captions import CaptionState
from tests.app.videos import number_in


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme(qapp, name="light")
    yield theme
    theme.deleteLater()
    qapp.setStyleSheet("")


def red_picture(height: int = 90, width: int = 160) -> Preview:
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    frame[..., 0] = 200
    return Preview(frame, 1.5)


def test_the_newest_picture_wins_and_its_arrival_is_told_once() -> None:
    arrivals: list[bool] = []
    box = PictureBox(lambda: arrivals.append(True))
    assert box.take() is None
    for time_s in (1.0, 2.0, 3.0):
        box.put(Preview(red_picture().frame, time_s))
    assert len(arrivals) == 1
    picture = box.take()
    assert picture is not None
    assert picture.time_s == 3.0
    assert box.take() is None
    box.put(red_picture())
    assert len(arrivals) == 2


@pytest.mark.parametrize("room", [(45, 80), (360, 640), (1000, 640), (90, 160)])
def test_a_picture_comes_in_the_size_of_its_room_and_in_the_order_of_the_screen(
    room: tuple[int, int],
) -> None:
    box = PictureBox(lambda: None)
    box.set_room(*room)
    box.put(red_picture())
    picture = box.take()
    assert picture is not None
    height, width = picture.pixels.shape[:2]
    assert (height, width) == fit_within(90, 160, *room)
    assert height <= room[0]
    assert width <= room[1]
    assert picture.pixels.flags.c_contiguous
    assert (picture.pixels == [0, 0, 200, 255]).all()


def test_the_first_picture_of_a_video_is_its_first(small_video: Path, tmp_path: Path) -> None:
    picture = first_picture(str(small_video), (720, 1280))
    assert picture is not None
    assert picture.time_s == 0.0
    assert number_in(picture.pixels[..., 2::-1]) == 0
    (tmp_path / "no.mp4").write_text("no", encoding="utf-8")
    with pytest.raises(NotAVideoError):
        first_picture(str(tmp_path / "no.mp4"), (720, 1280))


def shown_stage(qtbot: QtBot, theme: Theme) -> tuple[Stage, CaptionState]:
    captions = CaptionState()
    stage = Stage(captions, theme)
    stage.resize(932, 622)
    qtbot.addWidget(stage)
    stage.show()
    return stage, captions


def pixels_of(widget: QWidget) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    raw = np.frombuffer(image.constBits(), dtype=np.uint8)
    return raw.reshape(image.height(), image.width(), 4)[..., 2::-1].copy()


def band_of(stage: Stage) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    place = stage.band.geometry().adjusted(8, 0, -8, 0)  # without the round corners
    return pixels_of(stage)[place.top() : place.bottom() + 1, place.left() : place.right() + 1]


@pytest.mark.parametrize("shape", [(360, 640), (360, 480), (640, 360)])
def test_a_picture_of_any_shape_is_whole_and_undistorted(
    qtbot: QtBot, theme: Theme, shape: tuple[int, int]
) -> None:
    stage, _ = shown_stage(qtbot, theme)
    stage.show_picture(Picture(np.full((*shape, 4), (0, 0, 200, 255), dtype=np.uint8), 0.0))
    red = (pixels_of(stage) == (200, 0, 0)).all(axis=2)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.01)
    screen = stage.screen_rect
    assert height == screen.height() or width == screen.width()


def test_captions_are_bright_then_dim_and_underlined_while_they_are_spoken(
    qtbot: QtBot, theme: Theme
) -> None:
    stage, captions = shown_stage(qtbot, theme)
    assert not stage.band.isVisible()
    captions.push_piece(0.0, " Goal for the Lions")
    captions.end_phrase(0.0)
    assert stage.band.isVisible()
    bright = band_of(stage)
    assert bright.max() == 255
    captions.mark_spoken((0.0,))
    underlined = band_of(stage)
    assert ((underlined > 240).all(axis=2).sum(axis=1) - (bright > 240).all(axis=2).sum(axis=1)).max() > 200
    captions.mark_spoken(())
    captions.end_phrase(1.0)
    captions.end_phrase(2.0)
    dim = band_of(stage)
    assert 120 < dim.max() < 200
    assert stage.band.text == "Goal for the Lions"


def test_words_that_were_read_stay_where_they_are_while_the_next_ones_come(
    qtbot: QtBot, theme: Theme
) -> None:
    stage, captions = shown_stage(qtbot, theme)
    captions.push_piece(0.0, " Okafor shoots from far ")
    before = band_of(stage)
    ink = np.flatnonzero((before > 240).all(axis=2).any(axis=0))
    captions.push_piece(0.0, "out ")
    after = band_of(stage)
    assert (after[:, : ink[-1] + 1] == before[:, : ink[-1] + 1]).mean() > 0.999
    assert (after[:, ink[-1] + 8 :] > 240).all(axis=2).any()


def test_a_window_that_is_held_up_is_noticed(qtbot: QtBot) -> None:
    meter = StallMeter()
    meter.start()
    qtbot.waitUntil(lambda: meter.num_beats > 3, timeout=60_000)
    meter.reset()
    time.sleep(0.12)
    qtbot.waitUntil(lambda: meter.num_beats > 1, timeout=60_000)
    meter.stop()
    assert meter.longest_ms >= 100
