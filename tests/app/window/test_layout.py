"""The window at every text size and in a small frame: nothing is cut off, and nothing moves when words come."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.theme.tokens import TEXT_SCALES_PERCENT
from app.window.chooser import Chooser
from app.window.state.session import Figures, Phase
from tests.app.window.conftest import Desk, watch


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
