"""Dialogs at large text: the keyboard's place is ringed, words are whole, and all of it is on the screen."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialog, QStyle, QStyleOptionComboBox, QWidget

from app.session import SessionHead
from app.theme.focus_ring import FocusRing
from app.window.narrate_dialog import NarrateDialog
from tests.app.window.conftest import Desk


def ringed(dialog: QDialog) -> QWidget | None:
    """The widget with the ring, where the ring is seen around it."""
    (ring,) = dialog.findChildren(FocusRing)
    target = ring.target
    if target is None or not ring.isVisible():
        return None
    middle = target.mapTo(dialog, target.rect().center())
    return target if ring.geometry().contains(middle) else None


@pytest.mark.parametrize("percent", [100, 200])
def test_a_dialog_shows_where_the_keyboard_is_and_is_no_larger_than_the_screen(
    desk: Desk, percent: int
) -> None:
    async def play() -> None:
        await desk.open()
        desk.controller.choose_text_scale(percent)
        ways, speaking = desk.window.source_ways, desk.window.speaking
        for make in (lambda: ways.open("screen"), ways.open_address, lambda: _narrated(desk)):
            dialog = make()
            await desk.until(dialog.isActiveWindow)
            await desk.until(lambda dialog=dialog: ringed(dialog) is dialog.focusWidget())  # type: ignore[misc] # mypy has no type for a default
            room = dialog.screen().availableSize()
            assert dialog.width() <= room.width(), dialog.objectName()
            assert dialog.height() <= room.height(), dialog.objectName()
            dialog.close()
        assert speaking.dialog is None

    desk.run(play())


def test_the_choice_of_what_a_narrated_video_says_is_whole_and_no_bar_stands_there_idle(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        source = desk.state.session.source
        assert source is not None
        desk.state.record.begin(SessionHead.now(name="Demo match", kind="demo", path=source.path))
        desk.state.record.say(0.0, 1.0, "Kick-off.")
        desk.state.record.end("stopped")
        for percent in (100, 150):
            desk.controller.choose_text_scale(percent)
            dialog = _narrated(desk)
            await desk.until(dialog.isVisible)
            box, option = dialog.words_box, QStyleOptionComboBox()
            assert "What was said about Demo match (1 phrase)" in box.currentText()
            box.initStyleOption(option)
            field = box.style().subControlRect(
                QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, box
            )
            assert field.width() >= box.fontMetrics().horizontalAdvance(box.currentText()), percent
            assert not dialog.bar.isVisible()
            dialog.close()

    desk.run(play())


def _narrated(desk: Desk) -> NarrateDialog:
    desk.window.speaking.open_dialog()
    dialog = desk.window.speaking.dialog
    assert dialog is not None
    return dialog
