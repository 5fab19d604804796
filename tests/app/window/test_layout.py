"""The window at every text size and in a small frame: nothing is cut off, and nothing moves when words come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.models.catalogue import CATALOGUE
from app.theme.tokens import TEXT_SCALES_PERCENT
from app.window.chooser import Chooser
from app.window.state.messages import Message
from app.window.state.session import Figures, Phase
from tests.app.window.conftest import Desk, watch


def cut_off(window: QWidget) -> Iterator[str]:
    """What of a window has less room than its words, or lies outside."""
    for widget in window.findChildren(QWidget):
        if not widget.isVisibleTo(window) or widget.objectName().startswith("qt_"):
            continue
        name = f"{type(widget).__name__} {widget.accessibleName()}"
        if isinstance(widget, Chooser) and widget.words_shown != widget.text():
            yield f"{name} shows {widget.words_shown}"
        if isinstance(widget, (QLabel, QPushButton)):
            wraps = isinstance(widget, QLabel) and widget.wordWrap()
            needed, has = widget.minimumSizeHint(), widget.size()
            if not wraps and (has.width() < needed.width() or has.height() < needed.height()):
                yield f"{name} has {has.toTuple()} and needs {needed.toTuple()}"
            if not window.rect().contains(widget.mapTo(window, widget.rect().bottomRight())):
                yield f"{name} lies outside"


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
            # Figures change all the time, and get their place a moment later.
            await desk.until(lambda: (window.width(), window.height()) == size)
            await desk.until_none(lambda: list(cut_off(window)))

    desk.run(play())


@pytest.mark.parametrize("size", [(1280, 720), (960, 600)])
def test_names_are_whole_and_the_title_can_be_read_at_any_text_size(
    desk: Desk, size: tuple[int, int]
) -> None:
    async def play() -> None:
        await desk.open()
        bar = desk.window.top_bar
        names = [
            ("Choose what to watch", preset.name, model.name)
            for preset in desk.controller.saying.book.presets
            for model in CATALOGUE
        ]
        for percent in TEXT_SCALES_PERCENT:
            desk.controller.choose_text_scale(percent)
            desk.window.resize(*size)
            for source, preset_name, model_name in names:
                bar.source_chooser.set_choice(source, "screen")
                bar.preset_chooser.set_choice(preset_name, "preset")
                bar.model_chooser.set_choice(model_name, "model")
                choosers = (bar.source_chooser, bar.preset_chooser, bar.model_chooser)
                await desk.until(
                    lambda choosers=choosers: all(  # type: ignore[misc] # mypy loses the type of a lambda's default
                        chooser.words_shown == chooser.text() and bar.rect().contains(chooser.geometry())
                        for chooser in choosers
                    )
                )
                words = bar.title_box.fontMetrics().horizontalAdvance("What is this? Lions")
                assert bar.title_box.width() > words, (percent, preset_name, model_name)

    desk.run(play())


def test_the_top_bar_has_one_row_in_an_ordinary_window(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        bar = desk.window.top_bar
        for size, percent, has_one_row in (
            ((1280, 720), 100, True),
            ((960, 600), 100, True),
            ((960, 600), 200, False),
            ((1280, 720), 100, True),
        ):
            desk.controller.choose_text_scale(percent)
            desk.window.resize(*size)

            def is_laid_out(size: tuple[int, int] = size, has_one_row: bool = has_one_row) -> bool:
                is_in_one_row = bar.menu_button.y() == bar.source_chooser.y()
                return bar.width() == size[0] and is_in_one_row is has_one_row

            await desk.until(is_laid_out)

    desk.run(play())


def is_whole(widget: QWidget) -> bool:
    """Whether all of it can be seen, and all its lines have room."""
    is_high = not isinstance(widget, QLabel) or widget.height() >= widget.heightForWidth(widget.width())
    return is_high and widget.visibleRegion().boundingRect() == widget.rect()


@pytest.mark.parametrize("size", [(1280, 720), (960, 600)])
def test_an_error_its_details_and_the_captions_are_whole_at_any_text_size(
    desk: Desk, size: tuple[int, int]
) -> None:
    async def play() -> None:
        await watch(desk)
        window, bar, stage = desk.window, desk.window.message_bar, desk.window.stage
        text = "The camera stopped sending pictures. Another program uses it, or its plug is loose."
        details = "\n".join(f"line {number} of what happened" for number in range(40))
        for percent in TEXT_SCALES_PERCENT:
            desk.controller.choose_text_scale(percent)
            window.resize(*size)
            desk.state.messages.show(Message(text=text, details=details, action="Choose another…"))
            shown = (bar.words, bar.details_button, bar.action_button, bar.close_button)
            await desk.until(lambda shown=shown: all(is_whole(widget) for widget in shown))  # type: ignore[misc] # mypy loses the type of a lambda's default
            bar.details_button.click()
            await desk.until(lambda: is_whole(bar.words) and bar.details.isVisible())
            bar.details.setFocus()
            await desk.until(lambda: is_whole(bar.details))
            assert stage.rect().contains(stage.band.geometry()), percent
            assert stage.band.height() >= stage.band.height_within(stage.band.height()), percent
            words = stage.band.fontMetrics().horizontalAdvance("Okafor shoots")
            assert stage.band.width() > words * 28 / 15, percent
            smallest = window.layout().minimumSize()  # type: ignore[union-attr] # every window of ours has one
            assert smallest.width() <= size[0], percent
            assert smallest.height() <= size[1], percent
            desk.state.messages.dismiss()

    desk.run(play())


def test_everything_that_can_be_open_at_once_has_room_in_the_smallest_window(desk: Desk) -> None:
    async def play() -> None:
        await watch(desk)
        window = desk.window
        window.resize(960, 600)
        desk.controller.remember(has_finished_first_start=True)
        for percent in TEXT_SCALES_PERCENT:
            desk.controller.choose_text_scale(percent)
            desk.state.messages.show(Message(text="The camera is gone.", details="where", action="Help"))
            window.message_bar.details_button.setChecked(True)
            window.top_bar.details_button.setChecked(True)
            window.say.question.open()
            bars = (window.top_bar, window.say.form, window.message_bar, window.say.question)
            parts = (*bars, window.stage, window.transport)
            await desk.until(lambda parts=parts: all(part.isVisible() for part in parts))  # type: ignore[misc] # mypy has no type for a default
            await desk.until_none(
                lambda percent=percent, parts=parts: [  # type: ignore[misc] # as above
                    f"{part.objectName()} at {percent}%: {part.geometry()}"
                    for part in parts
                    if part.height() < part.minimumSizeHint().height()
                    or not window.rect().contains(part.geometry())
                ]
            )
            assert (window.width(), window.height()) == (960, 600)

    desk.run(play())


def test_large_figures_in_large_text_give_way_instead_of_being_cut(desk: Desk) -> None:
    async def play() -> None:
        desk.window.resize(960, 600)
        await desk.open()
        desk.controller.choose_text_scale(200)
        status = desk.window.transport.status
        figures = Figures(frames_per_s=2.0, behind_s=112.4, step_ms=112345.0, num_dropped=4321)
        desk.state.session.update(phase=Phase.RUNNING, figures=figures)
        labels = (status.words, status.frames, status.behind, status.step, status.dropped)
        await desk.until(lambda: "112345 ms" in status.figures_in_words)  # read aloud all the same
        await desk.until_none(
            lambda: [
                label.text()
                for label in labels
                if label.isVisible() and label.width() < label.minimumSizeHint().width()
            ]
        )
        assert status.behind.isVisible()
        assert status.dropped.isVisible()
        desk.state.session.update(phase=Phase.IDLE)

    desk.run(play())


def test_the_choice_of_sources_is_whole_in_a_small_window_with_large_text(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        window = desk.window
        for percent in TEXT_SCALES_PERCENT:
            desk.controller.choose_text_scale(percent)
            window.resize(960, 600)
            cards, stage = window.picker.cards, window.stage
            await desk.until_none(
                lambda percent=percent, cards=cards, stage=stage: [  # type: ignore[misc] # mypy has no type for a default
                    f"{card.accessibleName()} at {percent}%: {card.geometry()}"
                    for card in cards
                    if not card.isVisible()
                    or card.height() < card.minimumSizeHint().height()
                    or not stage.rect().contains(card.mapTo(stage, QPoint(0, 0)))
                    or not stage.rect().contains(card.mapTo(stage, card.rect().bottomRight()))
                ]
            )
            await desk.until(lambda cards=cards: len({card.height() for card in cards}) == 1)  # type: ignore[misc] # as above

    desk.run(play())


def test_the_picture_keeps_its_shape_and_nothing_moves_when_words_come(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        stage = desk.window.stage
        # The words about this computer come later than the window, and take their place above it.
        await desk.until(lambda: "This computer" in desk.window.first_start.words.text())
        await desk.until_still(lambda: stage.geometry())
        before = (stage.geometry(), stage.screen_rect)
        desk.controller.start()
        await desk.until(lambda: stage.band.isVisible() and desk.state.session.figures.step_ms is not None)
        assert (stage.geometry(), stage.screen_rect) == before
        screen = stage.screen_rect
        assert abs(screen.width() / screen.height() - 16 / 9) < 0.01
        assert screen.contains(stage.band.geometry())

    desk.run(play())
