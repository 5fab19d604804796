"""Captions as they are painted: what a word looks like must not depend on how often it was painted, or beside what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtGui import QFontMetricsF, QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.settings import UserSettings
from app.theme.theme import Theme
from app.window.caption_band import CaptionBand
from app.window.caption_line import lay_out
from app.window.caption_look import CaptionLook
from app.window.state.captions import CaptionState


def pixels(band: CaptionBand) -> npt.NDArray[np.int16]:
    """Its pictures' RGBA, shape (height, width, 4)."""
    image = band.painted().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    view = np.frombuffer(image.constBits(), dtype=np.uint8)
    rows = view.reshape(image.height(), image.bytesPerLine())[:, : 4 * image.width()]
    return rows.reshape(image.height(), image.width(), 4).astype(np.int16)


@pytest.fixture
def settings() -> list[UserSettings]:
    return [UserSettings(caption_background_percent=0, caption_text_colour="#FFFFFF")]


@pytest.fixture
def captions() -> CaptionState:
    return CaptionState()


@pytest.fixture
def band(qapp: QApplication, settings: list[UserSettings], captions: CaptionState) -> Iterator[CaptionBand]:
    parent = QWidget()
    theme = Theme(qapp, name="dark", scale_percent=100)
    band = CaptionBand(captions, CaptionLook(theme, lambda: settings[0], parent), parent)
    band.resize(900, band.sizeHint().height())
    parent.show()
    yield band
    parent.close()


def test_a_word_stays_as_it_is_when_others_follow(band: CaptionBand, captions: CaptionState) -> None:
    captions.push_piece(0.0, "Okafor ")
    width = int(band.lines.newest[0].width_px)
    before = pixels(band)[:, : 16 + width]
    captions.push_piece(0.0, "shoots and scores ")
    assert (pixels(band)[:, : 16 + width] == before).all()


def test_a_wide_outline_never_covers_the_letters_beside_it(
    band: CaptionBand, captions: CaptionState, settings: list[UserSettings]
) -> None:
    def num_white() -> int:
        seen = pixels(band)
        return int(((seen[..., :3] > 235).all(axis=2) & (seen[..., 3] > 235)).sum())

    captions.push_piece(0.0, "ill ")
    one = num_white()
    for outline_px in (3, 12):
        settings[0] = UserSettings(
            caption_background_percent=0, caption_text_colour="#FFFFFF", caption_outline_px=outline_px
        )
        band._look.refresh()
        band.resize(band.sizeHint().expandedTo(band.size()))
        captions.clear()
        captions.push_piece(0.0, "ill ill ill ")
        assert num_white() == 3 * one


def ink_columns(band: CaptionBand) -> npt.NDArray[np.intp]:
    """Columns in which letters are white."""
    seen = pixels(band)
    return np.flatnonzero(((seen[..., :3] > 235).all(axis=2) & (seen[..., 3] > 235)).any(axis=0))


def test_arabic_begins_on_the_right_and_no_word_moves_when_others_follow(
    band: CaptionBand, captions: CaptionState
) -> None:
    captions.push_piece(0.0, "الأسود ")
    assert ink_columns(band).max() > 900 - 16 - 6
    before = pixels(band)
    first = ink_columns(band).min()
    captions.push_piece(0.0, "يستعيدون الكرة من Okafor، ")
    # An outline reaches a little over what stands beside it.
    assert (pixels(band)[:, first:] == before[:, first:]).all()
    assert ink_columns(band).min() < first - 200
    assert band.text == "الأسود يستعيدون الكرة من Okafor،"


def test_words_of_both_directions_stand_where_a_reader_of_either_expects_them(
    band: CaptionBand, captions: CaptionState
) -> None:
    captions.push_piece(0.0, "هدف في ")
    captions.push_piece(1.0, "Real Madrid")
    captions.end_phrase(1.0)
    captions.mark_spoken([1.0])
    (line,) = [lay_out(line, band._font, captions.spoken_s) for line in band.lines.lines if line]
    assert line.is_right_to_left
    # The name reads from the left, as one, and is the last that is read from the right.
    ((left, right),) = line.marked
    metrics = QFontMetricsF(band._font)
    assert left == pytest.approx(0.0, abs=0.1)
    assert right == pytest.approx(metrics.horizontalAdvance("Real Madrid"), abs=0.1)
    captions.clear()
    captions.push_piece(2.0, "They say هدف رائع here ")
    assert [word.is_right_to_left for word in band.lines.lately] == [False] * 5
    assert ink_columns(band).min() < 16 + 6


def test_chinese_comes_by_characters_before_its_phrase_ends_and_is_not_cut_off(
    band: CaptionBand, captions: CaptionState
) -> None:
    said = "狮队夺回球权，奥卡福带球推进，一路杀入禁区，射门——球进了！全场沸腾，“太棒了！”解说员喊道。"
    shown = []
    for character in said:
        captions.push_piece(0.0, character)
        shown.append(band.text)
    captions.end_phrase(0.0)
    assert shown[1] == "狮"
    assert band.text == said
    for line in filter(None, band.lines.lines):
        assert line[-1].x_px + line[-1].width_px <= 900 - 32
        assert line[0].word.text[0] not in "，！。”—"
    edges = pixels(band)[..., 3]
    assert not edges[:, 0].any()
    assert not edges[:, -1].any()


def test_words_that_are_no_longer_seen_take_no_memory(band: CaptionBand, captions: CaptionState) -> None:
    for second in range(40):
        captions.push_piece(float(second), f"word{second} and another{second} ")
        band.painted()
    assert band._words is not None
    assert band._words._pictures.keys() == set(band.text.split())


def test_another_look_paints_the_same_words_anew(
    band: CaptionBand, captions: CaptionState, settings: list[UserSettings]
) -> None:
    captions.push_piece(0.0, "Okafor ")
    assert not ((pixels(band)[..., 0] > 200) & (pixels(band)[..., 2] < 60)).any()
    settings[0] = UserSettings(caption_background_percent=0, caption_text_colour="#FFD400")
    band._look.refresh()
    assert ((pixels(band)[..., 0] > 200) & (pixels(band)[..., 2] < 60)).any()
