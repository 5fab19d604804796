"""The first start: what to watch is asked, the first steps are in reach, and it is said once that it may be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget

from app.window.state.session import Phase
from tests.app.window.conftest import Desk, watch


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

        first, second, third, fourth = strip.buttons
        await desk.until(lambda: all_of(first, strip.fold_button, strip.close_button))
        assert not second.isVisible()
        # What the computer can do is told in short beside it, without a line more.
        await desk.until(lambda: seen_whole(strip.verdict))
        assert strip.verdict.text().rstrip(".") in strip.words.text()
        assert strip.verdict.y() == first.y()
        assert strip.words.text() in first.accessibleDescription()
        # By keyboard: Tab from the next step to all of them.
        first.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(first, Qt.Key.Key_Tab)
        assert strip.fold_button.hasFocus()
        QTest.keyClick(strip.fold_button, Qt.Key.Key_Space)
        await desk.until(lambda: all_of(first, second, third, fourth, strip.words, strip.fold_button))
        assert strip.fold_button.accessibleName() == "Fewer steps"
        assert not strip.verdict.isVisible()
        assert strip.fold_button.hasFocus()
        window.resize(960, 680)
        await desk.until(lambda: all_of(first, second, third, fourth, strip.words, strip.fold_button))
        QTest.keyClick(strip.fold_button, Qt.Key.Key_Space)
        assert not second.isVisible()
        QTest.keyClick(first, Qt.Key.Key_Space)
        await desk.until(lambda: all_of(second, strip.fold_button) and not first.isVisible())
        desk.controller.choose_text_scale(100)
        window.resize(1280, 720)
        await desk.until(
            lambda: all_of(first, second, third, fourth, strip.words) and not strip.fold_button.isVisible()
        )

    desk.run(see())


def test_a_step_leads_to_the_models_and_is_done_when_one_is_chosen(desk: Desk, tiny_model: Path) -> None:
    async def see() -> None:
        await desk.open()
        step = desk.window.first_start.buttons[2]
        assert "demo match" in step.accessibleDescription()
        step.click()
        page = desk.window.settings_page.window
        assert page is not None
        assert page.isVisible()
        assert page.page == "models"
        desk.controller.choose_model(str(tiny_model))
        assert step.text().endswith("done")

    desk.run(see())
